import { invariant } from "./errors.js";
import { Long } from "./long.js";
import { encodeUtf8, utf8Length } from "./utf8.js";

/** A growing buffer in the jute binary format. Reuse one writer: `reset()` keeps its memory. */
export class Writer {
  bytes: Uint8Array;
  /** Offset behind the last byte written. */
  at = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  reset(): void {
    this.at = 0;
  }

  /** What was written so far: a view that the next write may overwrite or detach. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  /** A copy of what was written so far. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.grow(count);
  }

  private grow(count: number): void {
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.at + count));
    bytes.set(this.bytes.subarray(0, this.at));
    this.bytes = bytes;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  bool(value: boolean): void {
    this.reserve(1);
    this.bytes[this.at++] = value ? 1 : 0;
  }

  int(value: number): void {
    this.reserve(4);
    const { bytes, at } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.at = at + 4;
  }

  /** Overwrites an int that was written before, for instance a length that is known only at the end. */
  patchInt(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  /** @param value - an integer within ±(2^53 - 1); anything else is our own bug and never reaches the bytes */
  long(value: number): void {
    invariant(Number.isSafeInteger(value), "a long must be an integer within 2^53");
    this.int(Math.floor(value / 0x1_0000_0000) | 0);
    this.int(value | 0);
  }

  bits(value: Long): void {
    this.int(value.hi);
    this.int(value.lo);
  }

  /** @param value - its lower 64 bits are written */
  bigint(value: bigint): void {
    this.bits(Long.fromBigInt(value));
  }

  float(value: number): void {
    this.reserve(4);
    new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 4).setFloat32(0, value);
    this.at += 4;
  }

  double(value: number): void {
    this.reserve(8);
    new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 8).setFloat64(0, value);
    this.at += 8;
  }

  string(value: string | null): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    // Nearly all strings are ASCII: write it as that, and begin again if it is not.
    const length = value.length;
    this.reserve(4 + length);
    const { bytes } = this;
    const start = this.at + 4;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.wideString(value);
        return;
      }
      bytes[start + i] = unit;
    }
    this.int(length);
    this.at += length;
  }

  private wideString(value: string): void {
    const length = utf8Length(value);
    this.int(length);
    this.reserve(length);
    this.at = encodeUtf8(value, this.bytes, this.at);
  }

  buffer(value: Uint8Array | null): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    this.span(value, 0, value.length);
  }

  /** Copies bytes as they are, without a length. */
  raw(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.reserve(length);
    if (length <= 64) {
      // A view costs more than copying a few bytes one by one.
      for (let i = start, at = this.at; i < end; i++, at++) this.bytes[at] = bytes[i];
    } else {
      this.bytes.set(bytes.subarray(start, end), this.at);
    }
    this.at += length;
  }

  /** A string or buffer whose bytes stand at `start` to `end` of `bytes`: its length, then the bytes. */
  span(bytes: Uint8Array, start: number, end: number): void {
    this.int(end - start);
    this.raw(bytes, start, end);
  }
}
