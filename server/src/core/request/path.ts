const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Whether the bytes are a legal znode path (ZooKeeper's `PathUtils.validatePath`). Bytes that are not UTF-8 are refused
 * as well: Java reads them as U+FFFD, which is not legal in a path, and the same holds for characters outside the basic
 * plane, which Java sees as surrogates. So a legal path has one spelling in bytes, and comparing bytes compares paths.
 */
export function isValidPath(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end || bytes[start] !== SLASH) return false;
  if (end - start === 1) return true;
  if (bytes[end - 1] === SLASH) return false;
  let component = start + 1;
  let at = start + 1;
  while (at <= end) {
    const byte = at < end ? bytes[at] : SLASH;
    if (byte === SLASH) {
      const length = at - component;
      if (length === 0) return false;
      if (bytes[component] === DOT && (length === 1 || (length === 2 && bytes[component + 1] === DOT))) return false;
      component = ++at;
    } else if (byte < 0x80) {
      if (byte < 0x20 || byte === 0x7f) return false;
      at++;
    } else {
      const length = legalMultiByte(bytes, at, end);
      if (length === 0) return false;
      at += length;
    }
  }
  return true;
}

/** Length of the well-formed and legal character outside ASCII at `at`, or 0. */
function legalMultiByte(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first >= 0xc2 && first < 0xe0) {
    if (end - at < 2 || (bytes[at + 1] & 0xc0) !== 0x80) return 0;
    return first === 0xc2 && bytes[at + 1] < 0xa0 ? 0 : 2; // U+0080 to U+009F
  }
  if (first >= 0xe0 && first < 0xf0) {
    if (end - at < 3 || (bytes[at + 1] & 0xc0) !== 0x80 || (bytes[at + 2] & 0xc0) !== 0x80) return 0;
    const codePoint = ((first & 0x0f) << 12) | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f);
    const illegal = codePoint < 0x800 || (codePoint >= 0xd800 && codePoint <= 0xf8ff) || codePoint >= 0xfff0;
    return illegal ? 0 : 3;
  }
  return 0;
}

/** Offset of the last slash, or -1 when there is none. */
export function lastSlash(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) if (bytes[at] === SLASH) return at;
  return -1;
}

export function hasNul(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === 0) return true;
  return false;
}

const SPECIAL_PATHS = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"];

/** Paths that can't be deleted. */
export function isSpecialPath(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  for (const special of SPECIAL_PATHS) {
    if (special.length !== length) continue;
    let at = 0;
    while (at < length && bytes[start + at] === special.charCodeAt(at)) at++;
    if (at === length) return true;
  }
  return false;
}

/** Whether the two spans hold the same bytes. */
export function sameBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false;
  for (let i = aStart, j = bStart; i < aEnd; i++, j++) if (a[i] !== b[j]) return false;
  return true;
}

/**
 * A hash of the path that fits a small integer, for tables that live as long as a few txns.
 * @param seed - any int32; unknown to clients, so that they can't choose paths that collide
 */
export function hashPath(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}
