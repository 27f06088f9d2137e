import { invariant, Long, ProtocolError, Reader, Writer } from "@quoll/jute";
import type { AclChecker } from "./acl/acl-checker.js";
import { Perm } from "./acl/perm.js";
import type { Log, Random } from "./capabilities.js";
import { Connection, ConnectionState } from "./connection.js";
import { ContainerReaper } from "./container-reaper.js";
import { Fifo } from "./fifo.js";
import { fourLetterWord } from "./four-letter-word.js";
import { KeeperCode } from "./keeper-code.js";
import { CONNECTION_OUTPUT_BYTES_MAX, CONNECTION_OUTPUT_BYTES_PAUSE, CONNECTION_WAITING_READS_MAX } from "./limits.js";
import { LongMap } from "./long-map.js";
import { lastOperationName, OpCode, requestKind } from "./op-code.js";
import { CommitReplies } from "./request/commit-replies.js";
import { OutstandingChanges } from "./request/outstanding-changes.js";
import { Pending } from "./request/pending.js";
import { Prep, type PrepOptions, type Requester } from "./request/prep.js";
import { ReadRequests } from "./request/read.js";
import { beginReply, endReply, writeEvent, writeReply } from "./request/reply.js";
import { TxnArena } from "./request/txn-arena.js";
import { ConnectionThrottle, type ConnectionThrottleOptions } from "./session/connection-throttle.js";
import { negotiateTimeout } from "./session/negotiate-timeout.js";
import { SessionIds } from "./session/session-id.js";
import { isSessionPassword, PASSWORD_BYTES, writeSessionPassword } from "./session/session-password.js";
import { type Session, SessionTracker } from "./session/session-tracker.js";
import { ServerStats } from "./stats.js";
import type { SnapshotPolicy } from "./storage/snapshot-policy.js";
import type { DataTree } from "./tree/data-tree.js";
import { OPEN_ACL_ID } from "./tree/tree.js";
import { EventType } from "./watch/event.js";
import { type WatchSink, WatchTable } from "./watch/watch-table.js";

export interface ServerCoreOptions extends Omit<PrepOptions, "owner" | "hashSeed"> {
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
}

/** The txn log as the core sees it: it takes records in order, and their durability is told to {@link ServerCore.synced}. */
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
 * A write is prepared against the state with all outstanding changes, appended to the log, and applied and answered once
 * it is durable; with one server, durable is committed. Reads are answered from the tree, after their own connection's
 * earlier writes.
 */
export class ServerCore implements WatchSink {
  readonly effects = new Effects();
  readonly stats: ServerStats;
  readonly sessions: SessionTracker;
  readonly watches: WatchTable;
  readonly throttle: ConnectionThrottle;
  /** By slot; null where a slot is free. */
  readonly connections: (Connection | null)[] = [];
  connectionCount = 0;

  private readonly freeSlots: number[] = [];
  private readonly countByAddress = new Map<string, number>();
  private readonly fresh = new Set<Connection>();
  private readonly bySession = new LongMap<Connection>();
  private readonly throttled = new Set<Connection>();
  /** Writes whose txns are in the log but not applied yet, in zxid order. */
  private readonly proposals = new Fifo<Pending>();
  /** Reads that wait for a write, on all connections. */
  private waitingReads = 0;
  /** Connections whose session goes on once everything up to a zxid is applied, in the order of these. */
  private readonly returning = new Fifo<Returning>();

  /** Watch events of the txn that is being applied, by type. */
  private readonly eventCounts = new Int32Array(8);
  private readonly changes = new OutstandingChanges();
  private readonly prep: Prep;
  private readonly reads: ReadRequests;
  private readonly replies: CommitReplies;
  private readonly sessionIds: SessionIds;
  private readonly reaper: ContainerReaper;
  private readonly reader = new Reader(NO_BYTES);
  private readonly reaperWriter = new Writer();
  private snapshotAfterZxid = -1;
  private stopping = false;

  private nowMs: number;
  private wallMs: number;
  private nextSessionlessCheckMs: number;

  constructor(
    readonly tree: DataTree,
    private readonly log: TxnLogSink,
    readonly acls: AclChecker,
    private readonly snapshotPolicy: SnapshotPolicy,
    random: Random,
    private readonly options: ServerCoreOptions,
    private readonly logger: Log,
    nowMs: number,
    wallMs: number,
  ) {
    this.nowMs = nowMs;
    this.wallMs = wallMs;
    this.nextSessionlessCheckMs = nowMs;
    this.stats = new ServerStats();
    this.sessions = new SessionTracker(options.tickTimeMs, nowMs);
    this.sessionIds = new SessionIds(options.serverId, wallMs);
    this.watches = new WatchTable(random, this);
    this.throttle = new ConnectionThrottle(options.connectionThrottle, random, nowMs);
    const arena = new TxnArena();
    const prepOptions = { ...options, owner: THIS_SERVER, hashSeed: random.int32() };
    this.prep = new Prep(tree, this.sessions, acls, this.changes, arena, prepOptions);
    this.reads = new ReadRequests(tree, this.watches, acls, this);
    this.replies = new CommitReplies(tree, this.watches);
    this.reaper = new ContainerReaper(
      tree,
      options.containerCheckIntervalMs,
      options.containerMaxPerMinute,
      options.containerMaxNeverUsedMs,
      nowMs,
    );
    tree.sessions.forEach((timeoutMs, hi, lo) => {
      this.sessions.commit(hi, lo, timeoutMs);
    });
  }

  /** Requests that are not answered yet. */
  get inProcess(): number {
    return this.proposals.length + this.waitingReads;
  }

  /** Takes no more requests. What is outstanding is still committed and answered. */
  stop(): void {
    this.stopping = true;
  }

  /** The zxid given out last; the tree may be behind it. */
  get zxid(): number {
    return this.prep.zxid;
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
      this.sessions.touch(connection.session, connection.sessionTimeoutMs);
    }
    for (const session of this.sessions.expire()) {
      const isDeaf = this.bySession.get(session.idHi, session.idLo)?.paused === true;
      this.logger.info(
        { session: sessionName(session), timeoutMs: session.timeoutMs },
        isDeaf
          ? "session expired: its client did not read its replies for its timeout"
          : "session expired: nothing was heard of its client for its timeout",
      );
      this.stats.staleSessionsExpired++;
      this.closeSession(null, session.idHi, session.idLo, 0);
    }
    if (this.nowMs >= this.nextSessionlessCheckMs) {
      this.nextSessionlessCheckMs = this.nowMs + SESSIONLESS_CHECK_MS;
      for (const connection of this.fresh) {
        if (this.nowMs - connection.openedAtMs < this.options.sessionlessTimeoutMs) break;
        this.stats.sessionlessConnectionsExpired++;
        this.end(connection);
      }
    }
    this.reaper.tick(this.nowMs, this.wallMs, (path) => this.deleteContainer(path));
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
  }

  /** Ends the connection once its output is sent. */
  private end(connection: Connection): void {
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
    if (input === null) return;
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
    const { reader, options, stats } = this;
    reader.reset(bytes, start, end);
    let hi: number;
    let lo: number;
    let passwordStart: number;
    let passwordLength: number;
    let lastZxidSeen: number;
    let timeoutMs: number;
    try {
      reader.int(); // protocolVersion
      lastZxidSeen = reader.int() * 0x1_0000_0000 + (reader.int() >>> 0);
      timeoutMs = reader.int();
      hi = reader.int();
      lo = reader.int();
      passwordLength = reader.length("passwd");
      passwordStart = reader.at;
      if (passwordLength > 0) reader.at += passwordLength;
      // Clients before 3.4 end here.
      connection.knowsReadOnly = reader.remaining > 0;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.logger.warn({ client: clientName(connection), err: error.message }, "unreadable connect request");
      this.end(connection);
      return;
    }
    const isNew = hi === 0 && lo === 0;
    if (!this.throttle.admit(isNew ? "global" : "renew", this.nowMs)) {
      stats.connectionRejected++;
      this.end(connection);
      return;
    }
    stats.connectionRequestCount++;
    stats.connectionTokenDeficit.add(this.throttle.deficit);
    if (lastZxidSeen > this.tree.lastProcessedZxid) {
      this.logger.info(
        { client: clientName(connection), lastZxidSeen, lastZxid: this.tree.lastProcessedZxid },
        "client has seen a later zxid than ours; it must try another server",
      );
      this.end(connection);
      return;
    }
    connection.sessionTimeoutMs = negotiateTimeout(timeoutMs, options.minSessionTimeoutMs, options.maxSessionTimeoutMs);
    this.fresh.delete(connection);
    if (isNew) {
      this.createSession(connection);
      return;
    }
    const session = this.sessions.get(hi, lo);
    const isOurs =
      isSessionPassword(hi, lo, bytes, passwordStart, passwordStart + Math.max(0, passwordLength)) &&
      session !== undefined &&
      this.sessions.touch(session, connection.sessionTimeoutMs);
    if (!isOurs) {
      this.logger.info({ client: clientName(connection) }, "session is unknown, expired, or not this client's");
      this.connectResponse(connection, 0, 0, 0);
      this.end(connection);
      return;
    }
    const old = this.bySession.get(hi, lo);
    if (old !== undefined) this.end(old);
    this.attach(connection, session);
    if (this.proposals.length === 0) {
      this.established(connection);
      return;
    }
    // A client that comes back looks whether the writes that it heard nothing of were done: the session's outstanding
    // ones must be in what it reads.
    connection.state = ConnectionState.connecting;
    this.returning.push({ connection, zxid: this.prep.zxid });
  }

  private createSession(connection: Connection): void {
    const { prep, sessionIds, sessions } = this;
    let { hi, lo } = sessionIds.next();
    // The clock that ids start from may have been set back.
    while (sessions.get(hi, lo) !== undefined) ({ hi, lo } = sessionIds.next());
    this.attach(connection, sessions.track(hi, lo, connection.sessionTimeoutMs));
    connection.state = ConnectionState.connecting;
    prep.createSession(hi, lo, 0, connection.sessionTimeoutMs, this.wallMs);
    this.propose(connection, OpCode.createSession, 0, 0);
  }

  private attach(connection: Connection, session: Session): void {
    connection.session = session;
    connection.sessionHi = session.idHi;
    connection.sessionLo = session.idLo;
    this.bySession.set(session.idHi, session.idLo, connection);
  }

  private established(connection: Connection): void {
    connection.state = ConnectionState.established;
    this.connectResponse(connection, connection.sessionTimeoutMs, connection.sessionHi, connection.sessionLo);
    this.touched(connection);
  }

  /** ConnectResponse{int protocolVersion, int timeOut, long sessionId, buffer passwd[, bool readOnly]}; zeros: no session. */
  private connectResponse(connection: Connection, timeoutMs: number, hi: number, lo: number): void {
    const { out } = connection;
    const at = out.at;
    out.int(0);
    out.int(0);
    out.int(timeoutMs);
    out.int(hi);
    out.int(lo);
    out.int(PASSWORD_BYTES);
    out.reserve(PASSWORD_BYTES);
    if (timeoutMs > 0) writeSessionPassword(hi, lo, out.bytes, out.at);
    else out.bytes.fill(0, out.at, out.at + PASSWORD_BYTES);
    out.at += PASSWORD_BYTES;
    if (connection.knowsReadOnly) out.bool(false);
    out.patchInt(at, out.at - at - 4);
    this.touched(connection);
  }

  private closeSession(connection: Connection | null, hi: number, lo: number, cxid: number): void {
    this.sessions.setClosing(hi, lo);
    this.prep.closeSession(hi, lo, cxid, this.wallMs);
    this.propose(connection, OpCode.closeSession, cxid, 0);
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
    if (!this.sessions.touch(connection.session!, connection.sessionTimeoutMs)) return;
    if (this.isOverLimit(connection)) this.pause(connection);
    switch (kind) {
      case "read":
        this.read(connection, type, xid, bytes, start + 8, end);
        break;
      case "write":
        this.write(connection, type, xid, bytes, start + 8, end);
        break;
      case "closeSession":
        connection.endsSession = true;
        this.closeSession(connection, connection.sessionHi, connection.sessionLo, xid);
        break;
      default:
        this.logger.warn({ client: clientName(connection), type }, "request of unknown type; connection closed");
        connection.endsSession = true;
        this.answerByCode(connection, type, xid, KeeperCode.Unimplemented);
    }
  }

  private read(connection: Connection, type: number, xid: number, bytes: Uint8Array, start: number, end: number): void {
    if (connection.waiting.length > 0) {
      const body = bytes.slice(start, end);
      connection.waiting.push(new Pending(connection, type, xid, -1, 0, body, 0, body.length, this.nowMs));
      connection.waitingReads++;
      this.waitingReads++;
      return;
    }
    const { at } = connection.out;
    this.reads.answer(connection, type, xid, bytes, start, end);
    this.finished(connection, type, xid, this.nowMs, at);
  }

  private write(
    connection: Connection,
    type: number,
    xid: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { prep } = this;
    const { zxid } = prep;
    const requester: Requester = connection;
    const { sessionHi, sessionLo } = connection;
    const err = prep.prepare(type, requester, sessionHi, sessionLo, xid, bytes, start, end, this.wallMs);
    if (prep.zxid === zxid) this.answerByCode(connection, type, xid, err);
    else this.propose(connection, type, xid, err);
  }

  /** A request that is answered by a code alone and changes nothing, in its turn. */
  private answerByCode(connection: Connection, type: number, xid: number, err: number): void {
    const pending = new Pending(connection, type, xid, -1, err, NO_BYTES, 0, 0, this.nowMs);
    if (connection.waiting.length > 0) {
      connection.waiting.push(pending);
      connection.waitingReads++;
      this.waitingReads++;
    } else {
      this.answerRead(connection, pending);
    }
  }

  /** The txn that prep has made goes to the log, and whoever asked for it waits. */
  private propose(connection: Connection | null, type: number, xid: number, err: number): void {
    const { prep, log, snapshotPolicy } = this;
    const { bytes, start, end, zxid } = prep;
    const pending = new Pending(connection, type, xid, zxid, err, bytes, start, end, this.nowMs);
    this.proposals.push(pending);
    connection?.waiting.push(pending);
    log.append(bytes, start, end, zxid);
    if (snapshotPolicy.appended(end - start)) {
      log.roll();
      this.snapshotAfterZxid = zxid;
    }
  }

  private deleteContainer(path: Uint8Array): void {
    const { prep, reaperWriter } = this;
    reaperWriter.reset();
    reaperWriter.buffer(path);
    const { bytes, at } = reaperWriter;
    const err = prep.prepare(OpCode.deleteContainer, NOBODY, 0, 0, 0, bytes, 0, at, this.wallMs);
    this.propose(null, OpCode.deleteContainer, 0, err);
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

  /** Every txn up to `zxid` is durable. */
  synced(zxid: number): void {
    const { proposals, stats } = this;
    const before = proposals.length;
    for (let head = proposals.peek(); head !== null && head.zxid <= zxid; head = proposals.peek()) {
      proposals.shift();
      const waitedMs = this.nowMs - head.createdAtMs;
      stats.syncProcessorQueueAndFlushTime.add(waitedMs);
      stats.propagationLatency.add(waitedMs);
      this.commit(head);
    }
    if (proposals.length < before) stats.syncProcessorBatchSize.add(before - proposals.length);
    if (this.proposals.length === 0) this.prep.settle();
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

  private commit(pending: Pending): void {
    const { tree, changes } = this;
    const { connection, zxid } = pending;
    const before = tree.digestMismatches;
    this.replies.begin(pending.type);
    this.eventCounts.fill(0);
    tree.apply(pending.bytes, pending.start, pending.end, this.replies);
    this.countEvents();
    changes.applied(zxid);
    invariant(tree.digestMismatches === before, () => {
      const mismatch = tree.lastMismatch!;
      return `txn 0x${zxid.toString(16)} leaves the tree with digest ${mismatch.got}, prepared was ${mismatch.expected}`;
    });
    if (pending.type === OpCode.createSession) this.sessionCreated(pending);
    else if (pending.type === OpCode.closeSession) this.sessionClosed(pending);
    else if (connection !== null && connection.state < ConnectionState.closing) {
      const { at } = connection.out;
      this.replies.write(pending, connection.out);
      this.finished(connection, pending.type, pending.xid, pending.createdAtMs, at);
    }
    if (connection !== null) this.next(connection, pending);
    if (zxid === this.snapshotAfterZxid) this.effects.snapshotDue = true;
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
    const connection = pending.connection!;
    this.sessions.commit(connection.sessionHi, connection.sessionLo, connection.sessionTimeoutMs);
    if (connection.state !== ConnectionState.connecting) return;
    const { at } = connection.out;
    this.established(connection);
    this.finished(connection, pending.type, 0, pending.createdAtMs, at);
  }

  /** The session's connection gets the answer if it asked for this, and ends either way. */
  private sessionClosed(pending: Pending): void {
    this.reader.reset(pending.bytes, pending.start, pending.end);
    const hi = this.reader.int();
    const lo = this.reader.int();
    this.sessions.remove(hi, lo);
    const connection = this.bySession.get(hi, lo);
    if (connection === undefined) return;
    if (connection === pending.connection && connection.state < ConnectionState.closing) {
      const { at } = connection.out;
      writeReply(connection.out, pending.xid, pending.zxid, 0);
      this.finished(connection, pending.type, pending.xid, pending.createdAtMs, at);
    }
    this.bySession.delete(hi, lo);
    this.end(connection);
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
    if (err === 0) {
      this.reads.answer(connection, type, xid, pending.bytes, pending.start, pending.end);
    } else {
      // Java answers what it does not know before it has looked at the state, hence the zxid of nothing.
      const zxid = err === KeeperCode.Unimplemented ? -1 : this.tree.lastProcessedZxid;
      writeReply(connection.out, xid, zxid, err);
    }
    this.finished(connection, type, xid, pending.createdAtMs, at);
    if (err === KeeperCode.Unimplemented) this.end(connection);
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

/** Every session here is this server's own; an ensemble has more owners. */
const THIS_SERVER = {};
const NOBODY: Requester = { session: null, auth: null };
const NO_BYTES = new Uint8Array(0);
const NO_OUTPUT = new Writer(0);
const SESSIONLESS_CHECK_MS = 500;

/** Appends to the input that is kept. */
function appendInput(connection: Connection, chunk: Uint8Array): void {
  const length = connection.inputLength + chunk.length;
  let input = connection.input!;
  if (length > input.length) {
    input = new Uint8Array(Math.max(length, input.length * 2));
    input.set(connection.input!.subarray(0, connection.inputLength));
    connection.input = input;
  }
  input.set(chunk, connection.inputLength);
  connection.inputLength = length;
}

/** Keeps what comes from `at` on until more bytes come or the connection is read again. */
function keepInput(connection: Connection, chunk: Uint8Array, at: number): void {
  connection.input = chunk.slice(at);
  connection.inputLength = chunk.length - at;
}

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

function sessionName(session: Session): string {
  return new Long(session.idHi, session.idLo).toString();
}
