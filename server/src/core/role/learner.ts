import { Writer } from "@quoll/jute";
import type { Forward, LearnerService } from "@quoll/zab";
import type { Connection } from "../connection.js";
import { ConnectionState } from "../connection.js";
import { Fifo } from "../fifo.js";
import { KeeperCode } from "../keeper-code.js";
import { LongMap } from "../long-map.js";
import { OpCode } from "../op-code.js";
import { AWAITED, Pending } from "../request/pending.js";
import { RequestScan } from "../request/request-scan.js";
import { TxnArena } from "../request/txn-arena.js";
import { sessionName } from "../session/session-id.js";
import type { Session } from "../session/session-tracker.js";
import type { Role, RoleServer, TxnVisitor } from "./role.js";

export interface LearnerOptions {
  readonly localSessionsUpgradingEnabled: boolean;
}

/** Offsets in a txn: TxnHeader{long clientId, int cxid, long zxid, long time, int type}, then the body. */
const CXID_OFFSET = 8;
const TYPE_OFFSET = 28;
const BODY_OFFSET = 32;

/**
 * A follower or an observer: it answers reads from its own copy of the tree and sends writes to its leader, whose txns come
 * back in zxid order. Those that its own clients have asked for come back in the order in which it sent them, which is how
 * it knows them again.
 *
 * Its session tracker holds the sessions that are connected here, and tells which clients have fallen silent; whether a
 * session has expired is the leader's say.
 */
export class Learner implements Role, LearnerService {
  readonly asksForSync = true;
  /** What the leader has proposed and not committed yet. */
  private readonly proposals = new Fifo<Pending>();
  /** The writes that were sent to the leader and have not come back, whether their connections are still there or not. */
  private readonly forwarded = new Fifo<Pending>();
  private readonly syncs = new Fifo<Pending>();
  /** Those that wait for the leader to say whether their session is alive, by session. */
  private readonly revalidating = new LongMap<Connection>();
  private readonly arena = new TxnArena();
  private readonly scan = new RequestScan();
  private readonly timeoutWriter = new Writer(4);
  private lastZxid: number;

  constructor(
    readonly mode: "follower" | "observer",
    private readonly server: RoleServer,
    private readonly forward: Forward,
    private readonly options: LearnerOptions,
  ) {
    this.lastZxid = server.tree.lastProcessedZxid;
  }

  get zxid(): number {
    return this.lastZxid;
  }

  get outstanding(): number {
    return this.forwarded.length + this.syncs.length;
  }

  tick(): void {}

  forEachUncommitted(visit: TxnVisitor): void {
    this.proposals.forEach(({ bytes, start, end, zxid }) => {
      visit(bytes, start, end, zxid);
    });
  }

  // --- sessions

  createSession(connection: Connection): void {
    this.forwardCreateSession(connection, connection.sessionTimeoutMs);
  }

  private forwardCreateSession(connection: Connection, timeoutMs: number): void {
    const { timeoutWriter } = this;
    timeoutWriter.reset();
    timeoutWriter.int(timeoutMs);
    this.send(connection, OpCode.createSession, 0, 0, timeoutWriter.bytes, 0, timeoutWriter.at, NO_IDS);
  }

  /** A local session becomes one that all servers know, before it makes its first ephemeral znode. */
  private upgrade(connection: Connection, session: Session): void {
    session.isLocal = false;
    this.forwardCreateSession(connection, session.timeoutMs);
  }

  resumeSession(connection: Connection, idHi: number, idLo: number): void {
    const earlier = this.revalidating.get(idHi, idLo);
    if (earlier !== undefined) this.server.end(earlier);
    connection.state = ConnectionState.connecting;
    connection.sessionHi = idHi;
    connection.sessionLo = idLo;
    this.revalidating.set(idHi, idLo, connection);
    this.forward.revalidate(idHi, idLo, connection.sessionTimeoutMs);
  }

  revalidated(sessionHi: number, sessionLo: number, isValid: boolean): void {
    const { server } = this;
    const connection = this.revalidating.get(sessionHi, sessionLo);
    if (connection === undefined) return;
    this.revalidating.delete(sessionHi, sessionLo);
    if (connection.state !== ConnectionState.connecting) return;
    if (!isValid) {
      server.refuse(connection);
      return;
    }
    server.sessions.remove(sessionHi, sessionLo);
    server.attach(connection, server.sessions.track(sessionHi, sessionLo, connection.sessionTimeoutMs));
    server.touches!.add(sessionHi, sessionLo, connection.sessionTimeoutMs);
    // What the session had outstanding at another server was proposed before the leader's answer. An observer has not
    // heard of proposals: it asks for a sync of its own.
    if (this.mode === "follower") server.establishAfter(connection, this.proposals.length === 0 ? 0 : this.lastZxid);
    else this.awaitSync(new Pending(connection, OpCode.createSession, 0, AWAITED, 0, NO_BYTES, 0, 0, server.nowMs));
  }

  closeSession(connection: Connection, xid: number): void {
    this.send(connection, OpCode.closeSession, xid, 0, NO_BYTES, 0, 0, connection.auth.encode());
  }

  /** The session itself may be alive elsewhere. */
  expired(session: Session): void {
    const { server } = this;
    const connection = server.connectionOf(session.idHi, session.idLo);
    server.sessions.remove(session.idHi, session.idLo);
    if (connection === undefined) return;
    server.logger.info(
      { session: sessionName(session.idHi, session.idLo), timeoutMs: session.timeoutMs },
      "nothing was heard of this session's client for its timeout; connection closed",
    );
    server.end(connection);
  }

  detached(connection: Connection): void {
    const { sessionHi, sessionLo, session } = connection;
    if (this.revalidating.get(sessionHi, sessionLo) === connection) this.revalidating.delete(sessionHi, sessionLo);
    if (session !== null && !session.isLocal) this.server.sessions.remove(sessionHi, sessionLo);
  }

  writeTouched(to: Writer): void {
    this.server.touches!.writeTo(to);
  }

  // --- requests

  write(connection: Connection, type: number, xid: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.scan.isReadable(type, bytes, start, end)) {
      this.server.answerByCode(connection, type, xid, KeeperCode.MarshallingError);
      return;
    }
    let err: number = KeeperCode.Ok;
    const session = connection.session!;
    if (session.isLocal && this.scan.createsEphemeral(type, bytes, start, end)) {
      if (this.options.localSessionsUpgradingEnabled) this.upgrade(connection, session);
      else err = KeeperCode.EphemeralOnLocalSession;
    }
    this.send(connection, type, xid, err, bytes, start, end, connection.auth.encode());
  }

  /** @param err - what the client is told in the place of the leader's reason, if the leader refuses the request */
  private send(
    connection: Connection,
    type: number,
    xid: number,
    err: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    ids: Uint8Array,
  ): void {
    const pending = new Pending(connection, type, xid, AWAITED, err, NO_BYTES, 0, 0, this.server.nowMs);
    connection.waiting.push(pending);
    this.forwarded.push(pending);
    this.forward.request(connection.sessionHi, connection.sessionLo, xid, type, bytes, start, end, ids);
  }

  awaitSync(pending: Pending): void {
    const { sessionHi, sessionLo } = pending.connection!;
    this.syncs.push(pending);
    this.forward.sync(sessionHi, sessionLo, pending.xid);
  }

  /** The leader answers in the order in which it was asked. */
  synced(): void {
    const pending = this.syncs.shift();
    if (pending === null) return;
    if (pending.type === OpCode.sync) this.server.syncDone(pending);
    else this.server.establishAfter(pending.connection!, 0);
  }

  // --- txns

  /**
   * A txn is in the log, and will be committed. An observer hears of it when it is.
   * @param bytes - `start` to `end` is the txn; copied
   */
  proposed(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    const { arena, server } = this;
    arena.begin(end - start);
    const { writer } = arena;
    const at = writer.at;
    writer.raw(bytes, start, end);
    const type = readInt(bytes, start + TYPE_OFFSET);
    const xid = readInt(bytes, start + CXID_OFFSET);
    const err = type === OpCode.error ? readInt(bytes, start + BODY_OFFSET) : KeeperCode.Ok;
    this.proposals.push(new Pending(null, type, xid, zxid, err, writer.bytes, at, writer.at, server.nowMs));
    this.lastZxid = zxid;
    server.snapshots.logged(end - start, zxid);
  }

  committed(zxid: number): void {
    const { proposals, server } = this;
    for (let head = proposals.peek(); head !== null && head.zxid <= zxid; head = proposals.peek()) {
      proposals.shift();
      server.stats.propagationLatency.add(server.nowMs - head.createdAtMs);
      this.commit(head);
    }
    if (proposals.length === 0) this.arena.reuse();
    server.appliedUpTo(zxid);
  }

  private commit(txn: Pending): void {
    const { server } = this;
    const { tree } = server;
    const before = tree.digestMismatches;
    const pending = this.requestOf(txn) ?? txn;
    server.apply(pending);
    if (tree.digestMismatches !== before) {
      server.stats.digestMismatchesCount++;
      server.logger.error(
        { zxid: `0x${txn.zxid.toString(16)}` },
        "this txn leaves the tree with another digest than the leader's; replace this server's data directory",
      );
    }
    server.answer(pending);
  }

  /** The request that this is the txn of, if a client of this server sent it. */
  private requestOf(txn: Pending): Pending | null {
    const head = this.forwarded.peek();
    if (head === null || head.xid !== txn.xid) return null;
    const { sessionHi, sessionLo } = head.connection!;
    if (readInt(txn.bytes, txn.start) !== sessionHi || readInt(txn.bytes, txn.start + 4) !== sessionLo) return null;
    if (txn.type !== head.type && txn.type !== OpCode.error) return null;
    this.forwarded.shift();
    const err = txn.err !== KeeperCode.Ok && head.err !== KeeperCode.Ok ? head.err : txn.err;
    head.committedAs(txn.zxid, err, txn.bytes, txn.start, txn.end);
    return head;
  }
}

const NO_BYTES = new Uint8Array(0);
/** A null vector of Id. */
const NO_IDS = Uint8Array.of(0xff, 0xff, 0xff, 0xff);

function readInt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
