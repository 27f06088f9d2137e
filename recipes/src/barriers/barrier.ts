import { isKeeperError, type ZooKeeper } from "@quoll/client";
import { wakeOnChange } from "../kernel/node-watches.js";
import { inScope, type WaitOptions } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath } from "../names/paths.js";

/**
 * Keeps all that wait from going on until it is removed. Shared with Curator's `DistributedBarrier` and kazoo's `Barrier`.
 *
 * Znode: `PATH` while the barrier is up, persistent: it outlives whoever has put it up.
 */
export class Barrier {
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
  ) {
    checkPath(path);
  }

  /** Puts it up, if it isn't. */
  async set(): Promise<void> {
    try {
      await this.client.create(this.path, null, { parents: "container" });
    } catch (error) {
      if (!isKeeperError(error, "NodeExists")) throw error;
    }
  }

  /** Takes it away, if it is up: all that wait go on. */
  async remove(): Promise<void> {
    try {
      await this.client.delete(this.path);
    } catch (error) {
      if (!isKeeperError(error, "NoNode")) throw error;
    }
  }

  /** Whether it is up. */
  async isSet(): Promise<boolean> {
    return (await this.client.exists(this.path)) !== null;
  }

  /**
   * Waits until it is not up.
   * @throws {@link WaitTimeoutError}, the signal's reason, KeeperError, ClosedError
   */
  wait(options?: WaitOptions): Promise<void> {
    return inScope(this.client, this.path, options, async (scope) => {
      for (;;) {
        const session = await scope.race(this.client.connected({ signal: scope.signal, timeoutMs: 0 }));
        const wake = new Wake();
        try {
          const { node, unwatch } = await scope.race(wakeOnChange(this.client, session, this.path, wake));
          try {
            if (node === null) return;
            scope.throwIfImmediate();
            await scope.race(wake.wait());
          } finally {
            unwatch();
          }
        } catch (error) {
          if (scope.isOver || !session.signal.aborted) throw error;
        }
      }
    });
  }
}
