import type { Broadcast, Forward } from "@quoll/zab";
import type { AclChecker } from "../acl/acl-checker.js";
import type { Log } from "../capabilities.js";
import type { Connection } from "../connection.js";
import type { Pending } from "../request/pending.js";
import type { Session, SessionTracker } from "../session/session-tracker.js";
import type { TouchTable } from "../session/touch-table.js";
import type { ServerStats } from "../stats.js";
import type { DataTree } from "../tree/data-tree.js";
import type { Reconfiguration } from "./reconfiguration.js";
import type { SnapshotSchedule } from "./snapshot-schedule.js";

/** What a server is, as the commands of operators name it. */
export type Mode = "standalone" | "leader" | "follower" | "observer" | "read-only";

/** What the server of an established leader has of it. */
export interface Leadership extends Broadcast {
  /** Calls `then` once a quorum has shown that it followed this leader after now. */
  confirm(then: () => void): void;
}

/** Who keeps the txns that are applied, for learners that were away for a while. */
export interface CommittedSink {
  /** The txn is applied. Its bytes are valid during the call only. */
  committed(bytes: Uint8Array, start: number, end: number, zxid: number): void;
}

export type TxnVisitor = (bytes: Uint8Array, start: number, end: number, zxid: number) => void;

/** How a server begins to play a role. */
export type RoleStart =
  | { readonly kind: "standalone" }
  | {
      readonly kind: "leader";
      /** Of the term: the first txn has the zxid behind its first one. */
      readonly epoch: number;
      readonly leadership: Leadership;
      readonly committed: CommittedSink | null;
      /** Null where the members can't be changed. */
      readonly reconfiguration: Reconfiguration | null;
    }
  | {
      readonly kind: "follower" | "observer";
      /** Of the term. */
      readonly epoch: number;
      readonly forward: Forward;
      readonly committed: CommittedSink | null;
    }
  | { readonly kind: "read-only" };

/**
 * What a server does with writes and sessions, which depends on where they are decided: here, at the leader of an ensemble,
 * or, without one, nowhere. Reads are the same everywhere, and so is all that concerns connections.
 */
export interface Role {
  readonly mode: Mode;
  /** The last zxid that this server knows of; the tree may be behind it. */
  readonly zxid: number;
  /** Writes, and syncs that ask the leader, that are not answered yet. */
  readonly outstanding: number;
  /** Whether a sync is more than a read: {@link awaitSync} gets it. */
  readonly asksForSync: boolean;

  /** Does what is due. */
  tick(): void;
  /** Visits the txns that are in the log and not committed yet, in order. */
  forEachUncommitted(visit: TxnVisitor): void;

  /** A client wants a session that all servers know: the connection has an id, and waits. */
  createSession(connection: Connection): void;
  /** A client comes back with a session's id and its password. */
  resumeSession(connection: Connection, idHi: number, idLo: number): void;
  closeSession(connection: Connection, xid: number): void;
  /** Nothing was heard of the session's client for its timeout. */
  expired(session: Session): void;
  /** The connection is over, or its session is reached by another one now. */
  detached(connection: Connection): void;

  /** A write; `start` to `end` is the request's record, valid during the call only. */
  write(connection: Connection, type: number, xid: number, bytes: Uint8Array, start: number, end: number): void;
  /** A sync; what comes behind it on its connection is held back until {@link RoleServer.syncDone} is told of it. */
  awaitSync(pending: Pending): void;
}

/** What a role has of the server that plays it. */
export interface RoleServer {
  readonly tree: DataTree;
  readonly acls: AclChecker;
  readonly sessions: SessionTracker;
  /** Null where the session tracker itself decides what expires. */
  readonly touches: TouchTable | null;
  readonly stats: ServerStats;
  readonly logger: Log;
  readonly snapshots: SnapshotSchedule;
  readonly nowMs: number;
  readonly wallMs: number;

  /** Applies a txn, and gathers what its answer will be. */
  apply(pending: Pending): void;
  /** Answers the request whose txn was applied last, and the reads behind it. */
  answer(pending: Pending): void;
  /** Answers what {@link Role.awaitSync} was given, and goes on with its connection. */
  syncDone(pending: Pending): void;
  /** A request that is answered by a code alone and changes nothing, in its turn. */
  answerByCode(connection: Connection, type: number, xid: number, err: number): void;
  /** Every txn up to `zxid` is applied: those go on that waited for it. */
  appliedUpTo(zxid: number): void;

  /** The session is reached by this connection from now on; another one that it was reached by ends. */
  attach(connection: Connection, session: Session): void;
  /** The connection's session is ready as soon as everything up to `zxid` is applied. */
  establishAfter(connection: Connection, zxid: number): void;
  /** The client has no session here, or not any more. */
  refuse(connection: Connection): void;
  /** Ends the connection once its output is sent. */
  end(connection: Connection): void;
  /** The connection that the session is reached by. */
  connectionOf(idHi: number, idLo: number): Connection | undefined;
}
