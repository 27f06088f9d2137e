import { type Data, isKeeperError, type Session, type ZooKeeper } from "@quoll/client";
import { deleteEphemeral, whileConnected } from "../kernel/cleanup.js";
import { LostError, NotRunningError } from "../kernel/errors.js";
import { wakeOnChange, watchExistence } from "../kernel/node-watches.js";
import { inScope, type Scope, type WaitOptions } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath, childPath } from "../names/paths.js";
import { isComplete, leaveStep, READY } from "./double-barrier-turn.js";

/** What a {@link DoubleBarrier} can be told. */
export interface DoubleBarrierOptions {
  /** What the member's znode holds. */
  readonly data?: Data | undefined;
  /** When `ready` is deleted: by the last to leave as in Curator (default), or by the first as in kazoo. */
  readonly layout?: "curator" | "kazoo" | undefined;
}

/**
 * Lets so many members in together, and out together. Shared with Curator's `DistributedDoubleBarrier`, or with kazoo's
 * `DoubleBarrier` (`layout: "kazoo"`).
 *
 * Znodes: `PATH/UUID` (with kazoo `PATH/HEX32`), ephemeral, per member; `PATH/ready` from when all are there.
 *
 * A member whose session ends while it is inside counts as one that has left.
 */
export class DoubleBarrier {
  private readonly own: string;
  private readonly data: Data;
  private readonly layout: "curator" | "kazoo";
  private session: Session | null = null;

  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    private readonly memberCount: number,
    { data = "", layout = "curator" }: DoubleBarrierOptions = {},
  ) {
    checkPath(path);
    if (!(Number.isInteger(memberCount) && memberCount > 0)) throw new RangeError(`${memberCount} members`);
    const uuid = client.platform.uuid();
    this.own = layout === "curator" ? uuid : uuid.replaceAll("-", "");
    this.data = data;
    this.layout = layout;
  }

  /**
   * Comes, and waits until all have come.
   * @throws {@link WaitTimeoutError} or the signal's reason: then we have not come; {@link LostError} if our session ends
   *   meanwhile; KeeperError; ClosedError
   */
  enter(options?: WaitOptions): Promise<void> {
    return inScope(this.client, this.path, options, async (scope) => {
      const session = await scope.race(this.client.connected({ signal: scope.signal, timeoutMs: 0 }));
      const coming = this.come(session);
      try {
        await scope.race(coming);
        await this.awaitAll(scope, session);
        this.session = session;
      } catch (error) {
        await whileConnected(
          this.client,
          coming.then(
            () => this.go(session),
            () => {},
          ),
        );
        throw session.signal.aborted && !scope.isOver ? new LostError(this.ownPath, "sessionEnded") : error;
      }
    });
  }

  /**
   * Leaves, and waits until all have left.
   * @throws {@link NotRunningError} if we have not entered; {@link WaitTimeoutError} or the signal's reason: then we have
   *   left, but not all; KeeperError; ClosedError
   */
  leave(options?: WaitOptions): Promise<void> {
    const session = this.session;
    if (session === null) return Promise.reject(new NotRunningError(`our membership at ${this.path}`));
    this.session = null;
    return inScope(this.client, this.path, options, async (scope) => {
      if (this.layout === "kazoo") await scope.race(this.deleteReady());
      try {
        await this.awaitNone(scope, session);
        if (this.layout === "curator") await scope.race(this.deleteReady());
      } catch (error) {
        await whileConnected(this.client, this.go(session));
        if (scope.isOver || !session.signal.aborted) throw error;
      }
    });
  }

  private get ownPath(): string {
    return childPath(this.path, this.own);
  }

  private async come(session: Session): Promise<void> {
    for (;;) {
      try {
        const options = { mode: "ephemeral", parents: "container", session, timeoutMs: 0 } as const;
        await this.client.create(this.ownPath, this.data, options);
        return;
      } catch (error) {
        if (isKeeperError(error, "NodeExists")) return;
        if (isKeeperError(error, "NoNode")) continue;
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
      }
    }
  }

  private async go(session: Session): Promise<void> {
    await deleteEphemeral(this.client, session, this.ownPath).catch(() => {});
  }

  private async awaitAll(scope: Scope, session: Session): Promise<void> {
    for (;;) {
      const wake = new Wake();
      const ready = childPath(this.path, READY);
      const { node, unwatch } = await scope.race(watchExistence(this.client, session, ready, wake.set));
      try {
        if (node !== null) return;
        // Only the last to come sees all: nobody but it looks again when another one comes.
        const children = await scope.race(this.members(session));
        if (!children.includes(this.own)) throw new LostError(this.ownPath, "deleted");
        if (isComplete(children, this.memberCount)) return await this.createReady(session);
        scope.throwIfImmediate();
        await scope.race(wake.wait());
      } finally {
        unwatch();
      }
    }
  }

  private async awaitNone(scope: Scope, session: Session): Promise<void> {
    for (;;) {
      const children = await scope.race(this.members(session));
      const step = leaveStep(children, this.own);
      const wake = new Wake();
      if (step.step === "done") {
        if (step.deleteOwn) await deleteEphemeral(this.client, session, this.ownPath);
        return;
      }
      const member = childPath(this.path, step.member);
      const { node, unwatch } = await scope.race(wakeOnChange(this.client, session, member, wake));
      try {
        if (step.deleteOwn) await deleteEphemeral(this.client, session, this.ownPath);
        if (node === null) continue;
        scope.throwIfImmediate();
        await scope.race(wake.wait());
      } finally {
        unwatch();
      }
    }
  }

  private async members(session: Session): Promise<string[]> {
    try {
      return await this.client.getChildren(this.path, { session, timeoutMs: 0 });
    } catch (error) {
      if (isKeeperError(error, "NoNode")) return [];
      throw error;
    }
  }

  private async createReady(session: Session): Promise<void> {
    for (;;) {
      try {
        await this.client.create(childPath(this.path, READY), null, { session, timeoutMs: 0 });
        return;
      } catch (error) {
        if (isKeeperError(error, "NodeExists")) return;
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
      }
    }
  }

  private async deleteReady(): Promise<void> {
    for (;;) {
      try {
        await this.client.delete(childPath(this.path, READY), { timeoutMs: 0 });
        return;
      } catch (error) {
        if (isKeeperError(error, "NoNode")) return;
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout")) throw error;
      }
    }
  }
}
