import { ProtocolError } from "@quoll/jute";

/**
 * Raw snappy blocks in plain code, for machines that the native library has no binary for: it reads everything, and writes
 * blocks that are valid but not smaller than their input.
 *
 *   block   = varint length of the input · element*
 *   element = literal: tag with 00 in the low bits, length - 1 above (60 to 63: in the next 1 to 4 bytes), the bytes
 *           | copy:    tag with 01, 10 or 11, length and distance into what was written before
 */

/** What a byte of a block can become at most: three bytes make 64. A length that lies must not make us allocate more. */
const OUTPUT_PER_BYTE_MAX = 22;

/** @throws ProtocolError when the block announces an output that it cannot have */
export function checkSnappyLength(block: Uint8Array): void {
  readLength(block);
}

/** @throws ProtocolError when the block is malformed */
export function decodeSnappyBlock(block: Uint8Array): Uint8Array {
  const { length, behind } = readLength(block);
  let at = behind;
  const out = new Uint8Array(length);
  let to = 0;
  while (at < block.length) {
    const tag = block[at++];
    if ((tag & 3) === 0) {
      let size = tag >> 2;
      if (size >= 60) {
        const bytes = size - 59;
        if (at + bytes > block.length) throw malformed(at, "a literal's length");
        size = littleEndian(block, at, bytes);
        at += bytes;
      }
      size++;
      if (at + size > block.length || to + size > length) throw malformed(at, "a literal that fits");
      out.set(block.subarray(at, at + size), to);
      at += size;
      to += size;
      continue;
    }
    const bytes = (tag & 3) === 3 ? 4 : tag & 3;
    if (at + bytes > block.length) throw malformed(at, "a copy's distance");
    const isShort = bytes === 1;
    const size = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const distance = littleEndian(block, at, bytes) + (isShort ? (tag >> 5) * 256 : 0);
    at += bytes;
    if (distance === 0 || distance > to || to + size > length) throw malformed(at, "a copy of what was written before");
    // A copy may overlap what it writes: then it repeats.
    for (let i = 0; i < size; i++, to++) out[to] = out[to - distance];
  }
  if (to !== length) throw malformed(at, `${length} bytes of output`);
  return out;
}

function readLength(block: Uint8Array): { length: number; behind: number } {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    if (at >= block.length || shift > 28) throw malformed(at, "a length");
    const byte = block[at++];
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (length > OUTPUT_PER_BYTE_MAX * block.length) throw malformed(0, "a length that its bytes can make");
  return { length, behind: at };
}

/** @param input - 1 byte to 64 KiB */
export function storeSnappyBlock(input: Uint8Array): Uint8Array {
  const { length } = input;
  const block = new Uint8Array(length + 6);
  let at = 0;
  let left = length;
  for (; left >= 0x80; left >>>= 7) block[at++] = left | 0x80;
  block[at++] = left;
  block[at++] = 61 << 2;
  block[at++] = (length - 1) & 0xff;
  block[at++] = (length - 1) >> 8;
  block.set(input, at);
  return block.subarray(0, at + length);
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
  return value;
}

function malformed(at: number, expected: string): ProtocolError {
  return new ProtocolError("snappy block", at, expected, "something else");
}
