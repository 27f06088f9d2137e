import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RecoveryOptions, recover } from "../../src/core/storage/recovery.js";
import { writeSnapshot } from "../../src/core/storage/snapshot-writer.js";
import { TxnLogWriter } from "../../src/core/storage/txn-log-writer.js";
import { NodeDisk } from "../../src/node/disk/node-disk.js";
import { snapshotCodecs } from "../../src/node/disk/snapshot-codecs.js";
import { entriesOf, payloadOf, ToyState, toyFactory } from "./toy-state.js";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const noProgress = { snapshot() {}, log() {} };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "quoll-storage-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function options(): RecoveryOptions {
  const directory = join(root, "version-2");
  return {
    logDirectory: directory,
    snapDirectory: directory,
    autocreateDirectories: true,
    autocreateDatabase: true,
    trustEmptySnapshot: false,
    initialZxid: 0,
    acceptDigestMismatch: false,
  };
}

test.each(["", "gz", "snappy"] as const)(
  "what was logged and snapshotted on the real disk comes back (compression=%s)",
  (compression) => {
    const disk = new NodeDisk();
    const recovered = recover(disk, snapshotCodecs, toyFactory, options(), noProgress, silent);
    expect(recovered.isNew).toBe(true);
    const { state } = recovered;
    const directory = options().logDirectory;
    const snapshot = (zxid: number) =>
      writeSnapshot(
        disk,
        directory,
        snapshotCodecs,
        {
          zxid,
          compression,
          digest: { zxid, version: 2, hi: state.digest.hi, lo: state.digest.lo },
          lastProcessedZxid: true,
          pace: () => {},
        },
        (sink) => state.write(sink),
      );
    snapshot(0);
    const writer = new TxnLogWriter(
      disk,
      directory,
      { preAllocBytes: 1 << 20, sizeLimitBytes: -1, forceSync: true },
      0,
    );
    const append = (zxid: number) => {
      const payload = payloadOf(zxid);
      const entry = entriesOf([payload]);
      writer.append(entry, 0, entry.length);
      state.apply(payload, 0, payload.length);
    };
    for (let zxid = 1; zxid <= 1000; zxid++) append(zxid);
    writer.commit();
    snapshot(1000);
    writer.roll();
    for (let zxid = 1001; zxid <= 1500; zxid++) append(zxid);
    writer.commit();
    expect(readdirSync(directory).sort()).toEqual(
      [
        "log.1",
        "quoll.synced",
        "log.3e9",
        ...["0", "3e8"].map((zxid) => `snapshot.${zxid}${compression === "" ? "" : `.${compression}`}`),
      ].sort(),
    );
    expect(statSync(join(directory, "log.3e9")).size).toBe(16 + (1 << 20));
    expect(readFileSync(join(directory, "log.1")).subarray(0, 4).toString()).toBe("ZKLG");

    const again = recover(disk, snapshotCodecs, toyFactory, options(), noProgress, silent);
    expect(again.isNew).toBe(false);
    expect(again.snapshotZxid).toBe(1000);
    expect(again.txnsReplayed).toBe(500);
    expect(again.lastZxid).toBe(1500);
    expect(again.state.zxids).toEqual(state.zxids);
    expect(again.state.checksum).toBe(state.checksum);
    expect(new ToyState().zxids).toEqual([]);
  },
);
