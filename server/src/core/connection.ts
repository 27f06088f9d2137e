import { Writer } from "@quoll/jute";
import type { AuthInfo } from "./acl/auth-info.js";
import { Fifo } from "./fifo.js";
import type { Pending } from "./request/pending.js";
import { type Session, type SessionOwner, THIS_SERVER } from "./session/session-tracker.js";
import { ConnectionStats } from "./stats.js";

export const ConnectionState = {
  /** Nothing but bytes so far: a connect request or a four-letter word is awaited. */
  fresh: 0,
  /** The session's creation, or what a returning session left outstanding, is not committed yet, or the leader has not said whether it is alive; nothing is read until then. */
  connecting: 1,
  established: 2,
  /** What is written is still sent, then the connection ends; nothing more is read. */
  closing: 3,
  closed: 4,
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** A client's connection as the core sees it. The shell owns the socket. */
export class Connection {
  state: ConnectionState = ConnectionState.fresh;
  /** Whose requests its requests are. */
  readonly owner: SessionOwner = THIS_SERVER;
  /** Its session, once established. */
  session: Session | null = null;
  sessionHi = 0;
  sessionLo = 0;
  sessionTimeoutMs = 0;
  /** Whether the client's connect request had the readOnly byte, and so its answer must. */
  knowsReadOnly = false;
  /** Replies and events that are to leave at the end of the turn. */
  out = new Writer(256);
  /** Whether it stands in the list of connections with something to do at the end of the turn. */
  dirty = false;
  /** Bytes that the socket has taken but not sent yet. */
  unsentBytes = 0;
  /** Requests are left unread: too many outstanding, or its client does not read. */
  paused = false;
  /** A frame's beginning, or frames that wait while the connection is paused. */
  input: Uint8Array | null = null;
  inputLength = 0;

  /** Requests that wait for an earlier write of this connection, and those writes, in the order they came. */
  readonly waiting = new Fifo<Pending>();
  /** How many of them are not writes: their answers come all at once, when the write before them is durable. */
  waitingReads = 0;
  /** Requests with a positive xid that are not answered yet. */
  outstanding = 0;
  /** A sync is under way: what comes behind it is left unread, so that it sees what the sync waits for. */
  isSyncing = false;
  /** The client has asked to close its session: what it sends after that is not read. */
  endsSession = false;

  readonly stats: ConnectionStats;

  constructor(
    /** A small dense number, reused after the connection ends: how the watch table names it. */
    readonly slot: number,
    readonly remoteAddress: string,
    readonly remotePort: number,
    readonly auth: AuthInfo,
    readonly openedAtMs: number,
    establishedWallMs: number,
  ) {
    this.stats = new ConnectionStats(establishedWallMs);
  }
}
