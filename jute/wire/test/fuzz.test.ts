import { expect, test } from "vitest";
import { encodeRecord, equalRecords, type Limits, ProtocolError, Reader } from "../src/index.js";
import { readGolden } from "./golden.js";

/** More inputs for a long run: `QUOLL_FUZZ=10000000 npx vitest run jute/wire/test/fuzz.test.ts`. */
const inputs = Number(process.env["QUOLL_FUZZ"] ?? 100_000);
const seed = Number(process.env["QUOLL_FUZZ_SEED"] ?? 1);

/** A small generator (mulberry32), because the inputs must be cheap to make and the same on every run. */
function randomInts(start: number): (below: number) => number {
  let state = start | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const golden = readGolden();
const lies = [-1, -2, 0, 1, 2, 0x7fffffff, -0x80000000, 0xffff, 0x100000];
const limits: Limits = { bufferMax: 64 };

/** Golden bytes with a few bytes changed, a length that lies, an end cut off or something behind it; or mere noise. */
function mutate(original: Uint8Array, random: (below: number) => number): Uint8Array {
  const kind = random(8);
  if (kind === 0) return Uint8Array.from({ length: random(80) }, () => random(256));
  const bytes = new Uint8Array(original.length + (kind === 1 ? random(16) : 0));
  bytes.set(original);
  for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256);
  if (kind <= 4 && bytes.length >= 4) {
    new DataView(bytes.buffer).setInt32(random(bytes.length - 3), lies[random(lies.length)]);
  }
  return kind === 5 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

test(`decoders of hostile bytes return a record or a protocol error and nothing else (inputs=${inputs}, seed=${seed})`, () => {
  let accepted = 0;
  let refused = 0;
  for (let i = 0; i < inputs; i++) {
    const random = randomInts(seed * 0x9e3779b1 + i);
    const { type, bytes: original } = golden[random(golden.length)];
    const bytes = mutate(original, random);
    const reader = new Reader(bytes, 0, bytes.length, limits);
    try {
      const value = type.decode(reader);
      accepted++;
      // What was accepted must be a value of the type: it can be written and read again.
      if (reader.at > bytes.length) throw new Error("read behind the end");
      // (Compared after the first time, because Java's coding does not give back characters beyond the basic plane.)
      const once = type.decode(new Reader(encodeRecord(type, value)));
      const twice = type.decode(new Reader(encodeRecord(type, once)));
      if (!equalRecords(type, once, twice)) throw new Error("not the same when written and read again");
    } catch (error) {
      refused++;
      if (error instanceof ProtocolError && error.offset >= 0 && error.offset <= bytes.length) continue;
      throw new Error(`input ${i} of seed ${seed}: ${type.name} from ${Buffer.from(bytes).toString("hex")}`, {
        cause: error,
      });
    }
  }
  expect(accepted).toBeGreaterThan(inputs / 10);
  expect(refused).toBeGreaterThan(inputs / 10);
}, 3_600_000);
