import { CHUNK_MASK, CHUNK_SHIFT, HASH, ROW_WORDS, type RowStore } from "./row-store.js";

const SLOTS_MIN = 1024;
const EMPTY = 0;
const TOMB = -1;
/** Rows moved per insert. All are moved long before the new table, twice as large, fills up. */
const ROWS_PER_STEP = 16;

/**
 * Continues a path's hash over more of its bytes, so that a child's hash starts from its parent's. Seeded, since clients
 * choose the paths.
 */
export function hashPath(hash: number, bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash;
}

function spread(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Compares a row's full path. */
export interface PathMatcher {
  matches(row: number, bytes: Uint8Array, start: number, end: number): boolean;
  haveSamePath(row: number, other: number): boolean;
}

/**
 * Rows by the hash of their path: open addressing, linear probing. A slot holds row + 1, which is less than the number of
 * slots, and in the bits above that what the hash has there, so that few rows are looked at in vain. The table grows a
 * few rows per insert while both tables are searched, so that no insert ever pays for a million others.
 */
export class PathTable {
  private slots = new Int32Array(SLOTS_MIN);
  private mask = SLOTS_MIN - 1;
  /** The table before, while it grows. What was moved stands in both; what was removed since is a tomb in this one. */
  private old: Int32Array | null = null;
  /** The rows below are in the new table. Rows are moved in their order, since they lie far apart by hash. */
  private movedTo = 0;
  private used = 0;

  constructor(
    private readonly rows: RowStore,
    private readonly matcher: PathMatcher,
  ) {}

  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const row = this.probe(this.slots, hash, bytes, start, end);
    if (row >= 0 || this.old === null) return row;
    return this.probe(this.old, hash, bytes, start, end);
  }

  private probe(slots: Int32Array, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const { chunks } = this.rows;
    const mask = slots.length - 1;
    const spreadHash = spread(hash);
    for (let slot = spreadHash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot];
      if (entry === EMPTY) return -1;
      if (((entry ^ spreadHash) & ~mask) !== 0 || entry === TOMB) continue;
      const row = (entry & mask) - 1;
      if (chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + HASH] !== hash) continue;
      if (this.matcher.matches(row, bytes, start, end)) return row;
    }
  }

  /**
   * Adds all rows from `from` on at once, growing no more than once.
   * @returns false when a path is in the table already
   */
  insertAll(from: number): boolean {
    while (this.old !== null) this.moveSome();
    this.used += this.rows.end - from;
    let size = this.slots.length;
    while (this.used * 4 > size * 3) size *= 2;
    if (size > this.slots.length) {
      this.startGrowing(size);
      while (this.movedTo < from) this.moveNext();
      this.old = null;
    }
    for (let row = from; row < this.rows.end; row++) if (!this.placeNew(row)) return false;
    return true;
  }

  private placeNew(row: number): boolean {
    const { slots, mask } = this;
    const hash = this.hashOf(row);
    const spreadHash = spread(hash);
    let slot = spreadHash & mask;
    for (; slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      if (((slots[slot] ^ spreadHash) & ~mask) !== 0) continue;
      const other = (slots[slot] & mask) - 1;
      if (this.hashOf(other) === hash && this.matcher.haveSamePath(row, other)) return false;
    }
    slots[slot] = (spreadHash & ~mask) | (row + 1);
    return true;
  }

  /** Adds a row whose path is not in the table. */
  insert(row: number, hash: number): void {
    if (this.old !== null) this.moveSome();
    else if (this.used * 4 >= this.slots.length * 3) this.startGrowing(this.slots.length * 2);
    this.used++;
    this.place(row, hash);
  }

  private startGrowing(size: number): void {
    this.old = this.slots;
    this.movedTo = 0;
    this.slots = new Int32Array(size);
    this.mask = size - 1;
  }

  /** Does nothing when the row is there. */
  private place(row: number, hash: number): void {
    const { slots, mask } = this;
    const spreadHash = spread(hash);
    const entry = (spreadHash & ~mask) | (row + 1);
    let slot = spreadHash & mask;
    while (slots[slot] !== EMPTY && slots[slot] !== entry) slot = (slot + 1) & mask;
    slots[slot] = entry;
  }

  private moveSome(): void {
    const to = Math.min(this.movedTo + ROWS_PER_STEP, this.rows.end);
    while (this.movedTo < to) this.moveNext();
    if (to === this.rows.end) this.old = null;
  }

  private moveNext(): void {
    const row = this.movedTo++;
    if (row > 0 && this.rows.isUsed(row)) this.place(row, this.hashOf(row));
  }

  private hashOf(row: number): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + HASH];
  }

  /** Removes a row that is in the table. */
  remove(row: number, hash: number): void {
    this.used--;
    if (this.old !== null) this.removeOld(this.old, row, hash);
    const { slots, mask } = this;
    let hole = spread(hash) & mask;
    while ((slots[hole] & mask) !== row + 1) {
      if (slots[hole] === EMPTY) return;
      hole = (hole + 1) & mask;
    }
    // Whatever stands behind and would be found from the hole moves into it, so that no tomb stays.
    for (let at = (hole + 1) & mask; slots[at] !== EMPTY; at = (at + 1) & mask) {
      const home = spread(this.hashOf((slots[at] & mask) - 1)) & mask;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        slots[hole] = slots[at];
        hole = at;
      }
    }
    slots[hole] = EMPTY;
  }

  private removeOld(old: Int32Array, row: number, hash: number): void {
    const mask = old.length - 1;
    let slot = spread(hash) & mask;
    while ((old[slot] & mask) !== row + 1) {
      if (old[slot] === EMPTY) return;
      slot = (slot + 1) & mask;
    }
    old[slot] = TOMB;
  }
}
