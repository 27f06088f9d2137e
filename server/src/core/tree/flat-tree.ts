import type { Writer } from "@quoll/jute";
import { BlobStore, blobStart } from "./blob-store.js";
import { ChildrenCache } from "./children-cache.js";
import { crc32Int, crc32Long } from "./crc32.js";
import { EphemeralType, type EphemeralTypes } from "./ephemeral-type.js";
import { hashPath, PathTable } from "./path-table.js";
import {
  ACL,
  AVERSION,
  BLOB,
  CHILD_COUNT,
  CHUNK_MASK,
  CHUNK_SHIFT,
  CTIME,
  CVERSION,
  CZXID,
  DATA_LENGTH,
  DIGEST,
  FIRST_CHILD,
  HASH,
  MTIME,
  MZXID,
  NEXT,
  PARENT,
  PREVIOUS,
  PZXID,
  ROW_WORDS,
  RowStore,
  setWide,
  VERSION,
  wide,
} from "./row-store.js";
import { NO_ROW, OPEN_ACL_ID, type Row, type Tree } from "./tree.js";

/** The row of `/`. */
export const ROOT: Row = 0;

const SLASH = 0x2f;
/** Bytes that are copied one by one. */
const COPY_MAX = 128;

// The first byte of a blob.
const LONG_NAME = 0x80;
const HAS_OWNER = 0x40;
const SHORT_NAME_MAX = 0x3f;

/** ZooKeeper's default. */
const CHILDREN_LISTS_MAX = 400;

/** Words of a stat as a snapshot's loader has it: those of a row from czxid on, then the ephemeralOwner. */
export const STAT_WORDS = 15;

/**
 * The znodes as rows of int32 words, with names and data in large shared buffers: nothing that the garbage collector
 * sees, about 210 bytes for a znode with 100 bytes of data.
 *
 * What has no fixed size shares one blob: the name's length (one byte below 64, else four with the top bit set), the
 * ephemeralOwner if it is not 0 (the second bit is then set), the name, the data.
 */
export class FlatTree implements Tree {
  readonly rows = new RowStore();
  readonly blobs = new BlobStore();
  private readonly table: PathTable;
  private readonly childrenCache: ChildrenCache;
  private frozenViews = 0;

  /** The last name that {@link openName} opened. */
  private nameBytes: Uint8Array = new Uint8Array(0);
  private nameStart = 0;
  private nameEnd = 0;

  /**
   * A tree that holds only `/`, with empty data.
   * @param seed - of the path hash; any int32
   * @param childrenListsMax - encoded lists of children that are kept for the next who asks
   */
  constructor(
    private readonly seed: number,
    readonly ephemeralTypes: EphemeralTypes,
    childrenListsMax = CHILDREN_LISTS_MAX,
  ) {
    this.childrenCache = new ChildrenCache(childrenListsMax);
    this.table = new PathTable(this.rows, this);
    const row = this.rows.allocate();
    this.initialize(
      row,
      NO_ROW,
      seed,
      this.storeBlob(this.nameBytes, 0, 0, 0, 0, this.nameBytes, 0, 0),
      0,
      OPEN_ACL_ID,
    );
    this.clearStat(row);
  }

  get count(): number {
    return this.rows.count + 1;
  }

  // --- reading

  find(bytes: Uint8Array, start: number, end: number): Row {
    if (end - start <= 1) return end > start && bytes[start] === SLASH ? ROOT : NO_ROW;
    return this.table.find(hashPath(this.seed, bytes, start, end), bytes, start, end);
  }

  /** The parent of the znode at that path, whether the znode exists or not. The path has a slash. */
  findParent(bytes: Uint8Array, start: number, end: number): Row {
    const slash = lastSlash(bytes, start, end);
    if (slash <= start) return ROOT;
    return this.table.find(hashPath(this.seed, bytes, start, slash), bytes, start, slash);
  }

  /** The child of `parent` whose full path is given, without hashing the parent's part again. */
  findChild(parent: Row, bytes: Uint8Array, start: number, end: number): Row {
    const hash = hashPath(this.hash(parent), bytes, lastSlash(bytes, start, end), end);
    return this.table.find(hash, bytes, start, end);
  }

  matches(row: Row, bytes: Uint8Array, start: number, end: number): boolean {
    let at = end;
    for (let r = row; r !== ROOT; ) {
      this.openName(r);
      const { nameBytes, nameStart } = this;
      for (let i = this.nameEnd - 1; i >= nameStart; i--) {
        if (--at < start || bytes[at] !== nameBytes[i]) return false;
      }
      if (--at < start || bytes[at] !== SLASH) return false;
      r = this.parent(r);
    }
    return at === start;
  }

  /** Of two rows that are both in the tree. */
  haveSamePath(row: Row, other: Row): boolean {
    if (this.parent(row) !== this.parent(other)) return false;
    this.openName(row);
    const { nameBytes, nameStart, nameEnd } = this;
    this.openName(other);
    const shift = this.nameStart - nameStart;
    if (this.nameEnd - shift !== nameEnd) return false;
    for (let i = nameStart; i < nameEnd; i++) if (nameBytes[i] !== this.nameBytes[i + shift]) return false;
    return true;
  }

  parent(row: Row): Row {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + PARENT];
  }
  firstChild(row: Row): Row {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + FIRST_CHILD];
  }
  nextSibling(row: Row): Row {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + NEXT];
  }
  childCount(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + CHILD_COUNT];
  }
  version(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + VERSION];
  }
  cversion(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + CVERSION];
  }
  aversion(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + AVERSION];
  }
  czxid(row: Row): number {
    return wide(this.rows.chunks[row >> CHUNK_SHIFT], (row & CHUNK_MASK) * ROW_WORDS + CZXID);
  }
  mzxid(row: Row): number {
    return wide(this.rows.chunks[row >> CHUNK_SHIFT], (row & CHUNK_MASK) * ROW_WORDS + MZXID);
  }
  pzxid(row: Row): number {
    return wide(this.rows.chunks[row >> CHUNK_SHIFT], (row & CHUNK_MASK) * ROW_WORDS + PZXID);
  }
  ctime(row: Row): number {
    return wide(this.rows.chunks[row >> CHUNK_SHIFT], (row & CHUNK_MASK) * ROW_WORDS + CTIME);
  }
  mtime(row: Row): number {
    return wide(this.rows.chunks[row >> CHUNK_SHIFT], (row & CHUNK_MASK) * ROW_WORDS + MTIME);
  }
  ownerHi(row: Row): number {
    return this.ownerWord(row, 0);
  }
  ownerLo(row: Row): number {
    return this.ownerWord(row, 4);
  }
  aclId(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + ACL];
  }
  dataLength(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + DATA_LENGTH];
  }
  /** The CRC32 last given to {@link setDigest}, as an int32. */
  digest(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + DIGEST];
  }
  /** Continues a CRC32 over the stat, as a digest does. */
  statCrc(crc: number, row: Row): number {
    const chunk = this.rows.chunks[row >> CHUNK_SHIFT];
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    crc = crc32Long(crc, chunk[base + CZXID], chunk[base + CZXID + 1]);
    crc = crc32Long(crc, chunk[base + MZXID], chunk[base + MZXID + 1]);
    crc = crc32Long(crc, chunk[base + PZXID], chunk[base + PZXID + 1]);
    crc = crc32Long(crc, chunk[base + CTIME], chunk[base + CTIME + 1]);
    crc = crc32Long(crc, chunk[base + MTIME], chunk[base + MTIME + 1]);
    crc = crc32Long(crc, chunk[base + VERSION], chunk[base + CVERSION]);
    const blob = chunk[base + BLOB];
    const bytes = this.blobs.bytes(blob);
    const start = blobStart(blob);
    const ownerAt = ownerOffset(bytes[start]);
    if (ownerAt === 0) return crc32Int(crc32Long(crc, chunk[base + AVERSION], 0), 0);
    crc = crc32Long(crc, chunk[base + AVERSION], getInt(bytes, start + ownerAt));
    return crc32Int(crc, getInt(bytes, start + ownerAt + 4));
  }

  /** What an ephemeralOwner means for this znode. */
  ephemeralType(row: Row): EphemeralType {
    return this.ephemeralTypes.of(this.ownerHi(row), this.ownerLo(row));
  }

  /** The buffer that holds the data, from {@link dataStart} on. Valid until the next change of the tree. */
  dataBytes(row: Row): Uint8Array {
    return this.blobs.bytes(this.blob(row));
  }
  dataStart(row: Row): number {
    this.openName(row);
    return this.nameEnd;
  }

  writeStat(row: Row, to: Writer): void {
    to.reserve(68);
    const chunk = this.rows.chunks[row >> CHUNK_SHIFT];
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    const { bytes, at } = to;
    putInt(bytes, at, chunk[base + CZXID]);
    putInt(bytes, at + 4, chunk[base + CZXID + 1]);
    putInt(bytes, at + 8, chunk[base + MZXID]);
    putInt(bytes, at + 12, chunk[base + MZXID + 1]);
    putInt(bytes, at + 16, chunk[base + CTIME]);
    putInt(bytes, at + 20, chunk[base + CTIME + 1]);
    putInt(bytes, at + 24, chunk[base + MTIME]);
    putInt(bytes, at + 28, chunk[base + MTIME + 1]);
    putInt(bytes, at + 32, chunk[base + VERSION]);
    putInt(bytes, at + 36, 2 * chunk[base + CVERSION] - chunk[base + CHILD_COUNT]);
    putInt(bytes, at + 40, chunk[base + AVERSION]);
    const hi = this.ownerHi(row);
    const lo = this.ownerLo(row);
    const isSession = this.ephemeralTypes.of(hi, lo) === EphemeralType.Normal;
    putInt(bytes, at + 44, isSession ? hi : 0);
    putInt(bytes, at + 48, isSession ? lo : 0);
    putInt(bytes, at + 52, Math.max(chunk[base + DATA_LENGTH], 0));
    putInt(bytes, at + 56, chunk[base + CHILD_COUNT]);
    putInt(bytes, at + 60, chunk[base + PZXID]);
    putInt(bytes, at + 64, chunk[base + PZXID + 1]);
    to.at = at + 68;
  }

  writeData(row: Row, to: Writer): void {
    const length = this.dataLength(row);
    if (length < 0) {
      to.int(-1);
      return;
    }
    this.openName(row);
    to.span(this.nameBytes, this.nameEnd, this.nameEnd + length);
  }

  writeChildren(row: Row, to: Writer): void {
    if (this.childrenCache.write(row, to)) return;
    const start = to.at;
    to.int(this.childCount(row));
    for (let child = this.firstChild(row); child !== NO_ROW; child = this.nextSibling(child)) {
      this.openName(child);
      const { nameBytes, nameStart, nameEnd } = this;
      const length = nameEnd - nameStart;
      to.reserve(4 + length);
      const { bytes, at } = to;
      putInt(bytes, at, length);
      copy(nameBytes, nameStart, nameEnd, bytes, at + 4);
      to.at = at + 4 + length;
    }
    this.childrenCache.add(row, to.bytes, start, to.at);
  }

  writePath(row: Row, to: Writer): void {
    const length = this.pathLength(row);
    to.int(length);
    to.reserve(length);
    let at = to.at + length;
    to.at = at;
    if (row === ROOT) to.bytes[at - 1] = SLASH;
    for (let r = row; r !== ROOT; r = this.parent(r)) {
      this.openName(r);
      const { nameBytes, nameStart } = this;
      for (let i = this.nameEnd - 1; i >= nameStart; i--) to.bytes[--at] = nameBytes[i];
      to.bytes[--at] = SLASH;
    }
  }

  /** Bytes of the full path. */
  pathLength(row: Row): number {
    if (row === ROOT) return 1;
    let length = 0;
    for (let r = row; r !== ROOT; r = this.parent(r)) {
      this.openName(r);
      length += 1 + this.nameEnd - this.nameStart;
    }
    return length;
  }

  /** All znodes below `row`, itself not counted. Walks them. */
  descendantCount(row: Row): number {
    let count = 0;
    for (let r = this.nextBelow(row, row); r !== NO_ROW; r = this.nextBelow(r, row)) count++;
    return count;
  }

  /** The znode after `row` in a walk over all that is below `top`, parents first, or {@link NO_ROW} at the end. */
  nextBelow(row: Row, top: Row): Row {
    const child = this.firstChild(row);
    if (child !== NO_ROW) return child;
    for (let r = row; r !== top; r = this.parent(r)) {
      const next = this.nextSibling(r);
      if (next !== NO_ROW) return next;
    }
    return NO_ROW;
  }

  // --- changes

  /**
   * Adds a znode without looking whether there is one at this path. All versions start at 0, pzxid is czxid.
   * @param bytes - `start` to `end` is the full path, which ends in `/name`
   * @param data - `dataStart` to `dataEnd`; the data is null where `dataEnd < dataStart`
   */
  insert(
    parent: Row,
    bytes: Uint8Array,
    start: number,
    end: number,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    ownerHi: number,
    ownerLo: number,
    zxid: number,
    time: number,
  ): Row {
    const nameStart = lastSlash(bytes, start, end) + 1;
    const hash = hashPath(this.hash(parent), bytes, nameStart - 1, end);
    const blob = this.storeBlob(bytes, nameStart, end, ownerHi, ownerLo, data, dataStart, Math.max(dataStart, dataEnd));
    const row = this.rows.allocate();
    this.initialize(row, parent, hash, blob, dataEnd < dataStart ? -1 : dataEnd - dataStart, aclId);
    this.clearStat(row);
    const chunk = this.rows.writable(row);
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    setWide(chunk, base + CZXID, zxid);
    setWide(chunk, base + MZXID, zxid);
    setWide(chunk, base + PZXID, zxid);
    setWide(chunk, base + CTIME, time);
    setWide(chunk, base + MTIME, time);
    this.link(row, parent);
    this.table.insert(row, hash);
    return row;
  }

  /**
   * For the loader: adds a znode that cannot be found by its path before {@link index} is called.
   * @param bytes - `slash` to `end` is the last slash of the path and the name, `dataStart` to `dataEnd` the data, null
   *   where `dataEnd < dataStart`
   * @param stat - {@link STAT_WORDS} words
   */
  load(
    parent: Row,
    bytes: Uint8Array,
    slash: number,
    end: number,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    stat: Int32Array,
  ): Row {
    const hash = hashPath(this.hash(parent), bytes, slash, end);
    const ownerHi = stat[STAT_WORDS - 2];
    const ownerLo = stat[STAT_WORDS - 1];
    const blob = this.storeBlob(
      bytes,
      slash + 1,
      end,
      ownerHi,
      ownerLo,
      bytes,
      dataStart,
      Math.max(dataStart, dataEnd),
    );
    const row = this.rows.allocate();
    this.initialize(row, parent, hash, blob, dataEnd < dataStart ? -1 : dataEnd - dataStart, aclId);
    this.setStat(row, stat);
    this.link(row, parent);
    return row;
  }

  /** For the loader: the same for `/`, which is there already. */
  loadRoot(bytes: Uint8Array, dataStart: number, dataEnd: number, aclId: number, stat: Int32Array): void {
    this.setContent(ROOT, stat[STAT_WORDS - 2], stat[STAT_WORDS - 1], bytes, dataStart, dataEnd);
    this.setAclId(ROOT, aclId);
    this.setStat(ROOT, stat);
  }

  /**
   * Makes the rows from `from` on, which {@link load} added, known by their paths.
   * @returns false when a path is there twice
   */
  index(from: Row): boolean {
    return this.table.insertAll(from);
  }

  /** Removes a znode without children. Its row number may come back with the next insert. */
  remove(row: Row): void {
    this.table.remove(row, this.hash(row));
    this.unlink(row);
    this.blobs.free(this.blob(row), this.blobSize(row));
    this.rows.free(row);
  }

  /** Replaces the data alone; it is null where `end < start`. */
  setData(row: Row, data: Uint8Array, start: number, end: number): void {
    const size = this.blobSize(row);
    const { nameBytes, nameEnd } = this;
    const newLength = Math.max(0, end - start);
    if (this.blobs.fits(size, size - Math.max(0, this.dataLength(row)) + newLength)) {
      copy(data, start, start + newLength, nameBytes, nameEnd);
      this.rows.writable(row)[(row & CHUNK_MASK) * ROW_WORDS + DATA_LENGTH] = end < start ? -1 : newLength;
    } else {
      this.setContent(row, this.ownerHi(row), this.ownerLo(row), data, start, end);
    }
  }

  private setContent(row: Row, ownerHi: number, ownerLo: number, data: Uint8Array, start: number, end: number): void {
    const size = this.blobSize(row);
    const { nameBytes, nameStart, nameEnd } = this;
    const chunk = this.rows.writable(row);
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    const old = chunk[base + BLOB];
    const dataEnd = Math.max(start, end);
    chunk[base + BLOB] = this.storeBlob(nameBytes, nameStart, nameEnd, ownerHi, ownerLo, data, start, dataEnd);
    chunk[base + DATA_LENGTH] = end < start ? -1 : end - start;
    this.blobs.free(old, size);
  }

  setVersion(row: Row, version: number): void {
    this.rows.writable(row)[(row & CHUNK_MASK) * ROW_WORDS + VERSION] = version;
  }
  setCversion(row: Row, cversion: number): void {
    this.rows.writable(row)[(row & CHUNK_MASK) * ROW_WORDS + CVERSION] = cversion;
  }
  setAversion(row: Row, aversion: number): void {
    this.rows.writable(row)[(row & CHUNK_MASK) * ROW_WORDS + AVERSION] = aversion;
  }
  setMzxid(row: Row, zxid: number): void {
    setWide(this.rows.writable(row), (row & CHUNK_MASK) * ROW_WORDS + MZXID, zxid);
  }
  setPzxid(row: Row, zxid: number): void {
    setWide(this.rows.writable(row), (row & CHUNK_MASK) * ROW_WORDS + PZXID, zxid);
  }
  setMtime(row: Row, time: number): void {
    setWide(this.rows.writable(row), (row & CHUNK_MASK) * ROW_WORDS + MTIME, time);
  }
  setAclId(row: Row, aclId: number): void {
    this.rows.writable(row)[(row & CHUNK_MASK) * ROW_WORDS + ACL] = aclId;
  }
  setDigest(row: Row, digest: number): void {
    this.rows.writable(row)[(row & CHUNK_MASK) * ROW_WORDS + DIGEST] = digest;
  }
  /** From here to {@link thaw}, rows and blobs that are reachable now stay as they are in memory. May be nested. */
  freeze(): void {
    this.frozenViews++;
    this.rows.share();
    this.blobs.freeze();
  }

  thaw(): void {
    if (--this.frozenViews > 0) return;
    this.rows.unshareAll();
    this.blobs.thaw();
  }

  /** Sets everything but the stat. */
  private initialize(row: Row, parent: Row, hash: number, blob: number, dataLength: number, aclId: number): void {
    const chunk = this.rows.writable(row);
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    chunk[base + PARENT] = parent;
    chunk[base + NEXT] = NO_ROW;
    chunk[base + PREVIOUS] = NO_ROW;
    chunk[base + FIRST_CHILD] = NO_ROW;
    chunk[base + CHILD_COUNT] = 0;
    chunk[base + ACL] = aclId;
    chunk[base + BLOB] = blob;
    chunk[base + DATA_LENGTH] = dataLength;
    chunk[base + HASH] = hash;
    chunk[base + DIGEST] = 0;
  }

  private clearStat(row: Row): void {
    const chunk = this.rows.writable(row);
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    for (let i = CZXID; i <= AVERSION; i++) chunk[base + i] = 0;
  }

  private setStat(row: Row, stat: Int32Array): void {
    const chunk = this.rows.writable(row);
    const base = (row & CHUNK_MASK) * ROW_WORDS + CZXID;
    for (let i = 0; i <= AVERSION - CZXID; i++) chunk[base + i] = stat[i];
  }

  private link(row: Row, parent: Row): void {
    this.childrenCache.drop(parent);
    const chunk = this.rows.writable(parent);
    const base = (parent & CHUNK_MASK) * ROW_WORDS;
    const first = chunk[base + FIRST_CHILD];
    chunk[base + FIRST_CHILD] = row;
    chunk[base + CHILD_COUNT]++;
    this.rows.writable(row)[(row & CHUNK_MASK) * ROW_WORDS + NEXT] = first;
    if (first !== NO_ROW) this.rows.writable(first)[(first & CHUNK_MASK) * ROW_WORDS + PREVIOUS] = row;
  }

  private unlink(row: Row): void {
    const chunk = this.rows.chunks[row >> CHUNK_SHIFT];
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    const parent = chunk[base + PARENT];
    const next = chunk[base + NEXT];
    const previous = chunk[base + PREVIOUS];
    if (next !== NO_ROW) this.rows.writable(next)[(next & CHUNK_MASK) * ROW_WORDS + PREVIOUS] = previous;
    this.childrenCache.drop(parent);
    const parentChunk = this.rows.writable(parent);
    const parentBase = (parent & CHUNK_MASK) * ROW_WORDS;
    if (previous === NO_ROW) parentChunk[parentBase + FIRST_CHILD] = next;
    else this.rows.writable(previous)[(previous & CHUNK_MASK) * ROW_WORDS + NEXT] = next;
    parentChunk[parentBase + CHILD_COUNT]--;
  }

  private hash(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + HASH];
  }

  private blob(row: Row): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + BLOB];
  }

  private blobSize(row: Row): number {
    this.openName(row);
    return this.nameEnd - blobStart(this.blob(row)) + Math.max(0, this.dataLength(row));
  }

  /** Half of the ephemeralOwner: 0 or 4 bytes behind its start. */
  private ownerWord(row: Row, offset: number): number {
    const blob = this.blob(row);
    const bytes = this.blobs.bytes(blob);
    const start = blobStart(blob);
    const at = ownerOffset(bytes[start]);
    return at === 0 ? 0 : getInt(bytes, start + at + offset);
  }

  private openName(row: Row): void {
    const blob = this.blob(row);
    const bytes = this.blobs.bytes(blob);
    const start = blobStart(blob);
    this.nameBytes = bytes;
    this.nameStart = start + nameOffset(bytes[start]);
    this.nameEnd = this.nameStart + nameLength(bytes, start);
  }

  private storeBlob(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    ownerHi: number,
    ownerLo: number,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
  ): number {
    const length = nameEnd - nameStart;
    const hasOwner = (ownerHi | ownerLo) !== 0;
    const head = (length <= SHORT_NAME_MAX ? length : LONG_NAME) | (hasOwner ? HAS_OWNER : 0);
    const blob = this.blobs.allocate(nameOffset(head) + length + dataEnd - dataStart);
    const bytes = this.blobs.bytes(blob);
    const start = blobStart(blob);
    if (length <= SHORT_NAME_MAX) bytes[start] = head;
    else putInt(bytes, start, (head << 24) | length);
    if (hasOwner) {
      putInt(bytes, start + ownerOffset(head), ownerHi);
      putInt(bytes, start + ownerOffset(head) + 4, ownerLo);
    }
    const at = start + nameOffset(head);
    copy(name, nameStart, nameEnd, bytes, at);
    copy(data, dataStart, dataEnd, bytes, at + length);
    return blob;
  }
}

/**
 * Where the ephemeralOwner stands in a blob, or 0 when there is none.
 * @param head - the blob's first byte
 */
export function ownerOffset(head: number): number {
  if ((head & HAS_OWNER) === 0) return 0;
  return (head & LONG_NAME) === 0 ? 1 : 4;
}

/** Where the name stands in a blob. The ephemeralOwner, if there is one, stands right before it. */
export function nameOffset(head: number): number {
  return ((head & LONG_NAME) === 0 ? 1 : 4) + ((head & HAS_OWNER) === 0 ? 0 : 8);
}

/** The length of the name in the blob that starts at `start`. */
export function nameLength(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if ((first & LONG_NAME) === 0) return first & SHORT_NAME_MAX;
  return getInt(bytes, start) & 0x3fffffff;
}

/** The offset of the last slash, or `start - 1` when there is none. */
export function lastSlash(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at >= start && bytes[at] !== SLASH) at--;
  return at;
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > COPY_MAX) {
    // A view costs more than copying a few bytes one by one.
    to.set(from.subarray(start, end), at);
    return;
  }
  let i = start;
  for (; i + 4 <= end; i += 4, at += 4) {
    to[at] = from[i];
    to[at + 1] = from[i + 1];
    to[at + 2] = from[i + 2];
    to[at + 3] = from[i + 3];
  }
  for (; i < end; i++) to[at++] = from[i];
}

function getInt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

function putInt(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
