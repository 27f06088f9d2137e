import type { Session, ZooKeeper } from "@quoll/client";

/** Told once when a session has ended or may have. */
export type SessionLostListener = (why: "sessionEnded" | "sessionSuspect") => void;

/**
 * Tells all who hold something by a session when they can't be sure of it any more:
 * - the session has ended, as a server or our own `close` said: at once;
 * - no server has answered for so long that it may have expired, though nobody could tell us: at that moment, by our
 *   clock. A session lives at least a session timeout after the server got our last request, and it got that not before
 *   we sent it; so {@link Session.aliveUntilMs} is early rather than late, as long as both clocks run equally fast.
 *
 * A disconnection alone is no loss: the session goes on at the next server.
 */
export class SessionGuard {
  private static readonly guards = new WeakMap<Session, SessionGuard>();

  /** The one guard of a session, so that it has one timer, however much is held. */
  static of(client: ZooKeeper, session: Session): SessionGuard {
    let guard = SessionGuard.guards.get(session);
    if (guard === undefined) {
      guard = new SessionGuard(client, session);
      SessionGuard.guards.set(session, guard);
    }
    return guard;
  }

  private readonly listeners = new Set<SessionLostListener>();
  private cancelTimer: (() => void) | null = null;

  private constructor(
    private readonly client: ZooKeeper,
    private readonly session: Session,
  ) {
    session.signal.addEventListener("abort", () => this.tell("sessionEnded"), { once: true });
  }

  /** Whether the session is certain to live on the server now. */
  get isAlive(): boolean {
    return !this.session.signal.aborted && this.client.platform.now() < this.session.aliveUntilMs;
  }

  /** @returns a function that takes the listener back */
  onLost(listener: SessionLostListener): () => void {
    this.listeners.add(listener);
    if (this.session.signal.aborted) this.tell("sessionEnded");
    else if (this.cancelTimer === null) this.arm();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.disarm();
    };
  }

  private arm(): void {
    const leftMs = Math.max(0, this.session.aliveUntilMs - this.client.platform.now());
    this.cancelTimer = this.client.platform.setTimer(leftMs, () => {
      this.cancelTimer = null;
      if (!this.isAlive) this.tell("sessionSuspect");
      // Requests were answered meanwhile, or new holders have come who knew of the silence.
      if (this.listeners.size > 0) this.arm();
    });
  }

  private disarm(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private tell(why: "sessionEnded" | "sessionSuspect"): void {
    const told = [...this.listeners];
    this.listeners.clear();
    this.disarm();
    for (const listener of told) listener(why);
  }
}
