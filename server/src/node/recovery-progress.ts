import type { Log } from "../core/capabilities.js";

/** How far recovery has come. */
export interface RecoveryProgress {
  readonly phase: "snapshot" | "log";
  /** The file that is being read. */
  readonly file: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

const EVERY_MS = 1000;

/**
 * Makes the callback by which recovery tells of its progress. It may be called as often as one likes: a line is logged once
 * a second, and none at all when everything is loaded within the first.
 * @param nowMs - a monotonic clock
 */
export function recoveryReporter(log: Log, nowMs: () => number): (progress: RecoveryProgress) => void {
  let lastMs = nowMs();
  return ({ phase, file, bytesDone, bytesTotal }) => {
    const now = nowMs();
    if (now - lastMs < EVERY_MS) return;
    lastMs = now;
    const percent = bytesTotal === 0 ? 100 : Math.floor((bytesDone / bytesTotal) * 100);
    const size = `${megabytes(bytesDone)} of ${megabytes(bytesTotal)} MB`;
    log.info({ phase, file, bytesDone, bytesTotal }, `loading the ${phase} ${file}: ${percent}% (${size})`);
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
