import { decodeUtf8, encodeUtf8, Writer } from "@quoll/jute";
import { type FlatTree, lastSlash } from "./flat-tree.js";
import { type QuotaNode, QuotaTrie } from "./quota-trie.js";
import { StatsTrack } from "./stats-track.js";
import { NO_ROW, type Row } from "./tree.js";

/** A limit that a change would exceed. */
export interface QuotaBreach {
  /** The path that has the quota. */
  readonly path: string;
  readonly of: "count" | "bytes";
  /** A soft limit is only logged; a hard one refuses the change. */
  readonly isHard: boolean;
  /** What it would come to. */
  readonly current: number;
  readonly limit: number;
}

const PROC = ascii("/zookeeper");
const QUOTA = ascii("/zookeeper/quota");
const LIMITS = ascii("/zookeeper_limits");
const STATS = ascii("/zookeeper_stats");
const NONE: QuotaBreach[] = [];

/**
 * Quotas: limits in `/zookeeper/quota<path>/zookeeper_limits`, and what is used beside them in `zookeeper_stats`, which
 * every server keeps by itself while it applies txns (so without a zxid, a version or a digest).
 */
export class Quotas {
  private readonly trie = new QuotaTrie();

  constructor(private readonly tree: FlatTree) {}

  /** Follows the creation of a znode. */
  created(bytes: Uint8Array, start: number, end: number, dataLength: number): void {
    if (startsWith(bytes, start, end, QUOTA)) {
      const slash = lastSlash(bytes, start, end);
      const rootStart = start + QUOTA.length;
      if (slash > rootStart) {
        if (equals(bytes, slash, end, LIMITS)) this.trie.add(bytes, rootStart, slash);
      }
      if (slash >= rootStart && equals(bytes, slash, end, STATS)) this.recount(bytes, rootStart, slash);
    }
    const quota = this.trie.longestPrefix(bytes, start, end);
    if (quota !== null) this.update(quota, dataLength, 1);
  }

  /** Follows the deletion of a znode. */
  deleted(bytes: Uint8Array, start: number, end: number, dataLength: number): void {
    if (startsWith(bytes, start, end, PROC)) {
      const slash = lastSlash(bytes, start, end);
      const rootStart = start + QUOTA.length;
      if (slash > rootStart && equals(bytes, slash, end, LIMITS)) this.trie.delete(bytes, rootStart, slash);
    }
    const quota = this.trie.longestPrefix(bytes, start, end);
    if (quota !== null) this.update(quota, -dataLength, -1);
  }

  /** Follows a change of data. */
  dataChanged(bytes: Uint8Array, start: number, end: number, growth: number): void {
    const quota = this.trie.longestPrefix(bytes, start, end);
    if (quota !== null) this.update(quota, growth, 0);
  }

  /** The limits that a change would exceed, up to the first hard one; empty when it may be made. */
  check(bytes: Uint8Array, start: number, end: number, byteGrowth: number, countGrowth: number): QuotaBreach[] {
    const quota = this.trie.longestPrefix(bytes, start, end);
    if (quota === null) return NONE;
    const limits = this.read(this.sibling(quota, LIMITS));
    if (limits === null) return NONE;
    const checksCount = countGrowth !== 0 && (limits.count > -1 || limits.countHardLimit > -1);
    const checksBytes = byteGrowth !== 0 && (limits.bytes > -1 || limits.byteHardLimit > -1);
    if (!checksCount && !checksBytes) return NONE;
    const used = this.read(this.sibling(quota, STATS));
    if (used === null) return NONE;
    const path = decodeUtf8(quota.path, 0, quota.path.length);
    const breaches: QuotaBreach[] = [];
    if (checksCount) {
      const isHard = limits.countHardLimit > -1;
      const limit = isHard ? limits.countHardLimit : limits.count;
      const current = used.count + countGrowth;
      if (current > limit) breaches.push({ path, of: "count", isHard, current, limit });
      if (current > limit && isHard) return breaches;
    }
    if (checksBytes) {
      const isHard = limits.byteHardLimit > -1;
      const limit = isHard ? limits.byteHardLimit : limits.bytes;
      const current = used.bytes + byteGrowth;
      if (current > limit) breaches.push({ path, of: "bytes", isHard, current, limit });
    }
    return breaches;
  }

  /** Finds the quotas of a loaded tree and counts anew what they use. */
  load(): void {
    const { tree } = this;
    const top = tree.find(QUOTA, 0, QUOTA.length);
    if (top === NO_ROW) return;
    const writer = new Writer();
    for (let row = tree.nextBelow(top, top); row !== NO_ROW; row = tree.nextBelow(row, top)) {
      if (tree.childCount(row) > 0) continue;
      writer.reset();
      tree.writePath(row, writer);
      const { bytes, at } = writer;
      const slash = lastSlash(bytes, 4, at);
      const rootStart = 4 + QUOTA.length;
      if (slash <= rootStart || !equals(bytes, slash, at, LIMITS)) continue;
      this.recount(bytes, rootStart, slash);
      this.trie.add(bytes, rootStart, slash);
    }
  }

  /** Writes what the subtree at a path holds into its `zookeeper_stats`, if there is one. */
  private recount(bytes: Uint8Array, start: number, end: number): void {
    const { tree } = this;
    const stats = tree.find(...this.path(bytes.subarray(start, end), STATS));
    if (stats === NO_ROW) return;
    const top = start === end ? 0 : tree.find(bytes, start, end);
    let count = 0;
    let size = 0;
    for (let row = top; row !== NO_ROW; row = tree.nextBelow(row, top)) {
      count++;
      size += Math.max(0, tree.dataLength(row));
    }
    const track = new StatsTrack();
    track.bytes = size;
    track.count = count;
    this.write(stats, track);
  }

  private update(quota: QuotaNode, byteGrowth: number, countGrowth: number): void {
    const row = this.sibling(quota, STATS);
    const track = this.read(row);
    // ZooKeeper's apply thread dies of a text that it cannot read, and with it every server. Such a text stays as it is.
    if (track === null) return;
    track.count += countGrowth;
    track.bytes += byteGrowth;
    this.write(row, track);
  }

  private sibling(quota: QuotaNode, name: Uint8Array): Row {
    return this.tree.find(...this.path(quota.path, name));
  }

  private path(of: Uint8Array, name: Uint8Array): [Uint8Array, number, number] {
    const path = new Uint8Array(QUOTA.length + of.length + name.length);
    path.set(QUOTA);
    path.set(of, QUOTA.length);
    path.set(name, QUOTA.length + of.length);
    return [path, 0, path.length];
  }

  private read(row: Row): StatsTrack | null {
    if (row === NO_ROW) return null;
    const length = this.tree.dataLength(row);
    if (length < 0) return null;
    const start = this.tree.dataStart(row);
    return StatsTrack.parse(decodeUtf8(this.tree.dataBytes(row), start, start + length));
  }

  private write(row: Row, track: StatsTrack): void {
    const text = track.toString();
    const bytes = new Uint8Array(3 * text.length);
    this.tree.setData(row, bytes, 0, encodeUtf8(text, bytes, 0));
  }
}

function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

function equals(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  return end - start === other.length && startsWith(bytes, start, end, other);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
