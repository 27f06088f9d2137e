import { encodeUtf8, utf8Length } from "@quoll/jute";

/** A path's bytes with others around them, so that a wrong start or end shows. */
export class PathBytes {
  readonly bytes: Uint8Array;
  readonly start = 3;
  readonly end: number;

  constructor(path: string) {
    this.end = this.start + utf8Length(path);
    this.bytes = new Uint8Array(this.end + 3).fill(0x2f);
    encodeUtf8(path, this.bytes, this.start);
  }
}

/** Random numbers that are the same in every run. */
export function seededRandom(seed: number): { int32(): number; below(bound: number): number } {
  let state = seed >>> 0;
  function int32(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return mixed ^ (mixed >>> 14);
  }
  return { int32, below: (bound) => (int32() >>> 0) % bound };
}
