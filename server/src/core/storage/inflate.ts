import { ProtocolError } from "@quoll/jute";
import type { Input } from "./snapshot-codec.js";

/**
 * Unpacks a DEFLATE stream (RFC 1951) piece by piece, from an input that is pulled, in memory that does not grow with the
 * stream. Node's own zlib unpacks either at once, which needs the whole snapshot twice in memory and ends at 4 GiB, or
 * with promises, which recovery does not have. It takes exactly the streams that zlib takes.
 *
 *   block   = 1 bit: the last one · 2 bits: kind · stored bytes, or symbols of a fixed or a transmitted code
 *   symbols = literal (0 to 255), end of the block (256), or length (257 to 285) and distance of what is repeated
 */
export class Inflater {
  /** What was unpacked lately: up to {@link at}; up to {@link WINDOW_SIZE} bytes of it may be repeated. */
  readonly bytes = new Uint8Array(4 * WINDOW_SIZE);
  at = 0;

  private readonly input: Uint8Array = new Uint8Array(INPUT_SIZE);
  private inputAt = 0;
  private inputEnd = 0;
  /** Bits of the input that were taken out of it and not used, the next one lowest. */
  private bitBuffer = 0;
  private bitCount = 0;

  private state: "head" | "stored" | "symbols" | "end" = "head";
  private isLast = false;
  /** Bytes of a stored block that are to come. */
  private storedLeft = 0;
  private readonly ownLiterals = new Code(LITERALS_MAX + 2);
  private readonly ownDistances = new Code(DISTANCES_MAX + 2);
  private readonly ownLengths = new Code(LENGTH_ORDER.length);
  private literals = this.ownLiterals;
  private distances = this.ownDistances;

  constructor(private readonly pull: Input) {}

  /** Whether the stream has ended; what follows it is had by {@link byte}. */
  get isEnd(): boolean {
    return this.state === "end";
  }

  /** Forgets what was unpacked: another stream begins here. */
  begin(): void {
    this.at = 0;
    this.state = "head";
  }

  /**
   * Unpacks some more, unless the stream has ended.
   * @returns where in {@link bytes} that begins; it ends at {@link at}
   * @throws ProtocolError when the stream is malformed or ends early
   */
  next(): number {
    if (this.at > 2 * WINDOW_SIZE) {
      this.bytes.copyWithin(0, this.at - WINDOW_SIZE, this.at);
      this.at = WINDOW_SIZE;
    }
    const from = this.at;
    while (this.at === from && this.state !== "end") {
      if (this.state === "head") this.readBlockHead();
      else if (this.state === "stored") this.copyStored();
      else this.readSymbols();
    }
    return from;
  }

  /** The next whole byte of the input, outside of blocks, or -1 at its end. */
  byte(): number {
    this.bitBuffer >>>= this.bitCount & 7;
    this.bitCount &= ~7;
    this.refill();
    return this.bitCount === 0 ? -1 : this.bits(8);
  }

  private readBlockHead(): void {
    this.isLast = this.bits(1) === 1;
    switch (this.bits(2)) {
      case 0: {
        const length = this.wholeByte() | (this.wholeByte() << 8);
        const check = this.wholeByte() | (this.wholeByte() << 8);
        if (length !== (~check & 0xffff)) throw malformed("a stored block's length twice");
        this.storedLeft = length;
        this.state = "stored";
        return;
      }
      case 1:
        this.literals = FIXED_LITERALS;
        this.distances = FIXED_DISTANCES;
        break;
      case 2:
        this.readCodes();
        break;
      default:
        throw malformed("a kind of block");
    }
    this.state = "symbols";
  }

  private endBlock(): void {
    this.state = this.isLast ? "end" : "head";
  }

  private copyStored(): void {
    const { bytes } = this;
    let count = Math.min(this.storedLeft, bytes.length - this.at);
    this.storedLeft -= count;
    for (; count > 0 && this.bitCount > 0; count--) bytes[this.at++] = this.bits(8);
    while (count > 0) {
      if (this.inputAt === this.inputEnd && !this.pullInput()) throw malformed("the rest of a stored block");
      const part = Math.min(count, this.inputEnd - this.inputAt);
      bytes.set(this.input.subarray(this.inputAt, this.inputAt + part), this.at);
      this.inputAt += part;
      this.at += part;
      count -= part;
    }
    if (this.storedLeft === 0) this.endBlock();
  }

  private readSymbols(): void {
    const { bytes, literals, distances } = this;
    const limit = bytes.length - REPEAT_MAX;
    let { at } = this;
    while (at < limit) {
      const symbol = this.symbol(literals);
      if (symbol < END_OF_BLOCK) {
        bytes[at++] = symbol;
        continue;
      }
      if (symbol === END_OF_BLOCK) {
        this.endBlock();
        break;
      }
      const lengthCode = symbol - END_OF_BLOCK - 1;
      if (lengthCode >= LENGTH_BASE.length) throw malformed("a length");
      const length = LENGTH_BASE[lengthCode] + this.bits(LENGTH_BITS[lengthCode]);
      const distanceCode = this.symbol(distances);
      if (distanceCode >= DISTANCE_BASE.length) throw malformed("a distance");
      const distance = DISTANCE_BASE[distanceCode] + this.bits(DISTANCE_BITS[distanceCode]);
      if (distance > at) throw malformed("a distance to what was unpacked before");
      // What is repeated may overlap its copy.
      for (const end = at + length; at < end; at++) bytes[at] = bytes[at - distance];
    }
    this.at = at;
  }

  /** The two codes of a block: lengths of their symbols, which have a code of their own. */
  private readCodes(): void {
    const literalCount = this.bits(5) + 257;
    const distanceCount = this.bits(5) + 1;
    const lengthCount = this.bits(4) + 4;
    if (literalCount > LITERALS_MAX || distanceCount > DISTANCES_MAX) throw malformed("fewer symbols");
    const own = this.ownLengths;
    own.lengths.fill(0);
    for (let i = 0; i < lengthCount; i++) own.lengths[LENGTH_ORDER[i]] = this.bits(3);
    own.build(LENGTH_ORDER.length, false);
    const lengths = new Uint8Array(literalCount + distanceCount);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.symbol(own);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw malformed("a length to repeat");
      const length = symbol === 16 ? lengths[i - 1] : 0;
      const count = symbol === 16 ? 3 + this.bits(2) : symbol === 17 ? 3 + this.bits(3) : 11 + this.bits(7);
      if (i + count > lengths.length) throw malformed("fewer repeated lengths");
      lengths.fill(length, i, i + count);
      i += count;
    }
    if (lengths[END_OF_BLOCK] === 0) throw malformed("a code for the block's end");
    this.literals = this.ownLiterals;
    this.distances = this.ownDistances;
    this.literals.lengths.set(lengths.subarray(0, literalCount));
    this.literals.build(literalCount, true);
    this.distances.lengths.set(lengths.subarray(literalCount));
    this.distances.build(distanceCount, true);
  }

  private symbol(code: Code): number {
    if (this.bitCount < CODE_BITS_MAX) this.refill();
    const entry = code.table[this.bitBuffer & code.mask];
    const length = entry & 15;
    if (length === 0) throw malformed("a symbol of the code");
    this.drop(length);
    return entry >>> 4;
  }

  private bits(count: number): number {
    if (count === 0) return 0;
    if (this.bitCount < count) this.refill();
    const value = this.bitBuffer & ((1 << count) - 1);
    this.drop(count);
    return value;
  }

  private drop(count: number): void {
    if (count > this.bitCount) throw malformed("the rest of the stream");
    this.bitBuffer >>>= count;
    this.bitCount -= count;
  }

  private wholeByte(): number {
    const byte = this.byte();
    if (byte < 0) throw malformed("the rest of the stream");
    return byte;
  }

  private refill(): void {
    while (this.bitCount <= 24) {
      if (this.inputAt === this.inputEnd && !this.pullInput()) return;
      this.bitBuffer |= this.input[this.inputAt++] << this.bitCount;
      this.bitCount += 8;
    }
  }

  private pullInput(): boolean {
    this.inputAt = 0;
    this.inputEnd = this.pull(this.input, 0, this.input.length);
    return this.inputEnd > 0;
  }
}

/** A Huffman code, as a table by the next bits of the stream. */
class Code {
  readonly lengths: Uint8Array;
  /** symbol << 4 | length; 0 where no symbol begins so. */
  table = new Uint16Array(0);
  mask = 0;

  constructor(symbols: number) {
    this.lengths = new Uint8Array(symbols);
  }

  /**
   * Makes the table for the first `count` of {@link lengths}.
   * @param mayBeSingle - a single symbol, which leaves half of the code unused, is all right
   */
  build(count: number, mayBeSingle: boolean): void {
    const { lengths } = this;
    const counts = new Uint16Array(CODE_BITS_MAX + 1);
    for (let i = 0; i < count; i++) counts[lengths[i]]++;
    let longest = CODE_BITS_MAX;
    while (longest > 0 && counts[longest] === 0) longest--;
    const next = new Uint16Array(CODE_BITS_MAX + 2);
    let left = 1;
    for (let length = 1; length <= CODE_BITS_MAX; length++) {
      left = 2 * left - counts[length];
      if (left < 0) throw malformed("a code with fewer symbols");
      next[length + 1] = (next[length] + counts[length]) << 1;
    }
    // A code without any symbol is refused when it is used.
    if (left > 0 && longest > 0 && !(mayBeSingle && longest === 1)) throw malformed("a complete code");
    const size = 1 << longest;
    if (this.table.length < size) this.table = new Uint16Array(size);
    else this.table.fill(0, 0, size);
    this.mask = size - 1;
    for (let symbol = 0; symbol < count; symbol++) {
      const length = lengths[symbol];
      if (length === 0) continue;
      // Codes are sent highest bit first, everything else lowest bit first.
      for (let i = reversed(next[length]++, length); i < size; i += 1 << length) {
        this.table[i] = (symbol << 4) | length;
      }
    }
  }
}

function reversed(code: number, length: number): number {
  let result = 0;
  for (let i = 0; i < length; i++) result |= ((code >>> i) & 1) << (length - 1 - i);
  return result;
}

function malformed(expected: string): ProtocolError {
  return new ProtocolError("deflate stream", 0, expected, "something else");
}

const WINDOW_SIZE = 32 * 1024;
const INPUT_SIZE = 64 * 1024;
const REPEAT_MAX = 258;
const CODE_BITS_MAX = 15;
const END_OF_BLOCK = 256;
const LITERALS_MAX = 286;
const DISTANCES_MAX = 30;
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const LENGTH_BASE = [...bases(LENGTH_BITS.slice(0, -1), 3), REPEAT_MAX];
const DISTANCE_BITS = Array.from({ length: DISTANCES_MAX }, (_, code) => Math.max(0, (code >> 1) - 1));
const DISTANCE_BASE = bases(DISTANCE_BITS, 1);
const FIXED_LITERALS = fixedCode([144, 8], [112, 9], [24, 7], [8, 8]);
const FIXED_DISTANCES = fixedCode([32, 5]);

/** Where each code's values begin, when each has so many bits behind it. */
function bases(bits: readonly number[], first: number): number[] {
  let value = first;
  return bits.map((count) => {
    const base = value;
    value += 1 << count;
    return base;
  });
}

function fixedCode(...runs: readonly (readonly [count: number, length: number])[]): Code {
  const code = new Code(runs.reduce((sum, [count]) => sum + count, 0));
  let at = 0;
  for (const [count, length] of runs) code.lengths.fill(length, at, (at += count));
  code.build(at, false);
  return code;
}
