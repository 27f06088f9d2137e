import { Long, ProtocolError, Reader, Writer } from "@quoll/jute";
import type { ServerAddress } from "./connect-string.js";
import { ClosedError, KeeperError, keeperCodeOf, LimitError, ReplyTooLargeError } from "./errors.js";
import { Fifo } from "./fifo.js";
import { Frames, HEADER_BYTES } from "./frames.js";
import { isWrite, OpCode, operationName } from "./op-code.js";
import { clientPath } from "./path.js";
import { Request, RequestStatus, type Settle } from "./request.js";
import { ServerList } from "./server-list.js";
import type { SessionConfig } from "./session-config.js";
import { isConnected, type SessionState } from "./session-state.js";
import { encodeSetWatches } from "./set-watches.js";
import { int64 } from "./stat.js";
import type { WatchEvent, WatchEventType, WatchListener } from "./watch-event.js";
import { WatchTable } from "./watch-table.js";

/** What the core asks of the outside. None of these may call back into the core before they return. */
export interface SessionEffects {
  /** Begin to connect. There is no other connection. */
  connect(server: ServerAddress): void;
  /** End the connection, or the attempt, if there is one. Nothing more is wanted from it. */
  disconnect(): void;
  /** There is something to be taken with {@link SessionCore.takeOutput}, at the end of this turn. */
  outputReady(): void;
  stateChanged(state: SessionState, previous: SessionState, reason: string): void;
  deliver(listener: WatchListener, event: WatchEvent): void;
  /** Ask the SASL mechanism for its next token; null begins a new exchange. */
  saslStep(challenge: Uint8Array | null): void;
  /** Find out whether that server takes writes, and say it with {@link SessionCore.probed}. */
  probe(server: ServerAddress): void;
  log(message: string): void;
}

/** How far the present connection is. */
const Phase = { Waiting: 0, Connecting: 1, Handshaking: 2, Sasl: 3, Live: 4, Ended: 5 } as const;

const NOTIFICATION_XID = -1;
const PING_XID = -2;
const AUTH_XID = -4;
const SET_WATCHES_XID = -8;
const XID_MAX = 0x7fffffff;

/** Pings are sent at least this often, as by ZooKeeper's own client, so that a dead peer is noticed. */
const PING_INTERVAL_MAX_MS = 10_000;
/** What is encoded in one turn, bytes; more waits until this was handed to the socket. */
const OUTPUT_MAX = 1_048_576;
const PROBE_MIN_MS = 100;
const PROBE_MAX_MS = 60_000;
const NO_PASSWORD = new Uint8Array(16);

interface AuthEntry {
  readonly scheme: string;
  readonly auth: Uint8Array;
  /** Of the caller of addAuth, until the first answer. */
  waiter: { readonly resolve: Settle; readonly reject: Settle } | null;
}

/**
 * A client's session as a state machine: requests, bytes, and the time go in; bytes, results and events come out. It knows
 * no socket, clock, timer or promise. `nowMs` is the time of a monotonic clock and never goes back; after every
 * call {@link wakeAtMs} says when {@link tick} is due.
 *
 * Order: requests leave in the order in which they were submitted and are answered in that order, so that the oldest one in
 * flight is the one that an answer is for.
 */
export class SessionCore {
  state: SessionState = "connecting";
  /** When {@link tick} wants to be called; earlier and later calls do no harm. */
  wakeAtMs = Number.POSITIVE_INFINITY;
  /** Of the present session; 0 until there is one. */
  sessionId = Long.ZERO;
  password: Uint8Array = NO_PASSWORD;
  /** As negotiated, or as asked for until then. */
  sessionTimeoutMs: number;
  /** When the last request was sent that has been answered: the server has seen the session alive after that. */
  confirmedMs = Number.NEGATIVE_INFINITY;
  readonly watches = new WatchTable();
  /** Why the last connection, or the last attempt, was given up; "" before the first. */
  lastFailure = "";

  private phase: number = Phase.Waiting;
  private readonly servers: ServerList;
  private server: ServerAddress | null = null;
  private retryAtMs = 0;
  private attemptDeadlineMs = 0;
  private attemptSentMs = 0;

  private readonly inFlight = new Fifo<Request>();
  private queue = new Fifo<Request>();
  /** Requests with a timeout of their own, which are due in no order. */
  private readonly timed = new Set<Request>();
  private nextXid = 1;

  private writer = new Writer(65_536);
  private readonly frames: Frames;
  private readonly reader: Reader;
  /** The socket has enough: only pings are written until it has room again. */
  private isBlocked = false;
  private lastSentMs = 0;
  private lastHeardMs = 0;
  private pingSentMs = 0;
  private isPinging = false;
  private lastZxidHi = 0;
  private lastZxidLo = 0;
  private nowMs = 0;

  private readonly auth: AuthEntry[] = [];
  private authInFlight: AuthEntry[] = [];
  private setWatchesInFlight = 0;

  private isReadOnlyServer = false;
  private hasSeenReadWrite = false;
  private probeAtMs = 0;
  private probeDelayMs = PROBE_MIN_MS;
  private probeOffset = 0;

  private isClosing = false;
  private closeDeadlineMs = 0;

  constructor(
    readonly config: SessionConfig,
    random: () => number,
    private readonly effects: SessionEffects,
  ) {
    this.servers = new ServerList(config.servers, config.backoffMinMs, config.backoffMaxMs, random);
    this.frames = new Frames(config.replyMaxBytes, this);
    this.reader = new Reader(NO_PASSWORD);
    this.sessionTimeoutMs = config.sessionTimeoutMs;
    if (config.session !== null) {
      this.sessionId = Long.fromBigInt(config.session.id);
      this.password = config.session.password;
      this.hasSeenReadWrite = true;
    }
  }

  // -------------------------------------------------------------------------------------------------- requests

  /** Requests that were submitted and have not been answered. */
  get pending(): number {
    return this.inFlight.length + this.queue.length;
  }

  /** The server of the established connection as `host:port`, or null. */
  get connectedServer(): string | null {
    return this.phase === Phase.Live && this.server !== null ? `${this.server.host}:${this.server.port}` : null;
  }

  /** Sends a request as soon as it is its turn. Its promise is settled by this class alone, from then on. */
  submit(request: Request, isTimed: boolean, nowMs: number): void {
    if (this.phase === Phase.Ended || this.isClosing) {
      this.settle(request);
      request.reject(this.endError(request));
      return;
    }
    this.nowMs = nowMs;
    if (this.queue.length === 0 && this.canSend()) {
      this.send(request);
      if (request.status === RequestStatus.Settled) return;
    } else if (this.queue.length >= this.config.queueMax) {
      this.settle(request);
      const limit = this.config.queueMax;
      request.reject(new LimitError(`${limit} operations wait already (queueMax): wait for drained() between calls`));
      return;
    } else {
      this.queue.push(request);
    }
    if (isTimed) this.timed.add(request);
    if (request.deadlineMs < this.wakeAtMs) this.wakeAtMs = request.deadlineMs;
  }

  /** Rejects a request that nobody waits for any more. Its answer, if it was sent, will be read over. */
  abandon(request: Request, error: Error): void {
    if (request.status === RequestStatus.Settled) return;
    this.settle(request);
    request.reject(error);
  }

  /** Takes an identity for this and all later connections. */
  addAuth(scheme: string, auth: Uint8Array, resolve: Settle, reject: Settle): void {
    if (this.phase === Phase.Ended || this.isClosing) {
      reject(this.endError(new Request(OpCode.auth, "", null, null, 0, 0, false, null, null)));
      return;
    }
    const entry: AuthEntry = { scheme, auth: auth.slice(), waiter: { resolve, reject } };
    this.auth.push(entry);
    if (this.phase === Phase.Live) this.sendAuth(entry);
  }

  private canSend(): boolean {
    return (
      this.phase === Phase.Live &&
      !this.isBlocked &&
      this.inFlight.length < this.config.inFlightMax &&
      this.writer.at < OUTPUT_MAX
    );
  }

  private send(request: Request): void {
    const { writer } = this;
    const start = writer.at;
    request.xid = this.nextXid;
    try {
      request.encode(writer, this.config.chroot);
    } catch (error) {
      // Something that is not of the declared type.
      writer.at = start;
      this.settle(request);
      request.reject(error);
      return;
    }
    const length = writer.at - start - 4;
    if (length > this.config.juteMaxBuffer) {
      writer.at = start;
      this.settle(request);
      request.reject(
        new LimitError(
          `${operationName(request.type)} takes ${length} bytes, more than juteMaxBuffer=${this.config.juteMaxBuffer}; a server with the same limit would close the connection`,
        ),
      );
      return;
    }
    this.nextXid = this.nextXid === XID_MAX ? 1 : this.nextXid + 1;
    request.status = RequestStatus.Sent;
    request.sentMs = this.nowMs;
    request.attempts++;
    this.inFlight.push(request);
    this.lastSentMs = this.nowMs;
    if (start === 0) this.effects.outputReady();
  }

  /** Sends what waits, as far as there is room. */
  private pump(): void {
    while (this.queue.length > 0 && this.canSend()) {
      const request = this.queue.shift() as Request;
      if (request.status !== RequestStatus.Settled) this.send(request);
    }
  }

  private settle(request: Request): void {
    request.status = RequestStatus.Settled;
    if (this.timed.size > 0) this.timed.delete(request);
  }

  // ------------------------------------------------------------------------------------------------- connection

  /** Begins to look for a server. */
  start(nowMs: number): void {
    this.nowMs = nowMs;
    this.beginAttempt();
    this.schedule();
  }

  /** The connection is open. */
  opened(nowMs: number): void {
    this.nowMs = nowMs;
    this.phase = Phase.Handshaking;
    // The rest of a chunk in the middle of which the last connection was given up.
    this.frames.reset();
    const { writer } = this;
    const isKnown = this.hasSeenReadWrite;
    writer.reset();
    writer.int(0);
    writer.int(0);
    writer.int(this.lastZxidHi);
    writer.int(this.lastZxidLo);
    writer.int(this.config.sessionTimeoutMs);
    writer.bits(isKnown ? this.sessionId : Long.ZERO);
    writer.buffer(isKnown ? this.password : NO_PASSWORD);
    writer.bool(this.config.readOnly);
    writer.patchInt(0, writer.at - 4);
    this.attemptSentMs = nowMs;
    this.effects.outputReady();
  }

  /** What is to be written to the connection, or null. The caller may keep the bytes. */
  takeOutput(nowMs: number): Uint8Array | null {
    this.nowMs = nowMs;
    if (this.writer.at === 0) return null;
    const bytes = this.writer.take();
    if (this.writer.bytes.length > OUTPUT_MAX) this.writer = new Writer(65_536);
    else this.writer.reset();
    this.pump();
    return bytes;
  }

  /** The socket holds enough: nothing more is sent until {@link drained}. */
  blocked(): void {
    this.isBlocked = true;
  }

  /** The socket has room again. */
  drained(nowMs: number): void {
    this.nowMs = nowMs;
    this.isBlocked = false;
    this.pump();
  }

  /** Bytes came from the server; they are not kept. */
  received(bytes: Uint8Array, nowMs: number): void {
    if (this.phase < Phase.Handshaking || this.phase === Phase.Ended) return;
    this.nowMs = nowMs;
    this.lastHeardMs = nowMs;
    try {
      this.frames.push(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.lose(`the server's bytes are no answer: ${error.message}`);
    }
    this.pump();
  }

  /** The connection could not be opened, or has ended. */
  closed(reason: string, nowMs: number): void {
    if (this.phase === Phase.Waiting || this.phase === Phase.Ended) return;
    this.nowMs = nowMs;
    this.lose(reason);
  }

  /** Whether another server takes writes, after {@link SessionEffects.probe}. */
  probed(server: ServerAddress, isReadWrite: boolean, nowMs: number): void {
    if (this.phase !== Phase.Live || !this.isReadOnlyServer || !isReadWrite) return;
    this.nowMs = nowMs;
    this.servers.prefer(server);
    this.lose(`${server.host}:${server.port} takes writes`, true);
  }

  private beginAttempt(): void {
    this.server = this.servers.take();
    this.phase = Phase.Connecting;
    this.attemptDeadlineMs = this.nowMs + this.config.connectTimeoutMs;
    this.isBlocked = false;
    this.effects.connect(this.server);
  }

  /** Gives the present connection up, and looks for another one. */
  private lose(reason: string, atOnce = false): void {
    const wasLive = this.phase === Phase.Live;
    this.phase = Phase.Waiting;
    this.effects.disconnect();
    this.lastFailure = `${this.server?.host}:${this.server?.port}: ${reason}`;
    this.effects.log(this.lastFailure);
    this.writer.reset();
    this.frames.reset();
    this.isPinging = false;
    this.isBlocked = false;
    this.authInFlight = [];
    this.setWatchesInFlight = 0;
    if (this.isClosing) {
      this.end("closed", `closed: ${reason}`);
      return;
    }
    this.returnInFlight(reason);
    this.retryAtMs = this.nowMs + (atOnce ? 0 : this.servers.delayMs());
    if (wasLive) this.change("disconnected", reason);
    this.schedule();
  }

  /** Reads that were in flight are sent again, before all others; nobody knows what became of the writes. */
  private returnInFlight(reason: string): void {
    if (this.inFlight.length === 0) return;
    const again: Request[] = [];
    for (const request of this.inFlight.takeAll()) {
      if (request.status === RequestStatus.Settled) continue;
      if (!isWrite(request.type) && request.attempts <= this.config.readRetries) {
        request.status = RequestStatus.Queued;
        again.push(request);
      } else {
        this.settle(request);
        request.reject(request.error("ConnectionLoss", "unknown", this.config.chroot, reason));
      }
    }
    if (again.length === 0) return;
    const others = this.queue;
    this.queue = new Fifo();
    for (const request of again) this.queue.push(request);
    for (const request of others.takeAll()) this.queue.push(request);
  }

  // ----------------------------------------------------------------------------------------------------- frames

  /** A frame from the server. Called by {@link Frames}. */
  frame(bytes: Uint8Array, start: number, end: number): void {
    const { reader } = this;
    reader.reset(bytes, start, end);
    if (this.phase === Phase.Live || this.phase === Phase.Sasl) {
      const xid = reader.int();
      const zxidHi = reader.int();
      const zxidLo = reader.int();
      const err = reader.int();
      if (xid > 0) this.reply(xid, zxidHi, zxidLo, err);
      else this.special(xid, zxidHi, zxidLo, err);
    } else if (this.phase === Phase.Handshaking) {
      this.connectResponse(reader);
    }
  }

  /** The beginning of a frame that is too long. Called by {@link Frames}. */
  oversized(bytes: Uint8Array, start: number, lengthBytes: number): void {
    if (this.phase !== Phase.Live) throw new ProtocolError("frame length", 0, "a short frame", String(lengthBytes));
    const { reader } = this;
    reader.reset(bytes, start, start + HEADER_BYTES);
    const request = this.answered(reader.int(), reader.int(), reader.int());
    if (request.status === RequestStatus.Settled) return;
    this.settle(request);
    request.reject(
      new ReplyTooLargeError(
        operationName(request.type),
        request.clientPath(this.config.chroot),
        lengthBytes,
        this.config.replyMaxBytes,
      ),
    );
  }

  private connectResponse(reader: Reader): void {
    if (reader.remaining === HEADER_BYTES) {
      // Not a ConnectResponse but a refusal, as of servers without a quorum that have no local sessions.
      reader.at += HEADER_BYTES - 4;
      this.lose(`the server gave no session: ${keeperCodeOf(reader.int())}`);
      return;
    }
    reader.int();
    const timeoutMs = reader.int();
    const sessionId = reader.bits();
    const password = reader.buffer();
    // Left out by servers before 3.4.
    const isReadOnly = reader.remaining > 0 && reader.bool();
    if (timeoutMs <= 0) {
      if (!this.hasSeenReadWrite) this.lose("the server gave no session");
      else this.expire();
      return;
    }
    if (isReadOnly && !this.config.readOnly) {
      this.lose("the server has no quorum");
      return;
    }
    this.sessionId = sessionId;
    this.password = password === null ? NO_PASSWORD : password.slice();
    this.sessionTimeoutMs = timeoutMs;
    this.confirmedMs = this.attemptSentMs;
    this.isReadOnlyServer = isReadOnly;
    if (!isReadOnly) this.hasSeenReadWrite = true;
    if (this.config.hasSasl) {
      this.phase = Phase.Sasl;
      this.effects.saslStep(null);
    } else {
      this.goLive();
    }
  }

  private goLive(): void {
    this.phase = Phase.Live;
    this.servers.succeeded();
    this.lastSentMs = this.nowMs;
    this.lastHeardMs = this.nowMs;
    this.probeDelayMs = PROBE_MIN_MS;
    this.probeAtMs = this.nowMs + PROBE_MIN_MS;
    this.probeOffset = 0;
    for (const entry of this.auth) this.sendAuth(entry);
    if (!this.watches.isEmpty) {
      const start = this.writer.at;
      const lastZxid = new Long(this.lastZxidHi, this.lastZxidLo);
      this.setWatchesInFlight = encodeSetWatches(this.writer, this.watches, lastZxid);
      if (start === 0) this.effects.outputReady();
    }
    const where = `${this.server?.host}:${this.server?.port}`;
    this.change(this.isReadOnlyServer ? "connectedReadOnly" : "connected", `session ${this.sessionId} on ${where}`);
    this.schedule();
  }

  /** The request that an answer is for. */
  private answered(xid: number, zxidHi: number, zxidLo: number): Request {
    const request = this.inFlight.peek();
    if (request === null || request.xid !== xid) {
      throw new ProtocolError("xid", 0, request === null ? "none" : String(request.xid), String(xid));
    }
    this.inFlight.shift();
    if (zxidHi > 0 || (zxidHi === 0 && zxidLo !== 0)) {
      this.lastZxidHi = zxidHi;
      this.lastZxidLo = zxidLo;
    }
    if (request.sentMs > this.confirmedMs) this.confirmedMs = request.sentMs;
    return request;
  }

  private reply(xid: number, zxidHi: number, zxidLo: number, err: number): void {
    const request = this.answered(xid, zxidHi, zxidLo);
    if (request.type === OpCode.sasl) {
      this.saslReply(request, err);
      return;
    }
    if (request.status === RequestStatus.Settled) return;
    if (err !== 0) {
      this.refused(request, err);
      return;
    }
    let value: unknown;
    try {
      value = request.decode(this.reader, this.config.chroot);
    } catch (error) {
      this.settle(request);
      if (error instanceof KeeperError) {
        request.reject(error);
        return;
      }
      request.reject(request.error("MarshallingError", "unknown", this.config.chroot, String(error)));
      throw error;
    }
    this.settle(request);
    if (request.listener !== null) this.watches.register(request, true);
    request.resolve(value);
    if (request.type === OpCode.removeWatches) this.removed(request);
    else if (request.type === OpCode.closeSession) this.end("closed", "closed");
  }

  private refused(request: Request, err: number): void {
    this.settle(request);
    const code = keeperCodeOf(err);
    if (code === "NoNode" && request.type === OpCode.exists) {
      this.watches.register(request, false);
      request.resolve(null);
    } else if (code === "NoWatcher" && request.type === OpCode.checkWatches) {
      request.resolve(false);
    } else {
      request.reject(request.error(code, "refused", this.config.chroot));
      if (code === "SessionClosedRequireSaslAuth") this.end("authFailed", "the server wants authentication");
      else if (request.type === OpCode.closeSession) this.end("closed", `closed: ${code}`);
    }
  }

  private special(xid: number, zxidHi: number, zxidLo: number, err: number): void {
    switch (xid) {
      case PING_XID:
        this.isPinging = false;
        if (this.pingSentMs > this.confirmedMs) this.confirmedMs = this.pingSentMs;
        this.schedule();
        return;
      case NOTIFICATION_XID:
        this.notified(int64(zxidHi, zxidLo));
        return;
      case AUTH_XID:
        this.authReply(err);
        return;
      case SET_WATCHES_XID:
        this.setWatchesReply(err);
        return;
      default:
        throw new ProtocolError("xid", 0, "one of a request", String(xid));
    }
  }

  // ---------------------------------------------------------------------------------------------------- watches

  private notified(zxid: bigint): void {
    const type = EVENT_TYPES.get(this.reader.int());
    this.reader.int();
    const path = this.reader.string() ?? "";
    if (type === undefined) return;
    const event: WatchEvent = { type, path: clientPath(this.config.chroot, path), zxid };
    for (const listener of this.watches.fire(type, path)) this.effects.deliver(listener, event);
  }

  private setWatchesReply(err: number): void {
    if (err !== 0) {
      this.lose(`the server did not set the watches: ${keeperCodeOf(err)}`);
      return;
    }
    this.setWatchesInFlight--;
    if (this.setWatchesInFlight !== 0) return;
    // The server catches up on watches that fire once; of the others it says nothing.
    for (const [path, listeners] of this.watches.persistent()) this.tell(listeners, "Gap", path);
  }

  private removed(request: Request): void {
    for (const [type, listeners] of this.watches.remove(request.number, request.path)) {
      this.tell(listeners, type, request.path);
    }
  }

  private tell(listeners: Iterable<WatchListener>, type: WatchEventType, path: string): void {
    const event: WatchEvent = { type, path: clientPath(this.config.chroot, path), zxid: -1n };
    for (const listener of listeners) this.effects.deliver(listener, event);
  }

  // --------------------------------------------------------------------------------------------- authentication

  private sendAuth(entry: AuthEntry): void {
    const { writer } = this;
    const start = writer.at;
    writer.int(0);
    writer.int(AUTH_XID);
    writer.int(OpCode.auth);
    writer.int(0);
    writer.string(entry.scheme);
    writer.buffer(entry.auth);
    writer.patchInt(start, writer.at - start - 4);
    this.authInFlight.push(entry);
    if (start === 0) this.effects.outputReady();
  }

  private authReply(err: number): void {
    const entry = this.authInFlight.shift();
    if (entry === undefined) throw new ProtocolError("xid", 0, "one of a request", String(AUTH_XID));
    if (err !== 0) {
      this.end("authFailed", `the server refused the ${entry.scheme} authentication`);
      return;
    }
    entry.waiter?.resolve(undefined);
    entry.waiter = null;
  }

  /** The mechanism's next token; null when its exchange is complete. */
  saslToken(token: Uint8Array | null, nowMs: number): void {
    if (this.phase !== Phase.Sasl) return;
    this.nowMs = nowMs;
    if (token === null) {
      this.goLive();
      this.pump();
      return;
    }
    this.send(new Request(OpCode.sasl, "", token, null, 0, 0, false, null, null));
  }

  /** The mechanism gave up. */
  saslFailed(reason: string): void {
    if (this.phase === Phase.Sasl) this.end("authFailed", `SASL: ${reason}`);
  }

  private saslReply(request: Request, err: number): void {
    this.settle(request);
    if (err !== 0) this.end("authFailed", `the server refused SASL: ${keeperCodeOf(err)}`);
    else this.effects.saslStep((request.decode(this.reader, "") as Uint8Array | null) ?? new Uint8Array(0));
  }

  // ------------------------------------------------------------------------------------------------------- time

  /** Does what is due: timeouts, pings, the next attempt to connect. */
  tick(nowMs: number): void {
    const lateMs = nowMs - this.wakeAtMs;
    this.nowMs = nowMs;
    this.expireRequests();
    switch (this.phase) {
      case Phase.Waiting:
        if (nowMs >= this.retryAtMs) this.beginAttempt();
        break;
      case Phase.Connecting:
      case Phase.Handshaking:
      case Phase.Sasl:
        if (nowMs >= this.attemptDeadlineMs) this.lose("no session in time");
        break;
      case Phase.Live:
        this.tickLive(lateMs);
        break;
    }
    if (this.isClosing && this.phase !== Phase.Ended && nowMs >= this.closeDeadlineMs) {
      this.end("closed", "closed without the server's answer");
    }
    this.schedule();
  }

  private tickLive(lateMs: number): void {
    const { nowMs } = this;
    const silenceMaxMs = this.silenceMaxMs;
    // This process itself was stopped. The answers may wait unread in the socket: one more interval for them.
    if (lateMs > silenceMaxMs / 4) {
      this.lastHeardMs = Math.max(this.lastHeardMs, nowMs - silenceMaxMs / 2);
    }
    if (nowMs - this.lastHeardMs >= silenceMaxMs) {
      this.lose(`nothing heard for ${Math.round(nowMs - this.lastHeardMs)} ms`);
      return;
    }
    if (!this.isPinging && nowMs - this.lastSentMs >= this.pingIntervalMs) this.ping();
    if (this.isReadOnlyServer && nowMs >= this.probeAtMs) {
      this.effects.probe(this.servers.peek(this.probeOffset++));
      this.probeDelayMs = Math.min(this.probeDelayMs * 2, PROBE_MAX_MS);
      this.probeAtMs = nowMs + this.probeDelayMs;
    }
  }

  /** As long as a server may be silent, two thirds of the session: the last third is for finding another one. */
  private get silenceMaxMs(): number {
    return (this.sessionTimeoutMs * 2) / 3;
  }

  private get pingIntervalMs(): number {
    return Math.min(this.sessionTimeoutMs / 3, PING_INTERVAL_MAX_MS);
  }

  private ping(): void {
    const { writer } = this;
    const start = writer.at;
    writer.int(8);
    writer.int(PING_XID);
    writer.int(OpCode.ping);
    this.isPinging = true;
    this.pingSentMs = this.nowMs;
    this.lastSentMs = this.nowMs;
    if (start === 0) this.effects.outputReady();
  }

  private expireRequests(): void {
    for (const request of this.timed) if (request.deadlineMs <= this.nowMs) this.timeOut(request);
    // Those without a timeout of their own are due in the order of their submission.
    this.expireOldest(this.inFlight);
    this.expireOldest(this.queue);
    while (this.queue.peek()?.status === RequestStatus.Settled) this.queue.shift();
  }

  private expireOldest(requests: Fifo<Request>): void {
    for (let i = 0; i < requests.length; i++) {
      const request = requests.at(i);
      if (request.status === RequestStatus.Settled || this.timed.has(request)) continue;
      if (request.deadlineMs > this.nowMs) return;
      this.timeOut(request);
    }
  }

  private timeOut(request: Request): void {
    const { outcome } = request;
    this.settle(request);
    const why = isConnected(this.state) ? "the server has not answered" : `${this.state}, ${this.lastFailure}`;
    request.reject(request.error("OperationTimeout", outcome, this.config.chroot, why));
  }

  /** Sets {@link wakeAtMs}. */
  private schedule(): void {
    let atMs = Number.POSITIVE_INFINITY;
    switch (this.phase) {
      case Phase.Waiting:
        atMs = this.retryAtMs;
        break;
      case Phase.Connecting:
      case Phase.Handshaking:
      case Phase.Sasl:
        atMs = this.attemptDeadlineMs;
        break;
      case Phase.Live:
        atMs = this.lastHeardMs + this.silenceMaxMs;
        if (!this.isPinging) atMs = Math.min(atMs, this.lastSentMs + this.pingIntervalMs);
        if (this.isReadOnlyServer) atMs = Math.min(atMs, this.probeAtMs);
        break;
    }
    if (this.isClosing && this.phase !== Phase.Ended) atMs = Math.min(atMs, this.closeDeadlineMs);
    for (const { deadlineMs } of this.timed) atMs = Math.min(atMs, deadlineMs);
    atMs = Math.min(atMs, oldestDeadline(this.inFlight), oldestDeadline(this.queue));
    this.wakeAtMs = atMs;
  }

  // -------------------------------------------------------------------------------------------------------- end

  /** Ends the session once everything before is answered. Nothing is taken in any more. */
  close(nowMs: number): void {
    if (this.phase === Phase.Ended || this.isClosing) return;
    this.nowMs = nowMs;
    if (this.phase !== Phase.Live) {
      this.end("closed", "closed while not connected");
      return;
    }
    const request = new Request(OpCode.closeSession, "", null, null, 0, 0, false, null, null);
    this.queue.push(request);
    this.isClosing = true;
    this.closeDeadlineMs = nowMs + this.sessionTimeoutMs;
    this.pump();
    this.schedule();
  }

  /** Ends the client, and leaves the session to the server. */
  detach(): void {
    if (this.phase !== Phase.Ended) this.end("closed", "detached");
  }

  private expire(): void {
    const reason = `session ${this.sessionId} has expired`;
    if (!this.config.renewSession) {
      this.end("expired", reason);
      return;
    }
    this.phase = Phase.Waiting;
    this.effects.disconnect();
    this.writer.reset();
    this.frames.reset();
    this.change("expired", reason);
    this.rejectAll((request) => request.error("SessionExpired", request.outcome, this.config.chroot));
    this.endWatches();
    this.sessionId = Long.ZERO;
    this.password = NO_PASSWORD;
    this.hasSeenReadWrite = false;
    this.lastZxidHi = 0;
    this.lastZxidLo = 0;
    this.retryAtMs = this.nowMs + this.servers.delayMs();
    this.change("connecting", "a new session after the expired one");
    this.schedule();
  }

  private end(state: SessionState, reason: string): void {
    this.phase = Phase.Ended;
    this.effects.disconnect();
    this.writer.reset();
    this.change(state, reason);
    this.rejectAll((request) => this.endError(request));
    for (const { waiter } of this.auth) {
      waiter?.reject(this.endError(new Request(OpCode.auth, "", null, null, 0, 0, false, null, null)));
    }
    this.auth.length = 0;
    this.endWatches();
    this.schedule();
  }

  private rejectAll(errorOf: (request: Request) => Error): void {
    for (const request of [...this.inFlight.takeAll(), ...this.queue.takeAll()]) {
      if (request.status === RequestStatus.Settled) continue;
      const error = errorOf(request);
      this.settle(request);
      request.reject(error);
    }
  }

  private endWatches(): void {
    for (const [path, listeners] of this.watches.clear()) this.tell(listeners, "SessionEnded", path);
  }

  /** Why nothing can be asked any more. */
  private endError(request: Request): Error {
    const { chroot } = this.config;
    switch (this.state) {
      case "authFailed":
        return request.error("AuthFailed", request.outcome, chroot);
      case "expired":
        return request.error("SessionExpired", request.outcome, chroot);
      default:
        return new ClosedError(operationName(request.type), request.clientPath(chroot), request.outcome);
    }
  }

  private change(state: SessionState, reason: string): void {
    const previous = this.state;
    if (state === previous) return;
    this.state = state;
    this.effects.stateChanged(state, previous, reason);
  }
}

const EVENT_TYPES = new Map<number, WatchEventType>([
  [1, "NodeCreated"],
  [2, "NodeDeleted"],
  [3, "NodeDataChanged"],
  [4, "NodeChildrenChanged"],
]);

function oldestDeadline(requests: Fifo<Request>): number {
  for (let i = 0; i < requests.length; i++) {
    const request = requests.at(i);
    if (request.status !== RequestStatus.Settled) return request.deadlineMs;
  }
  return Number.POSITIVE_INFINITY;
}
