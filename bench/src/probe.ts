import { renameSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

/**
 * What a server says of itself. The bench loads this file into it (`node --expose-gc --import probe.js`); on SIGUSR2 it
 * writes a report to the file that QUOLL_PROBE_FILE names, and begins to count anew. The server itself knows nothing of it.
 */
export interface ProbeReport {
  /** After a full collection: the heap, and all array buffers, shared ones too. */
  readonly liveBytes: number;
  readonly heapBytes: number;
  readonly bufferBytes: number;
  /** How much later than it should the event loop came round since the last report, in milliseconds. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayP999Ms: number;
  readonly delayMaxMs: number;
}

const RESOLUTION_MS = 1;
const file = process.env["QUOLL_PROBE_FILE"];

// Worker threads load it too.
if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  process.on("SIGUSR2", () => {
    // Before the collection below, which is not the server's doing. The timer's own period is no delay.
    const ms = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
    const [delayP50Ms, delayP99Ms, delayP999Ms] = [50, 99, 99.9].map((percent) => ms(delay.percentile(percent)));
    const delayMaxMs = ms(delay.max);
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const report = {
      liveBytes: heapUsed + arrayBuffers,
      heapBytes: heapUsed,
      bufferBytes: arrayBuffers,
      delayP50Ms,
      delayP99Ms,
      delayP999Ms,
      delayMaxMs,
    };
    writeFileSync(`${file}.new`, JSON.stringify(report));
    renameSync(`${file}.new`, file);
    delay.reset();
  });
}
