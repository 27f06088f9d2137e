import { ProtocolError, Reader } from "@quoll/jute";
import { adler32 } from "./adler32.js";
import type { ByteSource } from "./byte-stream.js";
import type { Disk, FileHandle } from "./disk.js";
import { join } from "./path.js";
import type { Input, SnapshotCodecs } from "./snapshot-codec.js";
import {
  SEAL_SIZE,
  SNAPSHOT_HEADER_SIZE,
  SNAPSHOT_MAGIC,
  SNAPSHOT_VERSION,
  type SnapshotDigest,
  type SnapshotName,
} from "./snapshot-format.js";
import { FormatError } from "./storage-error.js";

const WINDOW_SIZE = 1 << 20;
const WINDOW_SIZE_MIN = 4096;
/** More than all sections behind the body can take, a digest in the old text form included. */
const SECTIONS_MAX = 256;

export interface LoadedSnapshot<T> {
  readonly body: T;
  /** Null when the file has no digest, or an empty one. */
  readonly digest: SnapshotDigest | null;
  /** Null when the file has no such section. */
  readonly lastProcessedZxid: number | null;
}

/** Told how far a big file has been read. */
export type Progress = (bytesDone: number, bytesTotal: number) => void;

/**
 * Reads a snapshot and verifies all of it: every seal, and that the file ends behind the last one (rule D2).
 * @param body - reads sessions, ACL cache and znodes up to and including the closing path
 * @throws ProtocolError when the file is corrupt or ends early
 * @throws FormatError when it is of another version
 */
export function readSnapshot<T>(
  disk: Disk,
  directory: string,
  snapshot: SnapshotName,
  codecs: SnapshotCodecs,
  progress: Progress,
  body: (source: ByteSource) => T,
): LoadedSnapshot<T> {
  const path = join(directory, snapshot.name);
  const file = disk.open(path, "read");
  try {
    const source = new SnapshotSource(file, snapshot, codecs, progress);
    readHeader(source, path);
    const result = body(source);
    source.checkSeal();
    return { body: result, ...readSections(source) };
  } finally {
    file.close();
  }
}

function readHeader(source: SnapshotSource, path: string): void {
  source.need(SNAPSHOT_HEADER_SIZE);
  const magic = source.reader.int();
  const version = source.reader.int();
  source.reader.at += 8;
  if (magic !== SNAPSHOT_MAGIC) {
    throw new ProtocolError("snapshot header", 0, "magic number ZKSN", `0x${(magic >>> 0).toString(16)}`);
  }
  if (version !== SNAPSHOT_VERSION)
    throw new FormatError(path, `a snapshot of version ${SNAPSHOT_VERSION}`, `version ${version}`);
}

/**
 * Both sections are optional and nothing announces them: they are told apart by what remains of the file. (Java tells them
 * apart by its own configuration, and fails when the file was written under another one.)
 */
function readSections(source: SnapshotSource): { digest: SnapshotDigest | null; lastProcessedZxid: number | null } {
  const remaining = source.availableUpTo(SECTIONS_MAX + 1);
  let digest: SnapshotDigest | null = null;
  let lastProcessedZxid: number | null = null;
  if (remaining !== 0 && remaining !== 8 + SEAL_SIZE) {
    digest = readDigest(source);
    source.checkSeal();
  }
  if (source.availableUpTo(1) !== 0) {
    source.need(8);
    lastProcessedZxid = source.reader.long();
    source.checkSeal();
  }
  if (source.availableUpTo(1) !== 0) {
    throw new ProtocolError("snapshot", source.reader.at, "the end of the file", "more bytes");
  }
  return { digest: digest !== null && digest.zxid > 0 ? digest : null, lastProcessedZxid };
}

function readDigest(source: SnapshotSource): SnapshotDigest {
  source.need(12);
  const zxid = source.reader.long();
  const version = source.reader.int();
  if (version >= 2) {
    source.need(8);
    return { zxid, version, hi: source.reader.int(), lo: source.reader.int() };
  }
  // Before version 2 the digest was a hex text; nobody compares it any more.
  source.need(4);
  const length = source.reader.int();
  if (length < -1 || length > SECTIONS_MAX)
    throw new ProtocolError("digest", source.reader.at, "a short text", String(length));
  source.need(Math.max(length, 0));
  source.reader.at += Math.max(length, 0);
  return { zxid, version, hi: 0, lo: 0 };
}

class SnapshotSource implements ByteSource {
  readonly reader: Reader;
  private checksum = 1;
  /** Up to here the window's bytes are in the checksum. */
  private checkedTo = 0;
  private readonly input: Input;
  private ended = false;

  constructor(file: FileHandle, snapshot: SnapshotName, codecs: SnapshotCodecs, progress: Progress) {
    const size = file.size();
    this.reader = new Reader(new Uint8Array(Math.max(WINDOW_SIZE_MIN, Math.min(size, WINDOW_SIZE))), 0, 0);
    let position = 0;
    const raw: Input = (into, start, end) => {
      const count = file.read(position, into, start, end);
      position += count;
      progress(position, size);
      return count;
    };
    this.input = snapshot.compression === "" ? raw : codecs[snapshot.compression].decompress(raw);
  }

  need(count: number): void {
    if (this.reader.end - this.reader.at >= count) return;
    const available = this.availableUpTo(count);
    if (available < count) {
      throw new ProtocolError(
        "snapshot",
        this.reader.at,
        `${count} more bytes`,
        `${available} before the end of the file`,
      );
    }
  }

  /** Reads ahead, if need be. @returns how many bytes there are, at most `count` */
  availableUpTo(count: number): number {
    const { reader } = this;
    if (reader.end - reader.at < count && !this.ended) this.fill(count);
    return Math.min(count, reader.end - reader.at);
  }

  checkSeal(): void {
    this.check();
    const { checksum } = this;
    this.need(SEAL_SIZE);
    const { reader } = this;
    const at = reader.at;
    const stored = reader.long();
    if (reader.int() !== 1 || reader.byte() !== 0x2f)
      throw new ProtocolError("snapshot seal", at, 'the path "/"', "something else");
    if (stored !== checksum) throw new ProtocolError("snapshot checksum", at, String(checksum), String(stored));
  }

  private check(): void {
    const { reader } = this;
    this.checksum = adler32(reader.bytes, this.checkedTo, reader.at, this.checksum);
    this.checkedTo = reader.at;
  }

  private fill(count: number): void {
    this.check();
    const { reader } = this;
    reader.bytes.copyWithin(0, reader.at, reader.end);
    reader.end -= reader.at;
    reader.at = 0;
    this.checkedTo = 0;
    while (reader.end < count && !this.ended) {
      // A length that lies must not make us allocate more than the file has.
      if (reader.end === reader.bytes.length) {
        const bytes = new Uint8Array(2 * reader.end);
        bytes.set(reader.bytes);
        reader.bytes = bytes;
      }
      const got = this.input(reader.bytes, reader.end, reader.bytes.length);
      if (got === 0) this.ended = true;
      reader.end += got;
    }
  }
}
