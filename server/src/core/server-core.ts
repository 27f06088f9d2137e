import { invariant, ProtocolError, Reader, Writer } from "@quoll/jute";
import { firstZxidOf, type LeaderService } from "@quoll/zab";
import type { AclChecker } from "./acl/acl-checker.js";
import { Perm } from "./acl/perm.js";
import type { Log, Random } from "./capabilities.js";
import { Connection, ConnectionState } from "./connection.js";
import { appendInput, keepInput } from "./connection-input.js";
import { Fifo } from "./fifo.js";
import { fourLetterWord } from "./four-letter-word.js";
import { KeeperCode } from "./keeper-code.js";
import { CONNECTION_OUTPUT_BYTES_MAX, CONNECTION_OUTPUT_BYTES_PAUSE, CONNECTION_WAITING_READS_MAX } from "./limits.js";
import { LongMap } from "./long-map.js";
import { lastOperationName, OpCode, requestKind } from "./op-code.js";
import { CommitReplies } from "./request/commit-replies.js";
import { AWAITED, NO_TXN, Pending } from "./request/pending.js";
import type { PrepOptions } from "./request/prep.js";
import { ReadRequests } from "./request/read.js";
import { beginReply, endReply, writeEvent, writeReply } from "./request/reply.js";
import { Leader } from "./role/leader.js";
import { Learner } from "./role/learner.js";
import { ReadOnly } from "./role/read-only.js";
import type { CommittedSink, Mode, Role, RoleServer, RoleStart, TxnVisitor } from "./role/role.js";
import { SnapshotSchedule } from "./role/snapshot-schedule.js";
import { ConnectRequestFrame, writeConnectResponse } from "./session/connect-request.js";
import { ConnectionThrottle, type ConnectionThrottleOptions } from "./session/connection-throttle.js";
import { negotiateTimeout } from "./session/negotiate-timeout.js";
import { SessionIds, sessionName } from "./session/session-id.js";
import { isSessionPassword } from "./session/session-password.js";
import { type Session, SessionTracker } from "./session/session-tracker.js";
import { TouchTable } from "./session/touch-table.js";
import { ServerStats } from "./stats.js";
import type { SnapshotPolicy } from "./storage/snapshot-policy.js";
import type { DataTree } from "./tree/data-tree.js";
import { OPEN_ACL_ID } from "./tree/tree.js";
import { EventType } from "./watch/event.js";
import { type WatchSink, WatchTable } from "./watch/watch-table.js";

export interface ServerCoreOptions extends Omit<PrepOptions, "hashSeed"> {
  /** The top byte of session ids. */
  readonly serverId: number;
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Connections per client address; 0: no limit. */
  readonly maxClientCnxns: number;
  /** Connections in all; 0: no limit. */
  readonly maxCnxns: number;
  /** Requests in process above which connections that have requests outstanding are not read. */
  readonly globalOutstandingLimit: number;
  /** `jute.maxbuffer`: bytes of one frame. */
  readonly juteMaxBuffer: number;
  /** A connection that has no session after this long is closed. */
  readonly sessionlessTimeoutMs: number;
  readonly containerCheckIntervalMs: number;
  readonly containerMaxPerMinute: number;
  readonly containerMaxNeverUsedMs: number;
  readonly connectionThrottle: ConnectionThrottleOptions;
  /** In an ensemble: whether new sessions are known to their server alone. */
  readonly localSessionsEnabled: boolean;
  /** Whether such a session becomes one that all servers know when it creates an ephemeral znode. */
  readonly localSessionsUpgradingEnabled: boolean;
}

/** The txn log as the core sees it: it takes records in order, and their durability is told to whoever decides what is committed. */
export interface TxnLogSink {
  /** Appends one record. The bytes are copied before this returns. */
  append(bytes: Uint8Array, start: number, end: number, zxid: number): void;
  /** Begins a new file with the next record. */
  roll(): void;
  /** Whether so much waits for the disk that no more requests should be read. */
  readonly isFull: boolean;
}

/** A connection that has sent a four-letter word instead of a session's first frame. */
export interface FourLetterWord {
  readonly connection: Connection;
  /** The four bytes as an int32. */
  readonly word: number;
  /** What came with them in one piece: `stmk` has an argument of 8 bytes. */
  readonly rest: Uint8Array;
}

/** What must happen outside after a turn. The shell carries it out and clears it. */
export class Effects {
  /** Connections with output to send, or that are to be ended, each once. */
  readonly dirty: Connection[] = [];
  readonly words: FourLetterWord[] = [];
  /** A snapshot of the tree is due: freeze it and write it. */
  snapshotDue = false;
}

/**
 * A server, from its clients' bytes to effects: one deterministic state machine that never waits. Events are its methods;
 * what must happen outside gathers in {@link effects}, in the connections' output and in the txn log.
 *
 * Its {@link Role} decides what becomes of writes and sessions. Reads are answered from the tree, after their own
 * connection's earlier writes. In an ensemble a server core lasts as long as a term: another one with another role takes
 * its place, over the same tree.
 */
export class ServerCore implements RoleServer, WatchSink {
  readonly effects = new Effects();
  readonly stats: ServerStats;
  readonly sessions: SessionTracker;
  readonly watches: WatchTable;
  readonly throttle: ConnectionThrottle;
  /** By slot; null where a slot is free. */
  readonly connections: (Connection | null)[] = [];
  connectionCount = 0;

  /** What the sessions' clients are heard of is the leader's to know; null where that is this server. */
  readonly touches: TouchTable | null;
  readonly snapshots: SnapshotSchedule;
  /** ms of the monotonic clock, and of the wall's, as last told. */
  nowMs: number;
  wallMs: number;

  private readonly role: Role;
  /** Whether new sessions are known to this server alone. */
  private readonly makesLocalSessions: boolean;
  private readonly committed: CommittedSink | null;

  private readonly freeSlots: number[] = [];
  private readonly countByAddress = new Map<string, number>();
  private readonly fresh = new Set<Connection>();
  private readonly bySession = new LongMap<Connection>();
  private readonly throttled = new Set<Connection>();
  /** The connection whose frames are being read. */
  private reading: Connection | null = null;
  /** Reads that wait for a write, on all connections. */
  private waitingReads = 0;
  /** Connections whose session goes on once everything up to a zxid is applied, in the order of these. */
  private readonly returning = new Fifo<Returning>();

  /** Watch events of the txn that is being applied, by type. */
  private readonly eventCounts = new Int32Array(8);
  private readonly reads: ReadRequests;
  private readonly replies: CommitReplies;
  private readonly sessionIds: SessionIds;
  private readonly reader = new Reader(NO_BYTES);
  private readonly connectFrame = new ConnectRequestFrame();
  /** In an ensemble: the zxid that the term begins with, which clients may have been shown before there was a txn of it. */
  private readonly termZxid: number;
  private stopping = false;

  private nextSessionlessCheckMs: number;

  constructor(
    readonly tree: DataTree,
    private readonly log: TxnLogSink,
    readonly acls: AclChecker,
    snapshotPolicy: SnapshotPolicy,
    random: Random,
    private readonly options: ServerCoreOptions,
    readonly logger: Log,
    nowMs: number,
    wallMs: number,
    start: RoleStart = { kind: "standalone" },
  ) {
    this.nowMs = nowMs;
    this.wallMs = wallMs;
    this.nextSessionlessCheckMs = nowMs;
    this.stats = new ServerStats();
    this.sessions = new SessionTracker(options.tickTimeMs, nowMs);
    this.sessionIds = new SessionIds(options.serverId, wallMs);
    this.watches = new WatchTable(random, this);
    this.throttle = new ConnectionThrottle(options.connectionThrottle, random, nowMs);
    this.reads = new ReadRequests(tree, this.watches, acls, this);
    this.replies = new CommitReplies(tree, this.watches);
    this.snapshots = new SnapshotSchedule(
      snapshotPolicy,
      () => log.roll(),
      () => {
        this.effects.snapshotDue = true;
      },
    );
    const isLearner = start.kind === "follower" || start.kind === "observer";
    this.touches = isLearner ? new TouchTable() : null;
    this.committed = isLearner || start.kind === "leader" ? start.committed : null;
    this.makesLocalSessions =
      start.kind === "read-only" || (start.kind !== "standalone" && options.localSessionsEnabled);
    this.termZxid = isLearner || start.kind === "leader" ? firstZxidOf(start.epoch) : 0;
    this.role = this.begin(start, random.int32());
  }

  private begin(start: RoleStart, hashSeed: number): Role {
    const { options, log } = this;
    switch (start.kind) {
      case "standalone":
        return new Leader(this, log, { ...options, hashSeed, localSessionsEnabled: false }, null);
      case "leader":
        return new Leader(this, log, { ...options, hashSeed }, start);
      case "follower":
      case "observer":
        return new Learner(start.kind, this, start.forward, options);
      case "read-only":
        return new ReadOnly(this);
    }
  }

  get mode(): Mode {
    return this.role.mode;
  }

  /** What the zab leader has of this server, which must be a leader. */
  get leaderService(): LeaderService {
    invariant(this.role instanceof Leader && this.mode === "leader", "this server leads");
    return this.role;
  }

  /** What the zab learner has of this server, which must be a follower or an observer. */
  get learnerService(): Learner {
    invariant(this.role instanceof Learner, "this server follows");
    return this.role;
  }

  /** {@link Learner.proposed} */
  proposed(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    this.learnerService.proposed(bytes, start, end, zxid);
  }

  /** Visits the txns that are in the log and not committed yet, in order. */
  forEachUncommitted(visit: TxnVisitor): void {
    this.role.forEachUncommitted(visit);
  }

  /** Of a leader: syncs, of its own clients and of learners', that are not answered yet. */
  get pendingSyncs(): number {
    return this.role instanceof Leader ? this.role.pendingSyncs : 0;
  }

  /** Sessions that all servers know. */
  get globalSessionCount(): number {
    return this.touches === null ? this.sessions.size - this.sessions.localCount : this.tree.sessions.size;
  }

  /** Requests that are not answered yet. */
  get inProcess(): number {
    return this.role.outstanding + this.waitingReads;
  }

  /** Takes no more requests. What is outstanding is still committed and answered. */
  stop(): void {
    this.stopping = true;
  }

  /** The zxid given out last; the tree may be behind it. */
  get zxid(): number {
    return this.role.zxid;
  }

  // --- time

  /** Tells the time. To be called before the events of a turn. */
  clock(nowMs: number, wallMs: number): void {
    this.nowMs = nowMs;
    this.wallMs = wallMs;
    const lostMs = this.sessions.advance(nowMs);
    if (lostMs > 0) this.logger.warn({ lostMs }, "the process stood still; sessions are given that time back");
  }

  /** To be called several times a tick: ends what is due. */
  tick(): void {
    // A client whose requests are left unread because the server is busy can't be heard, so it is not given up. One that
    // leaves its replies unread is.
    for (const connection of this.throttled) {
      if (connection.session === null || connection.input === null || !this.isOverLimit(connection)) continue;
      this.heardOf(connection, connection.session);
    }
    for (const session of this.sessions.expire()) {
      if (session.isLocal) this.expireLocalSession(session);
      else this.role.expired(session);
    }
    if (this.nowMs >= this.nextSessionlessCheckMs) {
      this.nextSessionlessCheckMs = this.nowMs + SESSIONLESS_CHECK_MS;
      this.endSilent();
    }
    this.role.tick();
  }

  /** Ends the connections that had their time for a connect request. There may be thousands: one line for all. */
  private endSilent(): void {
    const { sessionlessTimeoutMs } = this.options;
    let count = 0;
    let last: Connection | null = null;
    for (const connection of this.fresh) {
      if (this.nowMs - connection.openedAtMs < sessionlessTimeoutMs) break;
      this.end(connection);
      last = connection;
      count++;
    }
    if (last === null) return;
    this.stats.sessionlessConnectionsExpired += count;
    const client = clientName(last);
    this.logger.warn({ count, client, sessionlessTimeoutMs }, "no connect request came in time; connections closed");
  }

  // --- connections

  /**
   * A client has connected.
   * @returns null when a limit is reached: the connection is then to be closed at once
   */
  connected(remoteAddress: string, remotePort: number): Connection | null {
    const { options, countByAddress } = this;
    const ofAddress = countByAddress.get(remoteAddress) ?? 0;
    if (options.maxClientCnxns > 0 && ofAddress >= options.maxClientCnxns) {
      this.stats.connectionRejected++;
      this.logger.warn(
        { remoteAddress, maxClientCnxns: options.maxClientCnxns },
        "too many connections from this address",
      );
      return null;
    }
    if (options.maxCnxns > 0 && this.connectionCount >= options.maxCnxns) {
      this.stats.connectionRejected++;
      this.logger.warn({ remoteAddress, maxCnxns: options.maxCnxns }, "too many connections");
      return null;
    }
    countByAddress.set(remoteAddress, ofAddress + 1);
    this.connectionCount++;
    const slot = this.freeSlots.pop() ?? this.connections.length;
    const auth = this.acls.newAuth(remoteAddress);
    const connection = new Connection(slot, remoteAddress, remotePort, auth, this.nowMs, this.wallMs);
    this.connections[slot] = connection;
    this.fresh.add(connection);
    return connection;
  }

  /** The connection's socket is gone, for whatever reason. Its session lives on until it expires. */
  disconnected(connection: Connection): void {
    if (connection.state === ConnectionState.closed) return;
    connection.state = ConnectionState.closed;
    this.stats.connectionDropCount++;
    this.forget(connection);
    this.fresh.delete(connection);
    this.throttled.delete(connection);
    for (let waiting = connection.waiting.shift(); waiting !== null; waiting = connection.waiting.shift()) {
      if (waiting.zxid < 0) this.waitingReads--;
    }
    connection.input = null;
    connection.out = NO_OUTPUT;
    this.watches.removeConnection(connection.slot);
    this.connections[connection.slot] = null;
    this.freeSlots.push(connection.slot);
    this.connectionCount--;
    const ofAddress = this.countByAddress.get(connection.remoteAddress)! - 1;
    if (ofAddress === 0) this.countByAddress.delete(connection.remoteAddress);
    else this.countByAddress.set(connection.remoteAddress, ofAddress);
  }

  /** The client has ended its side: it gets what is written already, and nothing more is read. */
  hungUp(connection: Connection): void {
    this.end(connection);
  }

  /** The socket has sent more of the output: requests are read again if there is room. */
  drained(connection: Connection): void {
    if (connection.paused && connection.state !== ConnectionState.closed) this.resume(connection);
  }

  /** The connection's session, if any, is no longer reached by it. */
  private forget(connection: Connection): void {
    const { sessionHi: hi, sessionLo: lo } = connection;
    if (this.bySession.get(hi, lo) === connection) this.bySession.delete(hi, lo);
    else if (connection.session !== null) return; // another one has taken its place
    this.role.detached(connection);
  }

  /** Ends the connection once its output is sent. */
  end(connection: Connection): void {
    if (connection.state >= ConnectionState.closing) return;
    connection.state = ConnectionState.closing;
    connection.input = null;
    this.fresh.delete(connection);
    this.throttled.delete(connection);
    this.touched(connection);
  }

  private touched(connection: Connection): void {
    if (connection.dirty) return;
    connection.dirty = true;
    this.effects.dirty.push(connection);
  }

  // --- bytes

  /** Bytes from the client, valid during the call only. */
  received(connection: Connection, chunk: Uint8Array): void {
    if (connection.state >= ConnectionState.closing || connection.endsSession || this.stopping) return;
    if (connection.input === null) {
      const at = this.frames(connection, chunk, 0, chunk.length);
      if (at < chunk.length && connection.state < ConnectionState.closing) keepInput(connection, chunk, at);
      return;
    }
    appendInput(connection, chunk);
    this.resume(connection);
  }

  /** Reads on in the input that is kept. */
  private resume(connection: Connection): void {
    if (this.stopping || this.mustPause(connection)) return;
    connection.paused = false;
    this.throttled.delete(connection);
    const { input, inputLength } = connection;
    if (input === null || connection === this.reading) return;
    const at = this.frames(connection, input, 0, inputLength);
    if (connection.input === null) return; // ended meanwhile
    if (at === inputLength) {
      connection.input = null;
    } else if (at > 0) {
      input.copyWithin(0, at, inputLength);
      connection.inputLength = inputLength - at;
    }
  }

  /** Handles the whole frames from `at` on. @returns the offset behind them */
  private frames(connection: Connection, bytes: Uint8Array, at: number, end: number): number {
    const outer = this.reading;
    this.reading = connection;
    const behind = this.readFrames(connection, bytes, at, end);
    this.reading = outer;
    return behind;
  }

  private readFrames(connection: Connection, bytes: Uint8Array, at: number, end: number): number {
    while (end - at >= 4) {
      if (connection.state === ConnectionState.connecting || connection.paused) break;
      const length = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
      if (connection.state === ConnectionState.fresh && fourLetterWord(length) !== undefined) {
        this.stats.packetsReceived++;
        connection.stats.packetsReceived++;
        this.fresh.delete(connection);
        connection.state = ConnectionState.closing;
        this.effects.words.push({ connection, word: length, rest: bytes.slice(at + 4, end) });
        return end;
      }
      if (length < 0 || length > this.options.juteMaxBuffer) {
        this.logger.warn(
          { client: clientName(connection), length, juteMaxBuffer: this.options.juteMaxBuffer },
          "frame length outside of jute.maxbuffer; connection closed",
        );
        this.end(connection);
        return end;
      }
      if (end - at - 4 < length) break;
      at += 4;
      this.stats.packetsReceived++;
      this.stats.bytesReceivedCount += length + 4;
      connection.stats.packetsReceived++;
      if (connection.state === ConnectionState.fresh) this.connectRequest(connection, bytes, at, at + length);
      else this.request(connection, bytes, at, at + length);
      at += length;
      if (connection.state >= ConnectionState.closing || connection.endsSession) return end;
    }
    return at;
  }

  // --- sessions

  private connectRequest(connection: Connection, bytes: Uint8Array, start: number, end: number): void {
    const { reader, options, stats, connectFrame: frame } = this;
    reader.reset(bytes, start, end);
    try {
      frame.read(reader);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.logger.warn({ client: clientName(connection), err: error.message }, "unreadable connect request");
      this.end(connection);
      return;
    }
    const { sessionHi: hi, sessionLo: lo, lastZxidSeen } = frame;
    connection.knowsReadOnly = frame.knowsReadOnly;
    const isNew = hi === 0 && lo === 0;
    const newKind = this.makesLocalSessions ? "local" : "global";
    if (!this.throttle.admit(isNew ? newKind : "renew", this.nowMs)) {
      stats.connectionRejected++;
      this.end(connection);
      return;
    }
    stats.connectionRequestCount++;
    stats.connectionTokenDeficit.add(this.throttle.deficit);
    if (this.mode === "read-only" && !frame.readOnly) {
      this.logger.info({ client: clientName(connection) }, "client is not content with a server that only reads");
      this.end(connection);
      return;
    }
    if (lastZxidSeen > Math.max(this.tree.lastProcessedZxid, this.termZxid)) {
      this.logger.info(
        { client: clientName(connection), lastZxidSeen, lastZxid: this.tree.lastProcessedZxid },
        "client has seen a later zxid than ours; it must try another server",
      );
      this.end(connection);
      return;
    }
    connection.sessionTimeoutMs = negotiateTimeout(
      frame.timeoutMs,
      options.minSessionTimeoutMs,
      options.maxSessionTimeoutMs,
    );
    this.fresh.delete(connection);
    if (isNew) this.createSession(connection);
    else if (isSessionPassword(hi, lo, bytes, frame.passwordStart, frame.passwordEnd)) {
      this.resumeSession(connection, hi, lo);
    } else this.refuse(connection);
  }

  private createSession(connection: Connection): void {
    const { sessions, tree } = this;
    const { hi, lo } = this.sessionIds.nextUnused(
      (idHi, idLo) => sessions.get(idHi, idLo) !== undefined || tree.sessions.has(idHi, idLo),
    );
    const session = sessions.track(hi, lo, connection.sessionTimeoutMs);
    this.attach(connection, session);
    if (this.makesLocalSessions) {
      session.isLocal = true;
      this.establish(connection, this.nowMs);
      return;
    }
    connection.state = ConnectionState.connecting;
    this.role.createSession(connection);
  }

  private resumeSession(connection: Connection, hi: number, lo: number): void {
    const session = this.sessions.get(hi, lo);
    if (session === undefined || !session.isLocal) this.role.resumeSession(connection, hi, lo);
    else if (this.sessions.touch(session, connection.sessionTimeoutMs)) {
      this.attach(connection, session);
      this.established(connection);
    } else this.refuse(connection);
  }

  attach(connection: Connection, session: Session): void {
    const old = this.bySession.get(session.idHi, session.idLo);
    if (old !== undefined) this.end(old);
    connection.session = session;
    connection.sessionHi = session.idHi;
    connection.sessionLo = session.idLo;
    this.bySession.set(session.idHi, session.idLo, connection);
  }

  establishAfter(connection: Connection, zxid: number): void {
    if (connection.state >= ConnectionState.established) return;
    if (zxid <= this.tree.lastProcessedZxid) {
      this.established(connection);
      if (connection.input !== null) this.resume(connection);
      return;
    }
    connection.state = ConnectionState.connecting;
    this.returning.push({ connection, zxid });
  }

  private established(connection: Connection): void {
    connection.state = ConnectionState.established;
    const { sessionTimeoutMs, sessionHi, sessionLo } = connection;
    const isReadOnly = connection.knowsReadOnly ? this.mode === "read-only" : null;
    writeConnectResponse(connection.out, sessionTimeoutMs, sessionHi, sessionLo, isReadOnly);
    this.touched(connection);
  }

  /** A new session is there. */
  private establish(connection: Connection, createdAtMs: number): void {
    const { at } = connection.out;
    this.established(connection);
    this.finished(connection, OpCode.createSession, 0, createdAtMs, at);
  }

  refuse(connection: Connection): void {
    this.logger.info({ client: clientName(connection) }, "session is unknown, expired, or not this client's");
    const isReadOnly = connection.knowsReadOnly ? this.mode === "read-only" : null;
    writeConnectResponse(connection.out, 0, 0, 0, isReadOnly);
    this.end(connection);
  }

  connectionOf(idHi: number, idLo: number): Connection | undefined {
    return this.bySession.get(idHi, idLo);
  }

  private expireLocalSession(session: Session): void {
    this.stats.staleSessionsExpired++;
    this.logger.info(
      { session: sessionName(session.idHi, session.idLo), timeoutMs: session.timeoutMs },
      "local session expired: nothing was heard of its client for its timeout",
    );
    this.forgetSession(session.idHi, session.idLo);
  }

  /** The session is over, and so is the connection that it was reached by. */
  private forgetSession(hi: number, lo: number): void {
    this.sessions.remove(hi, lo);
    this.touches?.remove(hi, lo);
    const connection = this.bySession.get(hi, lo);
    if (connection === undefined) return;
    this.bySession.delete(hi, lo);
    this.end(connection);
  }

  // --- requests

  private request(connection: Connection, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 8) {
      this.logger.warn({ client: clientName(connection), length: end - start }, "frame too short for a request header");
      this.end(connection);
      return;
    }
    const xid = (bytes[start] << 24) | (bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3];
    const type = (bytes[start + 4] << 24) | (bytes[start + 5] << 16) | (bytes[start + 6] << 8) | bytes[start + 7];
    if (xid > 0) connection.outstanding++;
    const kind = requestKind(type);
    if (kind === "auth") {
      this.authenticate(connection, xid, bytes, start + 8, end);
      return;
    }
    if (kind === "sasl") {
      this.sasl(connection, xid, bytes, start + 8, end);
      return;
    }
    const refusal = this.acls.enforce(connection.auth);
    if (refusal !== KeeperCode.Ok) {
      writeReply(connection.out, xid, 0, refusal);
      this.answered(connection, xid);
      this.end(connection);
      return;
    }
    // A session that can't be saved any more: its end is on its way, and nothing it asks for is answered.
    const session = connection.session!;
    if (!this.heardOf(connection, session)) return;
    if (this.isOverLimit(connection)) this.pause(connection);
    switch (kind) {
      case "read":
        if (type === OpCode.sync && this.role.asksForSync) this.sync(connection, xid, bytes, start + 8, end);
        else this.read(connection, type, xid, bytes, start + 8, end);
        break;
      case "write":
        this.role.write(connection, type, xid, bytes, start + 8, end);
        break;
      case "closeSession":
        connection.endsSession = true;
        if (session.isLocal) this.answerByCode(connection, type, xid, KeeperCode.Ok);
        else this.role.closeSession(connection, xid);
        break;
      default:
        this.logger.warn({ client: clientName(connection), type }, "request of unknown type; connection closed");
        connection.endsSession = true;
        this.answerByCode(connection, type, xid, KeeperCode.Unimplemented);
    }
  }

  /** @returns false if the session can't be saved any more */
  private heardOf(connection: Connection, session: Session): boolean {
    const { sessionTimeoutMs } = connection;
    if (!this.sessions.touch(session, sessionTimeoutMs)) return false;
    if (this.touches !== null && !session.isLocal) this.touches.touch(session, sessionTimeoutMs);
    return true;
  }

  private read(connection: Connection, type: number, xid: number, bytes: Uint8Array, start: number, end: number): void {
    if (connection.waiting.length > 0) {
      const body = bytes.slice(start, end);
      connection.waiting.push(new Pending(connection, type, xid, NO_TXN, 0, body, 0, body.length, this.nowMs));
      connection.waitingReads++;
      this.waitingReads++;
      return;
    }
    const { at } = connection.out;
    this.reads.answer(connection, type, xid, bytes, start, end);
    this.finished(connection, type, xid, this.nowMs, at);
  }

  private sync(connection: Connection, xid: number, bytes: Uint8Array, start: number, end: number): void {
    const body = bytes.slice(start, end);
    const pending = new Pending(connection, OpCode.sync, xid, AWAITED, 0, body, 0, body.length, this.nowMs);
    connection.waiting.push(pending);
    connection.isSyncing = true;
    this.pause(connection);
    this.role.awaitSync(pending);
  }

  syncDone(pending: Pending): void {
    const connection = pending.connection!;
    connection.isSyncing = false;
    if (connection.state >= ConnectionState.closing) return;
    if (connection.waiting.peek() !== pending) {
      this.logger.warn({ client: clientName(connection) }, "the leader has passed over a request; connection closed");
      this.end(connection);
      return;
    }
    this.answerRead(connection, pending);
    this.next(connection, pending);
    if (connection.state < ConnectionState.closing) this.resume(connection);
  }

  /** A request that is answered by a code alone and changes nothing, in its turn. */
  answerByCode(connection: Connection, type: number, xid: number, err: number): void {
    const pending = new Pending(connection, type, xid, NO_TXN, err, NO_BYTES, 0, 0, this.nowMs);
    if (connection.waiting.length > 0) {
      connection.waiting.push(pending);
      connection.waitingReads++;
      this.waitingReads++;
    } else {
      this.answerRead(connection, pending);
    }
  }

  private authenticate(connection: Connection, xid: number, bytes: Uint8Array, start: number, end: number): void {
    const { reader } = this;
    reader.reset(bytes, start, end);
    let outcome: "ok" | "authFailed" | "close";
    try {
      reader.int(); // type
      const scheme = reader.string();
      const auth = reader.buffer();
      outcome = this.acls.authenticate(connection.auth, scheme, auth);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.logger.warn({ client: clientName(connection), err: error.message }, "unreadable auth packet");
      this.end(connection);
      return;
    }
    if (outcome !== "close") {
      writeReply(connection.out, xid, 0, outcome === "ok" ? 0 : KeeperCode.AuthFailed);
      this.answered(connection, xid);
    }
    if (outcome === "ok") return;
    this.stats.authFailedCount++;
    this.logger.warn({ client: clientName(connection) }, "authentication failed");
    this.end(connection);
  }

  /** Without a SASL provider ZooKeeper answers any token with none; one that it can't read closes the connection. */
  private sasl(connection: Connection, xid: number, bytes: Uint8Array, start: number, end: number): void {
    const { reader } = this;
    reader.reset(bytes, start, end);
    let token: Uint8Array | null = null;
    try {
      token = reader.buffer();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
    if (token === null) {
      this.logger.warn({ client: clientName(connection) }, "unreadable SASL token; connection closed");
      this.end(connection);
      return;
    }
    writeSaslResponse(connection.out, xid);
    this.answered(connection, xid);
  }

  // --- commits

  /** Every txn up to `zxid` is durable. Only for a standalone server: in an ensemble it is zab that knows what is committed. */
  synced(zxid: number): void {
    invariant(this.role instanceof Leader && this.mode === "standalone", "only a standalone server commits by itself");
    this.role.committed(zxid);
  }

  apply(pending: Pending): void {
    const { bytes, start, end, zxid } = pending;
    this.replies.begin(pending.type);
    this.eventCounts.fill(0);
    this.tree.apply(bytes, start, end, this.replies);
    this.countEvents();
    if (this.committed !== null) this.committed.committed(bytes, start, end, zxid);
    this.snapshots.applied(zxid);
  }

  answer(pending: Pending): void {
    const { connection, type } = pending;
    if (type === OpCode.createSession) this.sessionCreated(pending);
    else if (type === OpCode.closeSession) this.sessionClosed(pending);
    else if (connection !== null && connection.state < ConnectionState.closing) {
      if (this.replies.isMoved) {
        this.logger.info({ client: clientName(connection) }, "this client's session has moved to another server");
        this.end(connection);
      } else {
        const { at } = connection.out;
        this.replies.write(pending, connection.out);
        this.finished(connection, type, pending.xid, pending.createdAtMs, at);
      }
    }
    if (connection !== null) this.next(connection, pending);
  }

  appliedUpTo(zxid: number): void {
    for (let head = this.returning.peek(); head !== null && head.zxid <= zxid; head = this.returning.peek()) {
      this.returning.shift();
      if (head.connection.state !== ConnectionState.connecting) continue;
      this.established(head.connection);
      if (head.connection.input !== null) this.resume(head.connection);
    }
    if (this.throttled.size > 0 && this.inProcess <= this.options.globalOutstandingLimit && !this.log.isFull) {
      for (const connection of this.throttled) this.resume(connection);
    }
  }

  private countEvents(): void {
    const { eventCounts, stats } = this;
    if (eventCounts[EventType.NodeCreated] > 0) stats.nodeCreatedWatchCount.add(eventCounts[EventType.NodeCreated]);
    if (eventCounts[EventType.NodeDeleted] > 0) stats.nodeDeletedWatchCount.add(eventCounts[EventType.NodeDeleted]);
    if (eventCounts[EventType.NodeDataChanged] > 0)
      stats.nodeChangedWatchCount.add(eventCounts[EventType.NodeDataChanged]);
    if (eventCounts[EventType.NodeChildrenChanged] > 0) {
      stats.nodeChildrenWatchCount.add(eventCounts[EventType.NodeChildrenChanged]);
    }
  }

  private sessionCreated(pending: Pending): void {
    const { connection, err } = pending;
    if (err === KeeperCode.Ok) this.commitSession(pending);
    if (connection?.state !== ConnectionState.connecting) return;
    if (err === KeeperCode.Ok) this.establish(connection, pending.createdAtMs);
    else this.refuse(connection);
  }

  private commitSession(pending: Pending): void {
    const { reader } = this;
    reader.reset(pending.bytes, pending.start, pending.end);
    const hi = reader.int();
    const lo = reader.int();
    reader.at = pending.start + BODY_OFFSET;
    const timeoutMs = reader.int();
    if (this.touches !== null) this.touches.add(hi, lo, timeoutMs);
    else this.sessions.commit(hi, lo, timeoutMs);
  }

  /** The session's connection gets the answer if it asked for this, and ends either way. */
  private sessionClosed(pending: Pending): void {
    this.reader.reset(pending.bytes, pending.start, pending.end);
    const hi = this.reader.int();
    const lo = this.reader.int();
    const { connection } = pending;
    if (connection !== null && connection.state < ConnectionState.closing) {
      const { at } = connection.out;
      writeReply(connection.out, pending.xid, pending.zxid, pending.err);
      this.finished(connection, pending.type, pending.xid, pending.createdAtMs, at);
    }
    if (pending.err === KeeperCode.Ok) this.forgetSession(hi, lo);
  }

  /** The write at the head of the connection's queue is done: so are the reads behind it, up to the next write. */
  private next(connection: Connection, done: Pending): void {
    const { waiting } = connection;
    if (connection.state === ConnectionState.closed) return;
    invariant(waiting.shift() === done, "a connection's writes are committed in the order they came");
    for (let head = waiting.peek(); head !== null && head.zxid < 0; head = waiting.peek()) {
      waiting.shift();
      connection.waitingReads--;
      this.waitingReads--;
      if (connection.state < ConnectionState.closing) this.answerRead(connection, head);
    }
    if (connection.input !== null && !connection.endsSession) this.resume(connection);
  }

  private answerRead(connection: Connection, pending: Pending): void {
    const { type, xid, err } = pending;
    const { at } = connection.out;
    if (type === OpCode.closeSession) {
      writeReply(connection.out, xid, this.tree.lastProcessedZxid, err);
    } else if (err === 0) {
      this.reads.answer(connection, type, xid, pending.bytes, pending.start, pending.end);
    } else {
      // Java answers what it does not know before it has looked at the state, hence the zxid of nothing.
      const zxid = err === KeeperCode.Unimplemented ? -1 : this.tree.lastProcessedZxid;
      writeReply(connection.out, xid, zxid, err);
    }
    this.finished(connection, type, xid, pending.createdAtMs, at);
    if (err === KeeperCode.Unimplemented) this.end(connection);
    if (type === OpCode.closeSession) this.forgetSession(connection.sessionHi, connection.sessionLo); // a local one
  }

  /** A reply is written, from `at` on in the connection's output: accounts for it. */
  private finished(connection: Connection, type: number, xid: number, createdAtMs: number, at: number): void {
    const size = connection.out.at - at;
    this.stats.clientResponse.set(size);
    this.stats.responseBytes += size;
    this.stats.requestDone(isWrite(type), createdAtMs, this.nowMs);
    connection.stats.response(xid, this.tree.lastProcessedZxid, lastOperationName(type), createdAtMs, this.nowMs);
    this.answered(connection, xid);
  }

  private answered(connection: Connection, xid: number): void {
    if (xid > 0) connection.outstanding--;
    this.stats.packetsSent++;
    connection.stats.packetsSent++;
    this.touched(connection);
    if (!connection.paused && connection.out.at + connection.unsentBytes > CONNECTION_OUTPUT_BYTES_PAUSE) {
      this.pause(connection);
    }
  }

  // --- pushing back

  private pause(connection: Connection): void {
    connection.paused = true;
    this.throttled.add(connection);
  }

  private isOverLimit(connection: Connection): boolean {
    if (connection.isSyncing) return true;
    if (connection.outstanding > 1 && this.inProcess > this.options.globalOutstandingLimit) return true;
    if (connection.waitingReads >= CONNECTION_WAITING_READS_MAX) return true;
    return this.log.isFull;
  }

  private mustPause(connection: Connection): boolean {
    if (connection.unsentBytes + connection.out.at > CONNECTION_OUTPUT_BYTES_PAUSE) return true;
    return this.isOverLimit(connection);
  }

  // --- watch events

  watchEvent(
    slot: number,
    type: EventType,
    bytes: Uint8Array,
    start: number,
    end: number,
    zxid: number,
    aclId: number,
  ): void {
    const connection = this.connections[slot]!;
    if (connection.state >= ConnectionState.closing) return;
    if (aclId !== OPEN_ACL_ID && !this.acls.allows(aclId, Perm.read, connection.auth)) return;
    const { at } = connection.out;
    writeEvent(connection.out, type, bytes, start, end, zxid);
    this.eventCounts[type]++;
    this.stats.watchBytes += connection.out.at - at;
    this.stats.packetsSent++;
    connection.stats.packetsSent++;
    this.touched(connection);
    if (connection.out.at + connection.unsentBytes > CONNECTION_OUTPUT_BYTES_MAX) {
      this.logger.warn({ client: clientName(connection) }, "client does not read its watch events; connection closed");
      connection.out.reset();
      this.end(connection);
    }
  }
}

interface Returning {
  readonly connection: Connection;
  readonly zxid: number;
}

/** Offset of a txn's body: behind TxnHeader{long clientId, int cxid, long zxid, long time, int type}. */
const BODY_OFFSET = 32;
const NO_BYTES = new Uint8Array(0);
const NO_OUTPUT = new Writer(0);
const SESSIONLESS_CHECK_MS = 500;

/** GetSASLRequest's answer without a token: SetSASLResponse{null}. */
function writeSaslResponse(out: Writer, xid: number): void {
  const at = beginReply(out, xid, 0);
  out.int(-1);
  endReply(out, at, 0);
}

function isWrite(type: number): boolean {
  const kind = requestKind(type);
  return kind === "write" || kind === "closeSession" || type === OpCode.createSession;
}

function clientName(connection: Connection): string {
  return `${connection.remoteAddress}:${connection.remotePort}`;
}
