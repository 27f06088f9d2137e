import { setTimeout as sleep } from "node:timers/promises";

/** Shorter waits are saved up: timers are not that exact. */
const WAIT_MIN_MS = 5;

/** Lets so many things happen per second, evenly. */
export class Pace {
  private nextMs = 0;

  constructor(private readonly perSecond: number) {}

  async take(signal: AbortSignal): Promise<void> {
    if (this.perSecond === 0) return;
    const nowMs = performance.now();
    this.nextMs = Math.max(this.nextMs, nowMs - WAIT_MIN_MS) + 1000 / this.perSecond;
    const waitMs = this.nextMs - nowMs;
    if (waitMs > WAIT_MIN_MS) await sleep(waitMs, undefined, { signal });
  }
}
