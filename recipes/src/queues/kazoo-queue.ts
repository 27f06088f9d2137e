import { type Data, isKeeperError, op, type Session, type ZooKeeper } from "@quoll/client";
import { deleteEphemeral, whileConnected } from "../kernel/cleanup.js";
import { LostError } from "../kernel/errors.js";
import { watchChildren } from "../kernel/node-watches.js";
import { inScope, type Scope, type WaitOptions } from "../kernel/scope.js";
import { SessionGuard } from "../kernel/session-guard.js";
import { Wake } from "../kernel/wake.js";
import { checkPath, childPath } from "../names/paths.js";
import { compareNames, kazooEntryPrefix } from "./item-names.js";
import { childrenOf } from "./simple-queue.js";

const DEFAULT_PRIORITY = 100;

/**
 * A queue of byte strings with priorities, lower ones first; an entry is removed before it is handed out: at most once.
 * Shared with kazoo's `Queue`.
 *
 * Znodes: `PATH/entry-PPP-N`, persistent.
 */
export class KazooQueue {
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
  ) {
    checkPath(path);
  }

  /**
   * Appends an entry.
   * @param priority - 0 to 999; lower ones come first
   */
  async put(data: Data, priority = DEFAULT_PRIORITY): Promise<void> {
    const path = childPath(this.path, kazooEntryPrefix(priority));
    await this.client.create(path, data, { mode: "persistentSequential", parents: "persistent" });
  }

  /** Removes the first entry and returns it; null if there is none. */
  async get(): Promise<Uint8Array | null> {
    for (const name of (await childrenOf(this.client, this.path)).sort(compareNames)) {
      const path = childPath(this.path, name);
      try {
        const { data } = await this.client.getData(path);
        await this.client.delete(path);
        return data ?? new Uint8Array();
      } catch (error) {
        if (!isKeeperError(error, "NoNode")) throw error;
      }
    }
    return null;
  }

  /** How many entries there are. */
  async size(): Promise<number> {
    return (await this.client.exists(this.path))?.numChildren ?? 0;
  }
}

/**
 * A queue whose entries are held while they are worked on, and removed only after that: at least once. An entry whose
 * holder goes away comes back. Shared with kazoo's `LockingQueue`.
 *
 * Znodes: `PATH/entries/entry-PPP-N`, persistent; `PATH/taken/entry-PPP-N`, ephemeral, while it is held.
 */
export class LockingQueue {
  private readonly entriesPath: string;
  private readonly takenPath: string;

  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
  ) {
    checkPath(path);
    this.entriesPath = childPath(path, "entries");
    this.takenPath = childPath(path, "taken");
  }

  /**
   * Appends an entry.
   * @param priority - 0 to 999; lower ones come first
   * @throws KeeperError with `outcome` "unknown" if the answer was lost: it may be there
   */
  async put(data: Data, priority = DEFAULT_PRIORITY): Promise<void> {
    const path = childPath(this.entriesPath, kazooEntryPrefix(priority));
    await this.client.create(path, data, { mode: "persistentSequential", parents: "persistent" });
  }

  /** Appends several entries in one txn: all or none. */
  async putAll(entries: readonly Data[], priority = DEFAULT_PRIORITY): Promise<void> {
    await this.ensureFolders();
    const path = childPath(this.entriesPath, kazooEntryPrefix(priority));
    await this.client.multi(entries.map((data) => op.create(path, data, { mode: "persistentSequential" })));
  }

  /**
   * Waits for an entry and holds it.
   * @throws {@link WaitTimeoutError}, the signal's reason, KeeperError, ClosedError; nothing is held then
   */
  take(options?: WaitOptions): Promise<HeldEntry> {
    return inScope(this.client, this.path, options, (scope) => this.takeIn(scope));
  }

  /** How many entries there are, those that are held included. */
  async size(): Promise<number> {
    return (await this.client.exists(this.entriesPath))?.numChildren ?? 0;
  }

  private async takeIn(scope: Scope): Promise<HeldEntry> {
    await scope.race(this.ensureFolders());
    for (;;) {
      const session = await scope.race(this.client.connected({ signal: scope.signal, timeoutMs: 0 }));
      const wake = new Wake();
      const unwatch: (() => void)[] = [];
      try {
        const entries = await scope.race(watchChildren(this.client, session, this.entriesPath, wake.set));
        unwatch.push(entries.unwatch);
        const taken = await scope.race(watchChildren(this.client, session, this.takenPath, wake.set));
        unwatch.push(taken.unwatch);
        const isTaken = new Set(taken.node);
        for (const name of [...(entries.node ?? [])].sort(compareNames)) {
          if (isTaken.has(name)) continue;
          const taking = this.hold(session, name);
          let held: HeldEntry | null;
          try {
            held = await scope.race(taking);
          } catch (error) {
            await whileConnected(
              this.client,
              taking.then(
                (late) => late?.release(),
                () => {},
              ),
            );
            throw error;
          }
          if (held !== null) return held;
        }
        scope.throwIfImmediate();
        await scope.race(wake.wait());
      } catch (error) {
        if (scope.isOver || !session.signal.aborted) throw error;
      } finally {
        for (const each of unwatch) each();
      }
    }
  }

  private async hold(session: Session, name: string): Promise<HeldEntry | null> {
    const lock = childPath(this.takenPath, name);
    const id = this.client.platform.uuid().replaceAll("-", "");
    for (;;) {
      try {
        await this.client.create(lock, id, { mode: "ephemeral", session, timeoutMs: 0 });
        break;
      } catch (error) {
        if (isKeeperError(error, "NodeExists")) {
          if ((await this.holderOf(lock, session)) === id) break;
          return null;
        }
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
      }
    }
    const path = childPath(this.entriesPath, name);
    try {
      const { data } = await this.client.getData(path, { session, timeoutMs: 0 });
      return new HeldEntry(this.client, session, path, lock, data ?? new Uint8Array());
    } catch (error) {
      await whileConnected(
        this.client,
        deleteEphemeral(this.client, session, lock).catch(() => {}),
      );
      // It was consumed before we had its lock.
      if (isKeeperError(error, "NoNode")) return null;
      throw error;
    }
  }

  private async holderOf(lock: string, session: Session): Promise<string | null> {
    try {
      return (await this.client.getData(lock, { session, timeoutMs: 0 })).text();
    } catch (error) {
      if (isKeeperError(error, "NoNode")) return null;
      throw error;
    }
  }

  private async ensureFolders(): Promise<void> {
    for (const path of [this.takenPath, this.entriesPath]) {
      try {
        await this.client.create(path, null, { parents: "persistent" });
      } catch (error) {
        if (!isKeeperError(error, "NodeExists", "ConnectionLoss")) throw error;
      }
    }
  }
}

/** An entry that nobody else works on. `await using` gives it back unless it was consumed. */
export class HeldEntry implements AsyncDisposable {
  private readonly lost = new AbortController();
  private readonly stopGuarding: () => void;
  private readonly guard: SessionGuard;
  private isOver = false;

  /** @internal */
  constructor(
    private readonly client: ZooKeeper,
    private readonly session: Session,
    private readonly path: string,
    private readonly lock: string,
    /** The entry. */
    readonly data: Uint8Array,
  ) {
    this.guard = SessionGuard.of(client, session);
    this.stopGuarding = this.guard.onLost((why) => this.lost.abort(new LostError(lock, why)));
  }

  /** Fires, with a {@link LostError}, when somebody else may hold the entry. */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Whether nobody else can have it, for certain. */
  get isHeld(): boolean {
    return !this.isOver && !this.lost.signal.aborted && this.guard.isAlive;
  }

  /**
   * Removes the entry: it is done.
   * @throws {@link LostError} if it was lost before: then it is not removed, and others will do it again
   */
  async consume(): Promise<void> {
    if (this.isOver) return;
    for (;;) {
      try {
        await this.client.multi([op.delete(this.path), op.delete(this.lock)], { session: this.session, timeoutMs: 0 });
        break;
      } catch (error) {
        // After a lost answer it may be done already.
        if (isKeeperError(error, "NoNode")) break;
        if (this.session.signal.aborted) throw new LostError(this.lock, "sessionEnded");
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout")) throw error;
      }
    }
    this.end();
  }

  /** Gives the entry back. Resolves once others can have it; without a connection at once. */
  async release(): Promise<void> {
    if (this.isOver) return;
    this.end();
    await whileConnected(
      this.client,
      deleteEphemeral(this.client, this.session, this.lock).catch(() => {}),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  private end(): void {
    this.isOver = true;
    this.stopGuarding();
  }
}
