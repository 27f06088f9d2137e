import type { Data, ZooKeeper } from "@quoll/client";
import { ChildrenCache } from "../caches/children-cache.js";
import type { BackgroundOptions } from "../kernel/run-loop.js";
import type { WaitOptions } from "../kernel/scope.js";
import { checkPath, childPath } from "../names/paths.js";
import { PersistentNode } from "./persistent-node.js";

/** What a {@link GroupMember} can be told. */
export interface GroupMemberOptions extends BackgroundOptions {
  /** What our znode holds; nothing by default. */
  readonly data?: Data | undefined;
}

/**
 * Membership in a group, and who else is in it. Shared with Curator's `GroupMember`.
 *
 * Znodes: `PATH/ID`, ephemeral, the member's data; made again after a lost session.
 */
export class GroupMember implements AsyncDisposable {
  private readonly node: PersistentNode;
  private readonly cache: ChildrenCache;

  /** @param id - unique in the group: the name of our znode */
  constructor(
    client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    readonly id: string,
    { data = "", onError }: GroupMemberOptions = {},
  ) {
    checkPath(path);
    this.node = new PersistentNode(client, childPath(path, id), { data, onError });
    this.cache = new ChildrenCache(client, path, { onError });
  }

  /** Joins. Resolves when we are a member and know who else is. */
  async start(options?: WaitOptions): Promise<this> {
    await Promise.all([this.node.start(options), this.cache.start(options)]);
    return this;
  }

  /** All members by id, as last seen, with their data. */
  members(): Map<string, Uint8Array | null> {
    const members = new Map<string, Uint8Array | null>();
    for (const [id, { data }] of this.cache.children()) members.set(id, data);
    return members;
  }

  /**
   * Calls `listener` whenever members have come, gone or changed their data.
   * @returns a function that ends it
   */
  onChange(listener: (members: Map<string, Uint8Array | null>) => void): () => void {
    return this.cache.onEvent(() => listener(this.members()));
  }

  /** Replaces what our znode holds. */
  setData(data: Data): Promise<void> {
    return this.node.setData(data);
  }

  /** Leaves. */
  async close(): Promise<void> {
    await Promise.all([this.node.close(), this.cache.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
