import type { Writer } from "@quoll/jute";
import type { Row } from "./tree.js";

/** Shorter lists are encoded as fast as they are found here. */
const LIST_MIN = 2048;
const LIST_MAX = 1 << 20;
const CAPACITY = 4 << 20;

/** Where an encoded list stands in the ring. */
interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * The encoded lists of children that were asked for lately: many clients ask for the same ones again and again. They
 * stand in a ring, so that a list overwrites the oldest ones and nothing is allocated for its bytes. Whoever changes a
 * list of children {@link drop}s it here.
 */
export class ChildrenCache {
  private ring: Uint8Array | null = null;
  /** Where the next list goes. */
  private at = 0;
  /** By znode, in the order in which they stand in the ring, from `at` on and around. */
  private readonly places = new Map<Row, Place>();

  /** @param listsMax - how many lists are kept; 0 turns it off */
  constructor(private readonly listsMax: number) {}

  /** Appends the list, if it is here. @returns whether it is */
  write(row: Row, to: Writer): boolean {
    if (this.places.size === 0) return false;
    const place = this.places.get(row);
    if (place === undefined) return false;
    to.raw(this.ring!, place.start, place.end);
    return true;
  }

  /** Keeps a list that was just encoded from `start` to `end`, unless it is too short or too long. */
  add(row: Row, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length < LIST_MIN || length > LIST_MAX || this.listsMax <= 0) return;
    if (this.places.size >= this.listsMax) this.places.delete(this.places.keys().next().value!);
    this.ring ??= new Uint8Array(CAPACITY);
    if (this.at + length > CAPACITY) {
      // What stands in the rest is older than all that is overwritten next.
      this.dropOldest(this.at, CAPACITY);
      this.at = 0;
    }
    this.dropOldest(this.at, this.at + length);
    this.ring.set(bytes.subarray(start, end), this.at);
    this.places.set(row, { start: this.at, end: this.at + length });
    this.at += length;
  }

  private dropOldest(start: number, end: number): void {
    for (const [row, place] of this.places) {
      if (place.start >= end || place.end <= start) return;
      this.places.delete(row);
    }
  }

  /** To be called before or after any change of a znode's children. */
  drop(row: Row): void {
    if (this.places.size > 0) this.places.delete(row);
  }
}
