import {
  type AddWatchMode,
  isKeeperError,
  type NodeData,
  type Session,
  type Stat,
  type WatchEvent,
  type ZooKeeper,
} from "@quoll/client";
import { NotRunningError } from "../kernel/errors.js";
import { anyAborted, type BackgroundOptions, Listeners, runLoop } from "../kernel/run-loop.js";
import { inScope, raceAbort, type WaitOptions } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath, childPath, isAtOrBelow, nodeName, parentPath } from "../names/paths.js";
import { Limiter } from "./limiter.js";
import { Watcher } from "./watcher.js";

/** A znode as it was last seen. */
export interface CachedNode {
  readonly path: string;
  /** The cache's own: do not change it. */
  readonly data: Uint8Array | null;
  /** Of the same moment as the data. */
  readonly stat: Stat;
}

/** What has become of a cached znode. */
export type CacheEvent =
  | { readonly type: "created"; readonly node: CachedNode }
  /** Its data has changed, or it was deleted and created again. */
  | { readonly type: "changed"; readonly node: CachedNode; readonly previous: CachedNode }
  | { readonly type: "deleted"; readonly previous: CachedNode };

/** What a {@link TreeCache} can be told. */
export interface TreeCacheOptions extends BackgroundOptions {
  /** How many levels below the path are cached: 0 is the znode alone. All by default. */
  readonly maxDepth?: number | undefined;
  /**
   * By which watches: one `persistent` recursive watch (servers of 3.6 or newer), or `oneShot` watches, two for each znode.
   * By default the former where the server knows it and all levels are cached.
   */
  readonly watches?: "persistent" | "oneShot" | undefined;
}

const READS_AT_ONCE = 256;

/**
 * A copy of a znode and all below it, which follows what happens there. Curator's `CuratorCache` and `TreeCache`. It has no
 * znodes of its own, and the path need not exist.
 *
 * Every znode is seen as it is in the end, but not each state in between. While there is no connection the copy stands
 * still. It is behind the servers by what is on its way: what must not act on something old has to read it.
 */
export class TreeCache implements AsyncDisposable {
  private readonly maxDepth: number;
  private readonly onError: ((error: unknown) => void) | undefined;
  private readonly nodesByPath = new Map<string, CachedNode>();
  private readonly childrenOf = new Map<string, Set<string>>();
  private readonly events = new Listeners<CacheEvent>();
  private readonly closed = new AbortController();
  private readonly limiter = new Limiter(READS_AT_ONCE);
  private readonly initialized: Promise<void>;
  private setInitialized: () => void = () => {};
  private watches: "persistent" | "oneShot";
  private running: Promise<void> | null = null;

  constructor(
    private readonly client: ZooKeeper,
    /** What is followed. */
    readonly path: string,
    { maxDepth = Number.POSITIVE_INFINITY, watches, onError }: TreeCacheOptions = {},
  ) {
    checkPath(path);
    this.maxDepth = maxDepth;
    this.onError = onError;
    this.watches = watches ?? (maxDepth === Number.POSITIVE_INFINITY ? "persistent" : "oneShot");
    this.initialized = new Promise((resolve) => {
      this.setInitialized = resolve;
    });
  }

  /**
   * Begins to follow, until `close`. Resolves when everything was read once.
   * @throws {@link WaitTimeoutError} or the signal's reason; it goes on all the same
   */
  async start(options?: WaitOptions): Promise<this> {
    this.running ??= runLoop(this.client, this.closed.signal, this.onError, () =>
      this.watches === "persistent" ? this.followPersistently() : this.followOneShot(),
    );
    await inScope(this.client, this.path, options, (scope) =>
      scope.race(raceAbort(this.initialized, this.closed.signal)),
    );
    return this;
  }

  /** The znode at this path; undefined if there is none. */
  get(path: string): CachedNode | undefined {
    return this.nodesByPath.get(path);
  }

  /** The names of the cached children of a znode, in no order. */
  children(path: string): string[] {
    return [...(this.childrenOf.get(path) ?? [])];
  }

  /** All cached znodes, in no order. */
  nodes(): IterableIterator<CachedNode> {
    return this.nodesByPath.values();
  }

  /** How many znodes are cached. */
  get size(): number {
    return this.nodesByPath.size;
  }

  /**
   * Calls `listener` with what happens from now on. To be told of everything, call this before `start`.
   * @returns a function that ends it
   */
  onEvent(listener: (event: CacheEvent) => void): () => void {
    return this.events.add(listener);
  }

  /** Follows no more. What was cached can still be read. */
  async close(): Promise<void> {
    this.closed.abort(new NotRunningError(`the cache of ${this.path}`));
    this.events.clear();
    await this.running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ------------------------------------------------------------------------------------- one persistent watch

  private async followPersistently(): Promise<void> {
    const stop = this.closed.signal;
    const again = new Wake();
    const mode: AddWatchMode = this.maxDepth === 0 ? "persistent" : "persistentRecursive";
    await using watcher = new Watcher(this.client, this.path, { mode, onError: this.onError });
    watcher.onEvent((event) => {
      if (event.type === "Gap") again.set();
      else this.happened(event, again);
    });
    const unsupported = watcher.unsupported().then(() => true);
    watcher.start();
    for (;;) {
      if (await raceAbort(Promise.race([unsupported, again.wait().then(() => false)]), stop)) {
        this.watches = "oneShot";
        return;
      }
      const session = await raceAbort(this.client.connected({ signal: stop, timeoutMs: 0 }), stop);
      try {
        await raceAbort(this.readTree(session, this.path, 0), stop);
        this.setInitialized();
      } catch (error) {
        // With the next session comes another Gap.
        if (!session.signal.aborted) throw error;
      }
    }
  }

  /** Events and the answers to reads come in the order in which things happened, so each is simply carried out. */
  private happened({ type, path }: WatchEvent, again: Wake): void {
    if (this.depthOf(path) > this.maxDepth) return;
    if (type === "NodeDeleted") this.remove(path);
    else if (type === "NodeCreated" || type === "NodeDataChanged") {
      const session = this.client.session;
      if (session !== null) this.readNode(session, path).catch(() => again.set());
    }
  }

  /** Reads a znode and what is below it, unless its list of children is known to be as it was. */
  private async readTree(session: Session, path: string, depth: number): Promise<void> {
    this.closed.signal.throwIfAborted();
    const before = this.nodesByPath.get(path)?.stat;
    const node = await this.readNode(session, path);
    if (node === null || depth >= this.maxDepth) return;
    let names = this.children(path);
    if (before === undefined || before.pzxid !== node.stat.pzxid || before.czxid !== node.stat.czxid) {
      const listed = await this.limiter.run(() => childNames(this.client, session, path));
      if (listed === null) return this.remove(path);
      const isThere = new Set(listed);
      for (const name of names) if (!isThere.has(name)) this.remove(childPath(path, name));
      names = listed;
    }
    await Promise.all(names.map((name) => this.readTree(session, childPath(path, name), depth + 1)));
  }

  private async readNode(session: Session, path: string): Promise<NodeData | null> {
    return this.limiter.run(async () => {
      try {
        const node = await this.client.getData(path, { session, timeoutMs: 0 });
        this.put(path, node);
        return node;
      } catch (error) {
        if (!isKeeperError(error, "NoNode")) throw error;
        this.remove(path);
        return null;
      }
    });
  }

  // ------------------------------------------------------------------------------------------ one-shot watches

  private async followOneShot(): Promise<void> {
    const stop = this.closed.signal;
    const session = await raceAbort(this.client.connected({ signal: stop, timeoutMs: 0 }), stop);
    const follower = new OneShotFollower(this.client, session, this.path, this.maxDepth, this.limiter, {
      put: (path, node) => this.put(path, node),
      remove: (path) => this.remove(path),
      children: (path) => this.children(path),
    });
    const stopped = anyAborted(stop, session.signal);
    try {
      await Promise.race([follower.follow(), stopped]);
      if (!stop.aborted && !session.signal.aborted) this.setInitialized();
      await Promise.race([follower.failed, stopped]);
    } catch (error) {
      if (!session.signal.aborted) throw error;
    } finally {
      follower.stop();
    }
  }

  // ---------------------------------------------------------------------------------------------- what is known

  private put(path: string, { data, stat }: NodeData): void {
    if (this.closed.signal.aborted) return;
    const previous = this.nodesByPath.get(path);
    const node: CachedNode = { path, data, stat };
    this.nodesByPath.set(path, node);
    if (path !== this.path) {
      const parent = parentPath(path);
      const siblings = this.childrenOf.get(parent);
      if (siblings === undefined) this.childrenOf.set(parent, new Set([nodeName(path)]));
      else siblings.add(nodeName(path));
    }
    if (previous === undefined) this.events.tell({ type: "created", node });
    else if (previous.stat.mzxid !== stat.mzxid) this.events.tell({ type: "changed", node, previous });
  }

  private remove(path: string): void {
    if (this.closed.signal.aborted) return;
    for (const name of this.children(path)) this.remove(childPath(path, name));
    this.childrenOf.delete(path);
    const previous = this.nodesByPath.get(path);
    if (previous === undefined) return;
    this.nodesByPath.delete(path);
    this.childrenOf.get(parentPath(path))?.delete(nodeName(path));
    this.events.tell({ type: "deleted", previous });
  }

  private depthOf(path: string): number {
    if (!isAtOrBelow(path, this.path)) return Number.POSITIVE_INFINITY;
    if (path === this.path) return 0;
    return path.slice(this.path === "/" ? 0 : this.path.length).split("/").length - 1;
  }
}

interface Store {
  put(path: string, node: NodeData): void;
  remove(path: string): void;
  children(path: string): string[];
}

/** Follows a tree by two watches for each znode, within one session. */
class OneShotFollower {
  /** Fails when something could not be read; then everything has to be read anew. */
  readonly failed: Promise<never>;
  private fail: (error: unknown) => void = () => {};
  private isStopped = false;
  /** Paths whose data is watched, or about to be. */
  private readonly watched = new Set<string>();

  constructor(
    private readonly client: ZooKeeper,
    private readonly session: Session,
    private readonly root: string,
    private readonly maxDepth: number,
    private readonly limiter: Limiter,
    private readonly store: Store,
  ) {
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failed.catch(() => {});
  }

  follow(): Promise<void> {
    this.watched.add(this.root);
    return this.read(this.root, 0, true);
  }

  stop(): void {
    this.isStopped = true;
  }

  private later(work: Promise<void>): void {
    work.catch(this.fail);
  }

  private async read(path: string, depth: number, isNew: boolean): Promise<void> {
    if (this.isStopped) return;
    const watch = (event: WatchEvent) => this.dataHappened(path, depth, event);
    let node: NodeData;
    try {
      node = await this.limiter.run(() => this.client.getData(path, { session: this.session, timeoutMs: 0, watch }));
    } catch (error) {
      if (!isKeeperError(error, "NoNode")) throw error;
      return this.missing(path, depth);
    }
    if (this.isStopped) return;
    this.store.put(path, node);
    if (isNew && depth < this.maxDepth) await this.list(path, depth);
  }

  private async missing(path: string, depth: number): Promise<void> {
    this.store.remove(path);
    if (path !== this.root) return void this.watched.delete(path);
    const watch = () => this.later(this.read(path, depth, true));
    const stat = await this.client.exists(path, { session: this.session, timeoutMs: 0, watch });
    // It has come into being since; the watch that was set is one for its end now, and reads it once more then.
    if (stat !== null) await this.read(path, depth, true);
  }

  private dataHappened(path: string, depth: number, { type }: WatchEvent): void {
    if (this.isStopped || type === "SessionEnded") return;
    if (type !== "NodeDeleted") return this.later(this.read(path, depth, false));
    this.store.remove(path);
    this.watched.delete(path);
    if (path === this.root) {
      this.watched.add(path);
      this.later(this.missing(path, depth));
    }
  }

  private async list(path: string, depth: number): Promise<void> {
    if (this.isStopped) return;
    const watch = ({ type }: WatchEvent) => {
      if (!this.isStopped && type !== "SessionEnded" && type !== "NodeDeleted") this.later(this.list(path, depth));
    };
    const names = await this.limiter.run(() => childNames(this.client, this.session, path, watch));
    if (names === null || this.isStopped) return;
    const isThere = new Set(names);
    for (const name of this.store.children(path)) if (!isThere.has(name)) this.store.remove(childPath(path, name));
    const reads: Promise<void>[] = [];
    for (const name of names) {
      const child = childPath(path, name);
      if (this.watched.has(child)) continue;
      this.watched.add(child);
      reads.push(this.read(child, depth + 1, true));
    }
    await Promise.all(reads);
  }
}

/** Null if there is no such znode. */
async function childNames(
  client: ZooKeeper,
  session: Session,
  path: string,
  watch?: (event: WatchEvent) => void,
): Promise<string[] | null> {
  try {
    return await client.getChildren(path, { session, timeoutMs: 0, watch });
  } catch (error) {
    if (isKeeperError(error, "NoNode")) return null;
    throw error;
  }
}
