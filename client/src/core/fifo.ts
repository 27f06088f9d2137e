/** A first-in, first-out queue: a ring that doubles when it is full. */
export class Fifo<T> {
  private items: (T | null)[] = new Array<T | null>(64).fill(null);
  private head = 0;
  length = 0;

  push(item: T): void {
    if (this.length === this.items.length) this.grow();
    this.items[(this.head + this.length) & (this.items.length - 1)] = item;
    this.length++;
  }

  /** The oldest item, or null. */
  peek(): T | null {
    return this.length === 0 ? null : this.items[this.head];
  }

  /** The item at `index`, counted from the oldest; there must be one. */
  at(index: number): T {
    return this.items[(this.head + index) & (this.items.length - 1)] as T;
  }

  /** Takes the oldest item out; null when there is none. */
  shift(): T | null {
    if (this.length === 0) return null;
    const item = this.items[this.head];
    this.items[this.head] = null;
    this.head = (this.head + 1) & (this.items.length - 1);
    this.length--;
    return item;
  }

  /** Takes all items out, the oldest first. */
  takeAll(): T[] {
    const all: T[] = [];
    for (let item = this.shift(); item !== null; item = this.shift()) all.push(item);
    return all;
  }

  private grow(): void {
    const { items, head } = this;
    const larger = new Array<T | null>(items.length * 2).fill(null);
    for (let i = 0; i < this.length; i++) larger[i] = items[(head + i) & (items.length - 1)];
    this.items = larger;
    this.head = 0;
  }
}
