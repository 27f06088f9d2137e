import { ProtocolError } from "@quoll/jute";
import { expect, test } from "vitest";
import { parseAddress } from "../../src/core/acl/ip-address.js";
import { readEpochs, readNumberFile } from "../../src/core/storage/number-file.js";
import { DamagedError } from "../../src/core/storage/storage-error.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { checker, providers } from "../acl/scene.js";
import { ascii } from "../hostile/frames.js";
import { DIR } from "../storage/world.js";
import { INPUTS, mutate, pick, type RandomInts, randomInts, SEED, TIMEOUT_MS } from "./random.js";

const NUMBERS = [
  "0",
  "1",
  "3\n",
  " 7 ",
  "-1",
  "9007199254740993",
  "99999999999999999999",
  "1\n2",
  "",
  "\n",
  "+1",
  "1e2",
  "0x1",
];

test(
  `a file of a number holds a number or is refused; epochs are sound or damage (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    let disk = new FakeDisk();
    let numbers = 0;
    let sound = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      if (i % 1000 === 0) disk = new FakeDisk(); // it keeps a list of all calls
      const contents = () => {
        const bytes = ascii(pick(random, NUMBERS));
        return random(3) === 0 ? mutate(bytes, random) : bytes;
      };
      disk.put(`${DIR}/currentEpoch`, contents());
      disk.put(`${DIR}/acceptedEpoch`, contents());
      try {
        if (Number.isSafeInteger(readNumberFile(disk, `${DIR}/currentEpoch`))) numbers++;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw new Error(`input ${i} of seed ${SEED}`, { cause: error });
      }
      try {
        const { accepted, current } = readEpochs(disk, DIR, random(3) * 2 ** 32 + 5);
        if (accepted < current || current < 0) throw new Error(`epochs ${accepted} ${current}`);
        sound++;
      } catch (error) {
        if (!(error instanceof DamagedError)) throw new Error(`input ${i} of seed ${SEED}`, { cause: error });
      }
    }
    expect(numbers).toBeGreaterThan(INPUTS / 10);
    expect(sound).toBeGreaterThan(INPUTS / 50);
  },
  TIMEOUT_MS,
);

const IDS = [
  "10.0.0.1",
  "10.0.0.0/8",
  "0.0.0.0/0",
  "255.255.255.255/32",
  "1.2.3",
  "1.2.3.4/33",
  "::1",
  "fe80::1/64",
  "1:2:3:4:5:6:7:8/128",
  "::/0",
  "user:aGFzaA==",
  "anyone",
  "",
];
const SCHEMES = ["ip", "digest", "world", "auth", "super", "sasl", "x509", "", "constructor", "__proto__"];

function id(random: RandomInts): string {
  const text = pick(random, IDS);
  return random(2) === 0 ? text : String.fromCharCode(...mutate(ascii(text), random));
}

test(
  `ids of ACLs, addresses and auth packets of any contents are taken or refused (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    const acls = checker();
    const known = providers();
    let taken = 0;
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const auth = acls.newAuth(pick(random, ["10.1.2.3", "::ffff:10.1.2.3", "fe80::1%eth0", "::1", ""]));
      acls.authenticate(auth, pick(random, SCHEMES), random(5) === 0 ? null : ascii(id(random)));
      const requested = Array.from({ length: random(4) }, () => ({
        perms: random(40) - 4,
        scheme: random(30) === 0 ? null : pick(random, SCHEMES),
        id: random(30) === 0 ? null : id(random),
      }));
      try {
        const fixed = acls.fixup(requested, auth);
        if (fixed === null) {
          refused++;
        } else {
          taken++;
          if (fixed.length === 0) throw new Error("an ACL of nothing");
          acls.allowsList(fixed, 31, auth);
          acls.redact(fixed);
          for (const entry of fixed) {
            const isValid = entry.scheme === "world" || known.get(entry.scheme)!.isValid(entry.id);
            if (entry.scheme === "ip" && !isValid) throw new Error(`an invalid id came through: ${entry.id}`);
          }
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) {
          throw new Error(`input ${i} of seed ${SEED}: ${JSON.stringify(requested)}`, { cause: error });
        }
      }
      const address = parseAddress(id(random));
      if (address === null) continue;
      if (address.length !== 4 && address.length !== 16) throw new Error(`${address.length} bytes`);
      for (const byte of address) if (!(byte >= 0 && byte <= 255)) throw new Error(`byte ${byte}`);
    }
    expect(taken).toBeGreaterThan(INPUTS / 200);
    expect(refused).toBeGreaterThan(INPUTS / 10);
  },
  TIMEOUT_MS,
);
