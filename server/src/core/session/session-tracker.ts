import { KeeperCode } from "../keeper-code.js";
import { LongMap } from "../long-map.js";
import { type Expiring, ExpiryQueue } from "./expiry-queue.js";
import type { RemoteClient } from "./remote-client.js";

/** Whoever may send requests of a session: in an ensemble the server that the client is connected to. Compared by identity. */
export type SessionOwner = object;

/** The owner of sessions whose clients are connected to the very server that tracks them. */
export const THIS_SERVER: SessionOwner = {};

/** A client's session. Read it freely; only the {@link SessionTracker} writes it. */
export class Session implements Expiring {
  /** Set once the session is due or its close is under way: from then on it can't be touched or used. */
  isClosing = false;
  /** Known to this server alone: it was made without a txn, and can't own ephemeral znodes. */
  isLocal = false;
  owner: SessionOwner | null = null;
  /** Where another server sends its requests from: who its client is, as last decoded. */
  remote: RemoteClient | null = null;
  /** The timeout that its createSession txn has, or -1 until that is committed. This is what snapshots hold. */
  committedTimeoutMs = -1;
  /** Of the {@link TouchTable}. */
  touchRound = 0;
  expiryMs = -1;
  previousInBucket: this | null = null;
  nextInBucket: this | null = null;

  constructor(
    readonly idHi: number,
    readonly idLo: number,
    readonly timeoutMs: number,
  ) {}
}

/**
 * The live sessions, and when each expires unless its client is heard of. Expiry is in ticks, as in ZooKeeper: a session
 * is due at the first multiple of tickTime after its timeout has passed.
 *
 * Time comes in by {@link advance} and counts only while this process runs. When the process was stopped (SIGSTOP, a
 * suspended machine, a long stall) its clients' pings wait unread in the sockets; expiring by the clock would then end the
 * sessions of clients that did nothing wrong. So a gap of more than {@link STALL_TICKS} ticks counts as one tick. A client
 * that pings as it should (every third of its timeout, which is at least two ticks) always has more than a tick left, so
 * after a stall of any length its ping is read first. The price is that the session of a client that went away during the
 * stall lives on by the stall's length, which breaks no promise: a session may expire late, never early.
 *
 * Restored sessions start with their full timeout, because nobody could ping while the server was down.
 */
export class SessionTracker {
  /** A normal gap between two calls of {@link advance} is at most one tick, the interval of the timer. */
  static readonly STALL_TICKS = 2;

  private readonly sessions = new LongMap<Session>();
  private readonly queue: ExpiryQueue<Session>;
  private clockMs: number;
  /** The time that was not counted. */
  private stalledMs = 0;
  private readonly due: Session[] = [];

  /**
   * @param tickTimeMs - ZooKeeper's tickTime
   * @param nowMs - now on a monotonic clock
   */
  constructor(
    private readonly tickTimeMs: number,
    nowMs: number,
  ) {
    this.clockMs = nowMs;
    this.queue = new ExpiryQueue(tickTimeMs, nowMs);
  }

  /** How many sessions there are, closing ones included. */
  get size(): number {
    return this.sessions.size;
  }

  /**
   * Tells the time; call it before the events of each turn. A clock that goes back is taken for one that stands still.
   * @param nowMs - now on the monotonic clock of the constructor
   * @returns the milliseconds that were lost to a stall, normally 0
   */
  advance(nowMs: number): number {
    const gapMs = nowMs - this.stalledMs - this.clockMs;
    if (gapMs <= 0) return 0;
    const countedMs = gapMs > SessionTracker.STALL_TICKS * this.tickTimeMs ? this.tickTimeMs : gapMs;
    this.clockMs += countedMs;
    this.stalledMs += gapMs - countedMs;
    return gapMs - countedMs;
  }

  /**
   * Marks the sessions that are due as closing; call it at least once per tick, after {@link advance}.
   * @returns those sessions, in a list that the next call reuses: for each of them a closeSession txn is to be made
   */
  expire(): readonly Session[] {
    this.due.length = 0;
    this.queue.poll(this.clockMs, this.due);
    for (const session of this.due) session.isClosing = true;
    return this.due;
  }

  get(idHi: number, idLo: number): Session | undefined {
    return this.sessions.get(idHi, idLo);
  }

  /** Starts to track a session, or renews the one with this id, which keeps its own timeout. */
  track(idHi: number, idLo: number, timeoutMs: number): Session {
    let session = this.sessions.get(idHi, idLo);
    if (session === undefined) {
      session = new Session(idHi, idLo, timeoutMs);
      this.sessions.set(idHi, idLo, session);
    }
    this.queue.update(session, this.clockMs + timeoutMs);
    return session;
  }

  /** The session's createSession txn is applied, at boot or later. Tracks the session if it is new here. */
  commit(idHi: number, idLo: number, timeoutMs: number): Session {
    const session = this.sessions.get(idHi, idLo) ?? this.track(idHi, idLo, timeoutMs);
    session.committedTimeoutMs = timeoutMs;
    return session;
  }

  /**
   * The session's client was heard of.
   * @param timeoutMs - the timeout of the client's connection, which can differ from the session's after a reconnect
   * @returns false if the session can't be saved any more; the connection is then to be closed
   */
  touch(session: Session, timeoutMs: number): boolean {
    // A session that was removed is closing, too: its connection may still hold it.
    if (session.isClosing) return false;
    this.queue.update(session, this.clockMs + timeoutMs);
    return true;
  }

  /** Nothing more is accepted for the session: its closeSession is on its way. */
  setClosing(idHi: number, idLo: number): void {
    const session = this.sessions.get(idHi, idLo);
    if (session !== undefined) session.isClosing = true;
  }

  /** The session's closeSession txn is applied. */
  remove(idHi: number, idLo: number): void {
    const session = this.sessions.get(idHi, idLo);
    if (session === undefined) return;
    session.isClosing = true;
    this.sessions.delete(idHi, idLo);
    this.queue.remove(session);
  }

  /**
   * Whether `owner` may send requests of this session. The first one to ask becomes its owner.
   * @returns Ok, UnknownSession, SessionExpired (it is closing) or SessionMoved (it has another owner)
   */
  check(idHi: number, idLo: number, owner: SessionOwner): KeeperCode {
    const session = this.sessions.get(idHi, idLo);
    if (session === undefined) return KeeperCode.UnknownSession;
    if (session.isClosing) return KeeperCode.SessionExpired;
    session.owner ??= owner;
    return session.owner === owner ? KeeperCode.Ok : KeeperCode.SessionMoved;
  }

  /** Hands the session over. @returns Ok, or SessionExpired if it is unknown or closing */
  setOwner(idHi: number, idLo: number, owner: SessionOwner): KeeperCode {
    const session = this.sessions.get(idHi, idLo);
    if (session === undefined || session.isClosing) return KeeperCode.SessionExpired;
    session.owner = owner;
    return KeeperCode.Ok;
  }

  /** Visits the sessions that a snapshot holds. */
  forEachCommitted(visit: (idHi: number, idLo: number, timeoutMs: number) => void): void {
    this.sessions.forEach((session, idHi, idLo) => {
      if (session.committedTimeoutMs >= 0) visit(idHi, idLo, session.committedTimeoutMs);
    });
  }

  /** How many sessions are known to this server alone. */
  get localCount(): number {
    let count = 0;
    this.sessions.forEach((session) => {
      if (session.isLocal) count++;
    });
    return count;
  }

  /**
   * What the four-letter word `dump` tells: `Session Sets (list's length)/(tracked):`, then for each bucket
   * `<sessions> expire at <date>:` and the sessions' ids.
   */
  dump(): { tracked: number; buckets: { expiresInMs: number; sessions: Session[] }[] } {
    const buckets = this.queue
      .list()
      .map(({ expiryMs, elements }) => ({ expiresInMs: expiryMs - this.clockMs, sessions: elements }));
    return { tracked: this.queue.size, buckets };
  }
}
