import { Reader } from "@quoll/jute";
import { OpCode } from "@quoll/server/core/op-code";
import type { Txn } from "./ensemble-model.js";
import { hex, violated } from "./violation.js";

/** A znode between two changes. */
export interface NaiveNode {
  readonly data: string;
  readonly version: number;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  /** The session of an ephemeral, or "". */
  readonly owner: string;
  readonly children: ReadonlySet<string>;
}

/** What a znode was from a zxid on; null where it did not exist. */
interface Version {
  readonly zxid: number;
  readonly node: NaiveNode | null;
  /** What changed: watches on data and on children see different things. */
  readonly isData: boolean;
  readonly isChildren: boolean;
}

/** What the committed txns are, decoded by the simplest means. */
export interface AppliedTxn {
  readonly zxid: number;
  readonly session: string;
  readonly cxid: number;
  readonly type: number;
  readonly err: number;
  /** Of creations, in order. */
  readonly paths: readonly string[];
}

const NO_CHILDREN: ReadonlySet<string> = new Set();

/** All versions of a tree, made from the committed txns without any of the server's code. */
export class NaiveTree {
  readonly txns = new Map<number, AppliedTxn>();
  private readonly versions = new Map<string, Version[]>();
  private readonly live = new Map<string, NaiveNode>();
  readonly sessions = new Set<string>();
  lastZxid = 0;
  private created: string[] = [];

  constructor() {
    const node = { data: "", version: 0, czxid: 0, mzxid: 0, pzxid: 0, owner: "", children: new Set(["zookeeper"]) };
    this.live.set("/", node);
    this.versions.set("/", [{ zxid: 0, node, isData: false, isChildren: false }]);
  }

  apply(txn: Txn): void {
    const reader = new Reader(txn.bytes);
    const session = reader.bits().toHex();
    const cxid = reader.int();
    const zxid = reader.long();
    reader.long();
    const type = reader.int();
    this.lastZxid = zxid;
    this.created = [];
    const err = type === OpCode.multi ? this.multi(reader, zxid, session) : this.operation(type, reader, zxid, session);
    this.txns.set(zxid, { zxid, session, cxid, type, err, paths: this.created });
  }

  private multi(reader: Reader, zxid: number, session: string): number {
    const count = reader.int();
    const parts: { type: number; bytes: Uint8Array }[] = [];
    for (let i = 0; i < count; i++) parts.push({ type: reader.int(), bytes: reader.buffer()!.slice() });
    const failed = parts.find(({ type, bytes }) => type === OpCode.error && new Reader(bytes).int() !== 0);
    if (parts.some(({ type }) => type === OpCode.error))
      return failed === undefined ? 0 : new Reader(failed.bytes).int();
    for (const { type, bytes } of parts) this.operation(type, new Reader(bytes), zxid, session);
    return 0;
  }

  private operation(type: number, reader: Reader, zxid: number, session: string): number {
    switch (type) {
      case OpCode.create:
      case OpCode.create2: {
        const path = reader.string()!;
        const data = text(reader.buffer());
        const acls = reader.int();
        for (let i = 0; i < acls; i++) {
          reader.int();
          reader.string();
          reader.string();
        }
        this.create(path, data, reader.bool() ? session : "", zxid);
        return 0;
      }
      case OpCode.delete:
        this.delete(reader.string()!, zxid);
        return 0;
      case OpCode.setData: {
        const path = reader.string()!;
        const data = text(reader.buffer());
        const node = this.node(path, zxid);
        const version = reader.int();
        if (version !== node.version + 1) {
          violated("ExactVersions", `${hex(zxid)} sets version ${version} of ${path}, which has ${node.version}`);
        }
        this.put(path, zxid, { ...node, data, version, mzxid: zxid }, true, false);
        return 0;
      }
      case OpCode.createSession:
        if (this.sessions.has(session)) violated("SessionIds", `${hex(zxid)} creates session ${session} again`);
        this.sessions.add(session);
        return 0;
      case OpCode.closeSession: {
        this.sessions.delete(session);
        if (reader.remaining >= 4) {
          const count = reader.int();
          for (let i = 0; i < count; i++) {
            const path = reader.string()!;
            if (this.live.has(path)) this.delete(path, zxid);
          }
        }
        for (const [path, node] of this.live) {
          if (node.owner === session)
            violated("Ephemerals", `${path} outlives its session ${session}, closed at ${hex(zxid)}`);
        }
        return 0;
      }
      case OpCode.error:
        return reader.int();
      default:
        return 0;
    }
  }

  private node(path: string, zxid: number): NaiveNode {
    return this.live.get(path) ?? violated("Replay", `${hex(zxid)} changes ${path}, which does not exist`);
  }

  private create(path: string, data: string, owner: string, zxid: number): void {
    if (this.live.has(path)) violated("UniqueNames", `${hex(zxid)} creates ${path}, which exists`);
    if (owner !== "" && !this.sessions.has(owner)) {
      violated("Ephemerals", `${hex(zxid)} creates the ephemeral ${path} of session ${owner}, which is over`);
    }
    const parentPath = parentOf(path);
    const parent = this.node(parentPath, zxid);
    if (parent.owner !== "") violated("Ephemerals", `${hex(zxid)} creates ${path} under an ephemeral`);
    const children = new Set(parent.children).add(path.slice(path.lastIndexOf("/") + 1));
    this.put(parentPath, zxid, { ...parent, children, pzxid: zxid }, false, true);
    const node = { data, version: 0, czxid: zxid, mzxid: zxid, pzxid: zxid, owner, children: NO_CHILDREN };
    this.put(path, zxid, node, true, false);
    this.created.push(path);
  }

  private delete(path: string, zxid: number): void {
    const node = this.node(path, zxid);
    if (node.children.size > 0) violated("Replay", `${hex(zxid)} deletes ${path}, which has children`);
    const parentPath = parentOf(path);
    const parent = this.node(parentPath, zxid);
    const children = new Set(parent.children);
    children.delete(path.slice(path.lastIndexOf("/") + 1));
    this.put(parentPath, zxid, { ...parent, children, pzxid: zxid }, false, true);
    this.put(path, zxid, null, true, true);
  }

  private put(path: string, zxid: number, node: NaiveNode | null, isData: boolean, isChildren: boolean): void {
    if (node === null) this.live.delete(path);
    else this.live.set(path, node);
    let versions = this.versions.get(path);
    if (versions === undefined) {
      versions = [];
      this.versions.set(path, versions);
    }
    versions.push({ zxid, node, isData, isChildren });
  }

  /** The znode as it was behind a txn. */
  at(path: string, zxid: number): NaiveNode | null {
    const versions = this.versions.get(path);
    if (versions === undefined) return null;
    for (let i = versions.length - 1; i >= 0; i--) if (versions[i]!.zxid <= zxid) return versions[i]!.node;
    return null;
  }

  /** The first change after `zxid` that a watch sees; 0 for none. */
  changeAfter(path: string, zxid: number, kind: "data" | "children"): number {
    for (const version of this.versions.get(path) ?? []) {
      if (version.zxid > zxid && (kind === "data" ? version.isData : version.isChildren)) return version.zxid;
    }
    return 0;
  }

  /** The last txn that is at most `zxid` by this session and cxid. */
  ofRequest(zxid: number): AppliedTxn | undefined {
    return this.txns.get(zxid);
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === 0 ? "/" : path.slice(0, slash);
}

function text(bytes: Uint8Array | null): string {
  return bytes === null ? "" : String.fromCharCode(...bytes);
}
