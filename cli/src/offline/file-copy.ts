import { createHash, type Hash } from "node:crypto";
import { type Disk, type FileHandle, LOG_HEADER_SIZE, type Tail, TxnLogReader } from "@quoll/server/storage";

const PIECE_SIZE = 1 << 20;

/** A file that was written and is durable. */
export interface CopiedFile {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** Told how many bytes more were read. */
export type CopyProgress = (bytes: number) => void;

/** Copies a file as it is. */
export function copyFile(disk: Disk, from: string, to: string, progress: CopyProgress): CopiedFile {
  const source = disk.open(from, "read");
  try {
    const target = new HashedFile(disk, to);
    const piece = new Uint8Array(PIECE_SIZE);
    for (let at = 0; ; ) {
      const count = source.read(at, piece, 0, PIECE_SIZE);
      if (count === 0) return target.finish();
      target.write(piece, 0, count);
      at += count;
      progress(count);
    }
  } finally {
    source.close();
  }
}

/** A log's copy, and what stands behind the last entry that was copied. */
export interface CopiedLog extends CopiedFile {
  readonly txns: number;
  readonly lastZxid: number;
  readonly tail: Tail;
}

/**
 * Copies the valid entries of a log: what is torn, and the zeros behind, stays. Somebody may be appending to it.
 * @param upTo - the last txn that is wanted
 * @returns null when it holds none
 */
export function copyLog(disk: Disk, from: string, to: string, upTo: number, progress: CopyProgress): CopiedLog | null {
  const reader = TxnLogReader.open(disk, from);
  if (reader === null) return null;
  try {
    if (!reader.next() || reader.zxid > upTo) return null;
    const header = new Uint8Array(LOG_HEADER_SIZE);
    reader.file.read(0, header, 0, LOG_HEADER_SIZE);
    const target = new HashedFile(disk, to);
    target.write(header, 0, LOG_HEADER_SIZE);
    let txns = 0;
    let lastZxid = -1;
    let isWhole = true;
    do {
      if (reader.zxid > upTo) {
        isWhole = false;
        break;
      }
      // Checksum and length stand before the payload, the end mark behind it.
      const start = reader.payloadStart - 12;
      target.write(reader.bytes, start, reader.payloadEnd + 1);
      progress(reader.payloadEnd + 1 - start);
      lastZxid = reader.zxid;
      txns++;
    } while (reader.next());
    return { ...target.finish(), txns, lastZxid, tail: isWhole ? reader.tail() : { kind: "clean" } };
  } finally {
    reader.close();
  }
}

/** The SHA-256 of a file, in hex. */
export function hashFile(disk: Disk, path: string, progress: CopyProgress): string {
  const file = disk.open(path, "read");
  try {
    const hash = createHash("sha256");
    const piece = new Uint8Array(PIECE_SIZE);
    for (let at = 0; ; ) {
      const count = file.read(at, piece, 0, PIECE_SIZE);
      if (count === 0) return hash.digest("hex");
      hash.update(piece.subarray(0, count));
      at += count;
      progress(count);
    }
  } finally {
    file.close();
  }
}

/** Writes a new file by the piece. */
class HashedFile {
  private readonly file: FileHandle;
  private readonly hash: Hash = createHash("sha256");
  private readonly buffer = new Uint8Array(PIECE_SIZE);
  private filled = 0;
  private position = 0;

  constructor(disk: Disk, path: string) {
    this.file = disk.open(path, "create");
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const count = Math.min(PIECE_SIZE - this.filled, end - at);
      this.buffer.set(bytes.subarray(at, at + count), this.filled);
      this.filled += count;
      at += count;
      if (this.filled === PIECE_SIZE) this.flush();
    }
  }

  finish(): CopiedFile {
    this.flush();
    this.file.sync();
    this.file.close();
    return { sizeBytes: this.position, sha256: this.hash.digest("hex") };
  }

  private flush(): void {
    this.hash.update(this.buffer.subarray(0, this.filled));
    this.file.write(this.position, this.buffer, 0, this.filled);
    this.position += this.filled;
    this.filled = 0;
  }
}
