import { AsyncLocalStorage } from "node:async_hooks";
import type { Data, ZooKeeper } from "@quoll/client";
import { WaitTimeoutError } from "../kernel/errors.js";
import { inScope, type WaitOptions } from "../kernel/scope.js";
import { type Claim, claimsOf } from "./claim.js";
import { type Contest, contend } from "./contend.js";
import type { Held } from "./held.js";

/** What all locks can be told. */
export interface LockOptions {
  /** What the contender's znode holds, to be read by people and by other libraries; nothing by default. */
  readonly data?: Data | undefined;
  /**
   * Whether {@link Lock.run} within a `run` of the same lock, in the same flow of async calls, holds it once more instead
   * of waiting for itself. False by default.
   */
  readonly reentrant?: boolean | undefined;
}

/** Something that is held by one, or by some at a time, for a while. */
export abstract class Lock {
  private readonly current = new AsyncLocalStorage<Held>();

  /** @internal */
  constructor(
    protected readonly client: ZooKeeper,
    /** Of the znode below which contenders queue up. */
    readonly path: string,
    private readonly reentrant: boolean,
  ) {}

  /** @internal */
  protected abstract contest(): Contest;

  /**
   * Waits until it is held.
   * @throws {@link WaitTimeoutError}; the reason of `options.signal`; KeeperError (NoAuth, …); ClosedError. In any case
   *   nothing is left behind: without a connection, it is removed in the background as soon as there is one
   */
  acquire(options?: WaitOptions): Promise<Held> {
    return inScope(this.client, this.path, options, (scope) => contend(this.client, this.contest(), scope));
  }

  /** As {@link acquire}, and null if it cannot be had in time: at once, if no `timeoutMs` is given. */
  async tryAcquire(options?: WaitOptions): Promise<Held | null> {
    try {
      return await this.acquire({ timeoutMs: 0, ...options });
    } catch (error) {
      if (error instanceof WaitTimeoutError) return null;
      throw error;
    }
  }

  /** Holds it while `body` runs. What `body` does should stop when `held.signal` fires. */
  async run<T>(body: (held: Held) => Promise<T>, options?: WaitOptions): Promise<T> {
    const outer = this.reentrant ? this.current.getStore() : undefined;
    const held = outer?.isHeld ? outer.retain() : await this.acquire(options);
    try {
      return await this.current.run(held, body, held);
    } finally {
      await held.release();
    }
  }

  /** Who holds it now. */
  async holders(): Promise<Claim[]> {
    return (await claimsOf(this.client, this.path, this.contest().markers)).holders;
  }

  /** Who waits for it now, the next one first. */
  async waiters(): Promise<Claim[]> {
    return (await claimsOf(this.client, this.path, this.contest().markers)).waiters;
  }
}
