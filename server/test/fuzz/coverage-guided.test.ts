import { ProtocolError, Writer } from "@quoll/jute";
import { expect, test } from "vitest";
import { adler32 } from "../../src/core/storage/adler32.js";
import { recover } from "../../src/core/storage/recovery.js";
import { parseSnapshotName } from "../../src/core/storage/snapshot-format.js";
import { readSnapshot } from "../../src/core/storage/snapshot-reader.js";
import { DamagedError, DataDirectoryError, FormatError } from "../../src/core/storage/storage-error.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { ENTRY_END, encodeLogHeader, LOG_HEADER_SIZE } from "../../src/core/storage/txn-log-format.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { snapshotCodecs } from "../../src/node/disk/snapshot-codecs.js";
import { CoreServer } from "../hostile/core-server.js";
import { connectFrame, frame } from "../hostile/frames.js";
import { DIR } from "../storage/world.js";
import { dump, load, serialize, OPTIONS as TREE_OPTIONS } from "../tree/inspect.js";
import { explore } from "./coverage.js";
import { randomInts, SEED, TIMEOUT_MS } from "./random.js";
import { randomRequest } from "./requests.js";
import { fileAround, loggedTxns, sampleBody } from "./samples.js";

/** Inputs for each: `QUOLL_FUZZ_GUIDED=1000000 npx vitest run server/test/fuzz/coverage-guided.test.ts` for a long run. */
const GUIDED_INPUTS = Number(process.env["QUOLL_FUZZ_GUIDED"] ?? 500);

function exploreAndCount(seeds: readonly Uint8Array[], run: (input: Uint8Array) => void): void {
  const { bySeeds, branches, corpus } = explore(seeds, GUIDED_INPUTS, randomInts(SEED), run);
  console.info(
    `${GUIDED_INPUTS} inputs: ${bySeeds} branches by ${seeds.length} seeds, ${branches} by ${corpus.length}`,
  );
  expect(branches).toBeGreaterThan(bySeeds);
}

test(
  `streams of a client's frames: the server is sound afterwards (guided inputs=${GUIDED_INPUTS}, seed=${SEED})`,
  () => {
    const seeds = Array.from({ length: 20 }, (_, i) => {
      const random = randomInts(SEED * 100 + i);
      const stream = new Writer();
      const put = (bytes: Uint8Array) => stream.raw(bytes, 0, bytes.length);
      put(connectFrame(5000));
      for (let xid = 1; xid <= 8; xid++) {
        const { type, body } = randomRequest(random);
        put(frame(xid, type, body));
      }
      return stream.take();
    });
    exploreAndCount(seeds, (input) => {
      const server = new CoreServer(undefined, { maxSessionTimeoutMs: 1000 });
      const client = server.connect();
      client.send(input);
      server.sync();
      server.sync();
      // Whole frames came back, unless it was a four-letter word.
      if (client.output.at > 0) client.replies();
      server.advance(200);
      client.drop();
      server.advance(1500);
      if (server.core.inProcess !== 0 || server.core.connectionCount !== 0) throw new Error("something is left over");
      if (server.tree.sessions.size !== 0 || server.tree.ephemeralCount !== 0)
        throw new Error("a session is left over");
      const served = dump(server.tree);
      const replayed = new DataTree(TREE_OPTIONS);
      for (const txn of server.log.txns) replayed.apply(txn, 0, txn.length, null);
      if (dump(replayed).join("\n") !== served.join("\n")) throw new Error("the log gives another tree");
      if (replayed.digestMismatches > 0) throw new Error("the log gives other digests");
    });
  },
  TIMEOUT_MS,
);

test(
  `bodies of snapshots: refused, or the same when written and read again (guided inputs=${GUIDED_INPUTS}, seed=${SEED})`,
  () => {
    const seeds = Array.from({ length: 20 }, (_, i) => sampleBody(SEED * 100 + i));
    const name = parseSnapshotName("snapshot.7")!;
    exploreAndCount(seeds, (body) => {
      const disk = new FakeDisk();
      disk.put(`${DIR}/${name.name}`, fileAround(body));
      let tree: DataTree;
      try {
        tree = readSnapshot(
          disk,
          DIR,
          name,
          snapshotCodecs,
          () => {},
          (source) => DataTree.deserialize(source, TREE_OPTIONS),
        ).body;
      } catch (error) {
        if (error instanceof ProtocolError) return;
        throw error;
      }
      const again = load(serialize(tree.freeze()));
      if (dump(again).join("\n") !== dump(tree).join("\n")) throw new Error("not the same when written and read again");
    });
  },
  TIMEOUT_MS,
);

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const noProgress = { snapshot() {}, log() {} };
const factory = {
  create: () => new DataTree(TREE_OPTIONS),
  load: (source: Parameters<typeof DataTree.deserialize>[0]) => DataTree.deserialize(source, TREE_OPTIONS),
};
const recoveryOptions = {
  logDirectory: DIR,
  snapDirectory: DIR,
  autocreateDirectories: true,
  autocreateDatabase: true,
  trustEmptySnapshot: true,
  initialZxid: 0,
};

/** An input for recovery: a byte of flags, then each payload behind two bytes of its length; the rest is the log's end. */
const DIGESTS_MAY_DIFFER = 1;
const HAS_SNAPSHOT = 2;

function encodeLog(flags: number, txns: readonly Uint8Array[]): Uint8Array {
  const input = new Writer();
  input.byte(flags);
  for (const txn of txns) {
    input.byte(txn.length >> 8);
    input.byte(txn.length);
    input.raw(txn, 0, txn.length);
  }
  return input.take();
}

/** A log of an input's payloads, with right checksums. */
function logOf(input: Uint8Array): Uint8Array {
  const log = new Writer();
  log.raw(encodeLogHeader(), 0, LOG_HEADER_SIZE);
  let at = 1;
  while (at + 2 < input.length) {
    const length = (input[at] << 8) | input[at + 1];
    if (at + 2 + length > input.length) break;
    at += 2;
    log.long(adler32(input, at, at + length));
    log.int(length);
    log.raw(input, at, at + length);
    log.byte(ENTRY_END);
    at += length;
  }
  log.raw(input, Math.min(at, input.length), input.length);
  return log.take();
}

test(
  `txn logs: recovery gives a state that its own snapshot gives again, or a refusal that changes nothing (guided inputs=${GUIDED_INPUTS}, seed=${SEED})`,
  () => {
    const snapshot = fileAround(serialize(new DataTree(TREE_OPTIONS).freeze()));
    const seeds = Array.from({ length: 20 }, (_, i) => encodeLog(i & 3, loggedTxns(SEED * 100 + i, 15)));
    exploreAndCount(seeds, (input) => {
      const flags = input.length > 0 ? input[0] : 0;
      const log = logOf(input);
      const disk = new FakeDisk();
      disk.makeDirectory(DIR);
      if ((flags & HAS_SNAPSHOT) !== 0) disk.put(`${DIR}/snapshot.0`, snapshot);
      disk.put(`${DIR}/log.1`, log);
      const options = { ...recoveryOptions, acceptDigestMismatch: (flags & DIGESTS_MAY_DIFFER) !== 0 };
      let state: DataTree;
      try {
        state = recover(disk, snapshotCodecs, factory, options, noProgress, silent).state;
      } catch (error) {
        const isKnown =
          error instanceof DamagedError || error instanceof FormatError || error instanceof DataDirectoryError;
        if (!isKnown) throw error;
        if (Buffer.compare(disk.contents(`${DIR}/log.1`), log) !== 0)
          throw new Error("the refusal has changed the log");
        return;
      }
      const again = recover(disk, snapshotCodecs, factory, options, noProgress, silent).state;
      if (dump(again).join("\n") !== dump(state).join("\n")) throw new Error("the second recovery gives another tree");
    });
  },
  TIMEOUT_MS,
);
