import { adler32 } from "./adler32.js";
import type { Disk, FileHandle } from "./disk.js";
import { FormatError } from "./storage-error.js";
import {
  ENTRY_END,
  ENTRY_HEAD_SIZE,
  LOG_HEADER_SIZE,
  LOG_MAGIC,
  LOG_VERSION,
  readInt,
  zxidOfPayload,
} from "./txn-log-format.js";

const WINDOW_SIZE = 1 << 20;
/** No server accepts a txn near this size; a length above it is damage, and must not make us allocate that much. */
const LENGTH_MAX = 128 << 20;

/** What {@link LogEntryStream.next} found. */
export type EntryOutcome =
  /** An entry; its checksum may be wrong. */
  | "entry"
  /** The end of the contents: zeros, the end of the file, or an entry that it cuts off. */
  | "end"
  /** A length that no entry has. */
  | "unreasonable";

/**
 * Reads a txn log as it is, entry by entry, and leaves judgement to the caller: an entry with a wrong checksum is one, as
 * for ZooKeeper's TxnLogToolkit. {@link TxnLogReader} is what recovery uses. The file may grow meanwhile, see {@link refresh}.
 */
export class LogEntryStream {
  /** The window that holds the current payload; valid until the next call. */
  bytes = new Uint8Array(WINDOW_SIZE);
  payloadStart = 0;
  payloadEnd = 0;
  /** Offset in the file of the current entry. */
  offset = LOG_HEADER_SIZE;
  /** Offset in the file behind the last entry: where the next one starts, or what is left of the file. */
  nextOffset = LOG_HEADER_SIZE;
  /** The checksum as it stands in the file: its halves as signed 32-bit numbers. */
  storedHi = 0;
  storedLo = 0;
  /** The checksum as it should be, unsigned. */
  checksum = 0;
  /** Whether the byte behind the payload is there and marks an entry's end. */
  isComplete = false;
  /** The length that was found, when it is unreasonable. */
  length = 0;

  private windowOffset = 0;
  private windowLength = 0;

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    /** Bytes of the file when it was last looked at. */
    public size: number,
    readonly dbidHi: number,
    readonly dbidLo: number,
  ) {}

  /** @throws FormatError when the file has no header of a txn log of this version */
  static open(disk: Disk, path: string): LogEntryStream {
    const file = disk.open(path, "read");
    const header = new Uint8Array(LOG_HEADER_SIZE);
    const got = file.read(0, header, 0, LOG_HEADER_SIZE);
    const magic = readInt(header, 0);
    const version = readInt(header, 4);
    if (got === LOG_HEADER_SIZE && magic === LOG_MAGIC && version === LOG_VERSION) {
      return new LogEntryStream(path, file, file.size(), readInt(header, 8), readInt(header, 12));
    }
    file.close();
    const found =
      got < LOG_HEADER_SIZE
        ? `a file of ${got} bytes`
        : magic !== LOG_MAGIC
          ? `magic number 0x${(magic >>> 0).toString(16).padStart(8, "0")}`
          : `version ${version}`;
    throw new FormatError(path, `a txn log of version ${LOG_VERSION}`, found);
  }

  close(): void {
    this.file.close();
  }

  get isChecksumRight(): boolean {
    return this.storedHi === 0 && this.storedLo >>> 0 === this.checksum;
  }

  /** The zxid of the current entry, which has at least a header. */
  get zxid(): number {
    return zxidOfPayload(this.bytes, this.payloadStart);
  }

  next(): EntryOutcome {
    const at = this.nextOffset;
    this.offset = at;
    if (at + ENTRY_HEAD_SIZE > this.size || this.fill(at, ENTRY_HEAD_SIZE) < ENTRY_HEAD_SIZE) return "end";
    const head = at - this.windowOffset;
    const length = readInt(this.bytes, head + 8);
    if (length === 0) return "end";
    if (length < 0 || length > LENGTH_MAX) {
      this.length = length;
      return "unreasonable";
    }
    if (at + ENTRY_HEAD_SIZE + length > this.size) return "end";
    const wanted = ENTRY_HEAD_SIZE + length + 1;
    const available = this.fill(at, wanted);
    if (available < wanted - 1) return "end";
    const start = at - this.windowOffset;
    this.storedHi = readInt(this.bytes, start);
    this.storedLo = readInt(this.bytes, start + 4);
    this.payloadStart = start + ENTRY_HEAD_SIZE;
    this.payloadEnd = this.payloadStart + length;
    this.checksum = adler32(this.bytes, this.payloadStart, this.payloadEnd);
    this.isComplete = available >= wanted && this.bytes[this.payloadEnd] === ENTRY_END;
    this.nextOffset = at + wanted;
    return "entry";
  }

  /** Goes back before the entry that {@link next} returned, so that it is read again: it was still being written. */
  stepBack(): void {
    this.nextOffset = this.offset;
    this.windowLength = 0;
  }

  /** Looks again how long the file is, and forgets what was read ahead: somebody appends to it. */
  refresh(): void {
    this.size = this.file.size();
    this.windowLength = 0;
  }

  /** Brings `count` bytes from a file offset into the window. @returns how many there are, at most `count` */
  private fill(at: number, count: number): number {
    if (at < this.windowOffset || at + count > this.windowOffset + this.windowLength) {
      if (count > this.bytes.length) this.bytes = new Uint8Array(Math.max(count, 2 * this.bytes.length));
      this.windowOffset = at;
      this.windowLength = this.file.read(at, this.bytes, 0, Math.min(this.bytes.length, Math.max(0, this.size - at)));
    }
    return Math.min(count, this.windowOffset + this.windowLength - at);
  }
}
