import type { ZooKeeper } from "@quoll/client";
import { WaitTimeoutError } from "../kernel/errors.js";
import { inScope, type WaitOptions } from "../kernel/scope.js";
import type { Held } from "./held.js";

/** Whatever can be acquired: a lock, or one side of a read-write lock. */
export interface Acquirable {
  /** Decides the order in which several are taken. */
  readonly path: string;
  /** As {@link Lock.acquire}. */
  acquire(options?: WaitOptions): Promise<Held>;
}

/** Several locks that are held together. */
export class HeldTogether implements AsyncDisposable {
  private readonly lost = new AbortController();

  /** @internal */
  constructor(
    /** One for each lock, in their order. */
    readonly held: readonly Held[],
  ) {
    for (const { signal } of held) {
      const lose = () => this.lost.abort(signal.reason);
      if (signal.aborted) lose();
      else signal.addEventListener("abort", lose, { once: true });
    }
  }

  /** Fires as soon as one of them is lost. */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Whether all of them are held now. */
  get isHeld(): boolean {
    return this.held.every(({ isHeld }) => isHeld);
  }

  /** Lets all of them go, the last one first. */
  async release(): Promise<void> {
    await Promise.all([...this.held].reverse().map((held) => held.release()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/**
 * Several locks as one: all or none. Curator's `InterProcessMultiLock`. It has no znodes of its own.
 *
 * They are taken in the order of their paths, so that two that want the same locks don't wait for each other, whatever
 * order they were named in.
 */
export class MultiLock {
  private readonly locks: readonly Acquirable[];

  constructor(
    private readonly client: ZooKeeper,
    locks: readonly Acquirable[],
  ) {
    this.locks = [...locks].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  /**
   * Waits until all are held. If that fails, those that were held already are released.
   * @throws as {@link Lock.acquire}
   */
  acquire(options: WaitOptions = {}): Promise<HeldTogether> {
    return inScope(this.client, "the locks", options, async (scope) => {
      const held: Held[] = [];
      try {
        for (const lock of this.locks) {
          const one = { signal: scope.signal, ...(scope.isImmediate ? { timeoutMs: 0 } : {}) };
          held.push(await lock.acquire(one));
        }
        return new HeldTogether(held);
      } catch (error) {
        await Promise.all(held.map((each) => each.release()));
        throw error;
      }
    });
  }

  /** As {@link acquire}, and null if they cannot be had in time: at once, if no `timeoutMs` is given. */
  async tryAcquire(options?: WaitOptions): Promise<HeldTogether | null> {
    try {
      return await this.acquire({ timeoutMs: 0, ...options });
    } catch (error) {
      if (error instanceof WaitTimeoutError) return null;
      throw error;
    }
  }

  /** Holds all of them while `body` runs. */
  async run<T>(body: (held: HeldTogether) => Promise<T>, options?: WaitOptions): Promise<T> {
    await using held = await this.acquire(options);
    return await body(held);
  }
}
