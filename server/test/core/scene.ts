import {
  ACL,
  ConnectRequest,
  decodeRecord,
  encodeRecord,
  Long,
  Reader,
  ReplyHeader,
  Stat,
  WatcherEvent,
  Writer,
} from "@quoll/jute";
import { AclChecker } from "../../src/core/acl/acl-checker.js";
import { DEFAULT_ENFORCED_AUTHENTICATION, EnforcedAuthentication } from "../../src/core/acl/enforced-authentication.js";
import type { Random } from "../../src/core/capabilities.js";
import { type Connection, ConnectionState } from "../../src/core/connection.js";
import { KeeperCode } from "../../src/core/keeper-code.js";
import { OpCode } from "../../src/core/op-code.js";
import { ServerCore, type ServerCoreOptions, type TxnLogSink } from "../../src/core/server-core.js";
import { DEFAULT_CONNECTION_THROTTLE } from "../../src/core/session/connection-throttle.js";
import { SnapshotPolicy } from "../../src/core/storage/snapshot-policy.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { providers } from "../acl/scene.js";
import { frame, type Request } from "./requests.js";

export const WALL_MS = 1_600_000_000_000;
export const NO_PASSWORD = new Uint8Array(16);

/** xorshift32: reproducible, and good enough to choose with. */
export class SeededRandom implements Random {
  private state: number;

  constructor(seed: number) {
    this.state = (seed * 0x9e3779b1) | 1;
  }

  int32(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state | 0;
  }

  below(n: number): number {
    return (this.int32() >>> 0) % n;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** A txn log that keeps copies of its records and syncs when it is told to. */
export class FakeLog implements TxnLogSink {
  readonly records: { zxid: number; bytes: Uint8Array }[] = [];
  rolls = 0;
  isFull = false;

  append(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    this.records.push({ zxid, bytes: bytes.slice(start, end) });
  }

  roll(): void {
    this.rolls++;
  }

  get lastZxid(): number {
    return this.records.length === 0 ? 0 : this.records[this.records.length - 1]!.zxid;
  }

  /** Opcodes of the records' txns, for a transcript. */
  get types(): number[] {
    return this.records.map(({ bytes }) => new Reader(bytes.subarray(28)).int());
  }
}

export interface SceneOptions extends Partial<ServerCoreOptions> {
  readonly enforceAuthSchemes?: string;
  readonly snapCount?: number;
  readonly tree?: DataTree;
}

export const OPTIONS: ServerCoreOptions = {
  serverId: 0,
  tickTimeMs: 2000,
  minSessionTimeoutMs: 4000,
  maxSessionTimeoutMs: 40_000,
  maxClientCnxns: 0,
  maxCnxns: 0,
  globalOutstandingLimit: 1000,
  juteMaxBuffer: 0xfffff,
  txnBytesMax: 0xfffff + 0xfffff,
  sessionlessTimeoutMs: 10_000,
  containerCheckIntervalMs: 60_000,
  containerMaxPerMinute: 10_000,
  containerMaxNeverUsedMs: 0,
  connectionThrottle: DEFAULT_CONNECTION_THROTTLE,
  localSessionsEnabled: false,
  localSessionsUpgradingEnabled: false,
  digestEnabled: true,
  extendedTypesEnabled: true,
  enforceQuota: false,
  reconfigEnabled: false,
  closeSessionTxnEnabled: true,
};

export function newTree(): DataTree {
  return new DataTree({ seed: 7, digestEnabled: true, extendedTypesEnabled: true, emulate353TTLNodes: false });
}

/**
 * A server core, clients with names, a log that syncs on command, and a clock that moves on command. What happens is told
 * in {@link told}, one line per message, in the order in which the server's bytes left.
 */
export class Scene implements ClientHost {
  readonly log = new FakeLog();
  readonly tree: DataTree;
  readonly core: ServerCore;
  readonly clients: Client[] = [];
  nowMs = 0;
  /** The last zxid whose sync was told to the core. */
  synced = 0;
  private lines: string[] = [];

  constructor({ enforceAuthSchemes, snapCount = 1_000_000, tree = newTree(), ...options }: SceneOptions = {}) {
    this.tree = tree;
    this.synced = tree.lastProcessedZxid;
    const random = new SeededRandom(1);
    const known = providers({ superDigest: null });
    const enforced = new EnforcedAuthentication({
      ...DEFAULT_ENFORCED_AUTHENTICATION,
      enforceAuthEnabled: enforceAuthSchemes !== undefined,
      enforceAuthSchemes: enforceAuthSchemes ?? null,
    });
    const acls = new AclChecker(known, enforced, tree.acls, false);
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    this.core = new ServerCore(
      tree,
      this.log,
      acls,
      new SnapshotPolicy(snapCount, 0, random),
      random,
      { ...OPTIONS, ...options },
      silent,
      this.nowMs,
      WALL_MS,
    );
  }

  /** What was told since the last call. */
  told(): string[] {
    const { lines } = this;
    this.lines = [];
    return lines;
  }

  tell(line: string): void {
    this.lines.push(line);
  }

  /** A client's connection, without a session yet. */
  connection(name: string): Client {
    const connection = this.core.connected("127.0.0.1", 40_000 + this.clients.length);
    if (connection === null) throw new Error("the connection was refused");
    const client = new Client(this, name, connection);
    this.clients.push(client);
    return client;
  }

  /** A client with a session that is made durable, of which nothing is told. */
  session(name: string, timeoutMs = 10_000): Client {
    const client = this.connection(name);
    client.connect({ timeoutMs });
    this.sync();
    this.told();
    return client;
  }

  /** The log is durable up to `zxid`, or all of it. */
  sync(zxid = this.log.lastZxid): void {
    this.synced = Math.max(this.synced, zxid);
    this.core.synced(zxid);
    this.endTurn();
  }

  /** Time passes in steps of half a tick at most, as the timer does it. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 500) {
      this.nowMs += Math.min(left, 500);
      this.core.clock(this.nowMs, WALL_MS + this.nowMs);
      this.core.tick();
      this.endTurn();
    }
  }

  /** Carries out the effects: output leaves, connections that end are gone. */
  endTurn(): void {
    const { dirty } = this.core.effects;
    for (const connection of dirty) {
      connection.dirty = false;
      const client = this.clients.find((candidate) => candidate.connection === connection);
      if (client === undefined) continue;
      client.take();
      if (connection.state === ConnectionState.closing) {
        this.tell(`${client.name}: connection closed`);
        this.core.disconnected(connection);
      }
    }
    dirty.length = 0;
  }
}

export interface ConnectOptions {
  readonly timeoutMs?: number;
  readonly lastZxid?: number;
  readonly sessionId?: Long;
  readonly password?: Uint8Array;
  /** Without the byte at the end, as clients before 3.4 have it. */
  readonly old?: boolean;
  /** The client is content with a server that only reads. */
  readonly readOnly?: boolean;
}

/** Where a client's connection leads. */
export interface ClientHost {
  readonly core: ServerCore;
  tell(line: string): void;
  /** Carries out what a call of the core has left to be done. */
  endTurn(): void;
}

/** A client as its connection sees it: it sends bytes, and reads what comes back into sentences. */
export class Client {
  sessionId = Long.ZERO;
  password: Uint8Array = NO_PASSWORD;
  timeoutMs = -1;
  /** Of the last reply with a zxid. */
  lastZxid = 0;
  /** Every frame that came, without its length. */
  readonly frames: Uint8Array[] = [];
  /** Output is left with the server, as if the socket took nothing. */
  isStuck = false;
  private nextXid = 1;
  private readonly types = new Map<number, number[]>();

  constructor(
    private readonly scene: ClientHost,
    readonly name: string,
    readonly connection: Connection,
  ) {}

  connect({
    timeoutMs = 10_000,
    lastZxid = 0,
    sessionId,
    password,
    old = false,
    readOnly = false,
  }: ConnectOptions = {}): void {
    const record = encodeRecord(ConnectRequest, {
      protocolVersion: 0,
      lastZxidSeen: Long.fromNumber(lastZxid),
      timeOut: timeoutMs,
      sessionId: sessionId ?? Long.ZERO,
      passwd: password ?? NO_PASSWORD,
      readOnly,
    });
    this.timeoutMs = -1;
    this.bytes(framed(old ? record.subarray(0, record.length - 1) : record));
  }

  /** Sends requests in one piece, numbered from 1. */
  send(...requests: readonly Request[]): void {
    this.bytes(this.encode(...requests));
  }

  /** The bytes of the next requests, for who sends them in pieces. */
  encode(...requests: readonly Request[]): Uint8Array {
    const to = new Writer();
    for (const request of requests) {
      const xid = request.xid ?? this.nextXid++;
      const types = this.types.get(xid);
      if (types === undefined) this.types.set(xid, [request.type]);
      else types.push(request.type);
      const bytes = frame(request, xid);
      to.raw(bytes, 0, bytes.length);
    }
    return to.take();
  }

  /** Sends bytes, in a memory that is overwritten afterwards, as a socket's is. */
  bytes(bytes: Uint8Array): void {
    const chunk = bytes.slice();
    this.scene.core.received(this.connection, chunk);
    chunk.fill(0xee);
    this.scene.endTurn();
  }

  hangUp(): void {
    this.scene.core.hungUp(this.connection);
    this.scene.endTurn();
  }

  vanish(): void {
    this.scene.core.disconnected(this.connection);
  }

  /** The socket takes what was left. */
  unstick(): void {
    this.isStuck = false;
    this.connection.unsentBytes = 0;
    this.take();
    this.scene.core.drained(this.connection);
    this.scene.endTurn();
  }

  /** Reads the server's output. */
  take(): void {
    if (this.isStuck) return;
    const { out } = this.connection;
    const bytes = out.view().slice();
    out.reset();
    for (let at = 0; at < bytes.length; ) {
      const length = new Reader(bytes.subarray(at)).int();
      at += 4;
      this.message(bytes.subarray(at, at + length));
      at += length;
    }
  }

  private message(bytes: Uint8Array): void {
    this.frames.push(bytes);
    this.scene.tell(`${this.name}: ${this.timeoutMs < 0 ? this.connectResponse(bytes) : this.reply(bytes)}`);
  }

  private connectResponse(bytes: Uint8Array): string {
    const reader = new Reader(bytes);
    reader.int();
    this.timeoutMs = reader.int();
    this.sessionId = reader.bits();
    this.password = reader.buffer()!;
    const isReadOnly = reader.remaining === 1 && reader.bool();
    const kind = isReadOnly ? ", read-only" : bytes.length === 37 ? "" : ", in the old form";
    if (this.timeoutMs === 0) return `session refused${kind}`;
    return `session of ${this.timeoutMs} ms${kind}`;
  }

  private reply(bytes: Uint8Array): string {
    const reader = new Reader(bytes);
    const { xid, zxid, err } = ReplyHeader.decode(reader);
    if (zxid > 0) this.lastZxid = zxid;
    const at = `@${zxid}`;
    if (xid === -1) {
      const { type, path } = WatcherEvent.decode(reader);
      return `event ${at} ${EVENT_NAMES[type!]} ${path}`;
    }
    const type = this.types.get(xid)?.shift();
    if (type === undefined) return `reply ${xid} to nothing`;
    const body = err === 0 ? bodyText(type, reader) : KeeperCode[err];
    const rest = reader.remaining > 0 ? ` and ${reader.remaining} bytes more` : "";
    return `${XID_NAMES.get(xid) ?? xid} ${at} ${body}${rest}`;
  }
}

export function framed(record: Uint8Array): Uint8Array {
  const to = new Writer();
  to.buffer(record);
  return to.take();
}

const EVENT_NAMES = ["none", "created", "deleted", "dataChanged", "childrenChanged"];
const XID_NAMES = new Map([
  [-2, "ping"],
  [-4, "auth"],
  [-8, "setWatches"],
]);

function bodyText(type: number, reader: Reader): string {
  switch (type) {
    case OpCode.create:
      return `created ${reader.string()}`;
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      return `created ${reader.string()} ${statText(reader)}`;
    case OpCode.setData:
    case OpCode.setACL:
    case OpCode.exists:
      return statText(reader);
    case OpCode.getData: {
      const data = reader.buffer();
      return `${data === null ? "null" : `"${new TextDecoder().decode(data)}"`} ${statText(reader)}`;
    }
    case OpCode.getChildren:
    case OpCode.getEphemerals:
      return `[${strings(reader).sort().join(" ")}]`;
    case OpCode.getACL:
      return `${aclText(reader)} ${statText(reader)}`;
    case OpCode.sync:
      return `synced ${reader.string()}`;
    case OpCode.addWatch:
      return `watching ${reader.int()}`;
    case OpCode.multi:
      return `multi [${results(reader).join(", ")}]`;
    default:
      return "ok";
  }
}

function results(reader: Reader): string[] {
  const texts: string[] = [];
  for (;;) {
    const type = reader.int();
    const done = reader.bool();
    const err = reader.int();
    if (done) return texts;
    if (type === OpCode.error) {
      const again = reader.int();
      texts.push(again === err ? (KeeperCode[err] ?? String(err)) : `error ${err} and ${again}`);
    } else if (type === OpCode.delete || type === OpCode.check) texts.push("ok");
    else texts.push(bodyText(type, reader));
  }
}

function statText(reader: Reader): string {
  const { version, cversion, aversion, numChildren, czxid, mzxid, pzxid } = Stat.decode(reader);
  return `v${version} c${cversion} a${aversion} n${numChildren} zxids ${czxid} ${mzxid} ${pzxid}`;
}

function aclText(reader: Reader): string {
  const count = reader.int();
  const entries: string[] = [];
  for (let i = 0; i < count; i++) {
    const { perms, id } = ACL.decode(reader);
    entries.push(`${perms} ${id.scheme}:${id.id}`);
  }
  return `[${entries.join(", ")}]`;
}

function strings(reader: Reader): string[] {
  const count = reader.int();
  const list: string[] = [];
  for (let i = 0; i < count; i++) list.push(reader.string()!);
  return list;
}

/** The body of the last frame that came, as a record. */
export function lastReply(client: Client): { header: ReplyHeader; body: Uint8Array } {
  const bytes = client.frames[client.frames.length - 1]!;
  return { header: decodeRecord(ReplyHeader, bytes.subarray(0, 16)), body: bytes.subarray(16) };
}
