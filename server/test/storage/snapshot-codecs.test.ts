import { gunzipSync, gzipSync } from "node:zlib";
import { ProtocolError } from "@quoll/jute";
import fc from "fast-check";
import { compressSync, uncompressSync } from "snappy";
import { describe, expect, test } from "vitest";
import { decodeSnappyBlock, storeSnappyBlock } from "../../src/core/storage/snappy-block.js";
import type { Input } from "../../src/core/storage/snapshot-codec.js";
import { snapshotCodecs } from "../../src/node/disk/snapshot-codecs.js";

function compress(codec: "gz" | "snappy", pieces: readonly Uint8Array[]): Buffer {
  const out: Buffer[] = [];
  const compressor = snapshotCodecs[codec].compressor((bytes, start, end) =>
    out.push(Buffer.from(bytes.slice(start, end))),
  );
  for (const piece of pieces) compressor.write(piece, 0, piece.length);
  compressor.finish();
  return Buffer.concat(out);
}

/** Hands out at most `step` bytes at a time. */
function inputOf(bytes: Uint8Array, step: number): Input {
  let at = 0;
  return (into, start, end) => {
    const count = Math.min(step, end - start, bytes.length - at);
    into.set(bytes.subarray(at, at + count), start);
    at += count;
    return count;
  };
}

function decompress(codec: "gz" | "snappy", bytes: Uint8Array, step: number): Buffer {
  const read = snapshotCodecs[codec].decompress(inputOf(bytes, step));
  const out: Buffer[] = [];
  const window = new Uint8Array(1000);
  for (;;) {
    const count = read(window, 0, window.length);
    if (count === 0) return Buffer.concat(out);
    out.push(Buffer.from(window.slice(0, count)));
  }
}

const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 6 });

describe.each(["gz", "snappy"] as const)("%s", (codec) => {
  test("what is compressed in pieces comes back", () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 5000 }), (input, step) => {
        expect(decompress(codec, compress(codec, input), step).equals(Buffer.concat(input))).toBe(true);
      }),
      { numRuns: 100, seed: 3 },
    );
    const large = Buffer.alloc(3_000_000, "a znode and another znode ");
    expect(decompress(codec, compress(codec, [large]), 65_536).equals(large)).toBe(true);
  });

  test("a stream that was cut off is refused, or ends early", () => {
    const whole = Buffer.alloc(100_000, "some data that compresses");
    const packed = compress(codec, [whole]);
    for (let length = 0; length < packed.length; length += 1 + (length >> 3)) {
      let got: Buffer;
      try {
        got = decompress(codec, packed.subarray(0, length), 100);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        continue;
      }
      expect(got.length).toBeLessThan(whole.length);
    }
  });

  test("anything else is refused", () => {
    expect(() => decompress(codec, Buffer.from("neither of the two formats"), 100)).toThrow(ProtocolError);
  });
});

test("gz: any gunzip reads ours as one stream, and we read any gzip's, several members included", () => {
  const input = [Buffer.from("first piece "), Buffer.alloc(100_000, 1), Buffer.from(" last piece")];
  expect(gunzipSync(compress("gz", input)).equals(Buffer.concat(input))).toBe(true);
  const members = Buffer.concat(input.map((piece) => gzipSync(piece)));
  expect(decompress("gz", members, 777).equals(Buffer.concat(input))).toBe(true);
});

test("snappy: the plain code and the native library read each other's blocks, and bad blocks are refused", () => {
  const some = fc.array(fc.constantFrom("abcdefgh", "abcd", "x", "a longer text that repeats "), {
    minLength: 1,
    maxLength: 400,
  });
  fc.assert(
    fc.property(some, (texts) => {
      const input = Buffer.from(texts.join(""));
      expect(Buffer.compare(decodeSnappyBlock(compressSync(input)), input)).toBe(0);
      expect(Buffer.compare(uncompressSync(storeSnappyBlock(input)) as Buffer, input)).toBe(0);
      expect(Buffer.compare(decodeSnappyBlock(storeSnappyBlock(input)), input)).toBe(0);
    }),
    { numRuns: 200, seed: 5 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        expect(decodeSnappyBlock(bytes).length).toBeLessThan(1 << 27);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 2000, seed: 6 },
  );
});

test("snappy: the stream starts as xerial's, and blocks hold 32 KiB", () => {
  const packed = compress("snappy", [Buffer.alloc(40_000)]);
  expect(packed.subarray(0, 16).toString("hex")).toBe("82534e4150505900" + "00000001" + "00000001");
  const length = packed.readInt32BE(16);
  // Raw snappy starts with the uncompressed length as a varint.
  expect(packed.subarray(20, 23).toString("hex")).toBe("808002");
  expect(packed.subarray(20 + length + 4, 20 + length + 6).toString("hex")).toBe("c038");
});

test("gz: a stream is unpacked in memory that does not grow with it", () => {
  const size = 64 << 20;
  const packed = gzipSync(Buffer.alloc(size));
  const read = snapshotCodecs.gz.decompress(inputOf(packed, packed.length));
  const window = new Uint8Array(1 << 16);
  const before = process.memoryUsage().arrayBuffers;
  let length = 0;
  let most = 0;
  for (let count = read(window, 0, window.length); count > 0; count = read(window, 0, window.length)) {
    length += count;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(length).toBe(size);
  expect(most).toBeLessThan(4 << 20);
});
