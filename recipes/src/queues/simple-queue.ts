import { type Data, isKeeperError, type ZooKeeper } from "@quoll/client";
import { watchChildren } from "../kernel/node-watches.js";
import { inScope, type WaitOptions } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath, childPath } from "../names/paths.js";
import { compareSequences, parseSequentialName } from "../names/sequence.js";

const PREFIX = "qn-";

/**
 * A queue of byte strings, first in, first out. An item is removed before it is handed out: at most once. Shared with
 * Curator's `SimpleDistributedQueue` and the queue of ZooKeeper's own recipes.
 *
 * Znodes: `PATH/qn-N`, persistent, the item as data.
 *
 * If the answer to a removal is lost, the item may be lost with it: the error's `outcome` is then `unknown`. Use a
 * {@link Queue} with `lockPath`, or a {@link LockingQueue}, where no item may be lost.
 */
export class SimpleQueue {
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
  ) {
    checkPath(path);
  }

  /**
   * Appends an item.
   * @throws KeeperError with `outcome` "unknown" if the answer was lost: it may be there
   */
  async offer(data: Data): Promise<void> {
    await this.client.create(childPath(this.path, PREFIX), data, {
      mode: "persistentSequential",
      parents: "container",
    });
  }

  /** The oldest item, which stays there; null if there is none. */
  async peek(): Promise<Uint8Array | null> {
    for (const name of sorted(await childrenOf(this.client, this.path))) {
      try {
        return (await this.client.getData(childPath(this.path, name))).data ?? new Uint8Array();
      } catch (error) {
        if (!isKeeperError(error, "NoNode")) throw error;
      }
    }
    return null;
  }

  /** Removes the oldest item and returns it; null if there is none. */
  async poll(): Promise<Uint8Array | null> {
    return this.takeFrom(await childrenOf(this.client, this.path));
  }

  /**
   * Waits for an item, removes and returns it.
   * @throws {@link WaitTimeoutError}, the signal's reason, KeeperError, ClosedError
   */
  take(options?: WaitOptions): Promise<Uint8Array> {
    return inScope(this.client, this.path, options, async (scope) => {
      for (;;) {
        const session = await scope.race(this.client.connected({ signal: scope.signal, timeoutMs: 0 }));
        const wake = new Wake();
        const { node, unwatch } = await scope.race(watchChildren(this.client, session, this.path, wake.set));
        try {
          // Not given up halfway: an item that is removed is handed out.
          const item = await this.takeFrom(node ?? []);
          if (item !== null) return item;
          scope.throwIfImmediate();
          if (node === null) await this.ensureFolder();
          else await scope.race(wake.wait());
        } finally {
          unwatch();
        }
      }
    });
  }

  /** How many items there are. */
  async size(): Promise<number> {
    return (await this.client.exists(this.path))?.numChildren ?? 0;
  }

  private async takeFrom(children: readonly string[]): Promise<Uint8Array | null> {
    for (const name of sorted(children)) {
      const path = childPath(this.path, name);
      try {
        const { data } = await this.client.getData(path);
        await this.client.delete(path);
        return data ?? new Uint8Array();
      } catch (error) {
        // Somebody else was faster.
        if (!isKeeperError(error, "NoNode")) throw error;
      }
    }
    return null;
  }

  private async ensureFolder(): Promise<void> {
    try {
      await this.client.create(this.path, null, { mode: "container", parents: "container" });
    } catch (error) {
      if (!isKeeperError(error, "NodeExists")) throw error;
    }
  }
}

/** The names of items, the oldest first. */
function sorted(children: readonly string[]): string[] {
  const items: { name: string; sequence: number }[] = [];
  for (const name of children) {
    const parsed = parseSequentialName(name, PREFIX);
    if (parsed?.stem === PREFIX) items.push({ name, sequence: parsed.sequence });
  }
  return items.sort((a, b) => compareSequences(a.sequence, b.sequence)).map(({ name }) => name);
}

/** The names of a queue's items; none if there is no queue. */
export async function childrenOf(client: ZooKeeper, path: string): Promise<string[]> {
  try {
    return await client.getChildren(path);
  } catch (error) {
    if (isKeeperError(error, "NoNode")) return [];
    throw error;
  }
}
