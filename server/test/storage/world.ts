import { type Purged, purge } from "../../src/core/storage/purge.js";
import { type Recovered, type RecoveryOptions, recover } from "../../src/core/storage/recovery.js";
import type { SnapshotCodec } from "../../src/core/storage/snapshot-codec.js";
import { writeSnapshot } from "../../src/core/storage/snapshot-writer.js";
import { Crash, type FakeDisk, type Survives } from "../../src/core/storage/testing/fake-disk.js";
import { type TxnLogOptions, TxnLogWriter } from "../../src/core/storage/txn-log-writer.js";
import { entriesOf, payloadOf, type ToyState, toyFactory } from "./toy-state.js";

export const DIR = "/data/version-2";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const noProgress = { snapshot() {}, log() {} };

const unavailable: SnapshotCodec = {
  compressor: () => {
    throw new Error("no compression on the fake disk");
  },
  decompress: () => {
    throw new Error("no compression on the fake disk");
  },
};
const noCodecs = { gz: unavailable, snappy: unavailable };

const defaults: RecoveryOptions = {
  logDirectory: DIR,
  snapDirectory: DIR,
  autocreateDirectories: true,
  autocreateDatabase: true,
  trustEmptySnapshot: false,
  initialZxid: 0,
  acceptDigestMismatch: false,
};

export function start(disk: FakeDisk, options: Partial<RecoveryOptions> = {}): Recovered<ToyState> {
  return recover(disk, noCodecs, toyFactory, { ...defaults, ...options }, noProgress, silent);
}

/** A server's storage on a fake disk: what a server does with it, without the server. */
export class World {
  state!: ToyState;
  writer!: TxnLogWriter;
  /** The last txn that was reported durable, and the last one that was appended. */
  acked = 0;
  attempted = 0;

  constructor(
    readonly disk: FakeDisk,
    private readonly logOptions: TxnLogOptions = { preAllocBytes: 4096, sizeLimitBytes: -1, forceSync: true },
  ) {}

  boot(): void {
    const recovered = start(this.disk);
    this.state = recovered.state;
    this.attempted = Math.max(this.attempted, recovered.lastZxid);
    if (recovered.isNew) this.snapshot();
    this.writer = new TxnLogWriter(this.disk, DIR, this.logOptions, recovered.lastZxid);
  }

  /** Appends a batch of txns, syncs it, acknowledges it. */
  write(count: number, size = 20): void {
    const payloads: Uint8Array[] = [];
    for (let i = 1; i <= count; i++) payloads.push(payloadOf(this.state.lastProcessedZxid + i, size));
    const batch = entriesOf(payloads);
    this.attempted = this.state.lastProcessedZxid + count;
    this.writer.append(batch, 0, batch.length);
    this.writer.commit();
    this.acked = this.attempted;
    for (const payload of payloads) this.state.apply(payload, 0, payload.length);
    this.writer.markSynced();
  }

  /** @param digestError - is added to the digest, which then is wrong */
  snapshot(digestError = 0): void {
    const { state } = this;
    const zxid = state.lastProcessedZxid;
    writeSnapshot(
      this.disk,
      DIR,
      noCodecs,
      {
        zxid,
        compression: "",
        digest: { zxid, version: 2, hi: state.digest.hi, lo: state.digest.lo + digestError },
        lastProcessedZxid: true,
        pace: () => {},
      },
      (sink) => state.write(sink),
    );
  }

  purge(retain = 3): Purged {
    return purge(this.disk, noCodecs, { logDirectory: DIR, snapDirectory: DIR }, retain);
  }

  /** Runs until it is done or the machine stops. @returns whether it stopped */
  crashes(body: () => void): boolean {
    try {
      body();
      return false;
    } catch (error) {
      if (error instanceof Crash) return true;
      throw error;
    }
  }
}

/** A small generator with a seed, so that a failing case can be run again. */
function randomOf(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** What a crash leaves: nothing unsynced, all of it, or a random part. */
export const crashes: readonly { readonly name: string; readonly survives: (seed: number) => Survives }[] = [
  { name: "nothing unsynced survives", survives: () => () => false },
  { name: "everything survives", survives: () => () => true },
  ...[1, 2, 3].map((n) => ({
    name: `random part ${n} survives`,
    survives: (seed: number): Survives => {
      const random = randomOf(seed * 7 + n);
      return () => random() < 0.5;
    },
  })),
];

/** The zxids that a state must hold: all from 1 to `last`. */
export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}
