import { type Data, isKeeperError, type ZooKeeper } from "@quoll/client";
import { checkPath, childPath } from "../names/paths.js";
import { parseSequentialName } from "../names/sequence.js";
import type { Contest } from "./contend.js";
import { LOCK_MARKERS } from "./contenders.js";
import { Held } from "./held.js";
import { Lock, type LockOptions } from "./lock.js";
import { contenderPrefix, type LockNaming, type LockRole } from "./naming.js";

/** What a {@link ReadWriteLock} can be told. */
export interface ReadWriteLockOptions extends LockOptions {
  /** Whose names the contenders get; `curator` by default. Those of both libraries are recognised. */
  readonly naming?: Exclude<LockNaming, "go"> | undefined;
}

/**
 * A lock that many readers or one writer hold, in the order of asking: a reader does not pass a writer that waits. Shared
 * with Curator's `InterProcessReadWriteLock`, or with kazoo's `ReadLock` and `WriteLock` (`naming: "kazoo"`).
 *
 * Znodes: `PATH/_c_UUID-__READ__N` and `PATH/_c_UUID-__WRIT__N`, ephemeral; `PATH` is a container.
 */
export class ReadWriteLock {
  /** Held by many at a time, while no writer holds or has asked before. */
  readonly read: Lock;
  /** Held by one alone. */
  readonly write: Lock;
  private readonly naming: LockNaming;
  private readonly data: Data;

  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    { naming = "curator", data = "", reentrant = false }: ReadWriteLockOptions = {},
  ) {
    checkPath(path);
    this.naming = naming;
    this.data = data;
    this.read = new RoleLock(client, path, "read", naming, data, reentrant);
    this.write = new RoleLock(client, path, "write", naming, data, reentrant);
  }

  /**
   * Turns a held write lock into a read lock, without letting a writer in between. The write lock is released.
   * @param written - from {@link write}
   * @returns the read lock; its fencing token is the new znode's
   */
  async downgrade(written: Held): Promise<Held> {
    written.assertHeld();
    const session = this.client.session;
    const marker = this.naming === "kazoo" ? "__lock__" : "__WRIT__";
    const parsed = parseSequentialName(written.name, marker);
    if (parsed === null || session === null || session.id !== written.sessionId) {
      throw new RangeError(`${written.path} is no write lock of this session and naming`);
    }
    // The reader gets the writer's number, and so its place in the queue. As its name is known, a lost reply does no harm.
    const digits = written.name.slice(parsed.stem.length);
    const name = contenderPrefix(this.naming, "read", this.client.platform.uuid()) + digits;
    const path = childPath(this.path, name);
    for (;;) {
      try {
        await this.client.create(path, this.data, { mode: "ephemeral", session, timeoutMs: 0 });
        break;
      } catch (error) {
        if (isKeeperError(error, "NodeExists")) break;
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
      }
    }
    const { stat } = await this.client.getData(path, { session, timeoutMs: 0 });
    const held = new Held(this.client, session, this.path, name, stat.czxid);
    await held.watchOwn();
    await written.release();
    return held;
  }
}

class RoleLock extends Lock {
  private readonly fixed: Contest;

  constructor(client: ZooKeeper, path: string, role: LockRole, naming: LockNaming, data: Data, reentrant: boolean) {
    super(client, path, reentrant);
    this.fixed = { parent: path, markers: LOCK_MARKERS, prefix: (uuid) => contenderPrefix(naming, role, uuid), data };
  }

  protected contest(): Contest {
    return this.fixed;
  }
}
