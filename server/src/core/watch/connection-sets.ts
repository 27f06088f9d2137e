import { Arena, chunkOf, offsetOf } from "./arena.js";

/** The set without members. */
export const EMPTY_SET = -1;

const HEADER_WORDS = 2;
const BITMAP = 1;

/**
 * Sets of connection numbers, each named by one int32 that changes with its contents: {@link EMPTY_SET}, the only member
 * itself, or a block of an arena. A block is `[words << 1 | bitmap, members, …]` and then either the members in ascending
 * order, or a bitmap when that is no larger. So a set of one takes no memory, and a dense one a bit per connection.
 */
export class ConnectionSets {
  constructor(private readonly arena: Arena) {}

  has(set: number, connection: number): boolean {
    if (set >= EMPTY_SET) return set === connection;
    const ref = refOf(set);
    const ints = this.arena.ints[chunkOf(ref)];
    const at = offsetOf(ref);
    const data = at + HEADER_WORDS;
    if (ints[at] & BITMAP) {
      const word = connection >>> 5;
      return word < (ints[at] >>> 1) - HEADER_WORDS && (ints[data + word] & (1 << (connection & 31))) !== 0;
    }
    const found = lowerBound(ints, data, ints[at + 1], connection);
    return found < data + ints[at + 1] && ints[found] === connection;
  }

  size(set: number): number {
    if (set >= EMPTY_SET) return set === EMPTY_SET ? 0 : 1;
    const ref = refOf(set);
    return this.arena.ints[chunkOf(ref)][offsetOf(ref) + 1];
  }

  /** The smallest member above `after` (-1 to begin), or -1. Members come in ascending order. */
  next(set: number, after: number): number {
    if (set >= EMPTY_SET) return set > after ? set : -1;
    const ref = refOf(set);
    const ints = this.arena.ints[chunkOf(ref)];
    const at = offsetOf(ref);
    const data = at + HEADER_WORDS;
    if ((ints[at] & BITMAP) === 0) {
      const end = data + ints[at + 1];
      const found = lowerBound(ints, data, ints[at + 1], after + 1);
      return found < end ? ints[found] : -1;
    }
    const words = (ints[at] >>> 1) - HEADER_WORDS;
    const from = after + 1;
    let word = from >>> 5;
    if (word >= words) return -1;
    let bits = ints[data + word] & (-1 << (from & 31));
    while (bits === 0) {
      if (++word === words) return -1;
      bits = ints[data + word];
    }
    return (word << 5) | (31 - Math.clz32(bits & -bits));
  }

  /** The set with `connection`, which must not be a member yet. */
  add(set: number, connection: number): number {
    if (set === EMPTY_SET) return connection;
    if (set >= 0) {
      const pair = this.allocate(HEADER_WORDS + 2, 0);
      const ints = this.arena.ints[chunkOf(pair)];
      const at = offsetOf(pair);
      ints[at + 1] = 2;
      ints[at + 2] = Math.min(set, connection);
      ints[at + 3] = Math.max(set, connection);
      return setOf(pair);
    }
    const ref = refOf(set);
    const ints = this.arena.ints[chunkOf(ref)];
    const at = offsetOf(ref);
    const members = ints[at + 1];
    const room = (ints[at] >>> 1) - HEADER_WORDS;
    const data = at + HEADER_WORDS;
    if (ints[at] & BITMAP) {
      if (connection >>> 5 < room) {
        ints[data + (connection >>> 5)] |= 1 << (connection & 31);
        ints[at + 1] = members + 1;
        return set;
      }
      return this.add(this.rebuild(set, Math.max(connection, this.last(set)), members + 1), connection);
    }
    if (members === room) {
      return this.add(this.rebuild(set, Math.max(connection, ints[data + members - 1]), members + 1), connection);
    }
    const found = lowerBound(ints, data, members, connection);
    ints.copyWithin(found + 1, found, data + members);
    ints[found] = connection;
    ints[at + 1] = members + 1;
    return set;
  }

  /** The set without `connection`, which must be a member. */
  remove(set: number, connection: number): number {
    if (set >= 0) return EMPTY_SET;
    const ref = refOf(set);
    const ints = this.arena.ints[chunkOf(ref)];
    const at = offsetOf(ref);
    const members = ints[at + 1] - 1;
    const data = at + HEADER_WORDS;
    if (ints[at] & BITMAP) {
      ints[data + (connection >>> 5)] &= ~(1 << (connection & 31));
    } else {
      const found = lowerBound(ints, data, members + 1, connection);
      ints.copyWithin(found, found + 1, data + members + 1);
    }
    ints[at + 1] = members;
    if (members === 1) {
      const only = this.next(set, -1);
      this.release(set);
      return only;
    }
    // A quarter full: half the memory would do. The distance to the size that is chosen then keeps it from flapping.
    const room = (ints[at] >>> 1) - HEADER_WORDS;
    return room > 8 && room > 4 * members ? this.rebuild(set, this.last(set), members) : set;
  }

  /** Gives back the memory of a set that is no longer used. */
  release(set: number): void {
    if (set >= EMPTY_SET) return;
    const ref = refOf(set);
    this.arena.release(ref, this.arena.ints[chunkOf(ref)][offsetOf(ref)] >>> 1);
  }

  /** A copy in the better of the two forms for `members` members up to `last`, with room to grow; releases the old one. */
  private rebuild(set: number, last: number, members: number): number {
    const bitmapWords = (last >>> 5) + 1;
    const bitmap = bitmapWords <= members;
    const ref = this.allocate(HEADER_WORDS + (bitmap ? bitmapWords : members + (members >>> 1)), bitmap ? BITMAP : 0);
    const ints = this.arena.ints[chunkOf(ref)];
    const at = offsetOf(ref);
    const data = at + HEADER_WORDS;
    if (bitmap) ints.fill(0, data, at + (ints[at] >>> 1));
    let count = 0;
    for (let member = this.next(set, -1); member >= 0; member = this.next(set, member)) {
      if (bitmap) ints[data + (member >>> 5)] |= 1 << (member & 31);
      else ints[data + count] = member;
      count++;
    }
    ints[at + 1] = count;
    this.release(set);
    return setOf(ref);
  }

  private last(set: number): number {
    const ref = refOf(set);
    const ints = this.arena.ints[chunkOf(ref)];
    const at = offsetOf(ref);
    if ((ints[at] & BITMAP) === 0) return ints[at + HEADER_WORDS + ints[at + 1] - 1];
    let word = (ints[at] >>> 1) - HEADER_WORDS - 1;
    while (word > 0 && ints[at + HEADER_WORDS + word] === 0) word--;
    return (word << 5) | (31 - Math.clz32(ints[at + HEADER_WORDS + word]));
  }

  private allocate(words: number, form: number): number {
    const ref = this.arena.alloc(words);
    this.arena.ints[chunkOf(ref)][offsetOf(ref)] = (Arena.size(words) << 1) | form;
    return ref;
  }
}

function refOf(set: number): number {
  return -2 - set;
}

function setOf(ref: number): number {
  return -2 - ref;
}

/** Index of the first of `count` ascending values from `data` on that is at least `value`. */
function lowerBound(ints: Int32Array, data: number, count: number, value: number): number {
  let low = data;
  let high = data + count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ints[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
