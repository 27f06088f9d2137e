import { crc32 } from "node:zlib";
import { KeeperCode } from "../../src/core/keeper-code.js";
import { ACLS, type Operation, type Txn, TYPES } from "./txns.js";

interface Node {
  data: string | null;
  acl: string[];
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctime: number;
  mtime: number;
  version: number;
  cversion: number;
  aversion: number;
  owner: bigint;
}

const OPEN = ["31 world anyone"];
const CONTAINER = 0x8000000000000000n;

/** DataTree as a Map of paths, without a thought for speed. Extended types are on. */
export class NaiveTree {
  readonly nodes = new Map<string, Node>();
  readonly sessions = new Map<number, number>();
  /** What a listener would be told. */
  readonly told: string[] = [];

  constructor() {
    for (const path of ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"]) {
      this.nodes.set(path, node("", OPEN, 0n, 0, 0));
    }
    const config = this.nodes.get("/zookeeper/config")!;
    config.acl = ["1 world anyone"];
    config.aversion = -1;
  }

  apply(txn: Txn): number {
    const { change, session, zxid } = txn;
    switch (change.type) {
      case "createSession":
        this.sessions.set(session, change.timeoutMs);
        this.told.push(`session ${session} ${change.timeoutMs}`);
        return this.applied(TYPES.createSession, 0);
      case "closeSession": {
        this.sessions.delete(session);
        this.told.push(`closed ${session}`);
        for (const path of change.paths ?? []) this.delete(path, zxid);
        const left = [...this.nodes].filter(([, n]) => n.owner === BigInt(session)).map(([path]) => path);
        for (const path of left) this.delete(path, zxid);
        return this.applied(TYPES.closeSession, 0);
      }
      case "multi": {
        const failure = change.parts.findIndex((part) => part.type === "error");
        const errs = change.parts.map((part, i) =>
          failure < 0 || part.type === "error"
            ? this.operate(part, txn)
            : this.applied(TYPES.error, i < failure ? 0 : KeeperCode.RuntimeInconsistency),
        );
        return errs.find((err) => err !== 0) ?? 0;
      }
      default:
        return this.operate(change, txn);
    }
  }

  private operate(operation: Operation, txn: Txn): number {
    return this.applied(TYPES[operation.type], this.change(operation, txn));
  }

  private change(operation: Operation, { session, zxid, time }: Txn): number {
    switch (operation.type) {
      case "error":
        return operation.err;
      case "check":
        return 0;
      case "delete":
        return this.delete(operation.path, zxid);
      case "setData": {
        const n = this.nodes.get(operation.path);
        if (n === undefined) return KeeperCode.NoNode;
        Object.assign(n, { data: operation.data, mzxid: zxid, mtime: time, version: operation.version });
        this.told.push(`data ${operation.path} ${zxid}`);
        return 0;
      }
      case "setAcl": {
        const n = this.nodes.get(operation.path);
        if (n === undefined) return KeeperCode.NoNode;
        Object.assign(n, { acl: ACLS[operation.acl] ?? OPEN, aversion: operation.version });
        return 0;
      }
      default: {
        const parent = this.nodes.get(parentOf(operation.path));
        if (parent === undefined) return KeeperCode.NoNode;
        const existing = this.nodes.get(operation.path);
        const acl = ACLS[operation.acl] ?? OPEN;
        const cversion = operation.parentCversion === -1 ? parent.cversion + 1 : operation.parentCversion;
        if (existing === undefined || operation.type === "create") {
          if (cversion > parent.cversion) Object.assign(parent, { cversion, pzxid: zxid });
        }
        if (existing !== undefined) {
          existing.acl = acl;
          return KeeperCode.NodeExists;
        }
        let owner = 0n;
        if (operation.type === "container") owner = CONTAINER;
        else if (operation.type === "ttl") owner = (0xffn << 56n) | BigInt(operation.ttlMs);
        else if (operation.isEphemeral) owner = BigInt(session);
        this.nodes.set(operation.path, node(operation.data, acl, owner, zxid, time));
        this.told.push(`created ${operation.path} ${zxid}`);
        return 0;
      }
    }
  }

  private delete(path: string, zxid: number): number {
    const parent = this.nodes.get(parentOf(path));
    if (parent === undefined) return KeeperCode.NoNode;
    parent.pzxid = Math.max(parent.pzxid, zxid);
    if (!this.nodes.has(path)) return KeeperCode.NoNode;
    for (const other of [...this.nodes.keys()])
      if (other === path || other.startsWith(`${path}/`)) this.nodes.delete(other);
    this.told.push(`deleted ${path} ${zxid}`);
    return 0;
  }

  private applied(type: number, err: number): number {
    this.told.push(`applied ${type} ${err}`);
    return err;
  }

  childNames(path: string): string[] {
    return [...this.nodes.keys()].filter((other) => other !== "/" && parentOf(other) === path);
  }

  digest(): bigint {
    let sum = 0n;
    for (const [path, n] of this.nodes) {
      if (path.startsWith("/zookeeper/")) continue;
      const stat = Buffer.alloc(60);
      [n.czxid, n.mzxid, n.pzxid, n.ctime, n.mtime].forEach((value, i) => {
        stat.writeBigInt64BE(BigInt(value), 8 * i);
      });
      stat.writeInt32BE(n.version, 40);
      stat.writeInt32BE(n.cversion, 44);
      stat.writeInt32BE(n.aversion, 48);
      stat.writeBigUInt64BE(n.owner, 52);
      sum += BigInt(crc32(Buffer.concat([Buffer.from(path === "/" ? "" : path), Buffer.from(n.data ?? ""), stat])));
    }
    return BigInt.asUintN(64, sum);
  }

  /** One line for each znode with everything that can be asked of it, then the sessions, owners and the digest. */
  dump(): string[] {
    const lines = [...this.nodes].map(([path, n]) => {
      const children = this.childNames(path);
      return JSON.stringify({
        path,
        data: n.data,
        acl: n.acl,
        owner: n.owner.toString(16),
        cversion: n.cversion,
        stat: [
          n.czxid,
          n.mzxid,
          n.ctime,
          n.mtime,
          n.version,
          (2 * n.cversion - children.length) | 0,
          n.aversion,
          (isSession(n.owner) ? n.owner : 0n).toString(16),
          Buffer.byteLength(n.data ?? ""),
          children.length,
          n.pzxid,
        ],
        children: children.map((child) => child.slice(child.lastIndexOf("/") + 1)).sort(),
      });
    });
    const owned = (owns: (owner: bigint) => boolean) =>
      [...this.nodes].filter(([, n]) => owns(n.owner)).map(([path]) => path);
    const lists: string[] = [];
    for (const session of new Set([...this.nodes.values()].map((n) => n.owner).filter(isSession))) {
      lists.push(`ephemerals ${session.toString(16)} ${owned((owner) => owner === session).sort()}`);
    }
    return [
      ...lines.sort(),
      ...lists.sort(),
      `containers ${owned((owner) => owner === CONTAINER).sort()}`,
      `ttls ${owned((owner) => owner >> 56n === 0xffn).sort()}`,
      ...[...this.sessions].map(([id, timeoutMs]) => `session ${id.toString(16)} ${timeoutMs}`).sort(),
      `digest ${this.digest().toString(16)}`,
    ];
  }
}

function isSession(owner: bigint): boolean {
  return owner !== 0n && owner !== CONTAINER && owner >> 56n !== 0xffn;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function node(data: string | null, acl: string[], owner: bigint, zxid: number, time: number): Node {
  const fixed = {
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: time,
    mtime: time,
    version: 0,
    cversion: 0,
    aversion: 0,
  };
  return { data, acl, owner, ...fixed };
}
