/**
 * The fixed-size part of every znode: a row of {@link ROW_WORDS} int32 words, in chunks of {@link CHUNK_ROWS} rows.
 *
 * | word | content |
 * |---|---|
 * | 0 | row of the parent; in a free row: the next free row |
 * | 1, 2 | next and previous sibling (no row: -1) |
 * | 3, 4 | first child, number of children; in a free row: -1 children |
 * | 5–14 | czxid, mzxid, pzxid, ctime, mtime; upper half first |
 * | 15, 16, 17 | version, cversion (counts creates), aversion |
 * | 18 | ACL id |
 * | 19 | blob of ephemeralOwner, name and data |
 * | 20 | length of the data, -1 when it is null |
 * | 21 | unfinished hash of the full path |
 * | 22 | digest (CRC32) of the znode, 0 where it does not count |
 *
 * Words 5 to 17 are the stat in the order in which a digest takes it.
 */
export const ROW_WORDS = 23;
export const PARENT = 0;
export const NEXT = 1;
export const PREVIOUS = 2;
export const FIRST_CHILD = 3;
export const CHILD_COUNT = 4;
export const CZXID = 5;
export const MZXID = 7;
export const PZXID = 9;
export const CTIME = 11;
export const MTIME = 13;
export const VERSION = 15;
export const CVERSION = 16;
export const AVERSION = 17;
export const ACL = 18;
export const BLOB = 19;
export const DATA_LENGTH = 20;
export const HASH = 21;
export const DIGEST = 22;

/** Copying a chunk is the longest pause that a freeze costs a write: 4096 rows are 368 KiB, about 0.1 ms. */
export const CHUNK_SHIFT = 12;
export const CHUNK_ROWS = 1 << CHUNK_SHIFT;
export const CHUNK_MASK = CHUNK_ROWS - 1;

/** Reads a 64-bit count from two words. */
export function wide(chunk: Int32Array, at: number): number {
  return chunk[at] * 0x1_0000_0000 + (chunk[at + 1] >>> 0);
}

export function setWide(chunk: Int32Array, at: number, value: number): void {
  chunk[at] = Math.floor(value / 0x1_0000_0000);
  chunk[at + 1] = value;
}

/**
 * Rows by number. Whoever writes to a row asks for its chunk through {@link writable}, which copies the chunk first if
 * a frozen view of the tree still reads it.
 */
export class RowStore {
  readonly chunks: Int32Array[] = [];
  /** Per chunk: a frozen view reads it. */
  private readonly shared: boolean[] = [];
  private sharing = false;
  private freeRow = -1;
  /** Behind the highest row that was ever in use. */
  end = 0;
  /** Rows in use. */
  count = 0;

  /** @returns a row whose words are undefined */
  allocate(): number {
    this.count++;
    if (this.freeRow >= 0) {
      const row = this.freeRow;
      this.freeRow = this.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + PARENT];
      return row;
    }
    const row = this.end++;
    if (row >> CHUNK_SHIFT === this.chunks.length) {
      this.chunks.push(new Int32Array(new SharedArrayBuffer(CHUNK_ROWS * ROW_WORDS * 4)));
      this.shared.push(false);
    }
    return row;
  }

  free(row: number): void {
    const chunk = this.writable(row);
    const base = (row & CHUNK_MASK) * ROW_WORDS;
    chunk[base + PARENT] = this.freeRow;
    chunk[base + CHILD_COUNT] = -1;
    this.freeRow = row;
    this.count--;
  }

  /** Of a row that was in use at some time. */
  isUsed(row: number): boolean {
    return this.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + CHILD_COUNT] >= 0;
  }

  /** The chunk of `row`, for writing. References to it that were taken before are stale. */
  writable(row: number): Int32Array {
    const index = row >> CHUNK_SHIFT;
    if (this.sharing && this.shared[index]) return this.unshare(index);
    return this.chunks[index];
  }

  private unshare(index: number): Int32Array {
    const copy = new Int32Array(new SharedArrayBuffer(CHUNK_ROWS * ROW_WORDS * 4));
    copy.set(this.chunks[index]);
    this.chunks[index] = copy;
    this.shared[index] = false;
    return copy;
  }

  /** From now on every present chunk is copied before it changes. */
  share(): void {
    this.sharing = true;
    this.shared.fill(true);
  }

  /** No frozen view is left. */
  unshareAll(): void {
    this.sharing = false;
    this.shared.fill(false);
  }
}
