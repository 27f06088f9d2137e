import { crc32 } from "./crc32.js";

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

const stat = new Uint8Array(60);

/**
 * A znode's part of the tree's digest, version 2: CRC32 over its path (`/` counts as empty), its data and 60 bytes of
 * its stored stat. 0 for znodes under `/zookeeper/`.
 * @param data - null data counts as empty: `dataEnd <= dataStart`
 * @param cversion - the stored one, which counts creates
 * @param ownerHi - upper half of the stored ephemeralOwner, so that of a container or TTL znode too
 * @returns a uint32
 */
export function nodeDigest(
  path: Uint8Array,
  start: number,
  end: number,
  data: Uint8Array,
  dataStart: number,
  dataEnd: number,
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
  if (!isDigested(path, start, end)) return 0;
  const prefix = prefixCrc(path, start, end, data, dataStart, dataEnd);
  return digestOf(prefix, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, ownerHi, ownerLo);
}

/** The part of a znode's digest that stays when only its stat changes. */
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

/** A znode's digest from its {@link prefixCrc} and its stored stat; for znodes that {@link isDigested}. */
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
  putWide(0, czxid);
  putWide(8, mzxid);
  putWide(16, pzxid);
  putWide(24, ctime);
  putWide(32, mtime);
  putInt(40, version);
  putInt(44, cversion);
  putInt(48, aversion);
  putInt(52, ownerHi);
  putInt(56, ownerLo);
  return crc32(prefix, stat, 0, 60) >>> 0;
}

function putWide(at: number, value: number): void {
  putInt(at, Math.floor(value / 0x1_0000_0000) | 0);
  putInt(at + 4, value | 0);
}

function putInt(at: number, value: number): void {
  stat[at] = value >>> 24;
  stat[at + 1] = value >>> 16;
  stat[at + 2] = value >>> 8;
  stat[at + 3] = value;
}
