import { parentPort, workerData } from "node:worker_threads";
import { Writer } from "@quoll/jute";
import { serializeFrozen } from "../../core/tree/frozen-tree.js";
import type { StateSenderData } from "./state-sending.js";

const PIECE_SIZE = 256 * 1024;

class Stopped extends Error {}

/** Serializes the state and posts it in pieces, never more than were asked for. */
function run({ frozen, credit }: StateSenderData): void {
  const asked = new Int32Array(credit);
  let posted = 0;
  const writer = new Writer(2 * PIECE_SIZE);
  const post = () => {
    for (let seen = Atomics.load(asked, 0); posted >= seen; seen = Atomics.load(asked, 0)) {
      if (seen < 0) throw new Stopped();
      Atomics.wait(asked, 0, seen);
    }
    posted++;
    const piece = writer.take();
    parentPort!.postMessage(piece, [piece.buffer as ArrayBuffer]);
    writer.reset();
  };
  const drain = () => {
    if (writer.at >= PIECE_SIZE) post();
  };
  serializeFrozen(frozen, { writer, drain });
  post();
  parentPort!.postMessage(null);
}

try {
  run(workerData as StateSenderData);
} catch (error) {
  if (!(error instanceof Stopped)) throw error;
}
parentPort!.close();
