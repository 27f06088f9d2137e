/** A stream of random numbers that its seed decides (sfc32). */
export class RandomStream {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** @param purpose - streams of one seed for different purposes have nothing in common */
  constructor(seed: number, purpose: string) {
    let hash = 0x811c9dc5 ^ seed;
    for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
    this.a = hash | 0;
    this.b = seed | 0;
    this.c = Math.floor(seed / 0x1_0000_0000) | 0;
    for (let i = 0; i < 12; i++) this.int32();
  }

  /** Any int32, evenly. */
  int32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum;
  }

  /** From 0 to below 1. */
  fraction(): number {
    return (this.int32() >>> 0) / 0x1_0000_0000;
  }

  /** A whole number from 0 to below `n`. */
  below(n: number): number {
    return Math.floor(this.fraction() * n);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
