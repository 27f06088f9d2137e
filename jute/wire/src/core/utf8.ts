/**
 * Java's string coding. Java's jute writer encodes each UTF-16 code unit by itself, so that a character outside the
 * basic plane becomes two three-byte sequences; its reader decodes real UTF-8. Both quirks are kept.
 */

/** How many bytes {@link encodeUtf8} writes for `text`. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    length += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
  }
  return length;
}

/** Writes `text` at `at`; the caller has made sure that {@link utf8Length} bytes fit. Returns the offset behind it. */
export function encodeUtf8(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      into[at++] = unit;
    } else if (unit < 0x800) {
      into[at++] = 0xc0 | (unit >> 6);
      into[at++] = 0x80 | (unit & 0x3f);
    } else {
      into[at++] = 0xe0 | (unit >> 12);
      into[at++] = 0x80 | ((unit >> 6) & 0x3f);
      into[at++] = 0x80 | (unit & 0x3f);
    }
  }
  return at;
}

const REPLACEMENT = 0xfffd;
const CHUNK = 4096;

/**
 * Decodes `bytes` from `start` to `end`. What is not UTF-8 becomes U+FFFD, one for each part that Java replaces at once:
 * the longest beginning of a valid sequence, or an encoded surrogate as a whole. Never throws.
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  // Nearly all strings are ASCII. Eight at a time is several times faster than one, and needs no array.
  let text = "";
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at];
    const b = bytes[at + 1];
    const c = bytes[at + 2];
    const d = bytes[at + 3];
    const e = bytes[at + 4];
    const f = bytes[at + 5];
    const g = bytes[at + 6];
    const h = bytes[at + 7];
    if ((a | b | c | d | e | f | g | h) >= 0x80) return text + decodeAny(bytes, at, end);
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  for (; at < end; at++) {
    if (bytes[at] >= 0x80) return text + decodeAny(bytes, at, end);
    text += String.fromCharCode(bytes[at]);
  }
  return text;
}

function decodeAny(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let units: number[] = [];
  let at = start;
  while (at < end) {
    const first = bytes[at++];
    let codePoint = first;
    if (first >= 0x80) {
      const need = continuationBytes(first);
      codePoint = need === 0 ? REPLACEMENT : first & (0x3f >> need);
      for (let i = 0; i < need; i++) {
        const next = at < end ? bytes[at] : 0;
        // The second byte of some sequences is narrower: no overlong forms, nothing above U+10FFFF.
        const low = i === 0 && first === 0xe0 ? 0xa0 : i === 0 && first === 0xf0 ? 0x90 : 0x80;
        const high = i === 0 && first === 0xf4 ? 0x8f : 0xbf;
        if (next < low || next > high) {
          codePoint = REPLACEMENT;
          break;
        }
        codePoint = (codePoint << 6) | (next & 0x3f);
        at++;
      }
      if (codePoint >= 0xd800 && codePoint <= 0xdfff) codePoint = REPLACEMENT;
    }
    if (codePoint >= 0x10000) {
      units.push(0xd7c0 + (codePoint >> 10), 0xdc00 | (codePoint & 0x3ff));
    } else {
      units.push(codePoint);
    }
    if (units.length >= CHUNK) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  }
  return text + String.fromCharCode.apply(null, units);
}

/** How many bytes follow a sequence's first byte; 0 if none begins with it. */
function continuationBytes(first: number): number {
  if (first >= 0xc2 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  return first >= 0xf0 && first < 0xf5 ? 3 : 0;
}
