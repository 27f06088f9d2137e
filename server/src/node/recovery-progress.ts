import type { Log } from "../core/capabilities.js";
import type { RecoveryProgress } from "../core/storage/recovery.js";

const EVERY_MS = 1000;

/**
 * Logs how far recovery has come: a line a second, and none at all when everything is loaded within the first.
 * @param nowMs - a monotonic clock
 */
export function recoveryReporter(log: Log, nowMs: () => number): RecoveryProgress {
  let lastMs = nowMs();
  const report = (phase: string, file: string, bytesDone: number, bytesTotal: number): void => {
    const now = nowMs();
    if (now - lastMs < EVERY_MS) return;
    lastMs = now;
    const percent = bytesTotal === 0 ? 100 : Math.floor((bytesDone / bytesTotal) * 100);
    const size = `${megabytes(bytesDone)} of ${megabytes(bytesTotal)} MB`;
    log.info({ phase, file, bytesDone, bytesTotal }, `loading the ${phase} ${file}: ${percent}% (${size})`);
  };
  return {
    snapshot: (name, bytesDone, bytesTotal) => report("snapshot", name, bytesDone, bytesTotal),
    log: (name, bytesDone, bytesTotal) => report("log", name, bytesDone, bytesTotal),
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
