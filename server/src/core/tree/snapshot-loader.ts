import { ProtocolError, type Reader } from "@quoll/jute";
import type { ByteSource } from "../storage/byte-stream.js";
import type { DataTree } from "./data-tree.js";
import { ROOT } from "./flat-tree.js";
import { CTIME, CZXID, MTIME, MZXID, OWNER, PZXID, VERSION } from "./row-store.js";
import { NO_ROW } from "./tree.js";

const SLASH = 0x2f;
/** ACL number and stat, behind a znode's data. */
const FIXED_BYTES = 68;
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
  /** The stat as a row has it, from {@link VERSION} on. */
  private readonly stat = new Int32Array(OWNER + 2 - VERSION);

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

    let row = ROOT;
    if (end === start) {
      if (!isFirst) throw new ProtocolError("path", start, "one root", "a second one");
      tree.setData(row, bytes, dataStart, dataEnd);
    } else {
      const parent = isFirst || bytes[start] !== SLASH || bytes[end - 1] === SLASH ? NO_ROW : this.parent(start, end);
      if (parent === NO_ROW) throw new ProtocolError("path", start, "a child of a znode before it", "an orphan");
      if (tree.findChild(parent, bytes, start, end) !== NO_ROW)
        throw new ProtocolError("path", start, "a new path", "one seen before");
      row = tree.insert(parent, bytes, start, end, bytes, dataStart, dataEnd, aclId, 0, 0, 0, 0);
    }
    tree.setAclId(row, aclId);
    tree.setStat(row, this.stat);
    this.data.adopt(row, bytes, start, end);
    return true;
  }

  private parent(start: number, end: number): number {
    return this.data.tree.findParent(this.reader.bytes, start, end);
  }

  private readStat(): void {
    this.readWide(CZXID);
    this.readWide(MZXID);
    this.readWide(CTIME);
    this.readWide(MTIME);
    const { reader, stat } = this;
    stat[0] = reader.int();
    stat[1] = reader.int();
    stat[2] = reader.int();
    stat[OWNER - VERSION] = reader.int();
    stat[OWNER - VERSION + 1] = reader.int();
    this.readWide(PZXID);
  }

  private readWide(word: number): void {
    const { reader, stat } = this;
    const hi = reader.int();
    if (hi > WIDE_HI_MAX || hi < -WIDE_HI_MAX) {
      throw new ProtocolError("stat", reader.at - 4, "a count within 2^53", `${hi} in the upper half`);
    }
    stat[word - VERSION] = hi;
    stat[word - VERSION + 1] = reader.int();
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
    const { bytes } = this.reader;
    const at = this.reader.at + offset;
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
}
