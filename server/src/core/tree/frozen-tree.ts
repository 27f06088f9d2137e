import type { ByteSink } from "../storage/byte-stream.js";
import { blobBytes, blobStart } from "./blob-store.js";
import { nameLength, nameOffset, ownerOffset } from "./flat-tree.js";
import {
  ACL,
  AVERSION,
  BLOB,
  CHUNK_MASK,
  CHUNK_SHIFT,
  CTIME,
  CVERSION,
  CZXID,
  DATA_LENGTH,
  FIRST_CHILD,
  MTIME,
  MZXID,
  NEXT,
  PARENT,
  PZXID,
  ROW_WORDS,
  VERSION,
} from "./row-store.js";

/**
 * The whole state at one moment, as shared memory that another thread can read while the live tree changes. It can be
 * posted to a worker, and is valid until it is released.
 */
export interface FrozenTree {
  /** Rows, see `row-store.ts`. */
  readonly chunks: readonly SharedArrayBuffer[];
  readonly segments: readonly SharedArrayBuffer[];
  readonly own: readonly (SharedArrayBuffer | null)[];
  /** The snapshot's first two parts as they stand in the file: the sessions, the ACL lists. */
  readonly head: Uint8Array;
  /** Znodes, `/` counted once. */
  readonly count: number;
  readonly lastProcessedZxid: number;
  /** It may hold later changes: then a digest would say nothing. */
  readonly mayBeFuzzy: boolean;
  /** What a snapshot's digest section says. */
  readonly digestZxid: number;
  readonly digestVersion: number;
  readonly digestHi: number;
  readonly digestLo: number;
}

const SLASH = 0x2f;

/** Writes the body of a snapshot: sessions, ACL lists, znodes with parents first, the terminator. */
export function serializeFrozen(frozen: FrozenTree, sink: ByteSink): void {
  const { writer } = sink;
  writer.raw(frozen.head, 0, frozen.head.length);
  sink.drain();
  const chunks = frozen.chunks.map((chunk) => new Int32Array(chunk));
  const segments = frozen.segments.map((segment) => new Uint8Array(segment));
  const own = frozen.own.map((buffer) => (buffer === null ? null : new Uint8Array(buffer)));
  let path = new Uint8Array(1024);
  /** Length of the current row's path, and the same of its ancestors by depth. */
  let pathLength = 0;
  let depth = 0;
  const lengths: number[] = [0];
  for (let row = 0; ; ) {
    const chunk = chunks[row >> CHUNK_SHIFT];
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    const blob = chunk[base + BLOB];
    const bytes = blobBytes(segments, own, blob);
    const start = blobStart(blob);
    const length = nameLength(bytes, start);
    const nameStart = start + nameOffset(bytes[start]);
    pathLength = 0;
    if (depth > 0) {
      pathLength = lengths[depth - 1];
      const end = pathLength + 1 + length;
      if (end > path.length) {
        const longer = new Uint8Array(2 * end);
        longer.set(path);
        path = longer;
      }
      path[pathLength++] = SLASH;
      for (let i = 0; i < length; i++) path[pathLength++] = bytes[nameStart + i];
    }
    lengths[depth] = pathLength;

    writer.span(path, 0, pathLength);
    const dataLength = chunk[base + DATA_LENGTH];
    if (dataLength < 0) writer.int(-1);
    else writer.span(bytes, nameStart + length, nameStart + length + dataLength);
    const aclId = chunk[base + ACL];
    writer.int(aclId >> 31);
    writer.int(aclId);
    writer.int(chunk[base + CZXID]);
    writer.int(chunk[base + CZXID + 1]);
    writer.int(chunk[base + MZXID]);
    writer.int(chunk[base + MZXID + 1]);
    writer.int(chunk[base + CTIME]);
    writer.int(chunk[base + CTIME + 1]);
    writer.int(chunk[base + MTIME]);
    writer.int(chunk[base + MTIME + 1]);
    writer.int(chunk[base + VERSION]);
    writer.int(chunk[base + CVERSION]);
    writer.int(chunk[base + AVERSION]);
    if (ownerOffset(bytes[start]) === 0) {
      writer.int(0);
      writer.int(0);
    } else {
      writer.raw(bytes, nameStart - 8, nameStart);
    }
    writer.int(chunk[base + PZXID]);
    writer.int(chunk[base + PZXID + 1]);
    sink.drain();

    let next = chunk[base + FIRST_CHILD];
    if (next >= 0) {
      depth++;
    } else {
      for (let r = row; depth > 0; depth--) {
        const at = (r & CHUNK_MASK) * ROW_WORDS;
        next = chunks[r >> CHUNK_SHIFT][at + NEXT];
        if (next >= 0) break;
        r = chunks[r >> CHUNK_SHIFT][at + PARENT];
      }
    }
    if (depth === 0) break;
    row = next;
  }
  writer.int(1);
  writer.byte(SLASH);
  sink.drain();
}
