import { Reader, Writer } from "@quoll/jute";
import { AclChecker } from "../../src/core/acl/acl-checker.js";
import { DEFAULT_ENFORCED_AUTHENTICATION, EnforcedAuthentication } from "../../src/core/acl/enforced-authentication.js";
import type { Log } from "../../src/core/capabilities.js";
import { type Connection, ConnectionState } from "../../src/core/connection.js";
import { ServerCore, type ServerCoreOptions, type TxnLogSink } from "../../src/core/server-core.js";
import { DEFAULT_CONNECTION_THROTTLE } from "../../src/core/session/connection-throttle.js";
import { SnapshotPolicy } from "../../src/core/storage/snapshot-policy.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { providers } from "../acl/scene.js";
import { OPTIONS as TREE_OPTIONS } from "../tree/inspect.js";
import { connectFrame, frame } from "./frames.js";

/** ZooKeeper's defaults, but with every kind of znode and with fast ticks. */
export const OPTIONS: ServerCoreOptions = {
  serverId: 1,
  tickTimeMs: 100,
  minSessionTimeoutMs: 200,
  maxSessionTimeoutMs: 60_000,
  maxClientCnxns: 0,
  maxCnxns: 0,
  globalOutstandingLimit: 1000,
  juteMaxBuffer: 0xfffff,
  txnBytesMax: 2 * 0xfffff,
  sessionlessTimeoutMs: 4000,
  containerCheckIntervalMs: 1000,
  containerMaxPerMinute: 10_000,
  containerMaxNeverUsedMs: 0,
  connectionThrottle: DEFAULT_CONNECTION_THROTTLE,
  localSessionsEnabled: false,
  localSessionsUpgradingEnabled: false,
  digestEnabled: true,
  extendedTypesEnabled: true,
  enforceQuota: true,
  reconfigEnabled: false,
  closeSessionTxnEnabled: true,
};

/** Keeps the txns as they were appended. */
class RecordedLog implements TxnLogSink {
  readonly txns: Uint8Array[] = [];
  readonly zxids: number[] = [];
  isFull = false;
  rolls = 0;
  append(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    this.txns.push(bytes.slice(start, end));
    this.zxids.push(zxid);
  }
  roll(): void {
    this.rolls++;
  }
}

interface Line {
  readonly fields: object;
  readonly message: string;
}

/** Keeps the log's newest lines. */
class RecordedLines implements Log {
  readonly lines: Line[] = [];
  debug(): void {}
  info(fields: object, message: string): void {
    this.lines.push({ fields, message });
    if (this.lines.length > 1000) this.lines.splice(0, 500);
  }
  warn(fields: object, message: string): void {
    this.info(fields, message);
  }
  error(fields: object, message: string): void {
    this.info(fields, message);
  }
}

/** A server without a machine: its clock, its disk and its network are the test's. */
export class CoreServer {
  readonly log = new RecordedLog();
  readonly lines = new RecordedLines();
  readonly core: ServerCore;
  nowMs = 1000;
  wallMs = 1_700_000_000_000;
  private readonly clients = new Map<Connection, Client>();
  private addresses = 0;

  constructor(
    readonly tree = new DataTree(TREE_OPTIONS),
    options: Partial<ServerCoreOptions> = {},
  ) {
    const enforced = new EnforcedAuthentication(DEFAULT_ENFORCED_AUTHENTICATION);
    const acls = new AclChecker(providers(), enforced, tree.acls, false);
    let state = 1;
    const random = { int32: () => (state = (Math.imul(state, 1_103_515_245) + 12_345) | 0) };
    const policy = new SnapshotPolicy(100_000, 0, random);
    const all = { ...OPTIONS, ...options };
    this.core = new ServerCore(tree, this.log, acls, policy, random, all, this.lines, this.nowMs, this.wallMs);
  }

  /** Another connection, or null if the server refuses it. */
  connect(address = `10.0.0.${(this.addresses++ % 250) + 1}`): Client {
    const connection = this.core.connected(address, 40_000);
    if (connection === null) throw new Error("the connection was refused");
    const client = new Client(this, connection);
    this.clients.set(connection, client);
    return client;
  }

  /** Everything appended is durable; or only what is up to a zxid. */
  sync(zxid = this.core.zxid): void {
    this.core.synced(zxid);
    this.flush();
  }

  /** Lets time pass, in steps that are no stall. */
  advance(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      const step = Math.min(50, end - this.nowMs);
      this.nowMs += step;
      this.wallMs += step;
      this.core.clock(this.nowMs, this.wallMs);
      this.core.tick();
      this.sync();
    }
  }

  /** The end of a turn: output leaves, connections that are to end do. */
  flush(): void {
    const { dirty, words } = this.core.effects;
    for (const { connection } of words) this.clients.get(connection)?.ended();
    words.length = 0;
    for (const connection of dirty) {
      connection.dirty = false;
      const client = this.clients.get(connection);
      if (client === undefined) continue;
      client.take();
      if (connection.state === ConnectionState.closing) client.ended();
    }
    dirty.length = 0;
  }

  gone(client: Client): void {
    this.clients.delete(client.connection);
  }
}

export interface Reply {
  readonly xid: number;
  readonly zxid: number;
  readonly err: number;
  readonly body: Uint8Array;
}

/** One connection, from the client's side. */
export class Client {
  /** Every byte that came back. */
  readonly output = new Writer();
  /** Takes nothing from the server: what it sends piles up there. */
  deaf = false;
  isOpen = true;
  private read = 0;
  private xid = 0;

  constructor(
    private readonly server: CoreServer,
    readonly connection: Connection,
  ) {}

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.server.core.received(this.connection, bytes);
    this.server.flush();
  }

  /** Makes a session, or takes up the one given. */
  open(timeoutMs = 30_000, session: { hi: number; lo: number; password: Uint8Array } | null = null): this {
    this.send(connectFrame(timeoutMs, session));
    this.server.sync();
    return this;
  }

  /** Sends one request, makes it durable, and returns the last reply. */
  ask(type: number, body: Uint8Array): Reply {
    const xid = ++this.xid;
    this.send(frame(xid, type, body));
    this.server.sync();
    const reply = this.replies().find((one) => one.xid === xid);
    if (reply === undefined) throw new Error(`no reply to request ${xid} of type ${type}`);
    return reply;
  }

  /** The session's id and password, from the connect response. */
  session(): { hi: number; lo: number; password: Uint8Array; timeoutMs: number } {
    const reader = new Reader(this.output.take());
    reader.int();
    reader.int();
    const timeoutMs = reader.int();
    this.read = Math.max(this.read, 4 + new Reader(this.output.bytes).int());
    return { timeoutMs, hi: reader.int(), lo: reader.int(), password: reader.buffer()! };
  }

  /** Replies and events that came since the last time, behind the connect response. */
  replies(): Reply[] {
    const { output } = this;
    if (this.read === 0 && output.at > 0) this.session();
    const replies: Reply[] = [];
    while (this.read < output.at) {
      const reader = new Reader(output.bytes, this.read, output.at);
      const length = reader.length("frame");
      const end = reader.at + length;
      replies.push({
        xid: reader.int(),
        zxid: reader.long(),
        err: reader.int(),
        body: reader.bytes.slice(reader.at, end),
      });
      this.read = end;
    }
    return replies;
  }

  /** The client's machine takes what the server has sent. */
  take(): void {
    const { connection } = this;
    if (this.deaf) return;
    const { out } = connection;
    this.output.raw(out.bytes, 0, out.at);
    out.reset();
    this.server.core.drained(connection);
  }

  /** The connection is lost, from this side. */
  drop(): void {
    if (!this.isOpen) return;
    this.ended();
    this.server.flush();
  }

  ended(): void {
    this.isOpen = false;
    this.server.gone(this);
    this.server.core.disconnected(this.connection);
  }
}
