import type { Session, WatchEvent, ZooKeeper } from "@quoll/client";
import { deleteEphemeral, whileConnected } from "../kernel/cleanup.js";
import { LostError } from "../kernel/errors.js";
import { watchNode } from "../kernel/node-watches.js";
import { SessionGuard } from "../kernel/session-guard.js";
import { childPath } from "../names/paths.js";

/** What somebody else writes into a holder's znode to ask it to let go; Curator's `Revoker` does so too. */
const REVOKE = "__REVOKE__";

/**
 * Something that is held by an ephemeral znode: a lock, a lease, a leadership. `await using` releases it.
 *
 * No lock of any ZooKeeper recipe can keep a process from acting that was stopped for longer than its session timeout and
 * doesn't know yet that others have gone on. Where that matters, give {@link fencingToken} to what is written to, and
 * let it refuse whoever comes with a lower one than it has seen.
 */
export class Held implements AsyncDisposable {
  /** Of the znode that stands for it. */
  readonly path: string;
  /** The znode's czxid: higher than that of everybody who held it before. */
  readonly fencingToken: bigint;
  /** Of the session by which it is held. */
  readonly sessionId: bigint;
  private readonly lost = new AbortController();
  private readonly revocation = new AbortController();
  private readonly guard: SessionGuard;
  private readonly stopGuarding: () => void;
  private unwatch: () => void = () => {};
  private holds = 1;
  private released: Promise<void> | null = null;

  /** @internal */
  constructor(
    private readonly client: ZooKeeper,
    private readonly session: Session,
    parent: string,
    /** Of the znode, without its parent's path. */
    readonly name: string,
    czxid: bigint,
  ) {
    this.path = childPath(parent, name);
    this.fencingToken = czxid;
    this.sessionId = session.id;
    this.guard = SessionGuard.of(client, session);
    this.stopGuarding = this.guard.onLost((why) => this.lose(why));
  }

  /**
   * Fires, with a {@link LostError}, as soon as this process can know that others may hold it now: the session has ended;
   * no server has answered for a whole session timeout, so that it may have; or the znode was deleted. It does not fire
   * on a mere disconnection, nor on `release`.
   */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Fires when somebody asks the holder to let go ({@link revoke}, or Curator's `Revoker`). Whether to is up to it. */
  get revokeRequested(): AbortSignal {
    return this.revocation.signal;
  }

  /**
   * Whether it is held now. It looks at the clock too: after a pause of the process it is right at once, when timers and
   * events are still late.
   */
  get isHeld(): boolean {
    return this.released === null && !this.lost.signal.aborted && this.guard.isAlive;
  }

  /** @throws {@link LostError} when {@link isHeld} is false */
  assertHeld(): void {
    if (this.lost.signal.aborted) throw this.lost.signal.reason;
    if (!this.isHeld) throw new LostError(this.path, this.released === null ? "sessionSuspect" : "deleted");
  }

  /** Holds it once more: it is then let go by one more {@link release}. */
  retain(): this {
    this.assertHeld();
    this.holds++;
    return this;
  }

  /**
   * Lets it go. Resolves once others can have it; without a connection at once, and it is let go in the background as
   * soon as there is one, or by the end of the session. Calling it again does no harm.
   */
  release(): Promise<void> {
    if (this.released !== null) return this.released;
    if (--this.holds > 0) return Promise.resolve();
    this.stopGuarding();
    this.unwatch();
    this.released = whileConnected(this.client, deleteEphemeral(this.client, this.session, this.path));
    return this.released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** @internal Begins to watch the own znode: for its end, and for the wish of others. Fails if it is gone already. */
  async watchOwn(): Promise<void> {
    while (this.released === null && !this.lost.signal.aborted) {
      let isRead = false;
      const onEvent = ({ type }: WatchEvent) => {
        if (type === "NodeDeleted") this.lose("deleted");
        // What comes before the answer is seen by the answer. That the znode can't be read is no loss of it.
        else if (type !== "SessionEnded" && isRead) this.watchOwn().catch(() => {});
      };
      const { node, unwatch } = await watchNode(this.client, this.session, this.path, onEvent);
      isRead = true;
      if (this.released !== null) return unwatch();
      if (node === null) return this.lose("deleted");
      this.unwatch = unwatch;
      if (node.text() === REVOKE) this.revocation.abort(new Error(`${this.path}: somebody asks to let it go`));
      return;
    }
  }

  private lose(why: "sessionEnded" | "sessionSuspect" | "deleted"): void {
    this.stopGuarding();
    this.lost.abort(new LostError(this.path, why));
  }
}

/** Asks the holder whose znode this is to let go. It is its decision; Curator's `Revocable` locks are asked likewise. */
export async function revoke(client: ZooKeeper, holderPath: string): Promise<void> {
  await client.setData(holderPath, REVOKE);
}
