import { ProtocolError } from "./errors.js";
import { Long } from "./long.js";
import { decodeUtf8 } from "./utf8.js";

/** What a decoder accepts at most. */
export interface Limits {
  /** Bytes of one string or buffer (ZooKeeper: `jute.maxbuffer` plus `jute.maxbuffer.extrasize`). */
  readonly bufferMax: number;
}

export const UNLIMITED: Limits = { bufferMax: 0x7fffffff };

/**
 * A cursor over bytes in the jute binary format (big-endian, lengths before contents, -1 for null).
 * Every read is checked against the bytes that remain before anything is allocated, and every failure is a
 * {@link ProtocolError}. One reader can be {@link reset} onto many frames.
 */
export class Reader {
  bytes: Uint8Array;
  /** Offset of the next byte to be read. */
  at: number;
  /** Offset behind the last byte that may be read. */
  end: number;

  constructor(
    bytes: Uint8Array,
    at = 0,
    end = bytes.length,
    readonly limits: Limits = UNLIMITED,
  ) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  reset(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  private need(what: string, count: number): void {
    if (this.end - this.at < count) {
      throw new ProtocolError(what, this.at, `${count} bytes`, `${this.end - this.at} that remain`);
    }
  }

  byte(): number {
    this.need("byte", 1);
    return (this.bytes[this.at++] << 24) >> 24;
  }

  /** Any byte but 0 is true, as for Java's DataInput. */
  bool(): boolean {
    this.need("boolean", 1);
    return this.bytes[this.at++] !== 0;
  }

  int(): number {
    this.need("int", 4);
    const { bytes, at } = this;
    this.at = at + 4;
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }

  /** A 64-bit count as a number. Values outside ±(2^53 - 1) are refused: nothing that counts gets there. */
  long(): number {
    const at = this.at;
    const hi = this.int();
    const lo = this.int();
    const value = hi * 0x1_0000_0000 + (lo >>> 0);
    if (!Number.isSafeInteger(value)) {
      throw new ProtocolError("long", at, "a count within 2^53", new Long(hi, lo).toString());
    }
    return value;
  }

  /** A 64-bit value that is bits. */
  bits(): Long {
    const hi = this.int();
    return new Long(hi, this.int());
  }

  /** A 64-bit value as a bigint: exact, but slow. For definitions whose users want it; Quoll's own use none. */
  bigint(): bigint {
    return this.bits().toBigInt();
  }

  float(): number {
    this.need("float", 4);
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 4);
    this.at += 4;
    return view.getFloat32(0);
  }

  double(): number {
    this.need("double", 8);
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 8);
    this.at += 8;
    return view.getFloat64(0);
  }

  /** Reads a length and checks it; -1 stands for null. The contents then start at {@link at}. */
  length(what: string): number {
    const at = this.at;
    const length = this.int();
    if (length === -1) return -1;
    if (length < 0 || length > this.limits.bufferMax) {
      throw new ProtocolError(`${what} length`, at, `-1 to ${this.limits.bufferMax}`, String(length));
    }
    if (length > this.end - this.at) {
      throw new ProtocolError(
        `${what} length`,
        at,
        `at most the ${this.end - this.at} bytes that remain`,
        String(length),
      );
    }
    return length;
  }

  string(): string | null {
    const length = this.length("string");
    if (length < 0) return null;
    const start = this.at;
    this.at = start + length;
    return decodeUtf8(this.bytes, start, this.at);
  }

  /** A view of the given bytes, not a copy: copy it if it must outlive them. */
  buffer(): Uint8Array | null {
    const length = this.length("buffer");
    if (length < 0) return null;
    const start = this.at;
    this.at = start + length;
    return this.bytes.subarray(start, this.at);
  }

  /**
   * The element count of a vector or map, or -1 for null. Java takes any count below -1 for an empty vector, so 0 stands
   * for those too.
   * @param elementMin - the fewest bytes an element can take; a count that cannot fit is refused before any allocation
   */
  count(elementMin: number): number {
    const at = this.at;
    const count = this.int();
    if (count < 0) return count === -1 ? -1 : 0;
    if (count * Math.max(elementMin, 1) > this.end - this.at) {
      throw new ProtocolError(
        "vector count",
        at,
        `-1 or what fits in the ${this.end - this.at} bytes that remain`,
        String(count),
      );
    }
    return count;
  }
}
