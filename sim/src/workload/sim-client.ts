import { Reader, Writer } from "@quoll/jute";
import { OpCode } from "@quoll/server/core/op-code";
import type { ClientChecker } from "../checker/client-checker.js";
import type { Kernel } from "../kernel/kernel.js";
import type { RandomStream } from "../kernel/random.js";
import type { Connection, Network } from "../network/network.js";

/** What a client does. */
export interface ClientSettings {
  readonly sessionTimeoutMs: number;
  /** Requests under way at a time. */
  readonly depth: number;
  /** Mean pause between requests. */
  readonly pauseMs: number;
  readonly readFraction: number;
}

/** A request that was sent. */
export interface Request {
  readonly xid: number;
  readonly type: number;
  readonly path: string;
  readonly data: string;
  /** Of a conditional change; else -1. */
  readonly version: number;
  /** Of a creation. */
  readonly flags: number;
  readonly watch: boolean;
  /** What a multi holds. */
  readonly parts: readonly Part[];
  /** The newest write that anybody had been told of when it was sent. */
  readonly floorZxid: number;
}

export interface Part {
  readonly type: number;
  readonly path: string;
  readonly data: string;
  readonly version: number;
}

/** A watch that its client waits for. */
export interface Watch {
  readonly path: string;
  readonly kind: "data" | "exists" | "children";
  /** What its client had seen when it was set. */
  readonly zxid: number;
}

const XID_EVENT = -1;
const XID_PING = -2;
const XID_SET_WATCHES = -8;
const NO_BYTES = new Uint8Array(0);

/** A client that speaks the protocol itself, so that nothing is hidden by a library: every reply goes to the checker. */
export class SimClient {
  readonly requests: Request[] = [];
  watches: Watch[] = [];
  sessionId = "";
  /** The newest zxid that it has been told of, in any of its connections. */
  lastZxid = 0;
  /** What its reads must show since its last sync. */
  syncedZxid = 0;
  /** Whether the watches of earlier connections are set again. */
  areWatchesSet = true;
  answered = 0;
  private readonly session = { hi: 0, lo: 0, password: new Uint8Array(16) };
  private connection: Connection | null = null;
  private isEstablished = false;
  private input: Uint8Array = NO_BYTES;
  private nextXid = 1;
  private lastHeardMs = 0;
  private lastSentMs = 0;
  private isClosing = false;
  private stopDial: () => void = () => {};
  /** Only what is needed to see that things go on. */
  isQuiet = false;

  constructor(
    readonly name: string,
    private readonly kernel: Kernel,
    private readonly network: Network,
    private readonly random: RandomStream,
    private readonly servers: readonly string[],
    private readonly settings: ClientSettings,
    private readonly checker: ClientChecker,
  ) {}

  start(): void {
    this.connect();
    this.beat();
  }

  get isIdle(): boolean {
    return this.isEstablished && this.requests.length === 0;
  }

  // --- connections

  private connect(): void {
    const address = this.random.pick(this.servers);
    this.stopDial = this.network.connect(
      this.name,
      address,
      this.settings.sessionTimeoutMs / 3,
      (connection) => this.connected(connection),
      () => this.lost(),
    );
  }

  private connected(connection: Connection): void {
    this.connection = connection;
    this.isEstablished = false;
    this.input = NO_BYTES;
    this.lastHeardMs = this.kernel.nowMs;
    connection.listen(0, {
      received: (bytes) => {
        if (this.connection === connection) this.received(bytes);
      },
      drained: () => {},
      closed: () => {
        if (this.connection === connection) this.lost();
      },
    });
    const out = new Writer();
    out.int(0);
    out.int(0);
    out.long(this.lastZxid);
    out.int(this.settings.sessionTimeoutMs);
    out.int(this.session.hi);
    out.int(this.session.lo);
    out.buffer(this.session.password);
    out.bool(false);
    this.send(out);
  }

  /** The connection is gone: what became of the requests is not known. */
  private lost(): void {
    this.connection = null;
    this.isEstablished = false;
    this.requests.length = 0;
    this.kernel.after(this.random.between(1, 60), `${this.name} reconnects`, () => {
      if (this.connection === null) this.connect();
    });
  }

  private hangUp(): void {
    this.stopDial();
    this.connection?.close(0);
    this.lost();
  }

  private beat(): void {
    const { sessionTimeoutMs } = this.settings;
    this.kernel.after(sessionTimeoutMs / 6, `${this.name} beat`, () => {
      const { nowMs } = this.kernel;
      if (this.connection !== null && nowMs - this.lastHeardMs > (sessionTimeoutMs * 2) / 3) this.hangUp();
      else if (this.isEstablished && nowMs - this.lastSentMs > sessionTimeoutMs / 3) this.ping();
      this.beat();
    });
  }

  private ping(): void {
    const out = new Writer();
    out.int(0);
    out.int(XID_PING);
    out.int(OpCode.ping);
    this.send(out);
  }

  private send(out: Writer): void {
    out.patchInt(0, out.at - 4);
    this.lastSentMs = this.kernel.nowMs;
    this.connection?.send(0, out.take());
  }

  // --- what comes

  private received(bytes: Uint8Array): void {
    this.lastHeardMs = this.kernel.nowMs;
    const all = new Uint8Array(this.input.length + bytes.length);
    all.set(this.input);
    all.set(bytes, this.input.length);
    let at = 0;
    const { connection } = this;
    while (all.length - at >= 4 && this.connection === connection) {
      const length = new DataView(all.buffer).getInt32(at);
      if (all.length - at - 4 < length) break;
      this.frame(new Reader(all, at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.input = this.connection === connection ? all.slice(at) : NO_BYTES;
  }

  private frame(reader: Reader): void {
    if (!this.isEstablished) {
      this.connectResponse(reader);
      return;
    }
    const xid = reader.int();
    const zxid = reader.long();
    const err = reader.int();
    switch (xid) {
      case XID_PING:
        return;
      case XID_EVENT: {
        const type = reader.int();
        reader.int();
        this.checker.event(this, type, reader.string()!);
        return;
      }
      case XID_SET_WATCHES:
        this.areWatchesSet = true;
        this.checker.seen(this, zxid);
        return;
    }
    const request = this.requests.shift();
    if (request === undefined || request.xid !== xid) {
      this.checker.wrongXid(this, xid, request);
      return;
    }
    this.answered++;
    this.checker.reply(this, request, zxid, err, reader);
    if (request.type === OpCode.closeSession) this.forget();
    else this.pace();
  }

  private connectResponse(reader: Reader): void {
    reader.int();
    const timeoutMs = reader.int();
    const id = reader.bits();
    const password = reader.buffer();
    if (timeoutMs <= 0) {
      this.checker.expired(this);
      this.forget();
      return;
    }
    const isNew = this.session.hi === 0 && this.session.lo === 0;
    if (isNew) {
      this.session.hi = id.hi;
      this.session.lo = id.lo;
      this.session.password = password!.slice();
      this.sessionId = id.toHex();
    }
    this.isEstablished = true;
    this.isClosing = false;
    this.areWatchesSet = this.watches.length === 0;
    if (!this.areWatchesSet) this.setWatches();
    this.pace();
  }

  /** The session is over: begins anew. */
  private forget(): void {
    this.session.hi = this.session.lo = 0;
    this.session.password = new Uint8Array(16);
    this.sessionId = "";
    this.watches = [];
    // What it has seen it has seen: the next session must not go back behind it either.
    this.connection?.close(0);
    this.lost();
  }

  private setWatches(): void {
    const out = new Writer();
    out.int(0);
    out.int(XID_SET_WATCHES);
    out.int(OpCode.setWatches);
    out.long(this.lastZxid);
    for (const kind of ["data", "exists", "children"] as const) {
      const paths = this.watches.filter((watch) => watch.kind === kind).map((watch) => watch.path);
      out.int(paths.length);
      for (const path of paths) out.string(path);
    }
    this.send(out);
  }

  // --- what it asks for

  private pace(): void {
    const { depth, pauseMs } = this.settings;
    if (this.isQuiet || this.requests.length >= depth) return;
    const { connection } = this;
    const count = this.random.chance(0.2) ? depth - this.requests.length : 1;
    this.kernel.after(this.random.fraction() * 2 * pauseMs, `${this.name} asks`, () => {
      for (let i = 0; i < count; i++) {
        if (!this.isEstablished || this.connection !== connection || this.requests.length >= depth) return;
        if (!this.isClosing) this.ask();
      }
    });
  }

  private ask(): void {
    const { random } = this;
    const dice = random.fraction();
    if (dice < 0.01) this.hangUp();
    else if (dice < 0.02) this.request(OpCode.closeSession, "", {});
    else if (dice < 0.07) this.request(OpCode.sync, "/", {});
    else if (random.chance(this.settings.readFraction)) this.read();
    else this.write();
  }

  private path(): string {
    const { random } = this;
    const top = `/${random.pick(["a", "b", "c", "d"])}`;
    return random.chance(0.5) ? top : `${top}/${random.pick(["x", "y", "z"])}`;
  }

  private read(): void {
    const type = this.random.pick([OpCode.getData, OpCode.getData, OpCode.exists, OpCode.getChildren2]);
    const path = type === OpCode.getChildren2 && this.random.chance(0.3) ? "/" : this.path();
    const kind = type === OpCode.getData ? "data" : type === OpCode.exists ? "exists" : "children";
    // One watch of a kind on a path: that a second one is the same is the server's business.
    const isWatched = this.watches.some((watch) => watch.path === path);
    const isAsked = this.requests.some((request) => request.path === path && request.watch);
    const watch = !isWatched && !isAsked && this.areWatchesSet && kind !== "exists" && this.random.chance(0.3);
    this.request(type, path, { watch });
  }

  private write(): void {
    const { random } = this;
    const path = this.path();
    const data = `${this.name}.${this.nextXid}`;
    const version = random.chance(0.3) ? random.below(4) : -1;
    const dice = random.fraction();
    if (dice < 0.3) this.request(OpCode.setData, path, { data, version });
    else if (dice < 0.65) {
      const flags = random.pick([0, 0, 0, 1, 1, 2, 3]);
      const isSequential = flags >= 2;
      this.request(random.chance(0.5) ? OpCode.create : OpCode.create2, isSequential ? `${path}-` : path, {
        data,
        flags,
      });
    } else if (dice < 0.85) this.request(OpCode.delete, path, { version: random.chance(0.2) ? version : -1 });
    else {
      const parts: Part[] = [];
      for (let i = random.between(1, 3); i > 0; i--) {
        const type = random.pick([OpCode.create, OpCode.delete, OpCode.setData, OpCode.check]);
        parts.push({
          type,
          path: this.path(),
          data: `${data}.${i}`,
          version: random.chance(0.2) ? random.below(3) : -1,
        });
      }
      this.request(OpCode.multi, "", { parts });
    }
  }

  /** A write that shows that the ensemble goes on. */
  probe(): void {
    if (this.isEstablished && this.requests.length === 0) {
      this.request(OpCode.setData, "/", { data: `${this.name}.${this.nextXid}` });
    }
  }

  private request(
    type: number,
    path: string,
    { data = "", version = -1, flags = 0, watch = false, parts = [] }: Partial<Request>,
  ): void {
    const floorZxid = this.checker.newestAnsweredZxid;
    const request: Request = { xid: this.nextXid++, type, path, data, version, flags, watch, parts, floorZxid };
    this.requests.push(request);
    const out = new Writer();
    out.int(0);
    out.int(request.xid);
    out.int(type);
    switch (type) {
      case OpCode.closeSession:
        this.isClosing = true;
        break;
      case OpCode.sync:
        out.string(path);
        break;
      case OpCode.multi:
        for (const part of parts) {
          out.int(part.type);
          out.bool(false);
          out.int(-1);
          writeOperation(out, part.type, part.path, part.data, part.version, 0);
        }
        out.int(-1);
        out.bool(true);
        out.int(-1);
        break;
      case OpCode.getData:
      case OpCode.exists:
      case OpCode.getChildren2:
        out.string(path);
        out.bool(watch);
        break;
      default:
        writeOperation(out, type, path, data, version, flags);
    }
    this.send(out);
  }
}

function writeOperation(out: Writer, type: number, path: string, data: string, version: number, flags: number): void {
  out.string(path);
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
      out.string(data);
      out.int(1);
      out.int(31);
      out.string("world");
      out.string("anyone");
      out.int(flags);
      break;
    case OpCode.setData:
      out.string(data);
      out.int(version);
      break;
    default:
      out.int(version);
  }
}
