import type { ZooKeeper } from "@quoll/client";
import { NotRunningError } from "../kernel/errors.js";
import { anyAborted, type BackgroundOptions, Listeners, runLoop } from "../kernel/run-loop.js";
import { inScope, raceAbort, Scope, type WaitOptions } from "../kernel/scope.js";
import { type Claim, claimsOf } from "../locks/claim.js";
import { type Contest, contend } from "../locks/contend.js";
import { LATCH_MARKERS } from "../locks/contenders.js";
import type { Held } from "../locks/held.js";
import { checkPath } from "../names/paths.js";

/** What a {@link LeaderLatch} can be told. */
export interface LeaderLatchOptions extends BackgroundOptions {
  /** Says who we are, to others that ask who leads; in our znode as UTF-8. Empty by default. */
  readonly id?: string | undefined;
}

/**
 * Elects one of all that take part, for as long as it takes part: who came first leads, and when it goes or its session
 * ends, the next one does. Shared with Curator's `LeaderLatch`.
 *
 * Znodes: `PATH/_c_UUID-latch-N`, ephemeral, with the id as data; `PATH` is a container.
 *
 * A leader that loses its session knows at once, or at the latest when the session may have expired, and takes part again
 * by itself. Like every lock by a session, this can't stop a process that doesn't run: give {@link Held.fencingToken} of
 * the leadership to what it writes to.
 */
export class LeaderLatch implements AsyncDisposable {
  /** As given. */
  readonly id: string;
  private readonly contest: Contest;
  private readonly onError: ((error: unknown) => void) | undefined;
  private readonly changes = new Listeners<Held | null>();
  private readonly closed = new AbortController();
  private current: Held | null = null;
  private running: Promise<void> | null = null;

  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    { id = "", onError }: LeaderLatchOptions = {},
  ) {
    this.id = id;
    this.onError = onError;
    this.contest = {
      parent: checkPath(path),
      markers: LATCH_MARKERS,
      prefix: (uuid) => `_c_${uuid}-latch-`,
      data: id,
    };
  }

  /** Takes part, until `close`. */
  start(): this {
    if (this.running === null) {
      this.running = runLoop(this.client, this.closed.signal, this.onError, () => this.takePart());
    }
    return this;
  }

  /** The leadership, while it is ours and certain; null otherwise. */
  get leadership(): Held | null {
    return this.current?.isHeld ? this.current : null;
  }

  /** Whether we lead now, for certain. */
  get hasLeadership(): boolean {
    return this.leadership !== null;
  }

  /**
   * Calls `listener` with the leadership when we become leader, and with null when we are it no more.
   * @returns a function that ends it
   */
  onChange(listener: (leadership: Held | null) => void): () => void {
    return this.changes.add(listener);
  }

  /**
   * Waits until we lead.
   * @throws {@link WaitTimeoutError}, the signal's reason, or {@link NotRunningError} if the latch is closed meanwhile. We
   *   go on taking part
   */
  waitForLeadership(options?: WaitOptions): Promise<Held> {
    return inScope(this.client, this.path, options, async (scope) => {
      if (this.running === null) throw new NotRunningError(`the latch at ${this.path}`);
      for (;;) {
        this.closed.signal.throwIfAborted();
        if (this.leadership !== null) return this.leadership;
        let stop = () => {};
        const changed = new Promise<void>((resolve) => {
          stop = this.changes.add(() => resolve());
        });
        try {
          await scope.race(raceAbort(changed, this.closed.signal));
        } finally {
          stop();
        }
      }
    });
  }

  /** Who leads now; null if nobody does. Its `data` is the id. */
  async leader(): Promise<Claim | null> {
    return (await claimsOf(this.client, this.path, LATCH_MARKERS)).holders[0] ?? null;
  }

  /** All that take part: the leader first, then the others in the order in which they would follow. */
  async participants(): Promise<Claim[]> {
    const { holders, waiters } = await claimsOf(this.client, this.path, LATCH_MARKERS);
    return [...holders, ...waiters];
  }

  /** Takes part no more. If we lead, listeners are told, and the next one leads. */
  async close(): Promise<void> {
    this.closed.abort(new NotRunningError(`the latch at ${this.path}`));
    await this.running;
    this.changes.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async takePart(): Promise<void> {
    const scope = new Scope(this.client, this.path, { signal: this.closed.signal });
    try {
      await using held = await contend(this.client, this.contest, scope);
      this.current = held;
      this.changes.tell(held);
      try {
        await anyAborted(held.signal, this.closed.signal);
      } finally {
        this.current = null;
        this.changes.tell(null);
      }
    } finally {
      scope.end();
    }
  }
}
