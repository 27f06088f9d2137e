import { createRequire } from "node:module";
import { constants, crc32, deflateRawSync } from "node:zlib";
import { ProtocolError } from "@quoll/jute";
import { Inflater } from "../../core/storage/inflate.js";
import { checkSnappyLength, decodeSnappyBlock, storeSnappyBlock } from "../../core/storage/snappy-block.js";
import type { Compressor, Input, Output, SnapshotCodec, SnapshotCodecs } from "../../core/storage/snapshot-codec.js";

/**
 * One gzip member. Each piece is deflated by itself up to a byte boundary; pieces that follow one another are one deflate
 * stream, so that nothing has to be kept between the calls and everything stays synchronous.
 */
const gzip: SnapshotCodec = {
  compressor(output: Output): Compressor {
    let checksum = 0;
    let length = 0;
    const put = (bytes: Uint8Array) => output(bytes, 0, bytes.length);
    // Magic, method deflate, no flags, no time, no extra flags, unknown system: what Java writes.
    put(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0));
    return {
      write(bytes, start, end) {
        if (start === end) return;
        const piece = bytes.subarray(start, end);
        checksum = crc32(piece, checksum);
        length += piece.length;
        put(deflateRawSync(piece, { finishFlush: constants.Z_SYNC_FLUSH }));
      },
      finish() {
        const trailer = new DataView(new ArrayBuffer(10));
        // The last block: empty, with fixed codes.
        trailer.setUint16(0, 0x0300);
        trailer.setUint32(2, checksum, true);
        trailer.setUint32(6, length % 0x1_0000_0000, true);
        put(new Uint8Array(trailer.buffer));
      },
    };
  },

  decompress(input: Input): Input {
    const members = new GzipMembers(input);
    return (into, start, end) => members.read(into, start, end);
  },
};

/** The contents of a gzip file: members one behind the other. As with Java, what follows and is no member's head is ignored. */
class GzipMembers {
  private readonly inflater: Inflater;
  /** The part of the inflater's bytes that was not handed on yet begins here. */
  private from = 0;
  private isFirst = true;
  private isEnd = false;
  private inMember = false;
  private checksum = 0;
  private length = 0;

  constructor(input: Input) {
    this.inflater = new Inflater(input);
  }

  read(into: Uint8Array, start: number, end: number): number {
    const { inflater } = this;
    while (this.from === inflater.at || !this.inMember) {
      if (this.isEnd) return 0;
      if (!this.inMember) this.begin();
      else if (inflater.isEnd) this.readTrailer();
      else this.unpack();
    }
    const count = Math.min(end - start, inflater.at - this.from);
    into.set(inflater.bytes.subarray(this.from, this.from + count), start);
    this.from += count;
    return count;
  }

  private unpack(): void {
    const { inflater } = this;
    this.from = inflater.next();
    this.checksum = crc32(inflater.bytes.subarray(this.from, inflater.at), this.checksum);
    this.length = (this.length + inflater.at - this.from) >>> 0;
  }

  /** The first member, or another one. */
  private begin(): void {
    try {
      this.readHeader();
    } catch (error) {
      if (this.isFirst || !(error instanceof ProtocolError)) throw error;
      this.isEnd = true;
      return;
    }
    this.isFirst = false;
    this.inflater.begin();
    this.from = this.checksum = this.length = 0;
    this.inMember = true;
  }

  private readHeader(): void {
    const { inflater } = this;
    if (inflater.byte() !== 0x1f || inflater.byte() !== 0x8b) throw malformedGzip("the magic number 1f 8b");
    if (inflater.byte() !== GZIP_DEFLATE) throw malformedGzip("the method deflate");
    const flags = inflater.byte();
    if (flags < 0 || (flags & 0xe0) !== 0) throw malformedGzip("flags that are known");
    let headChecksum = crc32(Uint8Array.of(0x1f, 0x8b, GZIP_DEFLATE, flags));
    const byte = () => {
      const value = this.byte();
      headChecksum = crc32(Uint8Array.of(value), headChecksum);
      return value;
    };
    // Time, extra flags, system.
    for (let i = 0; i < 6; i++) byte();
    if ((flags & GzipFlag.extra) !== 0) for (let left = byte() | (byte() << 8); left > 0; left--) byte();
    if ((flags & GzipFlag.name) !== 0) while (byte() !== 0);
    if ((flags & GzipFlag.comment) !== 0) while (byte() !== 0);
    if ((flags & GzipFlag.headChecksum) !== 0) {
      const expected = headChecksum & 0xffff;
      if ((this.byte() | (this.byte() << 8)) !== expected) throw malformedGzip("the checksum of the header");
    }
  }

  private readTrailer(): void {
    if (this.int() !== this.checksum) throw malformedGzip("the checksum of the contents");
    if (this.int() !== this.length) throw malformedGzip("the length of the contents");
    this.inMember = false;
  }

  private int(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 8) value |= this.byte() << shift;
    return value >>> 0;
  }

  private byte(): number {
    const value = this.inflater.byte();
    if (value < 0) throw malformedGzip("the rest of the stream");
    return value;
  }
}

const GZIP_DEFLATE = 8;
const GzipFlag = { headChecksum: 2, extra: 4, name: 8, comment: 16 } as const;

function malformedGzip(expected: string): ProtocolError {
  return new ProtocolError("gzip stream", 0, expected, "something else");
}

const SNAPPY_BLOCK_SIZE = 32 * 1024;
/** The largest block that a stream may announce; xerial's writer uses 32 KiB unless told otherwise. */
const SNAPPY_BLOCK_MAX = 64 << 20;
const SNAPPY_HEADER_SIZE = 16;

/**
 * The stream of xerial's SnappyOutputStream: magic 82 "SNAPPY" 00, int version 1, int compatible version 1, then blocks of
 * int length and that many bytes of raw snappy, each for 32 KiB of input.
 */
const snappy: SnapshotCodec = {
  compressor(output: Output): Compressor {
    const block = new Uint8Array(SNAPPY_BLOCK_SIZE);
    let filled = 0;
    output(snappyHeader(), 0, SNAPPY_HEADER_SIZE);
    const putBlock = () => {
      if (filled === 0) return;
      const packed = blocks().compress(block.subarray(0, filled));
      const framed = new Uint8Array(4 + packed.length);
      new DataView(framed.buffer).setInt32(0, packed.length);
      framed.set(packed, 4);
      output(framed, 0, framed.length);
      filled = 0;
    };
    return {
      write(bytes, start, end) {
        for (let at = start; at < end; ) {
          const count = Math.min(SNAPPY_BLOCK_SIZE - filled, end - at);
          block.set(bytes.subarray(at, at + count), filled);
          filled += count;
          at += count;
          if (filled === SNAPPY_BLOCK_SIZE) putBlock();
        }
      },
      finish: putBlock,
    };
  },

  decompress(input: Input): Input {
    let block: Uint8Array | null = null;
    let at = 0;
    let started = false;
    return (into, start, end) => {
      if (!started) {
        readSnappyHeader(input);
        started = true;
      }
      while (block === null || at === block.length) {
        block = readSnappyBlock(input);
        at = 0;
        if (block === null) return 0;
      }
      const count = Math.min(end - start, block.length - at);
      into.set(block.subarray(at, at + count), start);
      at += count;
      return count;
    };
  },
};

interface SnappyBlocks {
  compress(input: Uint8Array): Uint8Array;
  decompress(block: Uint8Array): Uint8Array;
}

let loadedBlocks: SnappyBlocks | null = null;

/** The native library, loaded when it is first needed; our own plain code where it has no binary. */
function blocks(): SnappyBlocks {
  if (loadedBlocks !== null) return loadedBlocks;
  try {
    const native = createRequire(import.meta.url)("snappy") as typeof import("snappy");
    loadedBlocks = {
      compress: (input) => native.compressSync(input),
      decompress: (block) => native.uncompressSync(block) as Buffer,
    };
  } catch {
    loadedBlocks = { compress: storeSnappyBlock, decompress: decodeSnappyBlock };
  }
  return loadedBlocks;
}

export const snapshotCodecs: SnapshotCodecs = { gz: gzip, snappy };

function snappyHeader(): Uint8Array {
  return Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1);
}

function readSnappyHeader(input: Input): void {
  const header = new Uint8Array(SNAPPY_HEADER_SIZE);
  const got = readFully(input, header);
  const expected = snappyHeader();
  for (let i = 0; i < 8; i++) {
    if (got < SNAPPY_HEADER_SIZE || header[i] !== expected[i]) {
      throw new ProtocolError("snappy stream", i, "the header of a snappy stream", "something else");
    }
  }
}

/** @returns the next block, or null at the end of the stream */
function readSnappyBlock(input: Input): Uint8Array | null {
  const head = new Uint8Array(4);
  const got = readFully(input, head);
  if (got === 0) return null;
  const length = new DataView(head.buffer).getInt32(0);
  if (got < 4 || length < 0 || length > SNAPPY_BLOCK_MAX) {
    throw new ProtocolError("snappy block length", 0, `0 to ${SNAPPY_BLOCK_MAX}`, String(length));
  }
  const packed = readUpTo(input, length);
  if (packed.length < length) throw new ProtocolError("snappy block", 0, `${length} bytes`, "the end of the file");
  // The native library makes room for whatever length the block announces.
  checkSnappyLength(packed);
  return refuse("snappy block", () => blocks().decompress(packed));
}

/** @returns how many bytes were read; fewer than `into` has only at the end */
function readFully(input: Input, into: Uint8Array): number {
  let at = 0;
  while (at < into.length) {
    const count = input(into, at, into.length);
    if (count === 0) break;
    at += count;
  }
  return at;
}

/** Reads `count` bytes, or as many as there are: a count that lies must not make us allocate more than the file has. */
function readUpTo(input: Input, count: number): Uint8Array {
  let bytes = new Uint8Array(Math.min(count, 2 * SNAPPY_BLOCK_SIZE));
  let length = 0;
  while (length < count) {
    if (length === bytes.length) {
      const larger = new Uint8Array(Math.min(count, 2 * length));
      larger.set(bytes);
      bytes = larger;
    }
    const got = input(bytes, length, bytes.length);
    if (got === 0) break;
    length += got;
  }
  return bytes.subarray(0, length);
}

/** What a library throws at malformed input is a ProtocolError here. */
function refuse(what: string, body: () => Uint8Array): Uint8Array {
  try {
    return body();
  } catch (error) {
    throw new ProtocolError(what, 0, "well-formed input", (error as Error).message);
  }
}
