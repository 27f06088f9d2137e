import { ProtocolError } from "@quoll/jute";
import { expect, test } from "vitest";
import { adler32 } from "../../src/core/storage/adler32.js";
import { recover } from "../../src/core/storage/recovery.js";
import { DamagedError, DataDirectoryError, FormatError } from "../../src/core/storage/storage-error.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { writeTreeSnapshot } from "../../src/core/storage/tree-snapshot.js";
import { ENTRY_HEAD_SIZE, ENTRY_OVERHEAD, LOG_HEADER_SIZE, putInt } from "../../src/core/storage/txn-log-format.js";
import { TxnLogWriter } from "../../src/core/storage/txn-log-writer.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { snapshotCodecs } from "../../src/node/disk/snapshot-codecs.js";
import { entriesOf } from "../storage/toy-state.js";
import { DIR } from "../storage/world.js";
import { dump, OPTIONS as TREE_OPTIONS } from "../tree/inspect.js";
import { INPUTS, mutate, pick, randomInts, SEED, TIMEOUT_MS } from "./random.js";
import { loggedTxns } from "./samples.js";

test(
  `a mutated txn is applied or refused, and leaves a tree that is sound (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    const txns = loggedTxns(SEED, 400);
    let tree = new DataTree(TREE_OPTIONS);
    let applied = 0;
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      if (i % 500 === 0) tree = new DataTree(TREE_OPTIONS);
      const original = pick(random, txns);
      const txn = random(3) === 0 ? original : mutate(original, random);
      try {
        tree.apply(txn, 0, txn.length, null);
        applied++;
        if (i % 100 === 99) dump(tree); // walks the whole tree and throws where it contradicts itself
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw new Error(`input ${i} of seed ${SEED}: ${txn}`, { cause: error });
        refused++;
        // What was applied before the bad part stays; the server would not go on with it.
        tree = new DataTree(TREE_OPTIONS);
      }
    }
    expect(applied).toBeGreaterThan(INPUTS / 10);
    expect(refused).toBeGreaterThan(INPUTS / 10);
  },
  TIMEOUT_MS,
);

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const noProgress = { snapshot() {}, log() {} };

interface Files {
  readonly snapshot: Uint8Array;
  readonly log: Uint8Array;
  readonly logName: string;
}

/** A new directory's snapshot, and the log of what came after. */
function sampleFiles(seed: number): Files {
  const disk = new FakeDisk();
  disk.makeDirectory(DIR);
  const tree = new DataTree(TREE_OPTIONS);
  const options = { compression: "", digestEnabled: true, lastProcessedZxid: true } as const;
  const { path } = writeTreeSnapshot(disk, DIR, snapshotCodecs, tree.freeze(), options, () => {});
  tree.release();
  const writer = new TxnLogWriter(disk, DIR, { preAllocBytes: 0, sizeLimitBytes: -1, forceSync: true }, 0);
  const batch = entriesOf(loggedTxns(seed, 12));
  writer.append(batch, 0, batch.length);
  writer.commit();
  const logPath = writer.currentPath;
  writer.close();
  return {
    snapshot: disk.contents(path).slice(0, disk.size(path)),
    log: disk.contents(logPath).slice(0, disk.size(logPath)),
    logName: logPath.slice(DIR.length + 1),
  };
}

/** Changes a byte of some entry's payload and makes its checksum right again. */
function forge(log: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = log.slice();
  const view = new DataView(bytes.buffer);
  const entries: number[] = [];
  for (let at = LOG_HEADER_SIZE; at + ENTRY_OVERHEAD < bytes.length; ) {
    entries.push(at);
    at += ENTRY_OVERHEAD + view.getInt32(at + 8);
  }
  const at = entries[random(entries.length)];
  const length = view.getInt32(at + 8);
  const payload = at + ENTRY_HEAD_SIZE;
  bytes[payload + random(length)] = random(256);
  putInt(bytes, at + 4, adler32(bytes, payload, payload + length) | 0);
  return bytes;
}

test(
  `recovery from a mutated txn log gives a state or says what is wrong (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    const samples = Array.from({ length: 8 }, (_, i) => sampleFiles(SEED * 100 + i));
    const factory = {
      create: () => new DataTree(TREE_OPTIONS),
      load: (source: Parameters<typeof DataTree.deserialize>[0]) => DataTree.deserialize(source, TREE_OPTIONS),
    };
    const options = {
      logDirectory: DIR,
      snapDirectory: DIR,
      autocreateDirectories: true,
      autocreateDatabase: true,
      trustEmptySnapshot: false,
      initialZxid: 0,
      acceptDigestMismatch: false,
    };
    let recovered = 0;
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const { snapshot, log, logName } = pick(random, samples);
      const disk = new FakeDisk();
      disk.makeDirectory(DIR);
      disk.put(`${DIR}/snapshot.0`, snapshot);
      const bytes = random(3) === 0 ? forge(log, random) : mutate(log, random);
      disk.put(`${DIR}/${logName}`, bytes);
      try {
        const { state, lastZxid } = recover(disk, snapshotCodecs, factory, options, noProgress, silent);
        if (state.lastProcessedZxid !== lastZxid) throw new Error("the state is not at the last zxid");
        if (i % 50 === 0) dump(state);
        recovered++;
      } catch (error) {
        const isKnown =
          error instanceof DamagedError || error instanceof FormatError || error instanceof DataDirectoryError;
        if (!isKnown) throw new Error(`input ${i} of seed ${SEED}`, { cause: error });
        refused++;
        // Rule D41: a refusal changes nothing.
        const left = disk.contents(`${DIR}/${logName}`).subarray(0, disk.size(`${DIR}/${logName}`));
        if (left.length !== bytes.length || left.some((byte, at) => byte !== bytes[at])) {
          throw new Error(`input ${i} of seed ${SEED}: the refusal has changed the log`);
        }
      }
    }
    expect(recovered).toBeGreaterThan(INPUTS / 20);
    expect(refused).toBeGreaterThan(INPUTS / 20);
  },
  TIMEOUT_MS,
);
