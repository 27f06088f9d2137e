import { ProtocolError, type Reader } from "@quoll/jute";
import type { ByteSource } from "../storage/byte-stream.js";
import type { DataTree } from "./data-tree.js";
import { lastSlash, ROOT, STAT_WORDS } from "./flat-tree.js";
import { AVERSION, CTIME, CVERSION, CZXID, MTIME, MZXID, PZXID, VERSION } from "./row-store.js";
import { NO_ROW } from "./tree.js";

const SLASH = 0x2f;
const STAT_BYTES = 60;
/** ACL number and stat, behind a znode's data. */
const FIXED_BYTES = 8 + STAT_BYTES;
/** The upper half of the largest count that a number holds exactly. */
const WIDE_HI_MAX = 0x1f_ffff;

/**
 * Reads the body of a snapshot into a tree that holds only `/`.
 *
 * | part | bytes |
 * |---|---|
 * | sessions | int count; each: long id, int timeout in ms |
 * | ACL lists | int count; each: long number, vector of ACL |
 * | znodes, parents first | string path ("" for the root), buffer data, long ACL number, long czxid, mzxid, ctime, mtime, int version, cversion, aversion, long ephemeralOwner, pzxid |
 * | end | string "/" |
 */
export class SnapshotLoader {
  private readonly reader: Reader;
  /** ACL numbers that a row cannot hold, with the ones that they get here. */
  private readonly renumbered = new Map<number, number>();
  private nextNumber = 0x7fffffff;
  private readonly stat = new Int32Array(STAT_WORDS);
  /** The znode before, some of its ancestors and `/`: their rows and the lengths of their paths, shortest first. */
  private readonly ancestors: number[] = [ROOT];
  private readonly lengths: number[] = [0];
  private depth = 0;
  /** Rows from here on are not in the tree's index yet. */
  private indexedTo = ROOT + 1;

  constructor(
    private readonly source: ByteSource,
    private readonly data: DataTree,
  ) {
    this.reader = source.reader;
  }

  /** @throws ProtocolError when the body is malformed */
  load(): void {
    this.loadSessions();
    this.loadAcls();
    let isFirst = true;
    while (this.loadNode(isFirst)) isFirst = false;
    if (isFirst) throw new ProtocolError("snapshot", this.reader.at, "the root", "the end of the znodes");
    this.index();
  }

  private loadSessions(): void {
    const { source, reader } = this;
    source.need(4);
    const count = reader.int();
    for (let i = 0; i < count; i++) {
      source.need(12);
      const hi = reader.int();
      const lo = reader.int();
      this.data.sessions.set(hi, lo, reader.int());
    }
  }

  private loadAcls(): void {
    const { source, reader } = this;
    source.need(4);
    const count = reader.int();
    for (let i = 0; i < count; i++) {
      source.need(12);
      const id = this.aclNumber(reader.long());
      const entries = this.peekInt(0);
      if (entries < 0) throw new ProtocolError("ACL count", reader.at, "a count", String(entries));
      let size = 4;
      for (let entry = 0; entry < entries; entry++) size = this.behindBytes(this.behindBytes(size + 4));
      this.data.acls.restore(id, reader.bytes.slice(reader.at, reader.at + size));
      reader.at += size;
    }
  }

  /** @returns false at the terminator */
  private loadNode(isFirst: boolean): boolean {
    const { source, reader } = this;
    const { tree } = this.data;
    const afterPath = this.behindBytes(0);
    if (afterPath === 5 && reader.bytes[reader.at + 4] === SLASH) {
      reader.at += 5;
      return false;
    }
    const afterData = this.behindBytes(afterPath);
    source.need(afterData + FIXED_BYTES);
    // From here on the window stays where it is.
    const { bytes } = reader;
    const start = reader.at + 4;
    const end = reader.at + afterPath;
    const dataStart = end + 4;
    const dataEnd = this.peekInt(afterPath) < 0 ? dataStart - 1 : reader.at + afterData;
    reader.at += afterData;
    const aclId = this.aclNumber(reader.long());
    this.readStat();

    if (end === start) {
      if (!isFirst) throw new ProtocolError("path", start, "one root", "a second one");
      tree.loadRoot(bytes, dataStart, dataEnd, aclId, this.stat);
      this.data.adopt(ROOT, bytes, start, end);
      return true;
    }
    const slash = lastSlash(bytes, start, end);
    // `/` is the empty path here: `//a` is no child of it.
    const isPath = bytes[start] === SLASH && slash !== end - 1 && slash !== start + 1;
    const parent = isFirst || !isPath ? NO_ROW : this.parent(start, slash);
    if (parent === NO_ROW) throw new ProtocolError("path", start, "a child of a znode before it", "an orphan");
    const row = tree.load(parent, bytes, slash, end, dataStart, dataEnd, aclId, this.stat);
    this.depth++;
    this.ancestors[this.depth] = row;
    this.lengths[this.depth] = end - start;
    this.data.adopt(row, bytes, start, end);
    return true;
  }

  /**
   * The znode whose path is given. ZooKeeper writes every znode's children right behind it, so that the parent of the
   * next one is the last one or among its ancestors; other orders are looked up.
   */
  private parent(start: number, end: number): number {
    const { ancestors, lengths } = this;
    const { tree } = this.data;
    const { bytes } = this.reader;
    const length = end - start;
    while (lengths[this.depth] > length) this.depth--;
    const candidate = ancestors[this.depth];
    const isAsLong = lengths[this.depth] === length;
    if (isAsLong && tree.matches(candidate, bytes, start, end)) return candidate;
    this.index();
    const row = tree.find(bytes, start, end);
    if (!isAsLong) this.depth++;
    ancestors[this.depth] = row;
    lengths[this.depth] = length;
    return row;
  }

  private index(): void {
    const { tree } = this.data;
    if (!tree.index(this.indexedTo)) throw new ProtocolError("path", this.reader.at, "new paths", "one twice");
    this.indexedTo = tree.rows.end;
  }

  /** Reads the {@link STAT_BYTES} behind the ACL number. They are known to be there. */
  private readStat(): void {
    const { reader, stat } = this;
    const { bytes, at } = reader;
    this.readWide(CZXID, at);
    this.readWide(MZXID, at + 8);
    this.readWide(CTIME, at + 16);
    this.readWide(MTIME, at + 24);
    stat[VERSION - CZXID] = intAt(bytes, at + 32);
    stat[CVERSION - CZXID] = intAt(bytes, at + 36);
    stat[AVERSION - CZXID] = intAt(bytes, at + 40);
    stat[STAT_WORDS - 2] = intAt(bytes, at + 44);
    stat[STAT_WORDS - 1] = intAt(bytes, at + 48);
    this.readWide(PZXID, at + 52);
    reader.at = at + STAT_BYTES;
  }

  private readWide(word: number, at: number): void {
    const { stat } = this;
    const { bytes } = this.reader;
    const hi = intAt(bytes, at);
    if (hi > WIDE_HI_MAX || hi < -WIDE_HI_MAX) {
      throw new ProtocolError("stat", at, "a count within 2^53", `${hi} in the upper half`);
    }
    stat[word - CZXID] = hi;
    stat[word - CZXID + 1] = intAt(bytes, at + 4);
  }

  private aclNumber(id: number): number {
    if (id === (id | 0)) return id;
    let number = this.renumbered.get(id);
    if (number === undefined) this.renumbered.set(id, (number = this.nextNumber--));
    return number;
  }

  /**
   * Makes a string or buffer available whose length stands `offset` bytes from here.
   * @returns the offset behind it
   */
  private behindBytes(offset: number): number {
    this.source.need(offset + 4);
    const length = this.peekInt(offset);
    if (length < -1 || length > this.reader.limits.bufferMax) {
      throw new ProtocolError(
        "length",
        this.reader.at + offset,
        `-1 to ${this.reader.limits.bufferMax}`,
        String(length),
      );
    }
    const behind = offset + 4 + Math.max(0, length);
    this.source.need(behind);
    return behind;
  }

  private peekInt(offset: number): number {
    return intAt(this.reader.bytes, this.reader.at + offset);
  }
}

function intAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
