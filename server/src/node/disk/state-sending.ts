import { Worker } from "node:worker_threads";
import type { SnapshotSink } from "@quoll/zab";
import type { FrozenTree } from "../../core/tree/frozen-tree.js";

/** What the sender's thread is started with. */
export interface StateSenderData {
  readonly frozen: FrozenTree;
  /** An int: how many pieces were asked for; -1 to stop. */
  readonly credit: SharedArrayBuffer;
}

const PIECES_AHEAD = 4;

/**
 * Serializes a state for a learner in a thread of its own, as fast as it is taken.
 * @param turn - called before the sink is
 * @returns stops it; the frozen tree may be released then
 */
export function sendStateInWorker(frozen: FrozenTree, sink: SnapshotSink, turn: () => void): () => void {
  const credit = new SharedArrayBuffer(4);
  const asked = new Int32Array(credit);
  Atomics.store(asked, 0, PIECES_AHEAD);
  const workerData: StateSenderData = { frozen, credit };
  const worker = new Worker(new URL("./state-sender-worker.js", import.meta.url), { workerData, name: "state sender" });
  const pieces: (Uint8Array | null)[] = [];
  let isPaused = false;
  let isOver = false;
  const resume = () => {
    isPaused = false;
    deliver();
  };
  const deliver = () => {
    while (!isOver && !isPaused && pieces.length > 0) {
      const piece = pieces.shift()!;
      if (piece === null) {
        isOver = true;
        sink.end();
        return;
      }
      isPaused = !sink.bytes(piece, resume);
      if (Atomics.load(asked, 0) >= 0) {
        Atomics.add(asked, 0, 1);
        Atomics.notify(asked, 0);
      }
    }
  };
  worker.on("message", (piece: Uint8Array | null) => {
    if (isOver) return;
    turn();
    pieces.push(piece);
    deliver();
  });
  worker.on("error", (error) => {
    if (isOver) return;
    isOver = true;
    turn();
    sink.failed(error.message);
  });
  return () => {
    isOver = true;
    Atomics.store(asked, 0, -1);
    Atomics.notify(asked, 0);
  };
}
