import { writeSync } from "node:fs";

/** Where a tool's text goes. */
export interface Output {
  write(text: string): void;
}

/** Told how far a tool is with something that takes long. */
export interface Progress {
  /** @param what - for instance `copying log.5` */
  show(what: string, bytesDone: number, bytesTotal: number): void;
  /** Removes the bar. */
  clear(): void;
}

export interface Terminal {
  /** Results. */
  readonly out: Output & { flush(): void };
  /** Complaints and remarks. */
  readonly err: Output;
  readonly progress: Progress;
}

const BUFFER_MAX = 1 << 16;
const BAR_WIDTH = 30;
const BAR_INTERVAL_MS = 100;
const AGAIN_MS = 5;

/**
 * Standard output and standard error, by blocking calls: a tool that prints gigabytes waits for its reader instead of
 * holding them. The progress bar is on standard error, and only on a terminal.
 */
export function openTerminal(): Terminal {
  const out = new FileOutput(1, BUFFER_MAX);
  const err = new FileOutput(2, 0);
  const progress = process.stderr.isTTY === true ? new ProgressBar(err, () => performance.now()) : NO_PROGRESS;
  return { out, err, progress };
}

export const NO_PROGRESS: Progress = { show() {}, clear() {} };

class FileOutput implements Output {
  private text: string[] = [];
  private length = 0;

  constructor(
    private readonly fd: number,
    private readonly bufferMax: number,
  ) {}

  write(text: string): void {
    this.text.push(text);
    this.length += text.length;
    if (this.length >= this.bufferMax) this.flush();
  }

  flush(): void {
    const bytes = Buffer.from(this.text.join(""), "utf8");
    this.text = [];
    this.length = 0;
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(this.fd, bytes, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Whoever reads has seen enough, as `head` does.
        if (code === "EPIPE") process.exit(0);
        if (code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
      }
    }
  }
}

/** One line that is drawn over itself. */
export class ProgressBar implements Progress {
  private drawnAtMs = Number.NEGATIVE_INFINITY;
  private isDrawn = false;

  constructor(
    private readonly output: Output,
    private readonly nowMs: () => number,
  ) {}

  show(what: string, bytesDone: number, bytesTotal: number): void {
    const now = this.nowMs();
    if (now - this.drawnAtMs < BAR_INTERVAL_MS && bytesDone < bytesTotal) return;
    this.drawnAtMs = now;
    this.isDrawn = true;
    const part = bytesTotal > 0 ? Math.min(1, bytesDone / bytesTotal) : 1;
    const full = Math.round(part * BAR_WIDTH);
    const bar = "#".repeat(full) + "-".repeat(BAR_WIDTH - full);
    const percent = String(Math.floor(part * 100)).padStart(3);
    this.output.write(`\r\x1b[K[${bar}] ${percent}%  ${sizeText(bytesDone)} of ${sizeText(bytesTotal)}  ${what}`);
  }

  clear(): void {
    if (this.isDrawn) this.output.write("\r\x1b[K");
    this.isDrawn = false;
    this.drawnAtMs = Number.NEGATIVE_INFINITY;
  }
}

/** `12 bytes`, `3.4 MiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
