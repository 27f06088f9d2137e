import { invariant, ProtocolError, Reader, Writer } from "@quoll/jute";
import { firstZxidOf, type LeaderService, type Origin } from "@quoll/zab";
import type { Connection } from "../connection.js";
import { ContainerReaper } from "../container-reaper.js";
import { Fifo } from "../fifo.js";
import { KeeperCode } from "../keeper-code.js";
import { OpCode } from "../op-code.js";
import { OutstandingChanges } from "../request/outstanding-changes.js";
import { Pending } from "../request/pending.js";
import { Prep, type PrepOptions, type Requester } from "../request/prep.js";
import { RequestScan } from "../request/request-scan.js";
import { TxnArena } from "../request/txn-arena.js";
import type { TxnLogSink } from "../server-core.js";
import { RemoteClient } from "../session/remote-client.js";
import { SessionChecks } from "../session/session-checks.js";
import { sessionName } from "../session/session-id.js";
import { type Session, THIS_SERVER } from "../session/session-tracker.js";
import type { Reconfiguration } from "./reconfiguration.js";
import type { Leadership, Role, RoleServer, TxnVisitor } from "./role.js";

export interface LeaderOptions extends PrepOptions {
  /** The top byte of this server's session ids. */
  readonly serverId: number;
  readonly containerCheckIntervalMs: number;
  readonly containerMaxPerMinute: number;
  readonly containerMaxNeverUsedMs: number;
  readonly localSessionsEnabled: boolean;
  readonly localSessionsUpgradingEnabled: boolean;
}

/** What makes an ensemble's leader of a server that decides on writes. */
export interface Term {
  readonly epoch: number;
  readonly leadership: Leadership;
  readonly reconfiguration: Reconfiguration | null;
}

/** A learner's client waits for what was outstanding when it asked. */
interface LearnerSync {
  readonly zxid: number;
  readonly origin: Origin;
  readonly sessionHi: number;
  readonly sessionLo: number;
  readonly cxid: number;
}

/** A client of this server does. */
interface OwnSync {
  readonly zxid: number;
  readonly pending: Pending;
}

/**
 * The server that decides: it prepares each write against the state with all outstanding changes, appends it to the log,
 * proposes it to the others, and applies and answers it once it is committed. It alone expires sessions and reaps
 * containers. A standalone server is one without others, where what is durable is committed.
 */
export class Leader implements Role, LeaderService {
  readonly mode: "standalone" | "leader";
  readonly asksForSync: boolean;
  /** Writes whose txns are in the log but not applied yet, in zxid order. */
  private readonly proposals = new Fifo<Pending>();
  private readonly learnerSyncs = new Fifo<LearnerSync>();
  private readonly ownSyncs = new Fifo<OwnSync>();
  /** Those included that wait for the quorum's word. */
  private ownSyncCount = 0;
  private readonly leadership: Leadership | null;
  private readonly changes = new OutstandingChanges();
  private readonly checks: SessionChecks;
  private readonly prep: Prep;
  private readonly scan = new RequestScan();
  private readonly reaper: ContainerReaper;
  private readonly reaperWriter = new Writer();

  /** @param term - null for a standalone server */
  constructor(
    private readonly server: RoleServer,
    private readonly log: TxnLogSink,
    private readonly options: LeaderOptions,
    term: Term | null,
  ) {
    const { tree, sessions, acls } = server;
    this.mode = term === null ? "standalone" : "leader";
    this.asksForSync = term !== null;
    this.leadership = term === null ? null : term.leadership;
    const unknown = term === null ? KeeperCode.UnknownSession : KeeperCode.SessionExpired;
    this.checks = new SessionChecks(sessions, unknown, options.localSessionsEnabled ? options.serverId : -1);
    this.prep = new Prep(tree, this.checks, acls, this.changes, new TxnArena(), options, term?.reconfiguration ?? null);
    if (term !== null) {
      const zxid = firstZxidOf(term.epoch);
      invariant(
        zxid > tree.lastProcessedZxid,
        () => `epoch ${term.epoch} is not later than zxid ${tree.lastProcessedZxid}`,
      );
      this.prep.zxid = zxid;
    }
    this.reaper = new ContainerReaper(
      tree,
      options.containerCheckIntervalMs,
      options.containerMaxPerMinute,
      options.containerMaxNeverUsedMs,
      server.nowMs,
    );
    // Nobody could ping while there was no leader: every session has its full timeout.
    tree.sessions.forEach((timeoutMs, hi, lo) => {
      sessions.commit(hi, lo, timeoutMs);
    });
  }

  get zxid(): number {
    return this.prep.zxid;
  }

  get outstanding(): number {
    return this.proposals.length + this.ownSyncCount;
  }

  get pendingSyncs(): number {
    return this.learnerSyncs.length + this.ownSyncCount;
  }

  tick(): void {
    this.reaper.tick(this.server.nowMs, this.server.wallMs, (path) => this.deleteContainer(path));
  }

  forEachUncommitted(visit: TxnVisitor): void {
    this.proposals.forEach(({ bytes, start, end, zxid }) => {
      visit(bytes, start, end, zxid);
    });
  }

  // --- sessions of this server's clients

  createSession(connection: Connection): void {
    const { sessionHi, sessionLo, sessionTimeoutMs } = connection;
    this.prep.createSession(sessionHi, sessionLo, 0, sessionTimeoutMs, this.server.wallMs);
    this.propose(connection, OpCode.createSession, 0, 0);
  }

  resumeSession(connection: Connection, idHi: number, idLo: number): void {
    const { server } = this;
    const session = server.sessions.get(idHi, idLo);
    if (session === undefined || !server.sessions.touch(session, connection.sessionTimeoutMs)) {
      server.refuse(connection);
      return;
    }
    session.owner = THIS_SERVER;
    server.attach(connection, session);
    // A client that comes back looks whether the writes that it heard nothing of were done: the session's outstanding
    // ones must be in what it reads.
    server.establishAfter(connection, this.proposals.length === 0 ? 0 : this.prep.zxid);
  }

  closeSession(connection: Connection, xid: number): void {
    this.proposeClose(connection, connection.sessionHi, connection.sessionLo, xid);
  }

  expired(session: Session): void {
    const { server } = this;
    server.logger.info(
      { session: sessionName(session.idHi, session.idLo), timeoutMs: session.timeoutMs },
      server.connectionOf(session.idHi, session.idLo)?.paused === true
        ? "session expired: its client did not read its replies for its timeout"
        : "session expired: nothing was heard of its client for its timeout",
    );
    server.stats.staleSessionsExpired++;
    this.proposeClose(null, session.idHi, session.idLo, 0);
  }

  detached(): void {}

  private proposeClose(connection: Connection | null, hi: number, lo: number, cxid: number): void {
    this.server.sessions.setClosing(hi, lo);
    this.prep.closeSession(hi, lo, cxid, this.server.wallMs);
    this.propose(connection, OpCode.closeSession, cxid, 0);
  }

  /** A local session becomes one that all servers know, before it makes its first ephemeral znode. */
  private upgrade(connection: Connection, session: Session): void {
    session.isLocal = false;
    session.owner = THIS_SERVER;
    this.prep.createSession(session.idHi, session.idLo, 0, session.timeoutMs, this.server.wallMs);
    this.propose(connection, OpCode.createSession, 0, 0);
  }

  // --- requests of this server's clients

  write(connection: Connection, type: number, xid: number, bytes: Uint8Array, start: number, end: number): void {
    const { prep, server } = this;
    const { session, sessionHi, sessionLo } = connection;
    if (session!.isLocal && this.options.localSessionsUpgradingEnabled) {
      if (this.scan.createsEphemeral(type, bytes, start, end)) this.upgrade(connection, session!);
    }
    const { zxid } = prep;
    const requester: Requester = connection;
    const err = prep.prepare(type, requester, sessionHi, sessionLo, xid, bytes, start, end, server.wallMs);
    if (prep.zxid === zxid) server.answerByCode(connection, type, xid, err);
    else this.propose(connection, type, xid, err);
  }

  awaitSync(pending: Pending): void {
    this.ownSyncCount++;
    this.ownSyncs.push({ zxid: this.prep.zxid, pending });
    if (this.proposals.length === 0) this.releaseSyncs(this.prep.zxid);
  }

  private deleteContainer(path: Uint8Array): void {
    const { prep, reaperWriter } = this;
    reaperWriter.reset();
    reaperWriter.buffer(path);
    const { bytes, at } = reaperWriter;
    const err = prep.prepare(OpCode.deleteContainer, REAPER, 0, 0, 0, bytes, 0, at, this.server.wallMs);
    this.propose(null, OpCode.deleteContainer, 0, err);
  }

  /** The txn that prep has made goes to the log and to the others, and whoever asked for it waits. */
  private propose(connection: Connection | null, type: number, xid: number, err: number): void {
    const { prep, log, leadership, server } = this;
    const { bytes, start, end, zxid } = prep;
    const pending = new Pending(connection, type, xid, zxid, err, bytes, start, end, server.nowMs);
    this.proposals.push(pending);
    if (connection !== null) connection.waiting.push(pending);
    log.append(bytes, start, end, zxid);
    if (leadership !== null) {
      leadership.propose(bytes, start, end, zxid);
      server.stats.proposal.set(end - start);
    }
    server.snapshots.logged(end - start, zxid);
  }

  // --- requests of learners

  /** @throws ProtocolError when `authStart` to `authEnd` is not a vector of ids */
  request(
    origin: Origin,
    sessionHi: number,
    sessionLo: number,
    cxid: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    authStart: number,
    authEnd: number,
  ): void {
    switch (type) {
      case OpCode.createSession:
        this.createRemoteSession(origin, sessionHi, sessionLo, cxid, bytes, start, end);
        return;
      case OpCode.closeSession:
        this.proposeClose(null, sessionHi, sessionLo, cxid);
        return;
      case OpCode.deleteContainer:
        // Only a leader's own reaper has reason to; ZooKeeper's followers let a client ask for it, past every ACL.
        this.refuseRemote(type, sessionHi, sessionLo, cxid, KeeperCode.Unimplemented);
        return;
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createTTL:
      case OpCode.createContainer:
      case OpCode.delete:
      case OpCode.setData:
      case OpCode.setACL:
      case OpCode.multi:
      case OpCode.check:
      case OpCode.reconfig:
        break;
      default:
        this.server.logger.warn({ type }, "a learner has sent a request of a type that it answers itself");
        return;
    }
    const { prep, server } = this;
    const client = this.remoteClient(origin, sessionHi, sessionLo, bytes, authStart, authEnd);
    const { zxid } = prep;
    const err = prep.prepare(type, client, sessionHi, sessionLo, cxid, bytes, start, end, server.wallMs);
    if (prep.zxid === zxid) this.refuseRemote(type, sessionHi, sessionLo, cxid, err);
    else this.propose(null, type, cxid, err);
  }

  /** The learner waits for a txn, in the order of what it has sent, whatever the request was. */
  private refuseRemote(type: number, sessionHi: number, sessionLo: number, cxid: number, err: number): void {
    this.prep.refuse(sessionHi, sessionLo, cxid, err, this.server.wallMs);
    this.propose(null, type, cxid, err);
  }

  private remoteClient(
    origin: Origin,
    sessionHi: number,
    sessionLo: number,
    bytes: Uint8Array,
    authStart: number,
    authEnd: number,
  ): RemoteClient {
    const session = this.server.sessions.get(sessionHi, sessionLo);
    const known = session?.remote;
    if (known?.is(origin, bytes, authStart, authEnd) === true) return known;
    const client = RemoteClient.decode(origin, bytes, authStart, authEnd);
    if (session !== undefined) session.remote = client;
    return client;
  }

  private createRemoteSession(
    origin: Origin,
    hi: number,
    lo: number,
    cxid: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { prep, server } = this;
    let err: number = KeeperCode.Ok;
    try {
      const timeoutMs = new Reader(bytes, start, end).int();
      server.sessions.track(hi, lo, timeoutMs);
      err = server.sessions.setOwner(hi, lo, origin);
      if (err === KeeperCode.Ok) prep.createSession(hi, lo, cxid, timeoutMs, server.wallMs);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      err = KeeperCode.MarshallingError;
    }
    if (err === KeeperCode.Ok) this.propose(null, OpCode.createSession, cxid, err);
    else this.refuseRemote(OpCode.createSession, hi, lo, cxid, err);
  }

  sync(origin: Origin, sessionHi: number, sessionLo: number, cxid: number): void {
    this.learnerSyncs.push({ zxid: this.prep.zxid, origin, sessionHi, sessionLo, cxid });
    if (this.proposals.length === 0) this.releaseSyncs(this.prep.zxid);
  }

  touched(sessionHi: number, sessionLo: number, timeoutMs: number): void {
    const session = this.server.sessions.get(sessionHi, sessionLo);
    if (session !== undefined) this.server.sessions.touch(session, timeoutMs);
  }

  revalidate(origin: Origin, sessionHi: number, sessionLo: number, timeoutMs: number): boolean {
    const { server } = this;
    const session = server.sessions.get(sessionHi, sessionLo);
    if (session === undefined || session.isLocal || !server.sessions.touch(session, timeoutMs)) return false;
    session.owner = origin;
    const left = server.connectionOf(sessionHi, sessionLo);
    if (left !== undefined) server.end(left);
    return true;
  }

  /**
   * Its sessions stay its own until their clients have come back elsewhere: what was on its way from a connection that
   * the client has given up must not be done after that.
   */
  left(origin: Origin): void {
    for (let i = this.learnerSyncs.length; i > 0; i--) {
      const sync = this.learnerSyncs.shift()!;
      if (sync.origin !== origin) this.learnerSyncs.push(sync);
    }
  }

  // --- commits

  committed(zxid: number): void {
    const { proposals, server } = this;
    const { stats, nowMs } = server;
    const before = proposals.length;
    for (let head = proposals.peek(); head !== null && head.zxid <= zxid; head = proposals.peek()) {
      proposals.shift();
      const waitedMs = nowMs - head.createdAtMs;
      stats.syncProcessorQueueAndFlushTime.add(waitedMs);
      stats.propagationLatency.add(waitedMs);
      this.commit(head);
    }
    if (proposals.length < before) stats.syncProcessorBatchSize.add(before - proposals.length);
    if (proposals.length === 0) this.prep.settle();
    this.releaseSyncs(zxid);
    server.appliedUpTo(zxid);
  }

  private commit(pending: Pending): void {
    const { server } = this;
    const { tree } = server;
    const before = tree.digestMismatches;
    server.apply(pending);
    this.changes.applied(pending.zxid);
    invariant(tree.digestMismatches === before, () => {
      const mismatch = tree.lastMismatch!;
      const { zxid } = pending;
      return `txn 0x${zxid.toString(16)} leaves the tree with digest ${mismatch.got}, prepared was ${mismatch.expected}`;
    });
    server.answer(pending);
  }

  /** Those syncs go on that waited for nothing later than `zxid`. */
  private releaseSyncs(zxid: number): void {
    const { learnerSyncs, ownSyncs, leadership } = this;
    if (leadership === null) return;
    for (let head = learnerSyncs.peek(); head !== null && head.zxid <= zxid; head = learnerSyncs.peek()) {
      learnerSyncs.shift();
      leadership.synced(head.origin, head.sessionHi, head.sessionLo, head.cxid);
    }
    const passed: Pending[] = [];
    for (let head = ownSyncs.peek(); head !== null && head.zxid <= zxid; head = ownSyncs.peek()) {
      ownSyncs.shift();
      passed.push(head.pending);
    }
    // They share the question whether this is still the leader.
    if (passed.length > 0) leadership.confirm(() => this.confirmed(passed));
  }

  private confirmed(syncs: readonly Pending[]): void {
    this.ownSyncCount -= syncs.length;
    for (const sync of syncs) this.server.syncDone(sync);
  }
}

/** The server's own requests: no session, and no ACL holds them back. */
const REAPER: Requester = { auth: null, owner: THIS_SERVER };
