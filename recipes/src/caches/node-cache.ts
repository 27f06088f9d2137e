import type { ZooKeeper } from "@quoll/client";
import type { BackgroundOptions } from "../kernel/run-loop.js";
import type { WaitOptions } from "../kernel/scope.js";
import { type CachedNode, TreeCache } from "./tree-cache.js";

/** A copy of one znode, which follows its data. Curator's `NodeCache`; see {@link TreeCache}. Works with servers of any age. */
export class NodeCache implements AsyncDisposable {
  private readonly cache: TreeCache;

  constructor(
    client: ZooKeeper,
    /** What is followed. */
    readonly path: string,
    options: BackgroundOptions = {},
  ) {
    this.cache = new TreeCache(client, path, { ...options, maxDepth: 0 });
  }

  /** As {@link TreeCache.start}. */
  async start(options?: WaitOptions): Promise<this> {
    await this.cache.start(options);
    return this;
  }

  /** The znode; null if there is none. */
  get node(): CachedNode | null {
    return this.cache.get(this.path) ?? null;
  }

  /**
   * Calls `listener` with the znode whenever it is created, changed or (with null) deleted.
   * @returns a function that ends it
   */
  onChange(listener: (node: CachedNode | null, previous: CachedNode | null) => void): () => void {
    return this.cache.onEvent((event) => {
      listener(event.type === "deleted" ? null : event.node, event.type === "created" ? null : event.previous);
    });
  }

  /** Follows no more. */
  close(): Promise<void> {
    return this.cache.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
