import type { ZooKeeper } from "@quoll/client";
import { NotRunningError } from "../kernel/errors.js";
import { type BackgroundOptions, runLoop } from "../kernel/run-loop.js";
import type { Claim } from "../locks/claim.js";
import type { Held } from "../locks/held.js";
import { Mutex } from "../locks/mutex.js";
import type { LockNaming } from "../locks/naming.js";

/** What a {@link LeaderSelector} can be told. */
export interface LeaderSelectorOptions extends BackgroundOptions {
  /** Says who we are, to others that ask who leads. Empty by default. */
  readonly id?: string | undefined;
  /** Whether to take part again after each leadership; true by default. */
  readonly autoRequeue?: boolean | undefined;
  /** Whose names the candidates get; `curator` by default. */
  readonly naming?: LockNaming | undefined;
}

/**
 * Elects one of all that take part, for as long as its function runs: then the next one leads. Shared with Curator's
 * `LeaderSelector`, and with kazoo's `Election` (`naming: "kazoo"`). It is a {@link Mutex}.
 * ```ts
 * const selector = new LeaderSelector(zk, "/jobs/leader", async (leadership) => {
 *   while (leadership.isHeld) await doSomeWork(leadership.fencingToken);
 * }).start();
 * ```
 */
export class LeaderSelector implements AsyncDisposable {
  private readonly mutex: Mutex;
  private readonly autoRequeue: boolean;
  private readonly onError: ((error: unknown) => void) | undefined;
  private readonly closed = new AbortController();
  private current: Held | null = null;
  private running: Promise<void> | null = null;

  /**
   * @param lead - runs while we lead; we lead no more when it is done. It should end soon after `leadership.signal` fires,
   *   and after `stopping` does, when the selector is closed. What it throws goes to `onError`
   */
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    private readonly lead: (leadership: Held, stopping: AbortSignal) => Promise<void>,
    { id = "", autoRequeue = true, naming = "curator", onError }: LeaderSelectorOptions = {},
  ) {
    this.mutex = new Mutex(client, path, { data: id, naming });
    this.autoRequeue = autoRequeue;
    this.onError = onError;
  }

  /** Takes part: until `close`, or for one leadership if `autoRequeue` is false. */
  start(): this {
    if (this.running !== null) return this;
    this.running = this.autoRequeue
      ? runLoop(this.client, this.closed.signal, this.onError, () => this.once())
      : this.once().catch((error) => {
          if (!this.closed.signal.aborted) this.onError?.(error);
        });
    return this;
  }

  /** Whether we lead now, for certain. */
  get hasLeadership(): boolean {
    return this.current?.isHeld ?? false;
  }

  /** Who leads now; null if nobody does. Its `data` is the id. */
  async leader(): Promise<Claim | null> {
    return (await this.mutex.holders())[0] ?? null;
  }

  /** All that take part: the leader first, then the others in the order in which they would follow. */
  async participants(): Promise<Claim[]> {
    return [...(await this.mutex.holders()), ...(await this.mutex.waiters())];
  }

  /** Takes part no more. Resolves when `lead`, if it runs, has come to its end. */
  async close(): Promise<void> {
    this.closed.abort(new NotRunningError(`the selector at ${this.path}`));
    await this.running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async once(): Promise<void> {
    await using held = await this.mutex.acquire({ signal: this.closed.signal });
    this.current = held;
    try {
      await this.lead(held, this.closed.signal);
    } finally {
      this.current = null;
    }
  }
}
