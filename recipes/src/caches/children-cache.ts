import type { ZooKeeper } from "@quoll/client";
import type { BackgroundOptions } from "../kernel/run-loop.js";
import type { WaitOptions } from "../kernel/scope.js";
import { childPath } from "../names/paths.js";
import { type CachedNode, type CacheEvent, TreeCache } from "./tree-cache.js";

/**
 * A copy of the children of a znode, which follows their coming, going and data. Curator's `PathChildrenCache`; see
 * {@link TreeCache}. Works with servers of any age.
 */
export class ChildrenCache implements AsyncDisposable {
  private readonly cache: TreeCache;

  constructor(
    client: ZooKeeper,
    /** What is followed. */
    readonly path: string,
    options: BackgroundOptions = {},
  ) {
    this.cache = new TreeCache(client, path, { ...options, maxDepth: 1 });
  }

  /** As {@link TreeCache.start}. */
  async start(options?: WaitOptions): Promise<this> {
    await this.cache.start(options);
    return this;
  }

  /** The child with this name; undefined if there is none. */
  get(name: string): CachedNode | undefined {
    return this.cache.get(childPath(this.path, name));
  }

  /** All children by their names, in the order of these. */
  children(): Map<string, CachedNode> {
    const children = new Map<string, CachedNode>();
    for (const name of this.cache.children(this.path).sort()) {
      const node = this.get(name);
      if (node !== undefined) children.set(name, node);
    }
    return children;
  }

  /**
   * Calls `listener` with what happens to children from now on.
   * @returns a function that ends it
   */
  onEvent(listener: (event: CacheEvent) => void): () => void {
    return this.cache.onEvent((event) => {
      const { path } = event.type === "deleted" ? event.previous : event.node;
      if (path !== this.path) listener(event);
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
