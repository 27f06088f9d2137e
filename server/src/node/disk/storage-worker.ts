import { parentPort } from "node:worker_threads";
import { writeNumberFile } from "../../core/storage/number-file.js";
import { join } from "../../core/storage/path.js";
import { announceReplacement, finishReplacement } from "../../core/storage/replace-state.js";
import { DiskError } from "../../core/storage/storage-error.js";
import { truncateLog } from "../../core/storage/truncate.js";
import { NodeDisk } from "./node-disk.js";
import type { StorageJob, StorageReport } from "./replica-disk.js";

const disk = new NodeDisk();

function run(job: StorageJob): boolean {
  switch (job.kind) {
    case "epoch":
      writeNumberFile(disk, join(job.directories.snapDirectory, `${job.name}Epoch`), job.epoch);
      return true;
    case "truncate":
      return truncateLog(disk, job.directories, job.zxid);
    case "announce":
      announceReplacement(disk, job.directories.snapDirectory, job.zxid);
      return true;
    case "replace":
      finishReplacement(disk, job.directories);
      return true;
  }
}

parentPort!.on("message", (job: StorageJob) => {
  let report: StorageReport;
  try {
    report = { kind: "done", result: run(job) };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    report = { kind: "failed", operation: error.operation, path: error.path, errno: error.errno };
  }
  parentPort!.postMessage(report);
});
