import { parentPort, workerData } from "node:worker_threads";
import { purge } from "../../core/storage/purge.js";
import { DiskError } from "../../core/storage/storage-error.js";
import { writeTreeSnapshot } from "../../core/storage/tree-snapshot.js";
import { NodeDisk } from "./node-disk.js";
import { snapshotCodecs } from "./snapshot-codecs.js";
import type { SnapshotJob, SnapshotReport } from "./snapshot-job.js";

/** Sleeps after each piece for half the time that it took, at most this long. */
const PAUSE_MAX_MS = 20;

function run(job: SnapshotJob): SnapshotReport {
  const disk = new NodeDisk();
  try {
    if (job.kind === "purge") {
      return { kind: "purged", purged: purge(disk, snapshotCodecs, job.directories, job.retain) };
    }
    const snapshot = writeTreeSnapshot(disk, job.directory, snapshotCodecs, job.frozen, job, pacer());
    return { kind: "written", snapshot };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { kind: "failed", operation: error.operation, path: error.path, errno: error.errno };
  }
}

/** Leaves a third of the time to others: on few cores the main thread and the log's worker need it. */
function pacer(): () => void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  let last = performance.now();
  return () => {
    const pauseMs = Math.min((performance.now() - last) / 2, PAUSE_MAX_MS);
    Atomics.wait(sleeper, 0, 0, pauseMs);
    last = performance.now();
  };
}

parentPort!.postMessage(run(workerData as SnapshotJob));
