/** The mark that ZooKeeper mixes into a session's password. It is no secret: everyone knows it. */
const SUPER_SECRET = 0xb3415c00;

/** Bytes of a session's password. */
export const PASSWORD_BYTES = 16;

// java.util.Random: x' = (x * 0x5DEECE66D + 0xB) mod 2^48, in two halves of 24 bits, whose products stay below 2^53.
const MULTIPLIER_HI = 0x5de;
const MULTIPLIER_LO = 0xece66d;
const HALF = 0x100_0000;
const HALF_MASK = HALF - 1;

/**
 * Writes a session's password: 16 bytes of `java.util.Random` seeded with the session id. It must be Java's, bit for bit:
 * a client that moves between servers of an ensemble brings along what another server told it.
 * @param idHi - upper half of the session id
 * @param idLo - lower half
 * @param into - receives {@link PASSWORD_BYTES} bytes from `at` on
 */
export function writeSessionPassword(idHi: number, idLo: number, into: Uint8Array, at: number): void {
  // Only the low 48 bits of the seed count, and the constructor of Random mixes its multiplier into them.
  const seedLo = idLo ^ SUPER_SECRET ^ 0xdeece66d;
  const seedHi = (idHi ^ 0x5) & 0xffff;
  let lo = seedLo & HALF_MASK;
  let hi = (seedHi << 8) | (seedLo >>> 24);
  for (let i = 0; i < PASSWORD_BYTES; i += 4) {
    const low = lo * MULTIPLIER_LO + 0xb;
    const high = (hi * MULTIPLIER_LO + lo * MULTIPLIER_HI + Math.floor(low / HALF)) % HALF;
    lo = low % HALF;
    hi = high;
    // next(32): the upper 32 of the 48 bits, lowest byte first.
    const bits = (hi << 8) | (lo >>> 16);
    into[at + i] = bits;
    into[at + i + 1] = bits >>> 8;
    into[at + i + 2] = bits >>> 16;
    into[at + i + 3] = bits >>> 24;
  }
}

const expected = new Uint8Array(PASSWORD_BYTES);

/**
 * Whether these bytes are the session's password. Takes the same time wherever they differ. Never true for session id 0.
 */
export function isSessionPassword(idHi: number, idLo: number, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== PASSWORD_BYTES) return false;
  writeSessionPassword(idHi, idLo, expected, 0);
  let difference = (idHi | idLo) === 0 ? 1 : 0;
  for (let i = 0; i < PASSWORD_BYTES; i++) difference |= bytes[start + i] ^ expected[i];
  return difference === 0;
}
