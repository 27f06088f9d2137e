import { type CreateMode, type Data, isKeeperError, type Session, type ZooKeeper } from "@quoll/client";
import { deleteEphemeral, inBackground, whileConnected } from "../kernel/cleanup.js";
import { createOnce } from "../kernel/create-once.js";
import { NotRunningError } from "../kernel/errors.js";
import { watchNode } from "../kernel/node-watches.js";
import { anyAborted, type BackgroundOptions, Listeners, runLoop } from "../kernel/run-loop.js";
import { inScope, raceAbort, type WaitOptions } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath, childPath, nodeName, parentPath } from "../names/paths.js";

/** What a {@link PersistentNode} can be told. */
export interface PersistentNodeOptions extends BackgroundOptions {
  /** `ephemeral` by default. */
  readonly mode?: Extract<CreateMode, "ephemeral" | "ephemeralSequential" | "persistent" | "container"> | undefined;
  /** What the znode holds; nothing by default. */
  readonly data?: Data | undefined;
}

/**
 * A znode that is there as long as it is wanted: it is made again when its session has ended, and when somebody has deleted
 * it. Curator's `PersistentNode`. An ephemeral one of an earlier session of ours, or of somebody else, is replaced.
 *
 * Znode: `PATH`; sequential ones get a GUID before the name and a number behind it. Missing parents are made as containers.
 */
export class PersistentNode implements AsyncDisposable {
  private readonly mode: NonNullable<PersistentNodeOptions["mode"]>;
  private readonly onError: ((error: unknown) => void) | undefined;
  private readonly closed = new AbortController();
  private readonly created = new Listeners<string>();
  private data: Data;
  private writtenData: Data | undefined;
  private actual: string | null = null;
  private owner: Session | null = null;
  private running: Promise<void> | null = null;

  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    { mode = "ephemeral", data = "", onError }: PersistentNodeOptions = {},
  ) {
    checkPath(path);
    this.mode = mode;
    this.data = data;
    this.onError = onError;
  }

  /**
   * Makes the znode, and again whenever it is missing, until `close`. Resolves when it is there for the first time.
   * @throws {@link WaitTimeoutError} or the signal's reason; it goes on trying all the same
   */
  async start(options?: WaitOptions): Promise<this> {
    this.running ??= runLoop(this.client, this.closed.signal, this.onError, () => this.keep());
    await inScope(this.client, this.path, options, async (scope) => {
      while (this.actual === null) {
        let stop = () => {};
        const created = new Promise<void>((resolve) => {
          stop = this.created.add(() => resolve());
        });
        await scope.race(raceAbort(created, this.closed.signal)).finally(() => stop());
      }
    });
    return this;
  }

  /** Where the znode is; null while it is not there. */
  get actualPath(): string | null {
    return this.actual;
  }

  /** Calls `listener` with the actual path whenever the znode was made. */
  onCreated(listener: (path: string) => void): () => void {
    return this.created.add(listener);
  }

  /** Replaces what the znode holds, now and whenever it is made again. Resolves when it was written, if the znode is there. */
  async setData(data: Data): Promise<void> {
    this.data = data;
    const path = this.actual;
    if (path === null) return;
    try {
      await this.client.setData(path, data);
      this.writtenData = data;
    } catch (error) {
      // It will be written when the znode is made again.
      if (!isKeeperError(error, "NoNode")) throw error;
    }
  }

  /** Deletes the znode. Resolves when it is gone; without a connection at once, and it is deleted as soon as there is one. */
  async close(): Promise<void> {
    this.closed.abort(new NotRunningError(`the node at ${this.path}`));
    this.created.clear();
    await this.running;
    const path = this.actual;
    this.actual = null;
    if (path === null || this.owner === null) return;
    const removal = this.isEphemeral ? deleteEphemeral(this.client, this.owner, path) : this.deletePersistent(path);
    await whileConnected(
      this.client,
      removal.catch(() => {}),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private get isEphemeral(): boolean {
    return this.mode === "ephemeral" || this.mode === "ephemeralSequential";
  }

  private async keep(): Promise<void> {
    const stop = this.closed.signal;
    const session = await raceAbort(this.client.connected({ signal: stop, timeoutMs: 0 }), stop);
    try {
      const creation = this.create(session);
      let path: string;
      try {
        path = await raceAbort(creation, stop);
      } catch (error) {
        // Closed while it was being made: it goes as soon as it has come.
        const removal = creation.then((late) => deleteEphemeral(this.client, session, late)).catch(() => {});
        if (stop.aborted) inBackground(this.client, removal);
        throw error;
      }
      this.actual = path;
      this.owner = session;
      this.created.tell(path);
      await this.awaitEnd(session, path);
      if (!stop.aborted) this.actual = null;
    } catch (error) {
      if (!stop.aborted) this.actual = null;
      if (!session.signal.aborted) throw error;
    }
  }

  private async create(session: Session): Promise<string> {
    const data = this.data;
    if (this.mode === "ephemeralSequential") {
      const parent = parentPath(this.path);
      const prefix = `_c_${this.client.platform.uuid()}-${nodeName(this.path)}`;
      const name = await createOnce(this.client, session, parent, prefix, data, this.mode);
      this.writtenData = data;
      return childPath(parent, name);
    }
    for (;;) {
      try {
        const options = { mode: this.mode, parents: "container", session, timeoutMs: 0 } as const;
        await this.client.create(this.path, data, options);
        break;
      } catch (error) {
        if (isKeeperError(error, "NodeExists")) {
          if (await this.takeOver(session, data)) break;
        } else if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout", "NoNode") || session.signal.aborted) {
          throw error;
        }
      }
    }
    this.writtenData = data;
    return this.path;
  }

  /** What is there already becomes ours: an ephemeral of another session is deleted, so that ours can be made. */
  private async takeOver(session: Session, data: Data): Promise<boolean> {
    const stat = await this.client.exists(this.path, { session, timeoutMs: 0 });
    if (stat === null) return false;
    try {
      if (this.isEphemeral && stat.ephemeralOwner !== session.id) {
        await this.client.delete(this.path, { version: stat.version, session, timeoutMs: 0 });
        return false;
      }
      await this.client.setData(this.path, data, { session, timeoutMs: 0 });
      return true;
    } catch (error) {
      if (isKeeperError(error, "NoNode", "BadVersion")) return false;
      throw error;
    }
  }

  private async deletePersistent(path: string): Promise<void> {
    for (;;) {
      try {
        await this.client.delete(path, { timeoutMs: 0 });
        return;
      } catch (error) {
        if (isKeeperError(error, "NoNode")) return;
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout", "SessionExpired")) throw error;
      }
    }
  }

  /** Resolves when the znode is gone, or may be: then `keep` looks. */
  private async awaitEnd(session: Session, path: string): Promise<void> {
    const stop = this.closed.signal;
    for (;;) {
      const wake = new Wake();
      let isDeleted = false;
      const watching = watchNode(this.client, session, path, ({ type }) => {
        isDeleted = type === "NodeDeleted" || type === "SessionEnded";
        wake.set();
      });
      const { node, unwatch } = await raceAbort(watching, stop);
      try {
        if (node === null || stop.aborted) return;
        if (this.writtenData !== this.data) await raceAbort(this.setData(this.data), stop);
        const ended = anyAborted(stop, session.signal);
        await Promise.race([wake.wait(), ended]);
        if (stop.aborted || session.signal.aborted || isDeleted) return;
      } finally {
        unwatch();
      }
    }
  }
}
