/**
 * A 64-bit value that is bits rather than a count: session ids, ephemeral owners, digests.
 * Two signed 32-bit halves, immutable. (Counting values such as zxids and times are plain numbers, see {@link Reader.long}.)
 */
export class Long {
  static readonly ZERO = new Long(0, 0);
  static readonly MINUS_ONE = new Long(-1, -1);

  constructor(
    /** The upper 32 bits, as a signed int32. */
    readonly hi: number,
    /** The lower 32 bits, as a signed int32. */
    readonly lo: number,
  ) {}

  static fromBigInt(value: bigint): Long {
    return new Long(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
  }

  /** @param value - an integer within ±(2^53 - 1) */
  static fromNumber(value: number): Long {
    return new Long(Math.floor(value / 0x1_0000_0000) | 0, value | 0);
  }

  equals(other: Long): boolean {
    return this.hi === other.hi && this.lo === other.lo;
  }

  get isZero(): boolean {
    return this.hi === 0 && this.lo === 0;
  }

  /** Signed value. For the edges (printing, public API), not for hot paths. */
  toBigInt(): bigint {
    return (BigInt(this.hi) << 32n) | BigInt(this.lo >>> 0);
  }

  /** Lower-case hex without padding, as Java's `Long.toHexString`. */
  toHex(): string {
    const low = (this.lo >>> 0).toString(16);
    return this.hi === 0 ? low : (this.hi >>> 0).toString(16) + low.padStart(8, "0");
  }

  toString(): string {
    return `0x${this.toHex()}`;
  }
}
