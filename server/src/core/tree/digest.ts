import { crc32, crc32Int, crc32Long } from "./crc32.js";

/** The version of the digest's definition, as in TxnDigest and in a snapshot. */
export const DIGEST_VERSION = 2;

/** The sum of all znodes' digests, modulo 2^64: equal trees have equal digests (AdHash). */
export class TreeDigest {
  hi = 0;
  lo = 0;

  /** @param digest - a znode's, as a uint32 or its int32 */
  add(digest: number): void {
    const sum = (this.lo >>> 0) + (digest >>> 0);
    this.lo = sum | 0;
    if (sum > 0xffffffff) this.hi = (this.hi + 1) | 0;
  }

  subtract(digest: number): void {
    const difference = (this.lo >>> 0) - (digest >>> 0);
    this.lo = difference | 0;
    if (difference < 0) this.hi = (this.hi - 1) | 0;
  }

  copyFrom(other: TreeDigest): void {
    this.hi = other.hi;
    this.lo = other.lo;
  }
}

const SYSTEM_PREFIX = Uint8Array.from("/zookeeper/", (char) => char.charCodeAt(0));

/** What stands under `/zookeeper/` has no digest: quota statistics are kept by each server by itself. */
export function isDigested(path: Uint8Array, start: number, end: number): boolean {
  if (end - start < SYSTEM_PREFIX.length) return true;
  for (let i = 0; i < SYSTEM_PREFIX.length; i++) if (path[start + i] !== SYSTEM_PREFIX[i]) return true;
  return false;
}

/**
 * The part of a znode's digest that stays when only its stat changes. The digest, version 2, is a CRC32 over its path
 * (`/` counts as empty), its data and 60 bytes of its stored stat, and 0 for znodes under `/zookeeper/`.
 * @param data - null data counts as empty: `dataEnd <= dataStart`
 */
export function prefixCrc(
  path: Uint8Array,
  start: number,
  end: number,
  data: Uint8Array,
  dataStart: number,
  dataEnd: number,
): number {
  return crc32(end - start === 1 ? 0 : crc32(0, path, start, end), data, dataStart, dataEnd);
}

/**
 * A znode's digest from its {@link prefixCrc} and its stored stat; for znodes that {@link isDigested}.
 * @param cversion - the stored one, which counts creates
 * @param ownerHi - upper half of the stored ephemeralOwner, so that of a container or TTL znode too
 * @returns a uint32
 */
export function digestOf(
  prefix: number,
  czxid: number,
  mzxid: number,
  pzxid: number,
  ctime: number,
  mtime: number,
  version: number,
  cversion: number,
  aversion: number,
  ownerHi: number,
  ownerLo: number,
): number {
  let crc = crc32Wide(prefix, czxid);
  crc = crc32Wide(crc, mzxid);
  crc = crc32Wide(crc, pzxid);
  crc = crc32Wide(crc, ctime);
  crc = crc32Wide(crc, mtime);
  crc = crc32Long(crc, version, cversion);
  crc = crc32Long(crc, aversion, ownerHi);
  return crc32Int(crc, ownerLo) >>> 0;
}

function crc32Wide(crc: number, value: number): number {
  return crc32Long(crc, Math.floor(value / 0x1_0000_0000) | 0, value | 0);
}
