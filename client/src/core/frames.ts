import { ProtocolError } from "@quoll/jute";

/** What takes the frames of a connection. */
export interface FrameSink {
  /** A whole frame, without its length; valid only during the call. */
  frame(bytes: Uint8Array, start: number, end: number): void;
  /** A frame that is too long: its first {@link HEADER_BYTES} and its length. The rest is read over. */
  oversized(bytes: Uint8Array, start: number, lengthBytes: number): void;
}

/** The header of a reply: xid, zxid, err. */
export const HEADER_BYTES = 16;

/**
 * Cuts a stream into frames: an int32 length, then as many bytes. A frame that lies within one chunk is not copied.
 * Memory is bounded by the longest frame accepted.
 */
export class Frames {
  /** The beginning of a frame whose end has not come yet, its length included. */
  private partial: Uint8Array = new Uint8Array(4096);
  private partialLength = 0;
  /** Bytes of an oversized frame still to be read over. */
  private skip = 0;

  constructor(
    private readonly frameMax: number,
    private readonly sink: FrameSink,
  ) {}

  /** Forgets what has come so far: a new connection. */
  reset(): void {
    this.partialLength = 0;
    this.skip = 0;
    if (this.partial.length > KEEP_BYTES) this.partial = new Uint8Array(4096);
  }

  /** @throws {@link ProtocolError} for a negative length */
  push(bytes: Uint8Array): void {
    let at = 0;
    const end = bytes.length;
    while (at < end) {
      if (this.skip > 0) {
        const count = Math.min(this.skip, end - at);
        this.skip -= count;
        at += count;
      } else if (this.partialLength > 0 || end - at < 4) {
        at = this.complete(bytes, at);
      } else {
        const length = int(bytes, at);
        this.check(length);
        if (length <= end - at - 4 && length <= this.frameMax) {
          this.sink.frame(bytes, at + 4, at + 4 + length);
          at += 4 + length;
        } else {
          at = this.complete(bytes, at);
        }
      }
    }
  }

  /** Adds to the partial frame what it needs next; hands it on when it is whole. Returns the offset behind what it took. */
  private complete(bytes: Uint8Array, at: number): number {
    if (this.partialLength < 4) {
      const taken = this.take(bytes, at, 4);
      if (this.partialLength === 4) this.check(int(this.partial, 0));
      return taken;
    }
    const length = int(this.partial, 0);
    if (length > this.frameMax) {
      const taken = this.take(bytes, at, 4 + HEADER_BYTES);
      if (this.partialLength === 4 + HEADER_BYTES) {
        this.partialLength = 0;
        this.skip = length - HEADER_BYTES;
        this.sink.oversized(this.partial, 4, length);
      }
      return taken;
    }
    const taken = this.take(bytes, at, 4 + length);
    if (this.partialLength === 4 + length) {
      this.partialLength = 0;
      this.sink.frame(this.partial, 4, 4 + length);
      if (this.partial.length > KEEP_BYTES) this.partial = new Uint8Array(4096);
    }
    return taken;
  }

  private take(bytes: Uint8Array, at: number, wanted: number): number {
    const count = Math.min(wanted - this.partialLength, bytes.length - at);
    const needed = this.partialLength + count;
    if (needed > this.partial.length) {
      // Memory follows the bytes that have come, not the length that was announced.
      const larger = new Uint8Array(Math.min(Math.max(needed, this.partial.length * 2), Math.max(wanted, needed)));
      larger.set(this.partial.subarray(0, this.partialLength));
      this.partial = larger;
    }
    this.partial.set(bytes.subarray(at, at + count), this.partialLength);
    this.partialLength = needed;
    return at + count;
  }

  private check(length: number): void {
    // A frame that is too long must at least have the header that tells whose it is.
    if (length < 0) throw new ProtocolError("frame length", 0, "0 or more", String(length));
    if (length > this.frameMax && length < HEADER_BYTES) {
      throw new ProtocolError("frame length", 0, `at least ${HEADER_BYTES}`, String(length));
    }
  }
}

/** A buffer larger than this is given back after its frame. */
const KEEP_BYTES = 65_536;

function int(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
