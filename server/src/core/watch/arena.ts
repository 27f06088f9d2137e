const CHUNK_BITS = 16;
const CHUNK_WORDS = 1 << CHUNK_BITS;
const OFFSET_MASK = CHUNK_WORDS - 1;
/** Up to this many words, a free block is only reused for a block of exactly its size. */
const EXACT_WORDS = 256;
const NONE = -1;

/** Every block has room for what the free list writes into it. */
const BLOCK_WORDS_MIN = 4;

/**
 * Blocks of 32-bit words in a few large chunks: small things by the million that the garbage collector never sees.
 *
 * A block is named by its ref, a number >= 0: `ints[chunkOf(ref)]` from index `offsetOf(ref)`. A freed block has -1 as
 * its first word until it is handed out again, and refs always name the start of a block, so that a holder of an old ref
 * can tell that its block is gone, or that another block of the same arena took its place.
 *
 * Chunks grow one at a time (no copying, no slack of a doubled array) and are only given back all together: an owner
 * whose arena is mostly free moves to a new one.
 */
export class Arena {
  readonly ints: Int32Array[] = [];
  /** The same memory as bytes. */
  readonly bytes: Uint8Array[] = [];
  /** Words in blocks that are in use, and in blocks that wait for reuse. */
  usedWords = 0;
  freeWords = 0;
  private readonly free = new Int32Array(EXACT_WORDS + 4 * 32).fill(NONE);
  private current = NONE;
  private top = CHUNK_WORDS;

  /** How many words a block asked for with `words` really has. Above 256 words, sizes come in steps of a quarter octave. */
  static size(words: number): number {
    if (words <= EXACT_WORDS) return Math.max(words, BLOCK_WORDS_MIN);
    const step = 1 << (29 - Math.clz32(words));
    return Math.ceil(words / step) * step;
  }

  /** @returns the ref of a block with {@link Arena.size} words, whose contents are undefined */
  alloc(words: number): number {
    const size = Arena.size(words);
    this.usedWords += size;
    const sizeClass = classOf(size);
    const reused = this.free[sizeClass];
    if (reused !== NONE) {
      this.free[sizeClass] = this.ints[chunkOf(reused)][offsetOf(reused) + 1];
      this.freeWords -= size;
      return reused;
    }
    if (size > CHUNK_WORDS) return this.addChunk(size) << CHUNK_BITS;
    if (this.top + size > CHUNK_WORDS) {
      this.current = this.addChunk(CHUNK_WORDS);
      this.top = 0;
    }
    const ref = (this.current << CHUNK_BITS) | this.top;
    this.top += size;
    return ref;
  }

  /** Gives a block back. `words` is what {@link alloc} was asked for, or the block's size. */
  release(ref: number, words: number): void {
    const size = Arena.size(words);
    const sizeClass = classOf(size);
    const ints = this.ints[chunkOf(ref)];
    const at = offsetOf(ref);
    ints[at] = NONE;
    ints[at + 1] = this.free[sizeClass];
    this.free[sizeClass] = ref;
    this.usedWords -= size;
    this.freeWords += size;
  }

  /** Bytes taken from the machine. */
  get byteLength(): number {
    let sum = 0;
    for (const chunk of this.ints) sum += chunk.byteLength;
    return sum;
  }

  private addChunk(words: number): number {
    const chunk = new Int32Array(words);
    this.ints.push(chunk);
    this.bytes.push(new Uint8Array(chunk.buffer));
    return this.ints.length - 1;
  }
}

export function chunkOf(ref: number): number {
  return ref >>> CHUNK_BITS;
}

export function offsetOf(ref: number): number {
  return ref & OFFSET_MASK;
}

function classOf(size: number): number {
  if (size <= EXACT_WORDS) return size;
  const octave = 31 - Math.clz32(size);
  return EXACT_WORDS + 4 * octave + ((size >>> (octave - 2)) & 3);
}
