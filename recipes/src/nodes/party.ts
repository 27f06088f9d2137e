import { isKeeperError, type ZooKeeper } from "@quoll/client";
import type { BackgroundOptions } from "../kernel/run-loop.js";
import type { WaitOptions } from "../kernel/scope.js";
import { checkPath, childPath } from "../names/paths.js";
import { childrenOf } from "../queues/simple-queue.js";
import { PersistentNode } from "./persistent-node.js";

const MARKER = "__party__";

/**
 * A group of processes that come and go. Shared with kazoo's `Party`.
 *
 * Znodes: `PATH/HEX32__party__`, ephemeral, the identifier as data. Unlike kazoo's, we are back by ourselves after a lost
 * session.
 */
export class Party implements AsyncDisposable {
  private node: PersistentNode | null = null;

  /** @param identifier - what others see of us */
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    readonly identifier = "",
    private readonly options: BackgroundOptions = {},
  ) {
    checkPath(path);
  }

  /** Joins. Resolves when others can see us. */
  async join(options?: WaitOptions): Promise<void> {
    const name = this.client.platform.uuid().replaceAll("-", "") + MARKER;
    this.node ??= new PersistentNode(this.client, childPath(this.path, name), {
      ...this.options,
      data: this.identifier,
    });
    await this.node.start(options);
  }

  /** Leaves. */
  async leave(): Promise<void> {
    const node = this.node;
    this.node = null;
    await node?.close();
  }

  /** The identifiers of all that take part. */
  async members(): Promise<string[]> {
    const names = (await childrenOf(this.client, this.path)).filter((name) => name.includes(MARKER));
    const members = await Promise.all(
      names.map(async (name) => {
        try {
          return (await this.client.getData(childPath(this.path, name))).text();
        } catch (error) {
          if (isKeeperError(error, "NoNode")) return null;
          throw error;
        }
      }),
    );
    return members.filter((member) => member !== null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }
}

/**
 * A group of processes whose identifiers are known by their znodes' names alone. Shared with kazoo's `ShallowParty`.
 *
 * Znodes: `PATH/HEX32-IDENTIFIER`, ephemeral.
 */
export class ShallowParty implements AsyncDisposable {
  private node: PersistentNode | null = null;

  /** @param identifier - what others see of us; it becomes part of a name, so without `/` */
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    readonly identifier: string,
    private readonly options: BackgroundOptions = {},
  ) {
    checkPath(path);
    if (identifier.includes("/")) throw new RangeError(`${identifier} cannot be part of a znode's name`);
  }

  /** Joins. Resolves when others can see us. */
  async join(options?: WaitOptions): Promise<void> {
    const name = `${this.client.platform.uuid().replaceAll("-", "")}-${this.identifier}`;
    this.node ??= new PersistentNode(this.client, childPath(this.path, name), {
      ...this.options,
      data: this.identifier,
    });
    await this.node.start(options);
  }

  /** Leaves. */
  async leave(): Promise<void> {
    const node = this.node;
    this.node = null;
    await node?.close();
  }

  /** The identifiers of all that take part. */
  async members(): Promise<string[]> {
    return (await childrenOf(this.client, this.path)).map((name) => name.slice(name.indexOf("-") + 1));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }
}
