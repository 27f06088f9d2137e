import type { Reader, Writer } from "@quoll/jute";
import type { Acl, RequestedAcl } from "./acl.js";

/** perms, and the lengths of scheme and id. */
const ENTRY_BYTES_MIN = 12;

/** `world:anyone` with all permissions as a jute vector: what nearly every znode has. */
const OPEN = Uint8Array.of(
  ...[0, 0, 0, 1],
  ...[0, 0, 0, 31],
  ...[0, 0, 0, 5, 0x77, 0x6f, 0x72, 0x6c, 0x64],
  ...[0, 0, 0, 6, 0x61, 0x6e, 0x79, 0x6f, 0x6e, 0x65],
);

/** @returns the length of the open ACL's vector if that is what stands at `at`, else 0 */
export function openAclLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < OPEN.length) return 0;
  for (let i = 0; i < OPEN.length; i++) if (bytes[at + i] !== OPEN[i]) return 0;
  return OPEN.length;
}

/** Reads a request's ACL as it is, not checked yet. Null for a null vector. */
export function readAcl(reader: Reader): RequestedAcl[] | null {
  const count = reader.count(ENTRY_BYTES_MIN);
  if (count < 0) return null;
  const acl: RequestedAcl[] = [];
  for (let i = 0; i < count; i++) acl.push({ perms: reader.int(), scheme: reader.string(), id: reader.string() });
  return acl;
}

export function writeAcl(acl: readonly Acl[], to: Writer): void {
  to.int(acl.length);
  for (const { perms, scheme, id } of acl) {
    to.int(perms);
    to.string(scheme);
    to.string(id);
  }
}
