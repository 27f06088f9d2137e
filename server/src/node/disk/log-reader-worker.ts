import { parentPort, workerData } from "node:worker_threads";
import { listLogs } from "../../core/storage/data-directory.js";
import { join } from "../../core/storage/path.js";
import { TxnLogReader } from "../../core/storage/txn-log-reader.js";
import type { LogBatch, LogReaderData } from "./log-reading.js";
import { NodeDisk } from "./node-disk.js";

const BATCH_BYTES = 256 * 1024;

/** Reads txns from the files and posts them in batches, never more than were asked for. */
function run({ directory, fromZxid, toZxid, credit }: LogReaderData): void {
  const disk = new NodeDisk();
  const asked = new Int32Array(credit);
  let posted = 0;
  let batch = new Uint8Array(BATCH_BYTES);
  let size = 0;
  let ends: number[] = [];
  let zxids: number[] = [];
  const post = (isLast: boolean) => {
    for (let seen = Atomics.load(asked, 0); posted >= seen; seen = Atomics.load(asked, 0)) {
      if (seen < 0) return false;
      Atomics.wait(asked, 0, seen);
    }
    posted++;
    const message: LogBatch = { bytes: batch, ends, zxids, isLast };
    parentPort!.postMessage(message, [batch.buffer]);
    batch = new Uint8Array(BATCH_BYTES);
    size = 0;
    ends = [];
    zxids = [];
    return true;
  };
  const logs = listLogs(disk, directory);
  let first = 0;
  while (first + 1 < logs.length && logs[first + 1].zxid <= fromZxid) first++;
  for (const { name } of logs.slice(first)) {
    const reader = TxnLogReader.open(disk, join(directory, name));
    if (reader === null) continue;
    let found = reader.next();
    while (found && reader.zxid <= toZxid) {
      const { bytes, payloadStart, payloadEnd, zxid } = reader;
      const payload = payloadEnd - payloadStart;
      if (size > 0 && size + payload > batch.length && !post(false)) return;
      if (payload > batch.length) batch = new Uint8Array(payload);
      // Of what comes before, only the last txn is of interest: it shows that the histories meet.
      if (zxid <= fromZxid) {
        size = 0;
        ends = [];
        zxids = [];
      }
      batch.set(bytes.subarray(payloadStart, payloadEnd), size);
      size += payload;
      ends.push(size);
      zxids.push(zxid);
      found = reader.next();
    }
    reader.close();
    if (found) break;
  }
  post(true);
}

run(workerData as LogReaderData);
parentPort!.close();
