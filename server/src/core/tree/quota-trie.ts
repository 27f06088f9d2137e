import { hashPath } from "./path-table.js";

const SLASH = 0x2f;

/** A path that has a quota, or one on the way to such a path. */
export class QuotaNode {
  /** Whether there is a quota on exactly this path. */
  hasQuota = false;
  private readonly children = new Map<number, QuotaNode>();
  /** The next one among those whose names have the same hash. */
  private sameHash: QuotaNode | null = null;

  /** @param path - the full path in UTF-8, the components as ZooKeeper joins them */
  constructor(
    readonly path: Uint8Array,
    private readonly nameStart: number,
  ) {}

  get isLeaf(): boolean {
    return this.children.size === 0;
  }

  child(bytes: Uint8Array, start: number, end: number): QuotaNode | null {
    if (this.children.size === 0) return null;
    let node = this.children.get(hashPath(0, bytes, start, end)) ?? null;
    while (node !== null && !node.isNamed(bytes, start, end)) node = node.sameHash;
    return node;
  }

  addChild(bytes: Uint8Array, start: number, end: number): QuotaNode {
    const path = new Uint8Array(this.path.length + 1 + end - start);
    path.set(this.path);
    path[this.path.length] = SLASH;
    path.set(bytes.subarray(start, end), this.path.length + 1);
    const node = new QuotaNode(path, this.path.length + 1);
    const hash = hashPath(0, bytes, start, end);
    node.sameHash = this.children.get(hash) ?? null;
    this.children.set(hash, node);
    return node;
  }

  private isNamed(bytes: Uint8Array, start: number, end: number): boolean {
    const { path, nameStart } = this;
    if (path.length - nameStart !== end - start) return false;
    for (let i = start; i < end; i++) if (path[nameStart + i - start] !== bytes[i]) return false;
    return true;
  }
}

/**
 * The paths that have quotas, for the longest one that is a prefix of a path. A removed path stays as an empty node:
 * there are few.
 */
export class QuotaTrie {
  private readonly root = new QuotaNode(new Uint8Array(0), 0);

  /** Puts a quota on a path. Blank components do not count. */
  add(bytes: Uint8Array, start: number, end: number): void {
    let node = this.root;
    for (let at = start; at < end; ) {
      const to = componentEnd(bytes, at, end);
      if (!isBlank(bytes, at, to)) node = node.child(bytes, at, to) ?? node.addChild(bytes, at, to);
      at = to + 1;
    }
    node.hasQuota = true;
  }

  delete(bytes: Uint8Array, start: number, end: number): void {
    let node: QuotaNode | null = this.root;
    for (let at = start; at < end && node !== null; ) {
      const to = componentEnd(bytes, at, end);
      if (!isBlank(bytes, at, to)) node = node.child(bytes, at, to);
      at = to + 1;
    }
    if (node !== null) node.hasQuota = false;
  }

  /** The deepest node with a quota on the way to a path or at its end; `/` itself never counts. */
  longestPrefix(bytes: Uint8Array, start: number, end: number): QuotaNode | null {
    let node = this.root;
    if (node.isLeaf) return null;
    let deepest: QuotaNode | null = null;
    for (let at = start; at < end; ) {
      const to = componentEnd(bytes, at, end);
      if (!isBlank(bytes, at, to)) {
        const child = node.child(bytes, at, to);
        if (child === null) break;
        node = child;
        if (node.hasQuota) deepest = node;
      }
      at = to + 1;
    }
    return deepest;
  }
}

function componentEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SLASH) at++;
  return at;
}

/** Java drops components that are empty after `trim()`. */
function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] > 0x20) return false;
  return true;
}
