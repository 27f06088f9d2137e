import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataTree } from "../../dist/core/tree/data-tree.js";
// The worker is started from the built files: run `npm run build` first, as `npm test` does.
import { purgeInWorker, type SnapshotOrder, writeSnapshotInWorker } from "../../dist/node/disk/snapshot-job.js";
import type { ByteSource } from "../../src/core/storage/byte-stream.js";
import { isValidSnapshot } from "../../src/core/storage/purge.js";
import { parseSnapshotName } from "../../src/core/storage/snapshot-format.js";
import { readSnapshot } from "../../src/core/storage/snapshot-reader.js";
import { NodeDisk } from "../../src/node/disk/node-disk.js";
import { snapshotCodecs } from "../../src/node/disk/snapshot-codecs.js";

const options = { seed: 1, digestEnabled: true, extendedTypesEnabled: false, emulate353TTLNodes: false };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quoll-snapshot-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function order(tree: DataTree, changes: Partial<SnapshotOrder> = {}): SnapshotOrder {
  return {
    kind: "write",
    frozen: tree.freeze(),
    directory,
    compression: "",
    digestEnabled: true,
    lastProcessedZxid: true,
    ...changes,
  };
}

test.each(["", "gz", "snappy"] as const)(
  "a tree is written by the worker and read again (compression=%s)",
  async (compression) => {
    const tree = new DataTree(options);
    tree.lastProcessedZxid = 0x2a;
    const { path, size } = await writeSnapshotInWorker(order(tree, { compression }));
    tree.release();
    const name = `snapshot.2a${compression === "" ? "" : `.${compression}`}`;
    expect(path).toBe(`${directory}/${name}`);
    expect(size).toBeGreaterThan(100);
    expect(readdirSync(directory)).toEqual([name]);
    const disk = new NodeDisk();
    const parsed = parseSnapshotName(name)!;
    const loaded = readSnapshot(
      disk,
      directory,
      parsed,
      snapshotCodecs,
      () => {},
      (source: ByteSource) => DataTree.deserialize(source, options),
    );
    expect(loaded.body.nodeCount).toBe(tree.nodeCount);
    expect(loaded.body.digest).toEqual(tree.digest);
    expect(loaded.lastProcessedZxid).toBe(0x2a);
    expect(isValidSnapshot(disk, snapshotCodecs, directory, parsed)).toBe(true);
  },
);

test("a snapshot that cannot be written is an error of the disk, and nothing else happens", async () => {
  const tree = new DataTree(options);
  const missing = order(tree, { directory: join(directory, "missing") });
  await expect(writeSnapshotInWorker(missing)).rejects.toMatchObject({ code: "DISK", errno: "ENOENT" });
  mkdirSync(join(directory, "snapshot.0"));
  // The last step fails: the name is taken by a directory.
  await expect(writeSnapshotInWorker(order(tree))).rejects.toMatchObject({ code: "DISK", operation: "rename" });
  expect(readdirSync(directory)).toEqual(["snapshot.0"]);
  tree.release();
});

test("old snapshots are purged by the worker", async () => {
  const tree = new DataTree(options);
  for (let zxid = 0; zxid < 5; zxid++) {
    tree.lastProcessedZxid = zxid;
    await writeSnapshotInWorker(order(tree));
    tree.release();
  }
  const purged = await purgeInWorker({ logDirectory: directory, snapDirectory: directory }, 3);
  expect(purged.removed).toEqual([`${directory}/snapshot.0`, `${directory}/snapshot.1`]);
  expect(readdirSync(directory).sort()).toEqual(["snapshot.2", "snapshot.3", "snapshot.4"]);
});
