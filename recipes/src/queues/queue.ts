import { isKeeperError, op, type Session, type ZooKeeper } from "@quoll/client";
import { deleteEphemeral, whileConnected } from "../kernel/cleanup.js";
import { FormatError, NotRunningError } from "../kernel/errors.js";
import { watchChildren } from "../kernel/node-watches.js";
import { type BackgroundOptions, runLoop } from "../kernel/run-loop.js";
import { inScope, raceAbort, type Scope, type WaitOptions } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath, childPath, nodeName } from "../names/paths.js";
import { decodeItem, encodeItem } from "./item-format.js";
import {
  compareNames,
  delayPrefix,
  dueMsOf,
  fixId,
  ITEM_PREFIX,
  idOf,
  idPrefix,
  priorityPrefix,
} from "./item-names.js";
import { childrenOf } from "./simple-queue.js";

/** How entries of a queue become bytes and back. */
export interface Serializer<T> {
  /** The bytes of an entry. */
  encode(entry: T): Uint8Array;
  /** What it throws makes the entry's item a broken one, see {@link ConsumerOptions.onError}. */
  decode(bytes: Uint8Array): T;
}

/** Text as UTF-8. */
export const textSerializer: Serializer<string> = {
  encode: (entry) => new TextEncoder().encode(entry),
  decode: (bytes) => new TextDecoder().decode(bytes),
};

/** Bytes as they are. */
export const bytesSerializer: Serializer<Uint8Array> = { encode: (entry) => entry, decode: (bytes) => bytes.slice() };

/** What a {@link Queue} can be told. */
export interface QueueOptions<T> {
  /** How entries become bytes. */
  readonly serializer: Serializer<T>;
  /**
   * The folder of locks, one per item that is being consumed. With it, every item is consumed at least once: it is
   * removed when the consumer is done with it, and handed out again if that fails, or its session ends. Without it, at
   * most once: it is removed before.
   */
  readonly lockPath?: string | undefined;
  /** Above so many items, `put` waits. Approximate: several may put at once. No limit by default. */
  readonly maxItems?: number | undefined;
}

/** What a consumer can be told. */
export interface ConsumerOptions extends BackgroundOptions {
  /** How many entries may be consumed at a time; 1 by default, which keeps their order. */
  readonly concurrency?: number | undefined;
  /** What becomes of an item whose consumption fails, in a queue with `lockPath`: to the end of the queue (default), or gone. */
  readonly onFailure?: "requeue" | "delete" | undefined;
}

/** Takes one entry. What it throws makes the item fail, see {@link ConsumerOptions.onFailure}. */
export type Consume<T> = (entry: T) => Promise<void> | void;

/** A consumer that runs. */
export interface Consumer extends AsyncDisposable {
  /** Takes no more entries. Resolves when those that were taken are done. */
  close(): Promise<void>;
}

/**
 * A queue, first in, first out. Shared with Curator's `DistributedQueue`.
 *
 * Znodes: `PATH/queue-N`, persistent, one or several entries as data; `LOCKPATH/queue-N`, ephemeral, while it is consumed.
 *
 * A queue is right for up to some thousands of items: whoever consumes reads the names of all of them.
 */
export class Queue<T> {
  protected readonly serializer: Serializer<T>;
  protected readonly lockPath: string | null;
  private readonly maxItems: number;

  constructor(
    protected readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    { serializer, lockPath, maxItems = Number.POSITIVE_INFINITY }: QueueOptions<T>,
  ) {
    this.serializer = serializer;
    checkPath(path);
    this.lockPath = lockPath === undefined ? null : checkPath(lockPath);
    this.maxItems = maxItems;
  }

  /**
   * Appends an entry.
   * @throws {@link WaitTimeoutError} if the queue is full; KeeperError with `outcome` "unknown" if the answer was lost: it may
   *   be there
   */
  put(entry: T, options?: WaitOptions): Promise<void> {
    return this.putAll([entry], options);
  }

  /** Appends several entries as one item: one consumer gets them all. */
  putAll(entries: readonly T[], options?: WaitOptions): Promise<void> {
    return this.putItem(ITEM_PREFIX, entries, options);
  }

  /** How many items there are. */
  async size(): Promise<number> {
    return (await this.client.exists(this.path))?.numChildren ?? 0;
  }

  /** Consumes entries, in the order of the queue, until it is closed. */
  consume(consume: Consume<T>, options: ConsumerOptions = {}): Consumer {
    const { concurrency = 1, onFailure = "requeue", onError } = options;
    if (!(Number.isInteger(concurrency) && concurrency > 0)) throw new RangeError(`concurrency ${concurrency}`);
    const closed = new AbortController();
    const worker = new Worker<T>(this.client, this, consume, onFailure, concurrency, onError, closed.signal);
    const running = runLoop(this.client, closed.signal, onError, () => worker.round());
    const close = async () => {
      closed.abort(new NotRunningError(`the consumer of ${this.path}`));
      await running;
    };
    return { close, [Symbol.asyncDispose]: close };
  }

  /** @internal */
  protected async putItem(prefix: string, entries: readonly T[], options: WaitOptions | undefined): Promise<void> {
    const data = encodeItem(entries.map((entry) => this.serializer.encode(entry)));
    await inScope(this.client, this.path, options, async (scope) => {
      if (this.maxItems !== Number.POSITIVE_INFINITY) await this.awaitRoom(scope);
      await this.client.create(childPath(this.path, prefix), data, {
        mode: "persistentSequential",
        parents: "container",
      });
    });
  }

  /** @internal The items in the order in which they are to be consumed. */
  order(names: readonly string[]): string[] {
    return names.filter((name) => name.startsWith(ITEM_PREFIX)).sort(compareNames);
  }

  /** @internal In how many ms an item may be consumed; 0 or less: now. */
  delayMs(_name: string): number {
    return 0;
  }

  /** @internal What an item is called up to its number when it goes back to the end of the queue. */
  requeuePrefix(_name: string): string {
    return ITEM_PREFIX;
  }

  /** @internal */
  decode(path: string, data: Uint8Array | null): T[] {
    const entries = data === null ? null : decodeItem(data);
    if (entries === null) throw new FormatError(path, "an item of a queue");
    return entries.map((entry) => this.serializer.decode(entry));
  }

  /** @internal */
  get locks(): string | null {
    return this.lockPath;
  }

  private async awaitRoom(scope: Scope): Promise<void> {
    for (;;) {
      const session = await scope.race(this.client.connected({ signal: scope.signal, timeoutMs: 0 }));
      const wake = new Wake();
      const { node, unwatch } = await scope.race(watchChildren(this.client, session, this.path, wake.set));
      try {
        if ((node?.length ?? 0) < this.maxItems) return;
        scope.throwIfImmediate();
        await scope.race(wake.wait());
      } finally {
        unwatch();
      }
    }
  }
}

/**
 * A queue in which lower priorities come first, and the older one among equals. Shared with Curator's
 * `DistributedPriorityQueue`. Znodes: `PATH/queue-` + `1` (or `0` below zero) + the priority as 8 hexadecimal digits + N.
 */
export class PriorityQueue<T> extends Queue<T> {
  /** @throws as {@link Queue.put}; {@link Queue.putAll} gives priority 0 */
  putWithPriority(entry: T, priority: number, options?: WaitOptions): Promise<void> {
    return this.putItem(priorityPrefix(priority), [entry], options);
  }

  /** As {@link Queue.putAll}. */
  override putAll(entries: readonly T[], options?: WaitOptions): Promise<void> {
    return this.putItem(priorityPrefix(0), entries, options);
  }

  /** @internal A failed item keeps its priority. */
  override requeuePrefix(name: string): string {
    return /^queue-[01][0-9A-F]{8}/.exec(name)?.[0] ?? priorityPrefix(0);
  }
}

/**
 * A queue whose entries may be consumed from a time on. Shared with Curator's `DistributedDelayQueue`. Znodes:
 * `PATH/queue-|TIME|N`, the time in hexadecimal ms since 1970. Whether it has come is told by the consumers' own clocks.
 */
export class DelayQueue<T> extends Queue<T> {
  private readonly wallMs: () => number;

  /** @param wallMs - the time in ms since 1970; the system's clock by default */
  constructor(client: ZooKeeper, path: string, options: QueueOptions<T>, wallMs: () => number = Date.now) {
    super(client, path, options);
    this.wallMs = wallMs;
  }

  /**
   * @param dueMs - from when on it may be consumed, ms since 1970
   * @throws as {@link Queue.put}; {@link Queue.putAll} makes entries due at once
   */
  putUntil(entry: T, dueMs: number, options?: WaitOptions): Promise<void> {
    return this.putItem(delayPrefix(dueMs), [entry], options);
  }

  /** As {@link Queue.putAll}. */
  override putAll(entries: readonly T[], options?: WaitOptions): Promise<void> {
    return this.putItem(delayPrefix(Math.max(1, this.wallMs())), entries, options);
  }

  /** @internal */
  override order(names: readonly string[]): string[] {
    return super.order(names).sort((a, b) => dueMsOf(a) - dueMsOf(b));
  }

  /** @internal */
  override delayMs(name: string): number {
    return dueMsOf(name) - this.wallMs();
  }

  /** @internal A failed item is due again at once, after those that are due already. */
  override requeuePrefix(): string {
    return delayPrefix(Math.max(1, this.wallMs()));
  }
}

/**
 * A queue whose entries have ids, by which they can be taken back. Shared with Curator's `DistributedIdQueue`. Znodes:
 * `PATH/queue-|ID|N`; `/` and `|` in ids become `_`.
 */
export class IdQueue<T> extends Queue<T> {
  /** @throws as {@link Queue.put} */
  putWithId(entry: T, id: string, options?: WaitOptions): Promise<void> {
    return this.putItem(idPrefix(id), [entry], options);
  }

  /** As {@link Queue.putAll}. */
  override putAll(entries: readonly T[], options?: WaitOptions): Promise<void> {
    return this.putItem(idPrefix(this.client.platform.uuid()), entries, options);
  }

  /**
   * Removes all items with this id that are not being consumed.
   * @returns how many
   */
  async remove(id: string): Promise<number> {
    let count = 0;
    for (const name of await childrenOf(this.client, this.path)) {
      if (idOf(name).id === fixId(id) && (await takeAway(this.client, this, name))) count++;
    }
    return count;
  }

  /** @internal */
  override order(names: readonly string[]): string[] {
    return super.order(names).sort((a, b) => compareNames(idOf(a).rest, idOf(b).rest));
  }

  /** @internal */
  override requeuePrefix(name: string): string {
    return idPrefix(idOf(name).id);
  }
}

/** Timers take no more than 31 bits; who wakes up early looks again. */
const TIMER_MAX_MS = 0x7fffffff;

/** Consumes the items of a queue, a list of names at a time. */
class Worker<T> {
  constructor(
    private readonly client: ZooKeeper,
    private readonly queue: Queue<T>,
    private readonly consume: Consume<T>,
    private readonly onFailure: "requeue" | "delete",
    private readonly concurrency: number,
    private readonly onError: ((error: unknown) => void) | undefined,
    private readonly closed: AbortSignal,
  ) {}

  /** Consumes all that is there, then waits until there is something else. */
  async round(): Promise<void> {
    const session = await raceAbort(this.client.connected({ signal: this.closed, timeoutMs: 0 }), this.closed);
    const wake = new Wake();
    const { node, unwatch } = await raceAbort(
      watchChildren(this.client, session, this.queue.path, wake.set),
      this.closed,
    );
    try {
      if (node === null) return await this.ensureFolder();
      const names = this.queue.order(node);
      const due = names.filter((name) => this.queue.delayMs(name) <= 0);
      const done = await this.consumeAll(session, due);
      if (session.signal.aborted) return;
      const later = names.find((name) => this.queue.delayMs(name) > 0);
      const delaysMs = later === undefined ? [] : [this.queue.delayMs(later)];
      // Items that others hold locks of: if those die, no item changes. Look again after a while.
      if (done < due.length && this.queue.locks !== null) delaysMs.push(session.timeoutMs);
      await this.awaitChange(wake, delaysMs);
    } finally {
      unwatch();
    }
  }

  private async awaitChange(wake: Wake, delaysMs: readonly number[]): Promise<void> {
    const cancels = delaysMs.map((delayMs) => this.client.platform.setTimer(Math.min(delayMs, TIMER_MAX_MS), wake.set));
    try {
      await raceAbort(wake.wait(), this.closed);
    } finally {
      for (const cancel of cancels) cancel();
    }
  }

  private async consumeAll(session: Session, names: readonly string[]): Promise<number> {
    let done = 0;
    let next = 0;
    const lane = async () => {
      while (next < names.length && !this.closed.aborted && !session.signal.aborted) {
        const name = names[next++];
        if (this.queue.locks === null ? await this.removeThenConsume(name) : await this.lockAndConsume(session, name)) {
          done++;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.concurrency, names.length) }, lane));
    return done;
  }

  /** At most once: who removes the item may consume it. */
  private async removeThenConsume(name: string): Promise<boolean> {
    const path = childPath(this.queue.path, name);
    let data: Uint8Array | null;
    try {
      const node = await this.client.getData(path);
      await this.client.delete(path, { version: node.stat.version });
      data = node.data;
    } catch (error) {
      if (isKeeperError(error, "NoNode", "BadVersion")) return true;
      throw error;
    }
    await this.consumeItem(path, data);
    return true;
  }

  /** At least once: who has the item's lock consumes it, and removes it after that, together with the lock. */
  private async lockAndConsume(session: Session, name: string): Promise<boolean> {
    const lock = childPath(this.queue.locks!, name);
    const path = childPath(this.queue.path, name);
    if (!(await lockItem(this.client, session, lock))) return false;
    let isLocked = true;
    try {
      const { data } = await this.client.getData(path, { session, timeoutMs: 0 });
      const isConsumed = await this.consumeItem(path, data);
      if (session.signal.aborted) return false;
      const back =
        isConsumed || this.onFailure === "delete"
          ? []
          : [
              op.create(childPath(this.queue.path, this.queue.requeuePrefix(name)), data, {
                mode: "persistentSequential",
              }),
            ];
      await removeItem(this.client, session, path, lock, back);
      isLocked = false;
      return true;
    } catch (error) {
      if (isKeeperError(error, "NoNode")) return true;
      throw error;
    } finally {
      if (isLocked)
        await whileConnected(
          this.client,
          deleteEphemeral(this.client, session, lock).catch(() => {}),
        );
    }
  }

  private async consumeItem(path: string, data: Uint8Array | null): Promise<boolean> {
    let entries: T[];
    try {
      entries = this.queue.decode(path, data);
    } catch (error) {
      // It would be broken the next time too.
      this.onError?.(error);
      return true;
    }
    for (const entry of entries) {
      try {
        await this.consume(entry);
      } catch (error) {
        this.onError?.(error);
        return false;
      }
    }
    return true;
  }

  private async ensureFolder(): Promise<void> {
    try {
      await this.client.create(this.queue.path, null, { mode: "container", parents: "container" });
    } catch (error) {
      if (!isKeeperError(error, "NodeExists")) throw error;
    }
  }
}

/** Creates the ephemeral lock of an item; false if another session has it. */
async function lockItem(client: ZooKeeper, session: Session, lock: string): Promise<boolean> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      await client.create(lock, null, { mode: "ephemeral", parents: "container", session, timeoutMs: 0 });
      return true;
    } catch (error) {
      if (isKeeperError(error, "NodeExists")) {
        if (isFirst) return false;
        // The answer to our first attempt was lost: the lock may be our own.
        return (await client.exists(lock, { session, timeoutMs: 0 }))?.ephemeralOwner === session.id;
      }
      if (isKeeperError(error, "NoNode")) continue;
      if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
    }
  }
}

/** Removes an item and its lock in one txn, so that no other consumer can find the one without the other. */
async function removeItem(
  client: ZooKeeper,
  session: Session,
  path: string,
  lock: string,
  back: readonly ReturnType<typeof op.create>[],
): Promise<void> {
  for (;;) {
    try {
      await client.multi([op.delete(path), op.delete(lock), ...back], { session, timeoutMs: 0 });
      return;
    } catch (error) {
      // After a lost answer: the txn was made if the item is gone. It has our lock, so nobody else removes it.
      if (isKeeperError(error, "NoNode")) return;
      if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
    }
  }
}

/** Removes an item unless it is being consumed. */
async function takeAway<T>(client: ZooKeeper, queue: Queue<T>, name: string): Promise<boolean> {
  const path = childPath(queue.path, name);
  try {
    if (queue.locks === null) {
      await client.delete(path);
      return true;
    }
    const session = await client.connected();
    const lock = childPath(queue.locks, nodeName(path));
    if (!(await lockItem(client, session, lock))) return false;
    await removeItem(client, session, path, lock, []);
    return true;
  } catch (error) {
    if (isKeeperError(error, "NoNode")) return false;
    throw error;
  }
}
