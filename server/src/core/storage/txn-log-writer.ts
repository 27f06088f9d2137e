import { invariant } from "@quoll/jute";
import { adler32 } from "./adler32.js";
import type { Disk, FileHandle } from "./disk.js";
import { join } from "./path.js";
import type { Room } from "./room.js";
import { DiskError } from "./storage-error.js";
import { removeSyncMark, SyncMark } from "./sync-mark.js";
import {
  ENTRY_END,
  ENTRY_HEAD_SIZE,
  ENTRY_OVERHEAD,
  encodeLogHeader,
  hex,
  LOG_HEADER_SIZE,
  logName,
  PAYLOAD_MIN,
  putInt,
  readInt,
  zxidOfPayload,
} from "./txn-log-format.js";

export interface TxnLogOptions {
  /** Step in which a file grows ahead of its contents (`preAllocSize`); 0 turns that off. */
  readonly preAllocBytes: number;
  /** A new file is started once the current one holds more (`txnLogSizeLimitInKb`); -1 is without limit. */
  readonly sizeLimitBytes: number;
  /** `forceSync`: false leaves syncing to the operating system, so that a crash of the machine loses txns. */
  readonly forceSync: boolean;
}

/** What the blank checksum of an entry asks of the writer before the entry is written. */
export const ROLL_BEFORE = 1;

/** Java extends the file when its end is this near. */
const NEAR_END = 4096;
/** Real zeros are written this far ahead, so that most syncs find their blocks allocated. */
const ZERO_STEP = 256 * 1024;
const zeros = new Uint8Array(ZERO_STEP);

/**
 * Appends entries to the txn log. Not one byte of an earlier file is ever written again: after a restart the next entry
 * starts a new file. Any {@link DiskError} that is thrown is final: the log must not be used after it (rule D33).
 */
export class TxnLogWriter {
  private file: FileHandle | null = null;
  private path = "";
  /** Where the next entry goes. */
  private position = 0;
  /** Size of the file, zeros included. */
  private size = 0;
  /** Up to here the file's blocks were written, as entries or as zeros. */
  private writtenTo = 0;
  /** Up to here there was room on the disk when it was asked for. */
  private roomTo = 0;
  private unsynced = false;
  /** The zxid in the current file's name. */
  private fileZxid = 0;
  private rollNext = false;

  private readonly mark: SyncMark | null;

  /**
   * @param lastZxid - of the txn that the first entry follows
   * @param room - null: the disk may be filled to its end, which then ends the log
   */
  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    private readonly options: TxnLogOptions,
    public lastZxid: number,
    private readonly room: Room | null = null,
  ) {
    this.mark = options.forceSync ? new SyncMark(disk, directory) : null;
    if (!options.forceSync) removeSyncMark(disk, directory);
  }

  /** Path of the file that is written to; empty before the first entry and after a roll. */
  get currentPath(): string {
    return this.path;
  }

  /** Bytes of the current file that hold entries and header. */
  get currentPosition(): number {
    return this.position;
  }

  /**
   * Writes the entries at `start` to `end`, laid out as on disk but for the checksums, which are filled in here. The upper
   * half of a blank checksum may be {@link ROLL_BEFORE}. Nothing is durable before {@link commit} returns.
   */
  append(batch: Uint8Array, start: number, end: number): void {
    let from = start;
    for (let at = start; at < end; ) {
      const length = readInt(batch, at + 8);
      const payload = at + ENTRY_HEAD_SIZE;
      const next = at + ENTRY_OVERHEAD + length;
      invariant(
        length >= PAYLOAD_MIN && next <= end && batch[next - 1] === ENTRY_END,
        "a log entry is not well formed",
      );
      const zxid = zxidOfPayload(batch, payload);
      invariant(zxid > this.lastZxid, () => `zxid ${hex(zxid)} is appended after ${hex(this.lastZxid)}`);
      if (readInt(batch, at) === ROLL_BEFORE || this.rollNext) {
        this.put(batch, from, at);
        from = at;
        this.finishFile();
      }
      if (this.file === null) this.startFile(zxid);
      putInt(batch, at, 0);
      putInt(batch, at + 4, adler32(batch, payload, payload + length));
      this.lastZxid = zxid;
      at = next;
    }
    this.put(batch, from, end);
  }

  /** Makes everything appended so far durable. */
  commit(): void {
    if (this.unsynced && this.file !== null) {
      if (this.options.forceSync) this.file.sync();
      this.unsynced = false;
    }
    const { sizeLimitBytes } = this.options;
    if (sizeLimitBytes > 0 && this.position > sizeLimitBytes) this.rollNext = true;
  }

  /** Notes how far the log is durable, see `sync-mark.ts`. To be called after {@link commit}, when nobody waits any more. */
  markSynced(): void {
    if (this.file !== null) this.mark?.write(this.fileZxid, this.position, this.lastZxid);
  }

  /** Lets the next entry start a new file. */
  roll(): void {
    this.rollNext = true;
  }

  /** Makes everything durable and closes the file; its zeros are cut off. */
  close(): void {
    this.finishFile();
    this.mark?.close();
  }

  private put(batch: Uint8Array, start: number, end: number): void {
    if (start === end || this.file === null) return;
    const stop = this.position + (end - start);
    if (stop + ZERO_STEP > this.roomTo) this.claimRoom(stop);
    this.extend(stop);
    this.file.write(this.position, batch, start, end);
    this.position = stop;
    if (this.writtenTo < stop) this.writtenTo = stop;
    this.unsynced = true;
  }

  /**
   * Grows the file as Java does, so that its tools see the same sizes, and writes real zeros a little ahead: a sync that
   * only overwrites is several times cheaper than one that also allocates.
   */
  private extend(stop: number): void {
    const file = this.file!;
    const { preAllocBytes } = this.options;
    if (preAllocBytes <= 0) return;
    const { position } = this;
    if (position + NEAR_END >= this.size) {
      if (position > this.size) this.size = position + preAllocBytes - ((position + preAllocBytes) % preAllocBytes);
      else this.size += preAllocBytes;
      file.truncate(Math.max(this.size, stop));
    }
    if (stop > this.writtenTo) {
      const to = Math.min(stop + ZERO_STEP, this.size);
      if (to > stop) this.writeZeros(stop, to);
      this.writtenTo = Math.max(to, stop);
    }
  }

  /** Zeros are no txn's bytes: when there is no room for them, they can be written again. */
  private writeZeros(start: number, end: number): void {
    for (;;) {
      try {
        this.file!.write(start, zeros, 0, end - start);
        return;
      } catch (error) {
        if (this.room === null || !(error instanceof DiskError) || error.errno !== "ENOSPC") throw error;
      }
      this.room.lacked();
    }
  }

  /** Asks for the zeros behind `stop`, and for as much again, so as to ask seldom. */
  private claimRoom(stop: number): void {
    const to = stop + 2 * ZERO_STEP;
    this.room?.claim(to - this.roomTo);
    this.roomTo = to;
  }

  /** Rule D32: header, sync of the file, sync of the directory, and only then entries. */
  private startFile(zxid: number): void {
    this.roomTo = 0;
    this.claimRoom(LOG_HEADER_SIZE);
    this.path = join(this.directory, logName(zxid));
    this.fileZxid = zxid;
    const file = this.disk.open(this.path, "create");
    this.file = file;
    file.write(0, encodeLogHeader(), 0, LOG_HEADER_SIZE);
    this.position = this.size = this.writtenTo = LOG_HEADER_SIZE;
    this.rollNext = false;
    if (this.options.forceSync) {
      file.sync();
      this.disk.syncDirectory(this.directory);
    }
    this.mark?.startFile(zxid, LOG_HEADER_SIZE, this.lastZxid);
  }

  private finishFile(): void {
    this.rollNext = false;
    const file = this.file;
    if (file === null) return;
    if (this.size > this.position) file.truncate(this.position);
    if (this.options.forceSync) file.sync();
    file.close();
    this.file = null;
    this.path = "";
    this.position = this.size = this.writtenTo = 0;
    this.unsynced = false;
  }
}
