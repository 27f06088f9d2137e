import { Long, Reader, ReplyHeader, Stat, WatcherEvent, Writer } from "@quoll/jute";
import type { ServerAddress } from "../src/index.js";
import type { SimulatedPeer, SimulatedPlatform, SimulatedWire } from "./simulated-platform.js";

interface Node {
  data: Uint8Array | null;
  czxid: number;
  mzxid: number;
  pzxid: number;
  version: number;
  cversion: number;
  owner: number;
  readonly children: Set<string>;
}

interface SessionRow {
  readonly id: number;
  readonly timeoutMs: number;
  aliveUntilMs: number;
}

/** A write that was carried out. */
export interface Applied {
  readonly session: number;
  readonly type: number;
  readonly path: string;
  readonly data: string;
}

interface Peer extends SimulatedPeer {
  readonly wire: SimulatedWire;
  session: SessionRow | null;
  isOpen: boolean;
  readonly watches: { readonly kind: "data" | "child" | "persistent" | "recursive"; readonly path: string }[];
}

/**
 * As much of a ZooKeeper ensemble as a client can tell, with all of its servers at the same zxid: sessions, a tree, watches.
 * Written from the protocol's description and with none of the client's code.
 */
export class FakeEnsemble {
  readonly applied: Applied[] = [];
  readonly expired: number[] = [];
  readonly down = new Set<string>();
  /** Servers that are behind: they refuse clients that have seen more. */
  readonly lagging = new Set<string>();
  /** Servers without a quorum. They give sessions of their own, to those who take them. */
  readonly readOnly = new Set<string>();
  readonly nodes = new Map<string, Node>([["/", newNode(0, 0)]]);
  readonly authenticated: string[] = [];
  /** Frames of the setWatches requests, sizes in bytes. */
  readonly setWatchesSizes: number[] = [];
  /** Requests are read, and not answered. */
  isMute = false;
  acceptsAuth = true;
  zxid = 0;
  private readonly sessions = new Map<number, SessionRow>();
  private readonly peers = new Set<Peer>();
  private nextSession = 1;
  platform!: SimulatedPlatform;

  readonly listen = (server: ServerAddress, wire: SimulatedWire): SimulatedPeer | null => {
    if (this.down.has(server.host)) return null;
    const isLagging = this.lagging.has(server.host);
    let buffered = new Uint8Array(0);
    const peer: Peer = {
      wire,
      session: null,
      isOpen: true,
      watches: [],
      received: (bytes) => {
        buffered = concat(buffered, bytes);
        if (peer.session === null && text(buffered) === "isro") {
          wire.send(encoded(this.readOnly.has(server.host) ? "ro" : "rw"));
          this.closePeer(peer);
        }
        while (peer.isOpen && buffered.length >= 4) {
          const length = new Reader(buffered).int();
          if (buffered.length < 4 + length) return;
          const frame = buffered.slice(4, 4 + length);
          buffered = buffered.slice(4 + length);
          this.frame(peer, new Reader(frame), isLagging, this.readOnly.has(server.host));
        }
      },
      closed: () => {
        peer.isOpen = false;
        this.peers.delete(peer);
      },
    };
    this.peers.add(peer);
    return peer;
  };

  /** Ends the sessions that nobody has kept alive, as of the platform's time. */
  expireSessions(): void {
    for (const session of this.sessions.values()) {
      if (session.aliveUntilMs < this.platform.now()) this.endSession(session);
    }
  }

  endSession(session: SessionRow): void {
    this.expired.push(session.id);
    this.removeSession(session);
  }

  get liveSessions(): SessionRow[] {
    return [...this.sessions.values()];
  }

  /** A server dies: its connections end. */
  stop(host: string): void {
    this.down.add(host);
  }

  /** All connections end from the server's side. */
  closeAll(): void {
    for (const peer of [...this.peers]) this.closePeer(peer);
  }

  dataOf(path: string): string | null {
    const node = this.nodes.get(path);
    return node === undefined ? null : text(node.data);
  }

  /** A change by another client. */
  set(path: string, value: string): void {
    if (this.nodes.has(path)) this.setData(path, encoded(value));
    else this.create(path, encoded(value), 0);
  }

  remove(path: string): void {
    if (this.nodes.has(path)) this.delete(path);
  }

  private closePeer(peer: Peer): void {
    peer.isOpen = false;
    this.peers.delete(peer);
    peer.wire.close();
  }

  private removeSession(session: SessionRow): void {
    this.sessions.delete(session.id);
    for (const [path, node] of [...this.nodes]) if (node.owner === session.id) this.delete(path);
    for (const peer of [...this.peers]) if (peer.session === session) this.closePeer(peer);
  }

  private frame(peer: Peer, reader: Reader, isLagging: boolean, isReadOnly: boolean): void {
    if (peer.session === null) {
      this.connectRequest(peer, reader, isLagging, isReadOnly);
      return;
    }
    const { session } = peer;
    if (!this.sessions.has(session.id)) {
      this.closePeer(peer);
      return;
    }
    session.aliveUntilMs = this.platform.now() + session.timeoutMs;
    const xid = reader.int();
    const type = reader.int();
    if (this.isMute && xid > 0) return;
    const body = new Writer();
    const err = this.operation(peer, session.id, type, reader, body, xid);
    if (type !== -11) this.reply(peer, xid, err, body);
    else this.closePeerAfter(peer, xid, body);
    if (err === -115) this.closePeer(peer);
  }

  private closePeerAfter(peer: Peer, xid: number, body: Writer): void {
    this.reply(peer, xid, 0, body);
    if (peer.session !== null) this.removeSession(peer.session);
  }

  private connectRequest(peer: Peer, reader: Reader, isLagging: boolean, isReadOnly: boolean): void {
    reader.int();
    const lastZxid = reader.long();
    const timeoutMs = reader.int();
    const id = reader.bits().lo;
    reader.buffer();
    const takesReadOnly = reader.bool();
    this.expireSessions();
    if (isReadOnly && (!takesReadOnly || id !== 0)) {
      this.closePeer(peer);
      return;
    }
    if (lastZxid > this.zxid || (isLagging && lastZxid > 0)) {
      this.closePeer(peer);
      return;
    }
    let session = this.sessions.get(id) ?? null;
    if (id === 0) {
      session = { id: this.nextSession++, timeoutMs, aliveUntilMs: this.platform.now() + timeoutMs };
      this.sessions.set(session.id, session);
    }
    // A connection of before is of no use any more.
    for (const other of [...this.peers]) if (other.session === session && session !== null) this.closePeer(other);
    const writer = new Writer();
    writer.int(0);
    writer.int(0);
    writer.int(session?.timeoutMs ?? 0);
    writer.bits(Long.fromNumber(session?.id ?? 0));
    writer.buffer(new Uint8Array(16));
    writer.bool(isReadOnly);
    writer.patchInt(0, writer.at - 4);
    peer.wire.send(writer.take());
    if (session === null) {
      this.closePeer(peer);
      return;
    }
    session.aliveUntilMs = this.platform.now() + session.timeoutMs;
    peer.session = session;
  }

  private reply(peer: Peer, xid: number, err: number, body: Writer): void {
    const writer = new Writer();
    writer.int(0);
    ReplyHeader.encode(writer, { xid, zxid: this.zxid, err });
    if (err === 0) writer.raw(body.bytes, 0, body.at);
    writer.patchInt(0, writer.at - 4);
    peer.wire.send(writer.take());
  }

  private operation(peer: Peer, session: number, type: number, reader: Reader, body: Writer, xid: number): number {
    if (type === 11) return 0;
    if (type === -11) return 0;
    if (type === 100) {
      reader.int();
      this.authenticated.push(`${reader.string()} ${text(reader.buffer())}`);
      return this.acceptsAuth ? 0 : -115;
    }
    if (xid === -8) return this.setWatches(peer, type, reader);
    const path = reader.string() ?? "";
    const node = this.nodes.get(path);
    switch (type) {
      case 1: {
        const data = reader.buffer();
        for (let count = reader.int(); count > 0; count--) {
          reader.int();
          reader.string();
          reader.string();
        }
        const flags = reader.int();
        const parent = this.nodes.get(parentOf(path));
        if (parent === undefined) return -101;
        const full = flags >= 2 ? path + String(parent.cversion).padStart(10, "0") : path;
        if (this.nodes.has(full)) return -110;
        this.applied.push({ session, type, path, data: text(data) });
        this.create(full, data?.slice() ?? null, (flags & 1) === 1 ? session : 0);
        body.string(full);
        return 0;
      }
      case 2:
        if (node === undefined) return -101;
        this.applied.push({ session, type, path, data: "" });
        this.delete(path);
        return 0;
      case 3:
        if (reader.bool()) peer.watches.push({ kind: "data", path });
        if (node === undefined) return -101;
        this.stat(body, node);
        return 0;
      case 4:
        if (node === undefined) return -101;
        if (reader.bool()) peer.watches.push({ kind: "data", path });
        body.buffer(node.data);
        this.stat(body, node);
        return 0;
      case 5: {
        if (node === undefined) return -101;
        const data = reader.buffer();
        this.applied.push({ session, type, path, data: text(data) });
        this.setData(path, data?.slice() ?? null);
        this.stat(body, node);
        return 0;
      }
      case 8:
        if (node === undefined) return -101;
        if (reader.bool()) peer.watches.push({ kind: "child", path });
        body.int(node.children.size);
        for (const child of node.children) body.string(child);
        return 0;
      case 9:
        body.string(path);
        return 0;
      case 18: {
        const kept = peer.watches.filter((watch) => watch.path !== path);
        if (kept.length === peer.watches.length) return -121;
        peer.watches.splice(0, peer.watches.length, ...kept);
        return 0;
      }
      case 106:
        peer.watches.push({ kind: reader.int() === 0 ? "persistent" : "recursive", path });
        body.int(0);
        return 0;
      default:
        return -6;
    }
  }

  private setWatches(peer: Peer, type: number, reader: Reader): number {
    this.setWatchesSizes.push(reader.remaining);
    const since = reader.long();
    const catchUp = (event: number, path: string) => this.notify(peer, event, path, -1);
    for (const path of strings(reader)) {
      const node = this.nodes.get(path);
      if (node === undefined) catchUp(2, path);
      else if (node.mzxid > since) catchUp(3, path);
      else peer.watches.push({ kind: "data", path });
    }
    for (const path of strings(reader)) {
      if (this.nodes.has(path)) catchUp(1, path);
      else peer.watches.push({ kind: "data", path });
    }
    for (const path of strings(reader)) {
      const node = this.nodes.get(path);
      if (node === undefined) catchUp(2, path);
      else if (node.pzxid > since) catchUp(4, path);
      else peer.watches.push({ kind: "child", path });
    }
    if (type !== 105) return 0;
    for (const path of strings(reader)) peer.watches.push({ kind: "persistent", path });
    for (const path of strings(reader)) peer.watches.push({ kind: "recursive", path });
    return 0;
  }

  private create(path: string, data: Uint8Array | null, owner: number): void {
    this.zxid++;
    const parent = this.nodes.get(parentOf(path)) as Node;
    this.nodes.set(path, { ...newNode(this.zxid, owner), data });
    parent.children.add(path.slice(path.lastIndexOf("/") + 1));
    parent.cversion++;
    parent.pzxid = this.zxid;
    this.fire(1, path);
    this.fire(4, parentOf(path));
  }

  private delete(path: string): void {
    this.zxid++;
    const parent = this.nodes.get(parentOf(path)) as Node;
    this.nodes.delete(path);
    parent.children.delete(path.slice(path.lastIndexOf("/") + 1));
    parent.pzxid = this.zxid;
    this.fire(2, path);
    this.fire(4, parentOf(path));
  }

  private setData(path: string, data: Uint8Array | null): void {
    this.zxid++;
    const node = this.nodes.get(path) as Node;
    node.data = data;
    node.mzxid = this.zxid;
    node.version++;
    this.fire(3, path);
  }

  private fire(type: number, path: string): void {
    for (const peer of this.peers) {
      let isHit = false;
      for (let i = peer.watches.length - 1; i >= 0; i--) {
        const watch = peer.watches[i];
        if (watch.kind === "recursive") {
          if (type !== 4 && (path === watch.path || path.startsWith(watch.path === "/" ? "/" : `${watch.path}/`))) {
            isHit = true;
          }
        } else if (watch.path === path && (watch.kind === "persistent" || matches(watch.kind, type))) {
          isHit = true;
          if (watch.kind !== "persistent") peer.watches.splice(i, 1);
        }
      }
      if (isHit) this.notify(peer, type, path, this.zxid);
    }
  }

  private notify(peer: Peer, type: number, path: string, zxid: number): void {
    const writer = new Writer();
    writer.int(0);
    ReplyHeader.encode(writer, { xid: -1, zxid, err: 0 });
    WatcherEvent.encode(writer, { type, state: 3, path });
    writer.patchInt(0, writer.at - 4);
    peer.wire.send(writer.take());
  }

  private stat(writer: Writer, node: Node): void {
    Stat.encode(writer, {
      czxid: node.czxid,
      mzxid: node.mzxid,
      ctime: 0,
      mtime: 0,
      version: node.version,
      cversion: node.cversion,
      aversion: 0,
      ephemeralOwner: Long.fromNumber(node.owner),
      dataLength: node.data?.length ?? 0,
      numChildren: node.children.size,
      pzxid: node.pzxid,
    });
  }
}

function matches(kind: "data" | "child", type: number): boolean {
  return kind === "data" ? type !== 4 : type === 4 || type === 2;
}

function newNode(zxid: number, owner: number): Node {
  return { data: null, czxid: zxid, mzxid: zxid, pzxid: zxid, version: 0, cversion: 0, owner, children: new Set() };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function strings(reader: Reader): string[] {
  const all: string[] = [];
  for (let count = reader.int(); count > 0; count--) all.push(reader.string() ?? "");
  return all;
}

function text(data: Uint8Array | null): string {
  return data === null ? "" : new TextDecoder().decode(data);
}

function encoded(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
