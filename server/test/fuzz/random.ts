/** A number from 0 to `below` - 1. */
export type RandomInts = (below: number) => number;

/** Inputs per decoder: `QUOLL_FUZZ=10000000 npx vitest run server/test/fuzz` for a long run. */
export const INPUTS = Number(process.env["QUOLL_FUZZ"] ?? 100_000);
export const SEED = Number(process.env["QUOLL_FUZZ_SEED"] ?? 1);
/** No time limit but that of the long run. */
export const TIMEOUT_MS = 36_000_000;

/** A small generator (mulberry32), because inputs must be cheap to make and the same on every run. */
export function randomInts(seed: number): RandomInts {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export function pick<T>(random: RandomInts, values: readonly T[]): T {
  return values[random(values.length)];
}

const LIES = [-1, -2, 0, 1, 2, 3, 0x7fffffff, -0x80000000, 0xffff, 0x100000, 0x7ffffff0];

/** The bytes with a few of them changed, a length that lies, an end cut off or something behind it; or mere noise. */
export function mutate(original: Uint8Array, random: RandomInts): Uint8Array {
  const kind = random(8);
  if (kind === 0) return Uint8Array.from({ length: random(80) }, () => random(256));
  const bytes = new Uint8Array(original.length + (kind === 1 ? random(16) : 0));
  bytes.set(original);
  if (bytes.length === 0) return bytes;
  if (kind !== 2) for (let i = random(3); i >= 0; i--) bytes[random(bytes.length)] = random(256);
  if (kind <= 4 && bytes.length >= 4) {
    const at = random(bytes.length - 3);
    const lie = pick(random, LIES);
    bytes[at] = lie >>> 24;
    bytes[at + 1] = lie >>> 16;
    bytes[at + 2] = lie >>> 8;
    bytes[at + 3] = lie;
  }
  return kind === 5 ? bytes.subarray(0, random(bytes.length)) : bytes;
}
