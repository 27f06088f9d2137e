import type { Dialer, HostPort, Link, LinkHandler } from "../link.js";

/** Waits between attempts. A leader that is about to lead listens within milliseconds; one that died does not come back. */
const DELAYS_MS = [10, 20, 40, 80, 100, 100, 100];

/** Connects to the leader's quorum port, with a few attempts within a time. */
export class LeaderDialer {
  private cancel: (() => void) | null = null;
  private attempts = 0;
  private retryAtMs = Number.POSITIVE_INFINITY;
  private isOver = false;

  /** @param deadlineMs - when the time is over */
  constructor(
    private readonly dialer: Dialer,
    private readonly addresses: readonly HostPort[],
    private readonly deadlineMs: number,
    private readonly connected: (link: Link) => LinkHandler,
    private readonly failed: (reason: string) => void,
  ) {}

  get nextDeadlineMs(): number {
    return this.retryAtMs;
  }

  dial(nowMs: number): void {
    this.retryAtMs = Number.POSITIVE_INFINITY;
    this.attempts++;
    let isCalledBack = false;
    const cancel = this.dialer.dial(
      this.addresses,
      this.deadlineMs - nowMs,
      (link) => {
        isCalledBack = true;
        this.cancel = null;
        this.isOver = true;
        return this.connected(link);
      },
      (reason) => {
        isCalledBack = true;
        this.cancel = null;
        this.attemptFailed(reason, nowMs);
      },
    );
    if (!isCalledBack) this.cancel = cancel;
  }

  private attemptFailed(reason: string, startedMs: number): void {
    if (this.isOver) return;
    if (this.attempts > DELAYS_MS.length) {
      this.isOver = true;
      this.failed(reason);
      return;
    }
    this.retryAtMs = startedMs + DELAYS_MS[this.attempts - 1];
  }

  tick(nowMs: number): void {
    if (this.isOver || nowMs < this.retryAtMs) return;
    if (nowMs < this.deadlineMs) {
      this.dial(nowMs);
    } else {
      this.isOver = true;
      this.failed("the time for connecting is over");
    }
  }

  stop(): void {
    this.isOver = true;
    this.cancel?.();
    this.cancel = null;
  }
}
