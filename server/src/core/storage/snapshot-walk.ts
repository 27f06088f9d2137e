import { ProtocolError } from "@quoll/jute";
import type { ByteSource } from "./byte-stream.js";
import { readInt } from "./txn-log-format.js";

const SLASH = 0x2f;
const STAT_SIZE = 60;

/**
 * A znode as it stands in a snapshot. One object serves the whole walk: its bytes and numbers are those of the current
 * znode and are valid during the call only.
 */
export interface SnapshotNode {
  readonly bytes: Uint8Array;
  /** The path; empty for `/`. */
  readonly pathStart: number;
  readonly pathEnd: number;
  /** The data; null when `dataEnd < dataStart`. */
  readonly dataStart: number;
  readonly dataEnd: number;
  readonly aclId: number;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly mtime: number;
  readonly version: number;
  readonly aversion: number;
  readonly ownerHi: number;
  readonly ownerLo: number;
}

export interface SnapshotVisitor {
  session(idHi: number, idLo: number, timeoutMs: number): void;
  /** @param bytes - from `start` to `end` the jute vector of the list */
  acl(id: number, bytes: Uint8Array, start: number, end: number): void;
  node(node: SnapshotNode): void;
}

/**
 * Walks over a snapshot's body in the order of the file, without a tree: memory does not grow with the snapshot.
 * @throws ProtocolError when it is malformed
 */
export function walkSnapshot(source: ByteSource, visitor: SnapshotVisitor): void {
  const { reader } = source;
  for (let left = count(source, 0); left > 0; left--) {
    source.need(16);
    const hi = reader.int();
    const lo = reader.int();
    visitor.session(hi, lo, reader.int());
  }
  for (let left = count(source, 0); left > 0; left--) walkAcl(source, visitor);
  const node = new Node();
  while (readNode(source, node)) visitor.node(node);
}

function walkAcl(source: ByteSource, visitor: SnapshotVisitor): void {
  const { reader } = source;
  source.need(12);
  const id = reader.long();
  const entries = readInt(reader.bytes, reader.at);
  let size = 4;
  for (let entry = 0; entry < entries; entry++) size = behind(source, behind(source, size + 4));
  visitor.acl(id, reader.bytes, reader.at, reader.at + size);
  reader.at += size;
}

class Node implements SnapshotNode {
  bytes: Uint8Array = new Uint8Array(0);
  pathStart = 0;
  pathEnd = 0;
  dataStart = 0;
  dataEnd = 0;
  aclId = 0;
  czxid = 0;
  mzxid = 0;
  pzxid = 0;
  mtime = 0;
  version = 0;
  aversion = 0;
  ownerHi = 0;
  ownerLo = 0;
}

/** @returns false at the terminator */
function readNode(source: ByteSource, node: Node): boolean {
  const { reader } = source;
  const afterPath = behind(source, 0);
  if (afterPath === 5 && reader.bytes[reader.at + 4] === SLASH) {
    reader.at += 5;
    return false;
  }
  const afterData = behind(source, afterPath);
  source.need(afterData + 8 + STAT_SIZE);
  // From here on the window stays where it is.
  node.bytes = reader.bytes;
  node.pathStart = reader.at + 4;
  node.pathEnd = reader.at + afterPath;
  node.dataStart = node.pathEnd + 4;
  node.dataEnd = readInt(reader.bytes, node.pathEnd) < 0 ? node.dataStart - 1 : reader.at + afterData;
  reader.at += afterData;
  node.aclId = reader.long();
  node.czxid = reader.long();
  node.mzxid = reader.long();
  reader.at += 8;
  node.mtime = reader.long();
  node.version = reader.int();
  reader.at += 4;
  node.aversion = reader.int();
  node.ownerHi = reader.int();
  node.ownerLo = reader.int();
  node.pzxid = reader.long();
  return true;
}

function count(source: ByteSource, offset: number): number {
  source.need(offset + 4);
  return source.reader.int();
}

/** Makes the string or buffer available whose length stands `offset` bytes from here. @returns the offset behind it */
function behind(source: ByteSource, offset: number): number {
  source.need(offset + 4);
  const { reader } = source;
  const length = readInt(reader.bytes, reader.at + offset);
  if (length < -1 || length > reader.limits.bufferMax) {
    throw new ProtocolError("length", reader.at + offset, `-1 to ${reader.limits.bufferMax}`, String(length));
  }
  const end = offset + 4 + Math.max(0, length);
  source.need(end);
  return end;
}
