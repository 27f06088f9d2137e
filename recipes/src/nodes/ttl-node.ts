import { type Data, isKeeperError, type ZooKeeper } from "@quoll/client";
import { NotRunningError } from "../kernel/errors.js";
import { type BackgroundOptions, runLoop } from "../kernel/run-loop.js";
import { delay } from "../kernel/scope.js";
import { checkPath, childPath } from "../names/paths.js";

/** What a {@link TtlNode} can be told. */
export interface TtlNodeOptions extends BackgroundOptions {
  /** What the znode holds. */
  readonly data?: Data | undefined;
}

const TOUCH = "touch";

/**
 * A znode that stays for a while after its maker is gone, whatever becomes of sessions: it lives on a TTL, and is kept alive
 * by a child that is written every half of that. Shared with Curator's `PersistentTtlNode`. Needs servers with
 * `extendedTypesEnabled`.
 *
 * Znodes: `PATH` and `PATH/touch`, both with the TTL. Closing leaves them to it.
 */
export class TtlNode implements AsyncDisposable {
  private readonly closed = new AbortController();
  private readonly onError: ((error: unknown) => void) | undefined;
  private data: Data;
  private running: Promise<void> | null = null;

  /** @param ttlMs - how long it stays */
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    private readonly ttlMs: number,
    { data = "", onError }: TtlNodeOptions = {},
  ) {
    checkPath(path);
    this.data = data;
    this.onError = onError;
  }

  /** Makes the znode and keeps it alive until `close`. */
  async start(): Promise<this> {
    await this.create();
    this.running ??= runLoop(this.client, this.closed.signal, this.onError, async () => {
      await delay(this.client, this.ttlMs / 2, this.closed.signal);
      await this.touch();
    });
    return this;
  }

  /** Replaces what the znode holds. */
  async setData(data: Data): Promise<void> {
    this.data = data;
    await this.client.setData(this.path, data);
  }

  /** Keeps it alive no more. */
  async close(): Promise<void> {
    this.closed.abort(new NotRunningError(`the node at ${this.path}`));
    await this.running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async create(): Promise<void> {
    const ttl = { mode: "persistentWithTtl", ttlMs: this.ttlMs } as const;
    try {
      await this.client.create(this.path, this.data, { ...ttl, parents: "container" });
    } catch (error) {
      if (!isKeeperError(error, "NodeExists", "ConnectionLoss")) throw error;
      await this.client.setData(this.path, this.data);
    }
  }

  private async touch(): Promise<void> {
    const child = childPath(this.path, TOUCH);
    for (;;) {
      try {
        await this.client.setData(child, null);
        return;
      } catch (error) {
        if (!isKeeperError(error, "NoNode")) throw error;
      }
      try {
        await this.client.create(child, null, { mode: "persistentWithTtl", ttlMs: this.ttlMs });
        return;
      } catch (error) {
        // Its parent's time was over, while we could not touch it; or somebody else keeps the same znode alive.
        if (isKeeperError(error, "NoNode")) await this.create();
        else if (!isKeeperError(error, "NodeExists")) throw error;
      }
    }
  }
}
