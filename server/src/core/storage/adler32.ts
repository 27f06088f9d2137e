/** The largest run for which both sums stay below 2^31, so that they never leave the int32 range. */
const RUN = 3800;
const MODULUS = 65521;

/**
 * Adler-32 as zlib and Java compute it.
 * @param seed - the checksum of what came before, to continue it
 * @returns an unsigned 32-bit number
 */
export function adler32(bytes: Uint8Array, start: number, end: number, seed = 1): number {
  let a = seed & 0xffff;
  let b = seed >>> 16;
  let i = start;
  while (i < end) {
    const stop = Math.min(i + RUN, end);
    for (; i < stop; i++) {
      a = (a + bytes[i]) | 0;
      b = (b + a) | 0;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}
