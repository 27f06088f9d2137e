import type { Reader, Writer } from "@quoll/jute";
import type { Acl, RequestedAcl } from "./acl.js";

/** An int and the lengths of two strings. */
const ENTRY_BYTES_MIN = 12;

/** The vector of one entry, `world:anyone` with all permissions, which nearly every create has. */
const OPEN = Uint8Array.of(
  ...[0, 0, 0, 1, 0, 0, 0, 31],
  ...[0, 0, 0, 5, 0x77, 0x6f, 0x72, 0x6c, 0x64],
  ...[0, 0, 0, 6, 0x61, 0x6e, 0x79, 0x6f, 0x6e, 0x65],
);

/** How many bytes from `start` on are the vector of the open ACL: all of them, or 0 if something else stands there. */
export function isOpenAcl(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < OPEN.length) return 0;
  for (let i = 0; i < OPEN.length; i++) if (bytes[start + i] !== OPEN[i]) return 0;
  return OPEN.length;
}

/** Reads a vector of entries, or null. @throws ProtocolError when it is malformed */
export function readAcls(reader: Reader): RequestedAcl[] | null {
  const count = reader.count(ENTRY_BYTES_MIN);
  if (count < 0) return null;
  const acl: RequestedAcl[] = [];
  for (let i = 0; i < count; i++) {
    const perms = reader.int();
    const scheme = reader.string();
    acl.push({ perms, scheme, id: reader.string() });
  }
  return acl;
}

/** Appends a vector of entries. */
export function writeAcls(acl: readonly Acl[], to: Writer): void {
  to.int(acl.length);
  for (const entry of acl) {
    to.int(entry.perms);
    to.string(entry.scheme);
    to.string(entry.id);
  }
}
