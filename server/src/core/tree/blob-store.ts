import { invariant } from "@quoll/jute";

/** Blobs above this get a buffer of their own. */
const POOLED_UNITS_MAX = 32_768;
/** A segment is up to 8 MiB: 2^20 units of 8 bytes. Its pages cost memory only once they are used. */
const SEGMENT_UNITS_SHIFT = 20;
const SEGMENT_UNITS = 1 << SEGMENT_UNITS_SHIFT;
const SEGMENT_MASK = SEGMENT_UNITS - 1;
/** What a blob's number, a non-negative int32, can address. */
const SEGMENTS_MAX = 2048;
/** Classes of every unit up to here (1 KiB), then eight to each doubling. */
const EXACT_UNITS_MAX = 128;
const CLASSES = EXACT_UNITS_MAX + 1 + 64;
const OWN_GRANULE = 65_536;
/** Ints in a block of deferred blobs; even, since blob and size go together. */
const DEFERRED_BLOCK = 8192;
const RECLAIMED_PER_ALLOCATION = 8;

/** A blob's number: its place in units of 8 bytes, or `~index` of a buffer of its own. */
export type Blob = number;

/**
 * Bytes of any length in a few large shared buffers, with one free list per size class. A freed blob stays untouched
 * while the store is frozen. Space is never given from one class to another.
 */
export class BlobStore {
  readonly segments: Uint8Array[] = [];
  private readonly words: Int32Array[] = [];
  /** Buffers of single large blobs, by index. */
  readonly own: (Uint8Array | null)[] = [];
  private readonly freeOwn: number[] = [];
  /** Per class: the first free blob; the next one stands in its first word. */
  private readonly freeHeads = new Int32Array(CLASSES).fill(-1);
  /** The free rest of the last segment, in units. */
  private nextUnit = 0;
  private endUnit = 0;
  private frozen = false;
  /** Blobs freed while frozen, with their sizes, in blocks; the last block is filled up to `deferredAt`. */
  private readonly deferred: Int32Array[] = [];
  private deferredAt = 0;

  /** @param size - bytes; at least 1 */
  allocate(size: number): Blob {
    if (this.deferred.length > 0 && !this.frozen) this.reclaim();
    const units = (size + 7) >>> 3;
    if (units > POOLED_UNITS_MAX) return this.allocateOwn(size);
    const sizeClass = classOf(units);
    const head = this.freeHeads[sizeClass];
    if (head >= 0) {
      this.freeHeads[sizeClass] = this.words[head >> SEGMENT_UNITS_SHIFT][(head & SEGMENT_MASK) << 1];
      return head;
    }
    const capacity = capacityOf(units);
    if (this.nextUnit + capacity > this.endUnit) this.addSegment();
    const blob = ((this.segments.length - 1) << SEGMENT_UNITS_SHIFT) | this.nextUnit;
    this.nextUnit += capacity;
    return blob;
  }

  /** The first ones are smaller, for the many trees that stay small. */
  private addSegment(): void {
    const { length } = this.segments;
    invariant(length < SEGMENTS_MAX, "the tree holds more than 16 GiB of names and data");
    this.nextUnit = 0;
    this.endUnit = length < 2 ? POOLED_UNITS_MAX << length : SEGMENT_UNITS;
    const buffer = new SharedArrayBuffer(this.endUnit * 8);
    this.segments.push(new Uint8Array(buffer));
    this.words.push(new Int32Array(buffer));
  }

  private allocateOwn(size: number): Blob {
    const bytes = new Uint8Array(new SharedArrayBuffer(Math.ceil(size / OWN_GRANULE) * OWN_GRANULE));
    const index = this.freeOwn.pop() ?? this.own.length;
    this.own[index] = bytes;
    return ~index;
  }

  /** @param size - as it was allocated */
  free(blob: Blob, size: number): void {
    if (this.frozen) this.defer(blob, size);
    else this.freeNow(blob, size);
  }

  private freeNow(blob: Blob, size: number): void {
    if (blob < 0) {
      this.own[~blob] = null;
      this.freeOwn.push(~blob);
      return;
    }
    const sizeClass = classOf((size + 7) >>> 3);
    this.words[blob >> SEGMENT_UNITS_SHIFT][(blob & SEGMENT_MASK) << 1] = this.freeHeads[sizeClass];
    this.freeHeads[sizeClass] = blob;
  }

  /** @returns whether a blob of `size` bytes may be overwritten to hold `newSize` */
  fits(size: number, newSize: number): boolean {
    if (this.frozen) return false;
    const units = (size + 7) >>> 3;
    const newUnits = (newSize + 7) >>> 3;
    if (units > POOLED_UNITS_MAX) {
      return newUnits > POOLED_UNITS_MAX && Math.ceil(size / OWN_GRANULE) === Math.ceil(newSize / OWN_GRANULE);
    }
    return newUnits <= POOLED_UNITS_MAX && classOf(units) === classOf(newUnits);
  }

  bytes(blob: Blob): Uint8Array {
    return blob < 0 ? this.own[~blob]! : this.segments[blob >> SEGMENT_UNITS_SHIFT];
  }

  freeze(): void {
    this.frozen = true;
  }

  /** What was freed meanwhile comes back into use little by little. */
  thaw(): void {
    this.frozen = false;
  }

  private defer(blob: Blob, size: number): void {
    if (this.deferred.length === 0 || this.deferredAt === DEFERRED_BLOCK) {
      this.deferred.push(new Int32Array(DEFERRED_BLOCK));
      this.deferredAt = 0;
    }
    const block = this.deferred[this.deferred.length - 1];
    block[this.deferredAt++] = blob;
    block[this.deferredAt++] = size;
  }

  private reclaim(): void {
    const block = this.deferred[this.deferred.length - 1];
    for (let i = 0; i < RECLAIMED_PER_ALLOCATION && this.deferredAt > 0; i++) {
      this.deferredAt -= 2;
      this.freeNow(block[this.deferredAt], block[this.deferredAt + 1]);
    }
    if (this.deferredAt === 0) {
      this.deferred.pop();
      this.deferredAt = DEFERRED_BLOCK;
    }
  }
}

/** Where a blob starts in its buffer. */
export function blobStart(blob: Blob): number {
  return blob < 0 ? 0 : (blob & SEGMENT_MASK) << 3;
}

/** The buffer of a blob among those of a frozen store. */
export function blobBytes(
  segments: readonly Uint8Array[],
  own: readonly (Uint8Array | null)[],
  blob: Blob,
): Uint8Array {
  return blob < 0 ? own[~blob]! : segments[blob >> SEGMENT_UNITS_SHIFT];
}

function classOf(units: number): number {
  if (units <= EXACT_UNITS_MAX) return units;
  const exponent = 31 - Math.clz32(units - 1);
  const granuleShift = exponent - 3;
  return EXACT_UNITS_MAX + 1 + (exponent - 7) * 8 + (((units + (1 << granuleShift) - 1) >> granuleShift) - 9);
}

function capacityOf(units: number): number {
  if (units <= EXACT_UNITS_MAX) return units;
  const granuleShift = 31 - Math.clz32(units - 1) - 3;
  return ((units + (1 << granuleShift) - 1) >> granuleShift) << granuleShift;
}
