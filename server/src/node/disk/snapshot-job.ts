import { Worker } from "node:worker_threads";
import { InvariantError } from "@quoll/jute";
import type { Directories } from "../../core/storage/data-directory.js";
import type { Purged } from "../../core/storage/purge.js";
import type { WrittenSnapshot } from "../../core/storage/snapshot-writer.js";
import { DiskError } from "../../core/storage/storage-error.js";
import type { TreeSnapshotOptions } from "../../core/storage/tree-snapshot.js";
import type { FrozenTree } from "../../core/tree/frozen-tree.js";

/** A snapshot to write. */
export interface SnapshotOrder extends TreeSnapshotOptions {
  readonly kind: "write";
  readonly frozen: FrozenTree;
  /** `version-2` under dataDir. */
  readonly directory: string;
}

/** What the snapshot worker is started with. */
export type SnapshotJob =
  | SnapshotOrder
  | { readonly kind: "purge"; readonly directories: Directories; readonly retain: number };

/** What it reports. */
export type SnapshotReport =
  | { readonly kind: "written"; readonly snapshot: WrittenSnapshot }
  | { readonly kind: "purged"; readonly purged: Purged }
  | { readonly kind: "failed"; readonly operation: string; readonly path: string; readonly errno: string };

/**
 * Writes a snapshot in a thread of its own, slowly enough that the log's syncs come first. A failure leaves no file behind
 * and concerns the snapshot alone: the server goes on as long as its log works.
 * @param order - its `frozen` must not be released before this settles
 * @throws DiskError
 */
export async function writeSnapshotInWorker(order: SnapshotOrder): Promise<WrittenSnapshot> {
  const report = await run(order);
  if (report.kind !== "written") throw new InvariantError(`the snapshot worker answered ${report.kind}`);
  return report.snapshot;
}

/**
 * Removes old snapshots and logs, in a thread of its own since it reads those that are kept.
 * @throws DiskError
 */
export async function purgeInWorker(directories: Directories, retain: number): Promise<Purged> {
  const report = await run({ kind: "purge", directories, retain });
  if (report.kind !== "purged") throw new InvariantError(`the snapshot worker answered ${report.kind}`);
  return report.purged;
}

function run(job: SnapshotJob): Promise<SnapshotReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./snapshot-worker.js", import.meta.url), { workerData: job, name: "snapshot" });
    worker.on("message", (report: SnapshotReport) => {
      if (report.kind === "failed") reject(new DiskError(report.operation, report.path, report.errno));
      else resolve(report);
    });
    worker.on("error", reject);
    worker.on("exit", () => reject(new InvariantError("the snapshot worker ended without a report")));
  });
}
