import { adler32 } from "./adler32.js";
import type { Disk, FileHandle } from "./disk.js";
import { join } from "./path.js";
import { putInt, readInt } from "./txn-log-format.js";

/**
 * How far the txn log is durable, as a hint beside it. The file `quoll.synced`, which Java ignores, is one sector:
 *
 *   int magic "QSYN" · long zxid of the log file's name · long position · long lastZxid · int Adler-32 of all before it
 *
 * It is overwritten in place after a sync of the log, and synced itself only when a log file is begun: it costs no time, and
 * after a kill it is exact, since the page cache survives. After a power failure it may be old, but what it says was true. So damage below the position is
 * damage in acknowledged data, however much it looks like a torn end; and at or above it, where a power failure may have
 * torn a batch of txns into valid and missing ones, the batch was never acknowledged.
 */
export interface SyncPoint {
  readonly logZxid: number;
  readonly position: number;
  readonly lastZxid: number;
}

export const SYNC_MARK_NAME = "quoll.synced";
const MAGIC = 0x5153594e;
const SIZE = 32;

export class SyncMark {
  private file: FileHandle | null = null;
  private readonly bytes = new Uint8Array(SIZE);

  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
  ) {}

  write(logZxid: number, position: number, lastZxid: number): void {
    const { bytes } = this;
    putInt(bytes, 0, MAGIC);
    putLong(bytes, 4, logZxid);
    putLong(bytes, 12, position);
    putLong(bytes, 20, lastZxid);
    putInt(bytes, 28, adler32(bytes, 0, 28));
    this.open().write(0, bytes, 0, SIZE);
  }

  /** Notes that a new file was begun: durably, so that what is found at its end after a crash is judged by its own mark. */
  startFile(logZxid: number, position: number, lastZxid: number): void {
    const isNew = this.file === null && !this.disk.exists(join(this.directory, SYNC_MARK_NAME));
    this.write(logZxid, position, lastZxid);
    this.open().sync();
    if (isNew) this.disk.syncDirectory(this.directory);
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }

  private open(): FileHandle {
    if (this.file === null) {
      const path = join(this.directory, SYNC_MARK_NAME);
      this.file = this.disk.open(path, this.disk.exists(path) ? "write" : "create");
    }
    return this.file;
  }
}

/** @returns null when there is none, or none that is whole */
export function readSyncMark(disk: Disk, directory: string): SyncPoint | null {
  const path = join(directory, SYNC_MARK_NAME);
  if (!disk.exists(path)) return null;
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(SIZE);
  const length = file.read(0, bytes, 0, SIZE);
  file.close();
  if (length < SIZE || readInt(bytes, 0) !== MAGIC || readInt(bytes, 28) >>> 0 !== adler32(bytes, 0, 28)) return null;
  return { logZxid: getLong(bytes, 4), position: getLong(bytes, 12), lastZxid: getLong(bytes, 20) };
}

/** To be called when what it says no longer holds, before the log is changed: the log is truncated, or not synced any more. */
export function removeSyncMark(disk: Disk, directory: string): void {
  const path = join(directory, SYNC_MARK_NAME);
  if (!disk.exists(path)) return;
  disk.remove(path);
  disk.syncDirectory(directory);
}

function putLong(bytes: Uint8Array, at: number, value: number): void {
  putInt(bytes, at, Math.floor(value / 0x1_0000_0000) | 0);
  putInt(bytes, at + 4, value | 0);
}

function getLong(bytes: Uint8Array, at: number): number {
  return readInt(bytes, at) * 0x1_0000_0000 + (readInt(bytes, at + 4) >>> 0);
}
