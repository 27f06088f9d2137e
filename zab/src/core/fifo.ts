/** A first-in, first-out queue whose memory follows its length. */
export class Fifo<T> {
  private items: (T | null)[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** The oldest item, or null. */
  peek(): T | null {
    return this.head < this.items.length ? this.items[this.head] : null;
  }

  /** Takes the oldest item out; null when there is none. */
  shift(): T | null {
    const { items } = this;
    if (this.head === items.length) return null;
    const item = items[this.head];
    items[this.head++] = null;
    if (this.head === items.length) {
      items.length = 0;
      this.head = 0;
    } else if (this.head > 1024 && this.head * 2 > items.length) {
      this.items = items.slice(this.head);
      this.head = 0;
    }
    return item;
  }
}
