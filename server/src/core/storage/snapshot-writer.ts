import { Writer } from "@quoll/jute";
import { adler32 } from "./adler32.js";
import type { ByteSink } from "./byte-stream.js";
import type { Disk, FileHandle } from "./disk.js";
import { join } from "./path.js";
import type { Compression, Compressor, SnapshotCodecs } from "./snapshot-codec.js";
import {
  SNAPSHOT_MAGIC,
  SNAPSHOT_VERSION,
  type SnapshotDigest,
  snapshotName,
  TEMPORARY_PREFIX,
} from "./snapshot-format.js";

export interface SnapshotOptions {
  /** The last txn that is contained. */
  readonly zxid: number;
  readonly compression: Compression;
  /** The tree's digest, or null when digests are turned off: then there is no such section. */
  readonly digest: SnapshotDigest | null;
  /** Whether to write the section of `serializeLastProcessedZxid.enabled`. */
  readonly lastProcessedZxid: boolean;
  /** Called after each piece of the file, with the bytes written so far: a place to wait, so that the log comes first. */
  readonly pace: (bytes: number) => void;
}

export interface WrittenSnapshot {
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
}

/** Pieces of this size are handed to the compression and the disk. */
const PIECE_SIZE = 256 * 1024;
/** A long file is synced now and then, so that the last sync does not hold up the log's. */
const SYNC_STEP = 16 << 20;

/**
 * Writes a snapshot so that it is there wholly and durably, or not at all (rule D40).
 * @param body - writes sessions, ACL cache and znodes
 * @throws DiskError after which nothing of the file remains, as far as the disk allows
 */
export function writeSnapshot(
  disk: Disk,
  directory: string,
  codecs: SnapshotCodecs,
  options: SnapshotOptions,
  body: (sink: ByteSink) => void,
): WrittenSnapshot {
  const name = snapshotName(options.zxid, options.compression);
  const temporary = join(directory, TEMPORARY_PREFIX + name);
  const path = join(directory, name);
  if (disk.exists(temporary)) disk.remove(temporary);
  const file = disk.open(temporary, "create");
  let open = true;
  try {
    const sink = new SnapshotSink(file, codecs, options);
    writeSections(sink, options, body);
    sink.finish();
    file.sync();
    file.close();
    open = false;
    disk.rename(temporary, path);
    disk.syncDirectory(directory);
    return { path, size: sink.position };
  } catch (error) {
    removeQuietly(disk, open ? file : null, temporary);
    throw error;
  }
}

function writeSections(sink: SnapshotSink, options: SnapshotOptions, body: (sink: ByteSink) => void): void {
  const { writer } = sink;
  writer.int(SNAPSHOT_MAGIC);
  writer.int(SNAPSHOT_VERSION);
  writer.long(-1);
  body(sink);
  sink.seal();
  const { digest } = options;
  if (digest !== null) {
    writer.long(digest.zxid);
    writer.int(digest.version);
    writer.int(digest.hi);
    writer.int(digest.lo);
    sink.seal();
  }
  if (options.lastProcessedZxid) {
    writer.long(options.zxid);
    sink.seal();
  }
}

/** A failed snapshot must not leave a file that fills the disk for good; the first error is the one to report. */
function removeQuietly(disk: Disk, file: FileHandle | null, path: string): void {
  try {
    file?.close();
    if (disk.exists(path)) disk.remove(path);
  } catch {
    // The next start removes it.
  }
}

class SnapshotSink implements ByteSink {
  readonly writer = new Writer(2 * PIECE_SIZE);
  /** Bytes written to the file. */
  position = 0;
  private checksum = 1;
  /** Up to here the writer's bytes are in the checksum. */
  private checkedTo = 0;
  private syncedTo = 0;
  private readonly compressor: Compressor | null;

  constructor(
    private readonly file: FileHandle,
    codecs: SnapshotCodecs,
    private readonly options: SnapshotOptions,
  ) {
    const { compression } = options;
    this.compressor =
      compression === "" ? null : codecs[compression].compressor((bytes, start, end) => this.put(bytes, start, end));
  }

  drain(): void {
    if (this.writer.at >= PIECE_SIZE) this.flush();
  }

  seal(): void {
    this.check();
    this.writer.int(0);
    this.writer.int(this.checksum | 0);
    this.writer.string("/");
  }

  finish(): void {
    this.flush();
    this.compressor?.finish();
  }

  private check(): void {
    const { writer } = this;
    this.checksum = adler32(writer.bytes, this.checkedTo, writer.at, this.checksum);
    this.checkedTo = writer.at;
  }

  private flush(): void {
    this.check();
    const { writer } = this;
    if (this.compressor === null) this.put(writer.bytes, 0, writer.at);
    else this.compressor.write(writer.bytes, 0, writer.at);
    writer.reset();
    this.checkedTo = 0;
    this.options.pace(this.position);
  }

  private put(bytes: Uint8Array, start: number, end: number): void {
    this.file.write(this.position, bytes, start, end);
    this.position += end - start;
    if (this.position - this.syncedTo >= SYNC_STEP) {
      this.file.sync();
      this.syncedTo = this.position;
    }
  }
}
