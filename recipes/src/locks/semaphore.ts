import { type Data, isKeeperError, type Session, type ZooKeeper } from "@quoll/client";
import { deleteEphemeral, inBackground, whileConnected } from "../kernel/cleanup.js";
import { createOnce } from "../kernel/create-once.js";
import { FormatError, WaitTimeoutError } from "../kernel/errors.js";
import { wakeOnChange, watchChildren } from "../kernel/node-watches.js";
import { inScope, type Scope, type WaitOptions } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath, childPath } from "../names/paths.js";
import { decodeNumber } from "../values/number-formats.js";
import { type Claim, readClaims } from "./claim.js";
import { Held } from "./held.js";
import { Mutex } from "./mutex.js";

/** What a {@link Semaphore} can be told. */
export interface SemaphoreOptions {
  /**
   * Whose znodes it uses: Curator's `InterProcessSemaphoreV2` (`PATH/locks`, `PATH/leases/_c_UUID-lease-N`; the default) or
   * kazoo's `Semaphore` (`PATH-__lock__`, `PATH/HEX32`).
   */
  readonly layout?: "curator" | "kazoo" | undefined;
  /** What a lease's znode holds. */
  readonly data?: Data | undefined;
}

/**
 * A number of leases, each held by one at a time. Who wants one takes a mutex, waits until there is room, and gives the
 * mutex back: one at a time looks at the leases, however many wait. Shared with Curator's `InterProcessSemaphoreV2`, or with
 * kazoo's `Semaphore` (`layout: "kazoo"`).
 *
 * Everybody must agree on the number of leases, or read it from the same {@link SharedCount}.
 */
export class Semaphore {
  private readonly layout: "curator" | "kazoo";
  private readonly data: Data;
  private readonly leasesPath: string;
  private readonly mutex: Mutex;

  /**
   * @param leases - how many leases there are; or the path of a {@link SharedCount} that says so, and may change. When it
   *   becomes smaller, leases that are held stay held
   */
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    private readonly leases: number | string,
    { layout = "curator", data = "" }: SemaphoreOptions = {},
  ) {
    checkPath(path);
    if (typeof leases === "number" ? !(Number.isInteger(leases) && leases > 0) : checkPath(leases) !== leases) {
      throw new RangeError(`a semaphore has 1 lease or more, not ${leases}`);
    }
    this.layout = layout;
    this.data = data;
    this.leasesPath = layout === "curator" ? childPath(path, "leases") : path;
    this.mutex = new Mutex(client, layout === "curator" ? childPath(path, "locks") : `${path}-__lock__`, {
      naming: layout,
      data,
    });
  }

  /**
   * Waits for a lease.
   * @throws as {@link Lock.acquire}
   */
  acquire(options?: WaitOptions): Promise<Held> {
    return inScope(this.client, this.path, options, (scope) => this.acquireIn(scope));
  }

  /** As {@link acquire}, and null if there is no lease in time: at once, if no `timeoutMs` is given. */
  async tryAcquire(options?: WaitOptions): Promise<Held | null> {
    try {
      return await this.acquire({ timeoutMs: 0, ...options });
    } catch (error) {
      if (error instanceof WaitTimeoutError) return null;
      throw error;
    }
  }

  /**
   * Waits for several leases: all or none. Whoever needs more than one should ask so: with one at a time, two may
   * wait for each other.
   */
  acquireMany(count: number, options?: WaitOptions): Promise<Held[]> {
    return inScope(this.client, this.path, options, async (scope) => {
      const held: Held[] = [];
      try {
        while (held.length < count) held.push(await this.acquireIn(scope));
        return held;
      } catch (error) {
        await Promise.all(held.map((lease) => lease.release()));
        throw error;
      }
    });
  }

  /** Holds a lease while `body` runs. */
  async run<T>(body: (held: Held) => Promise<T>, options?: WaitOptions): Promise<T> {
    await using held = await this.acquire(options);
    return await body(held);
  }

  /** Who holds leases now. */
  async holders(): Promise<Claim[]> {
    let names: string[];
    try {
      names = await this.client.getChildren(this.leasesPath);
    } catch (error) {
      if (isKeeperError(error, "NoNode")) return [];
      throw error;
    }
    const claims = await readClaims(
      this.client,
      this.leasesPath,
      names.map((name) => ({ name, kind: "exclusive" })),
    );
    return claims.sort((a, b) => (a.fencingToken < b.fencingToken ? -1 : 1));
  }

  /** Who waits for a lease, the next one first. One of them may be about to get it. */
  async waiters(): Promise<Claim[]> {
    const [holders, waiters] = await Promise.all([this.mutex.holders(), this.mutex.waiters()]);
    return [...holders, ...waiters];
  }

  private async acquireIn(scope: Scope): Promise<Held> {
    for (;;) {
      const turn = await this.mutex.acquire({
        signal: scope.signal,
        ...(scope.isImmediate ? { timeoutMs: 0 } : {}),
      });
      try {
        const lease = await this.takeLease(scope, turn);
        if (lease !== null) return lease;
      } finally {
        await turn.release();
      }
    }
  }

  /**
   * Waits for room, as the only one that does, and takes it.
   * @returns null if the session has ended or the mutex is lost: then from the beginning
   */
  private async takeLease(scope: Scope, turn: Held): Promise<Held | null> {
    const session = this.client.session;
    if (session === null || session.id !== turn.sessionId) return null;
    if (this.layout === "kazoo") await this.writeLeases(session);
    let creation: Promise<string> | null = null;
    try {
      await this.awaitRoom(scope, session, turn, null);
      if (!turn.isHeld) return null;
      const uuid = this.client.platform.uuid();
      creation =
        this.layout === "curator"
          ? createOnce(this.client, session, this.leasesPath, `_c_${uuid}-lease-`, this.data, "ephemeralSequential")
          : this.createNamed(session, uuid.replaceAll("-", ""));
      const name = await scope.race(creation);
      await this.awaitRoom(scope, session, turn, name);
      const stat = await scope.race(this.client.exists(childPath(this.leasesPath, name), { session, timeoutMs: 0 }));
      if (stat === null || !turn.isHeld) throw new LeaseGoneError();
      const held = new Held(this.client, session, this.leasesPath, name, stat.czxid);
      inBackground(
        this.client,
        held.watchOwn().catch(() => {}),
      );
      return held;
    } catch (error) {
      if (creation !== null) await whileConnected(this.client, this.remove(session, creation));
      if (scope.isOver) throw error;
      if (error instanceof LeaseGoneError || session.signal.aborted) return null;
      throw error;
    }
  }

  /** Waits until there is room for `own`, or for one more if there is none yet. */
  private async awaitRoom(scope: Scope, session: Session, turn: Held, own: string | null): Promise<void> {
    for (;;) {
      const wake = new Wake();
      const [max, unwatchMax] = await this.maxLeases(scope, session, wake);
      let unwatchLeases = () => {};
      try {
        const leases = await scope.race(watchChildren(this.client, session, this.leasesPath, wake.set));
        unwatchLeases = leases.unwatch;
        const names = leases.node ?? [];
        if (own !== null && !names.includes(own)) throw new LeaseGoneError();
        if (!turn.isHeld) throw new LeaseGoneError();
        if (names.length + (own === null ? 1 : 0) <= max) return;
        scope.throwIfImmediate();
        turn.signal.addEventListener("abort", wake.set);
        await scope.race(wake.wait());
      } finally {
        turn.signal.removeEventListener("abort", wake.set);
        unwatchLeases();
        unwatchMax();
      }
    }
  }

  private async maxLeases(scope: Scope, session: Session, wake: Wake): Promise<[number, () => void]> {
    if (typeof this.leases === "number") return [this.leases, () => {}];
    const { node, unwatch } = await scope.race(wakeOnChange(this.client, session, this.leases, wake));
    const count = node?.data ? decodeNumber(node.data, "int32") : null;
    if (count === null) {
      unwatch();
      throw new FormatError(this.leases, "the number of leases as an int32; write it with a SharedCount first");
    }
    return [Number(count), unwatch];
  }

  /** kazoo keeps the number of leases in the semaphore's znode, and refuses to work with another one. */
  private async writeLeases(session: Session): Promise<void> {
    if (typeof this.leases !== "number") return;
    try {
      await this.client.create(this.path, String(this.leases), { parents: "container", session });
    } catch (error) {
      if (!isKeeperError(error, "NodeExists", "ConnectionLoss")) throw error;
      const text = (await this.client.getData(this.path, { session })).text();
      if (/^\d+$/.test(text) && Number(text) !== this.leases) {
        throw new FormatError(this.path, `${this.leases} leases, but ${text}`);
      }
    }
  }

  private async createNamed(session: Session, name: string): Promise<string> {
    for (;;) {
      try {
        await this.client.create(childPath(this.leasesPath, name), this.data, {
          mode: "ephemeral",
          session,
          timeoutMs: 0,
        });
        return name;
      } catch (error) {
        if (isKeeperError(error, "NodeExists")) return name;
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
      }
    }
  }

  private async remove(session: Session, creation: Promise<string>): Promise<void> {
    try {
      await deleteEphemeral(this.client, session, childPath(this.leasesPath, await creation));
    } catch {
      // It was never created, or the session's end will remove it.
    }
  }
}

/** The lease or the mutex was lost while it waited. */
class LeaseGoneError extends Error {}
