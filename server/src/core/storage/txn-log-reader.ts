import { adler32 } from "./adler32.js";
import type { Disk, FileHandle } from "./disk.js";
import { FormatError } from "./storage-error.js";
import {
  ENTRY_END,
  ENTRY_HEAD_SIZE,
  ENTRY_OVERHEAD,
  LOG_HEADER_SIZE,
  LOG_MAGIC,
  LOG_VERSION,
  PAYLOAD_MIN,
  readInt,
  SECTOR_SIZE,
  zxidOfPayload,
} from "./txn-log-format.js";

const WINDOW_SIZE = 1 << 20;

/** What stands behind the last valid entry of a file. */
export type Tail =
  /** Nothing, or zeros up to the end of the file. */
  | { readonly kind: "clean" }
  /** An entry that a crash left half-written: part of it is missing, and nothing valid follows. */
  | { readonly kind: "torn" }
  /** Bytes that no crash of ours leaves behind, or valid entries after the gap. */
  | { readonly kind: "damaged"; readonly problem: string; readonly nextZxid: number; readonly missesPart: boolean };

/**
 * Reads one txn log file entry by entry, without an allocation per entry. It is opened at the first entry; `next` moves on.
 */
export class TxnLogReader {
  /** The window that holds the current payload. */
  bytes: Uint8Array;
  payloadStart = 0;
  payloadEnd = 0;
  /** Of the current entry. */
  zxid = 0;
  /** Offset in the file of the current entry; after the last one, of the first byte that is not part of a valid entry. */
  offset = LOG_HEADER_SIZE;

  private nextOffset = LOG_HEADER_SIZE;
  /** Offset in the file of the window's first byte, and how many bytes of it are filled. */
  private windowOffset = 0;
  private windowLength = 0;

  private constructor(
    readonly path: string,
    readonly file: FileHandle,
    readonly size: number,
  ) {
    this.bytes = new Uint8Array(Math.min(WINDOW_SIZE, size));
  }

  /**
   * @returns null when the file holds no header because a crash prevented it: it is shorter than one, or nothing but zeros
   * @throws FormatError when the header is that of another version or of no txn log
   */
  static open(disk: Disk, path: string): TxnLogReader | null {
    const file = disk.open(path, "read");
    const reader = new TxnLogReader(path, file, file.size());
    const { size } = reader;
    if (size < LOG_HEADER_SIZE) {
      file.close();
      return null;
    }
    reader.fill(0, LOG_HEADER_SIZE);
    const magic = readInt(reader.bytes, 0);
    const version = readInt(reader.bytes, 4);
    if (magic === LOG_MAGIC && version === LOG_VERSION) return reader;
    const blank = magic === 0 && version === 0 && reader.firstNonZero(0) === size;
    file.close();
    if (blank) return null;
    throw new FormatError(
      path,
      `a txn log of version ${LOG_VERSION}`,
      magic === LOG_MAGIC ? `version ${version}` : `magic number 0x${(magic >>> 0).toString(16).padStart(8, "0")}`,
    );
  }

  close(): void {
    this.file.close();
  }

  /** @returns whether there is another valid entry */
  next(): boolean {
    const at = this.nextOffset;
    this.offset = at;
    if (!this.readEntry(at)) return false;
    this.nextOffset = at + ENTRY_OVERHEAD + (this.payloadEnd - this.payloadStart);
    return true;
  }

  /** Looks at what stands behind the last valid entry, once `next` has returned false. */
  tail(): Tail {
    const start = this.offset;
    const firstByte = this.firstNonZero(start);
    if (firstByte === this.size) return { kind: "clean" };
    const nextZxid = this.findValidEntry(start);
    const missesPart = this.missesPart(start);
    if (nextZxid >= 0) {
      const problem = "valid entries follow bytes that are not a valid entry";
      return { kind: "damaged", problem, nextZxid, missesPart };
    }
    if (missesPart) return { kind: "torn" };
    return { kind: "damaged", problem: "an entry is corrupt that was written completely", nextZxid, missesPart };
  }

  /** Reads the entry at a file offset into the window, without moving on. */
  private readEntry(at: number): boolean {
    if (at + ENTRY_OVERHEAD + PAYLOAD_MIN > this.size) return false;
    this.fill(at, ENTRY_HEAD_SIZE);
    let head = at - this.windowOffset;
    const length = readInt(this.bytes, head + 8);
    if (length < PAYLOAD_MIN || at + ENTRY_OVERHEAD + length > this.size) return false;
    if (readInt(this.bytes, head) !== 0) return false;
    // A length that lies must not make us read and hold all that it spans: the end mark is looked at first.
    if (ENTRY_OVERHEAD + length > this.bytes.length && !this.isEndAt(at + ENTRY_HEAD_SIZE + length)) return false;
    this.fill(at, ENTRY_OVERHEAD + length);
    head = at - this.windowOffset;
    const { bytes } = this;
    const payload = head + ENTRY_HEAD_SIZE;
    if (bytes[payload + length] !== ENTRY_END) return false;
    if (adler32(bytes, payload, payload + length) !== readInt(bytes, head + 4) >>> 0) return false;
    this.payloadStart = payload;
    this.payloadEnd = payload + length;
    this.zxid = zxidOfPayload(bytes, payload);
    return true;
  }

  private isEndAt(at: number): boolean {
    const mark = new Uint8Array(1);
    return this.file.read(at, mark, 0, 1) === 1 && mark[0] === ENTRY_END;
  }

  /** Brings `count` bytes from a file offset into the window; the caller has checked that the file has them. */
  private fill(at: number, count: number): void {
    if (at >= this.windowOffset && at + count <= this.windowOffset + this.windowLength) return;
    if (count > this.bytes.length) this.bytes = new Uint8Array(Math.max(count, 2 * this.bytes.length));
    this.windowOffset = at;
    const room = Math.min(this.bytes.length, this.size - at);
    this.windowLength = this.file.read(at, this.bytes, 0, room);
  }

  /** @returns the offset of the first byte that is not zero at or after `from`, or the file's size */
  private firstNonZero(from: number): number {
    for (let at = from; at < this.size; ) {
      this.fill(at, 1);
      const { bytes } = this;
      const end = this.windowLength - 8;
      let i = at - this.windowOffset;
      for (; i < end; i += 8) {
        if (
          (bytes[i] |
            bytes[i + 1] |
            bytes[i + 2] |
            bytes[i + 3] |
            bytes[i + 4] |
            bytes[i + 5] |
            bytes[i + 6] |
            bytes[i + 7]) !==
          0
        )
          break;
      }
      for (; i < this.windowLength; i++) if (bytes[i] !== 0) return this.windowOffset + i;
      if (this.windowLength === 0) break;
      at = this.windowOffset + this.windowLength;
    }
    return this.size;
  }

  /** @returns the zxid of the first valid entry after a file offset, or -1 */
  private findValidEntry(after: number): number {
    for (let at = after + 1; at < this.size; at++) {
      const nonZero = this.firstNonZero(at);
      if (nonZero === this.size) return -1;
      // The first byte of an entry that is not zero is in the lower half of its checksum or in its length.
      if (nonZero - at >= ENTRY_HEAD_SIZE) at = nonZero - ENTRY_HEAD_SIZE + 1;
      if (this.readEntry(at)) return this.zxid;
    }
    return -1;
  }

  /**
   * Whether a crash can have left the entry at `start` as it is: the file ends inside it, or what it has of some sector is
   * zeros, as a sector reads that was never written, or it turns into zeros before its end, as after a write that stopped.
   */
  private missesPart(start: number): boolean {
    if (start + ENTRY_HEAD_SIZE > this.size) return true;
    this.fill(start, ENTRY_HEAD_SIZE);
    const length = readInt(this.bytes, start + 8 - this.windowOffset);
    const isPlausible = length >= PAYLOAD_MIN;
    const end = start + (isPlausible ? ENTRY_OVERHEAD + length : ENTRY_HEAD_SIZE);
    if (end > this.size) return true;
    // The last byte of an entry is not zero, nor is its length.
    if (isPlausible ? this.firstNonZero(end - 1) >= end : this.firstNonZero(start + 8) >= end) return true;
    for (let at = start; at < end; ) {
      const sectorEnd = at - (at % SECTOR_SIZE) + SECTOR_SIZE;
      // An entry whose length is missing too is checked to the ends of the sectors of its head.
      const stop = Math.min(isPlausible ? end : this.size, sectorEnd);
      if (this.firstNonZero(at) >= stop) return true;
      at = sectorEnd;
    }
    return false;
  }
}
