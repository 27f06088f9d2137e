import type { ShellIo } from "../io.js";
import { sizeText } from "../text/units.js";

const BAR_WIDTH = 30;
const REFRESH_MS = 100;

/** A bar on standard error, where that is a terminal; nothing elsewhere. */
export class Progress {
  znodes = 0;
  bytes = 0;
  private shownMs = 0;
  private isShown = false;

  constructor(
    private readonly io: ShellIo,
    private readonly title: string,
  ) {}

  /** @param fraction - how much is done, 0 to 1 */
  step(fraction: number, bytes: number): void {
    this.znodes++;
    this.bytes += bytes;
    if (!this.io.hasProgress) return;
    const nowMs = performance.now();
    if (nowMs - this.shownMs < REFRESH_MS) return;
    this.shownMs = nowMs;
    this.isShown = true;
    const done = Math.min(BAR_WIDTH, Math.floor(fraction * BAR_WIDTH));
    const bar = "█".repeat(done) + "░".repeat(BAR_WIDTH - done);
    const percent = String(Math.floor(Math.min(1, fraction) * 100)).padStart(3);
    this.io.err(`\r\x1b[K${this.title} ${bar} ${percent}%  ${this.znodes} znodes  ${sizeText(this.bytes)}`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.isShown) this.io.err("\r\x1b[K");
    this.isShown = false;
  }
}

/** How much of a walk is done, from its place among siblings on the first levels. */
export class WalkFraction {
  /** For each level: how many siblings there are, and how many were visited. */
  private readonly totals: number[] = [1];
  private readonly visited: number[] = [0];

  visit(depth: number, children: number): number {
    if (depth < LEVELS) {
      this.visited.length = this.totals.length = depth + 1;
      this.visited[depth]!++;
      this.totals.push(Math.max(children, 1));
      this.visited.push(0);
    }
    let fraction = 0;
    let share = 1;
    for (let i = 0; i < this.totals.length; i++) {
      // The one that is visited now counts once its children have.
      share /= this.totals[i]!;
      fraction += share * Math.max(0, this.visited[i]! - 1);
    }
    return fraction;
  }
}

const LEVELS = 4;
