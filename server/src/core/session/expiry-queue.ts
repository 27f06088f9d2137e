/** What an {@link ExpiryQueue} holds. Only the queue writes these fields. */
export interface Expiring {
  /** When the bucket that holds this is due, or -1 when it is in none. */
  expiryMs: number;
  previousInBucket: this | null;
  nextInBucket: this | null;
}

class Bucket<E extends Expiring> {
  first: E | null = null;
  last: E | null = null;
  size = 0;
}

/**
 * Things that are due at a multiple of an interval, as ZooKeeper's ExpiryQueue: what would be due in between is rounded up,
 * and what is due on a multiple waits for the next one. Moving an element costs the same however many there are, and
 * nothing while its bucket stays the same.
 */
export class ExpiryQueue<E extends Expiring> {
  private readonly buckets = new Map<number, Bucket<E>>();
  private nextMs: number;
  size = 0;

  constructor(
    private readonly intervalMs: number,
    nowMs: number,
  ) {
    this.nextMs = this.roundUp(nowMs);
  }

  /** Puts an element into the bucket that is due next after `dueMs`, or moves it there. */
  update(element: E, dueMs: number): void {
    const expiryMs = this.roundUp(dueMs);
    if (expiryMs === element.expiryMs) return;
    if (element.expiryMs === -1) this.size++;
    else this.unlink(element);
    let bucket = this.buckets.get(expiryMs);
    if (bucket === undefined) this.buckets.set(expiryMs, (bucket = new Bucket<E>()));
    element.expiryMs = expiryMs;
    element.previousInBucket = bucket.last;
    if (bucket.last === null) bucket.first = element;
    else bucket.last.nextInBucket = element;
    bucket.last = element;
    bucket.size++;
  }

  remove(element: E): void {
    if (element.expiryMs === -1) return;
    this.size--;
    this.unlink(element);
    element.expiryMs = -1;
  }

  /** Takes out everything that is due and appends it to `due`, in order. */
  poll(nowMs: number, due: E[]): void {
    while (nowMs >= this.nextMs) {
      const bucket = this.buckets.get(this.nextMs);
      this.buckets.delete(this.nextMs);
      this.nextMs += this.intervalMs;
      if (bucket === undefined) continue;
      for (let element = bucket.first; element !== null; ) {
        const next: E | null = element.nextInBucket;
        element.expiryMs = -1;
        element.previousInBucket = null;
        element.nextInBucket = null;
        this.size--;
        due.push(element);
        element = next;
      }
    }
  }

  /** The buckets from the one that is due first, those that were emptied meanwhile included (Java lists them too). */
  list(): { expiryMs: number; elements: E[] }[] {
    const list: { expiryMs: number; elements: E[] }[] = [];
    for (const [expiryMs, bucket] of this.buckets) {
      const elements: E[] = [];
      for (let element = bucket.first; element !== null; element = element.nextInBucket) elements.push(element);
      list.push({ expiryMs, elements });
    }
    return list.sort((a, b) => a.expiryMs - b.expiryMs);
  }

  private roundUp(timeMs: number): number {
    return (Math.floor(timeMs / this.intervalMs) + 1) * this.intervalMs;
  }

  private unlink(element: E): void {
    const bucket = this.buckets.get(element.expiryMs);
    if (bucket === undefined) return;
    if (element.previousInBucket === null) bucket.first = element.nextInBucket;
    else element.previousInBucket.nextInBucket = element.nextInBucket;
    if (element.nextInBucket === null) bucket.last = element.previousInBucket;
    else element.nextInBucket.previousInBucket = element.previousInBucket;
    element.previousInBucket = null;
    element.nextInBucket = null;
    bucket.size--;
  }
}
