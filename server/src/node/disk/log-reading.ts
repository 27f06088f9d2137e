import { Worker } from "node:worker_threads";
import type { LogReading, LogSink } from "@quoll/zab";

/** What the reader's thread is started with. */
export interface LogReaderData {
  /** `version-2` under dataLogDir. */
  readonly directory: string;
  /** The last txn that is at most this one comes first. */
  readonly fromZxid: number;
  /** The last txn that comes: what is durable. */
  readonly toZxid: number;
  /** An int: how many batches were asked for; -1 to stop. */
  readonly credit: SharedArrayBuffer;
}

/** Txns one behind the other. */
export interface LogBatch {
  readonly bytes: Uint8Array;
  readonly ends: readonly number[];
  readonly zxids: readonly number[];
  readonly isLast: boolean;
}

const BATCHES_AHEAD = 4;

/** Reads txns back from the log's files, in a thread of its own, as fast as they are taken. */
export function readLogInWorker(
  directory: string,
  fromZxid: number,
  toZxid: number,
  sink: LogSink,
  turn: () => void,
): LogReading {
  const credit = new SharedArrayBuffer(4);
  const asked = new Int32Array(credit);
  const workerData: LogReaderData = { directory, fromZxid, toZxid, credit };
  Atomics.store(asked, 0, BATCHES_AHEAD);
  const worker = new Worker(new URL("./log-reader-worker.js", import.meta.url), { workerData, name: "log reader" });
  const batches: LogBatch[] = [];
  let next = 0;
  let isPaused = false;
  let isOver = false;
  const ask = (count: number) => {
    if (Atomics.load(asked, 0) < 0) return;
    Atomics.add(asked, 0, count);
    Atomics.notify(asked, 0);
  };
  const deliver = () => {
    while (!isOver && !isPaused && batches.length > 0) {
      const { bytes, ends, zxids, isLast } = batches[0];
      while (!isOver && !isPaused && next < ends.length) {
        const start = next === 0 ? 0 : ends[next - 1];
        const i = next++;
        isPaused = !sink.txn(bytes, start, ends[i], zxids[i]);
      }
      if (isOver || next < ends.length) return;
      batches.shift();
      next = 0;
      ask(1);
      if (isLast) {
        isOver = true;
        sink.end();
      }
    }
  };
  worker.on("message", (batch: LogBatch) => {
    turn();
    batches.push(batch);
    deliver();
  });
  worker.on("error", (error) => {
    if (isOver) return;
    isOver = true;
    turn();
    sink.failed(error.message);
  });
  return {
    resume: () => {
      isPaused = false;
      deliver();
    },
    stop: () => {
      isOver = true;
      Atomics.store(asked, 0, -1);
      Atomics.notify(asked, 0);
    },
  };
}
