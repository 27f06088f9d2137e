import { OpCode } from "../differential/op-code.js";
import type { Acl } from "../differential/script.js";
import type { Operation } from "./operation.js";

/** A znode as clients see it, without its times. */
export interface Znode {
  data: string | null;
  acl: readonly Acl[];
  czxid: number;
  mzxid: number;
  pzxid: number;
  version: number;
  aversion: number;
  /** How many children were ever created: the base of sequence numbers. */
  childrenEver: number;
  children: number;
  /** The session of an ephemeral znode, in hex. */
  owner: string | null;
}

const Code = {
  noNode: -101,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
} as const;

/** What ZooKeeper's rules make of a sequence of writes: the tree that a server must have after them. */
export class Model {
  /** Everything under (and with) its root, by path. */
  nodes = new Map<string, Znode>();

  /** Applies a write. @returns the error code it must answer with; a failed one changes nothing. */
  apply(operation: Operation, zxid: number, session: string): number {
    switch (operation.type) {
      case OpCode.closeSession: {
        for (const [path, node] of [...this.nodes]) if (node.owner === session) this.remove(path, zxid);
        return 0;
      }
      case OpCode.multi:
        return this.applyMulti(operation.parts, zxid, session);
      default:
        return this.applyOne(operation, zxid, session);
    }
  }

  /** The error of the part that failed; ZooKeeper answers a multi with 0 and tells it inside. */
  private applyMulti(parts: readonly Operation[], zxid: number, session: string): number {
    const before = new Map([...this.nodes].map(([path, node]) => [path, { ...node }]));
    for (const part of parts) {
      const code = this.apply(part, zxid, session);
      if (code === 0) continue;
      this.nodes = before;
      return code;
    }
    return 0;
  }

  private applyOne(operation: Exclude<Operation, { type: 14 | -11 }>, zxid: number, session: string): number {
    const node = this.nodes.get(operation.path);
    switch (operation.type) {
      case OpCode.delete:
        if (!this.nodes.has(parentOf(operation.path))) return Code.noNode;
        if (node === undefined) return Code.noNode;
        if (isOther(operation.version, node.version)) return Code.badVersion;
        if (node.children > 0) return Code.notEmpty;
        this.remove(operation.path, zxid);
        return 0;
      case OpCode.setData:
        if (node === undefined) return Code.noNode;
        if (isOther(operation.version, node.version)) return Code.badVersion;
        node.data = operation.data;
        node.version++;
        node.mzxid = zxid;
        return 0;
      case OpCode.setACL:
        if (node === undefined) return Code.noNode;
        if (isOther(operation.version, node.aversion)) return Code.badVersion;
        node.acl = operation.acl;
        node.aversion++;
        return 0;
      case OpCode.check:
        if (node === undefined) return Code.noNode;
        return isOther(operation.version, node.version) ? Code.badVersion : 0;
      default:
        return this.create(operation.path, operation.flags, operation.data, operation.acl, zxid, session);
    }
  }

  private create(
    asked: string,
    flags: number,
    data: string | null,
    acl: readonly Acl[],
    zxid: number,
    session: string,
  ): number {
    const parent = this.nodes.get(parentOf(asked));
    if (parent === undefined) return Code.noNode;
    const isSequential = flags === 2 || flags === 3 || flags === 6;
    const path = isSequential ? asked + String(parent.childrenEver).padStart(10, "0") : asked;
    if (this.nodes.has(path)) return Code.nodeExists;
    if (parent.owner !== null) return Code.noChildrenForEphemerals;
    parent.childrenEver++;
    parent.children++;
    parent.pzxid = zxid;
    const owner = flags === 1 || flags === 3 ? session : null;
    this.nodes.set(path, newZnode(data, acl, zxid, owner));
    return 0;
  }

  private remove(path: string, zxid: number): void {
    this.nodes.delete(path);
    const parent = this.nodes.get(parentOf(path))!;
    parent.children--;
    parent.pzxid = zxid;
  }
}

export function newZnode(data: string | null, acl: readonly Acl[], zxid: number, owner: string | null): Znode {
  return {
    data,
    acl,
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    version: 0,
    aversion: 0,
    childrenEver: 0,
    children: 0,
    owner,
  };
}

/** A znode in one line, to be compared with what a server shows. */
export function describeZnode(node: Znode): string {
  const acl = node.acl.map(({ perms, scheme, id }) => `${perms} ${scheme}:${id}`).join(",");
  return [
    `data ${node.data === null ? "null" : JSON.stringify(node.data)}`,
    `acl ${acl}`,
    `czxid ${node.czxid} mzxid ${node.mzxid} pzxid ${node.pzxid}`,
    `version ${node.version} cversion ${2 * node.childrenEver - node.children} aversion ${node.aversion}`,
    `children ${node.children} owner ${node.owner ?? "none"}`,
  ].join("; ");
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function isOther(expected: number, actual: number): boolean {
  return expected !== -1 && expected !== actual;
}
