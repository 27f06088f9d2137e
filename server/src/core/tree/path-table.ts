import { CHUNK_MASK, CHUNK_SHIFT, HASH, ROW_WORDS, type RowStore } from "./row-store.js";

const SLOTS_MIN = 1024;
const TOMB = -1;
/** Old slots moved per insert. The old table is empty long before the new one, twice as large, fills up. */
const SLOTS_PER_STEP = 32;

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
 * Rows by the hash of their path: open addressing, linear probing, a slot holds row + 1. It grows a few slots per insert
 * while both tables are searched, so that no insert ever pays for a million others.
 */
export class PathTable {
  private slots = new Int32Array(SLOTS_MIN);
  private mask = SLOTS_MIN - 1;
  /** The table that is being emptied; what left it is a tomb, so that probing goes on behind it. */
  private old: Int32Array | null = null;
  private oldAt = 0;
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
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const row = slots[slot] - 1;
      if (row === -1) return -1;
      if (row >= 0 && chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + HASH] === hash) {
        if (this.matcher.matches(row, bytes, start, end)) return row;
      }
    }
  }

  /**
   * Adds all rows from `from` up to `to` at once, growing no more than once.
   * @returns false when a path is in the table already
   */
  insertAll(from: number, to: number): boolean {
    while (this.old !== null) this.step();
    this.used += to - from;
    let size = this.slots.length;
    while (this.used * 4 > size * 3) size *= 2;
    if (size > this.slots.length) {
      this.startGrowing(size);
      while (this.old !== null) this.step();
    }
    for (let row = from; row < to; row++) if (!this.placeNew(row)) return false;
    return true;
  }

  private placeNew(row: number): boolean {
    const { slots, mask } = this;
    const hash = this.hashOf(row);
    let slot = spread(hash) & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const other = slots[slot] - 1;
      if (this.hashOf(other) === hash && this.matcher.haveSamePath(row, other)) return false;
    }
    slots[slot] = row + 1;
    return true;
  }

  /** Adds a row whose path is not in the table. */
  insert(row: number, hash: number): void {
    if (this.old !== null) this.step();
    else if (this.used * 4 >= this.slots.length * 3) this.startGrowing(this.slots.length * 2);
    this.used++;
    this.place(row, hash);
  }

  private startGrowing(size: number): void {
    this.old = this.slots;
    this.oldAt = 0;
    this.slots = new Int32Array(size);
    this.mask = size - 1;
  }

  private place(row: number, hash: number): void {
    const { slots, mask } = this;
    let slot = spread(hash) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = row + 1;
  }

  private step(): void {
    const old = this.old!;
    const to = Math.min(this.oldAt + SLOTS_PER_STEP, old.length);
    for (let i = this.oldAt; i < to; i++) {
      const row = old[i] - 1;
      if (row < 0) continue;
      old[i] = TOMB;
      this.place(row, this.hashOf(row));
    }
    this.oldAt = to;
    if (to === old.length) this.old = null;
  }

  private hashOf(row: number): number {
    return this.rows.chunks[row >> CHUNK_SHIFT][(row & CHUNK_MASK) * ROW_WORDS + HASH];
  }

  /** Removes a row that is in the table. */
  remove(row: number, hash: number): void {
    this.used--;
    const { slots, mask } = this;
    let hole = spread(hash) & mask;
    while (slots[hole] !== row + 1) {
      if (slots[hole] === 0) {
        this.removeOld(row, hash);
        return;
      }
      hole = (hole + 1) & mask;
    }
    // Whatever stands behind and would be found from the hole moves into it, so that no tomb stays.
    for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const home = spread(this.hashOf(slots[at] - 1)) & mask;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        slots[hole] = slots[at];
        hole = at;
      }
    }
    slots[hole] = 0;
  }

  private removeOld(row: number, hash: number): void {
    const old = this.old!;
    const mask = old.length - 1;
    let slot = spread(hash) & mask;
    while (old[slot] !== row + 1) slot = (slot + 1) & mask;
    old[slot] = TOMB;
  }
}
