import { ProtocolError } from "@quoll/jute";
import type { ByteSource } from "./byte-stream.js";

const SESSION_SIZE = 12;
const STAT_PERSISTED_SIZE = 60;

/** Walks over a snapshot's body without keeping anything: enough to verify a file from its first to its last byte. */
export function skipSnapshotBody(source: ByteSource): void {
  for (let left = count(source, "session count"); left > 0; left--) skip(source, SESSION_SIZE);
  for (let left = count(source, "ACL count"); left > 0; left--) {
    skip(source, 8);
    for (let acls = count(source, "ACL list length"); acls > 0; acls--) {
      skip(source, 4);
      skip(source, Math.max(count(source, "scheme length"), 0));
      skip(source, Math.max(count(source, "id length"), 0));
    }
  }
  for (;;) {
    const length = count(source, "path length");
    if (length < 0) throw new ProtocolError("path", source.reader.at, "a path", "null");
    source.need(length);
    const end = length === 1 && source.reader.bytes[source.reader.at] === 0x2f;
    source.reader.at += length;
    if (end) return;
    skip(source, Math.max(count(source, "data length"), 0));
    skip(source, 8 + STAT_PERSISTED_SIZE);
  }
}

function count(source: ByteSource, what: string): number {
  source.need(4);
  const value = source.reader.int();
  if (value < -1) throw new ProtocolError(what, source.reader.at - 4, "-1 or more", String(value));
  return value;
}

function skip(source: ByteSource, bytes: number): void {
  source.need(bytes);
  source.reader.at += bytes;
}
