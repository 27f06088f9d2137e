/** A seeded source of choices: the same seed makes the same choices on every machine. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (seed ^ 0x9e3779b9) >>> 0;
  }

  /** The next 32 bits. */
  private next(): number {
    // mulberry32: small, and good enough to pick test cases.
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  }

  /** An integer from 0 to `bound - 1`. */
  below(bound: number): number {
    return this.next() % bound;
  }

  chance(percent: number): boolean {
    return this.next() % 10_000 < percent * 100;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }

  /** Picks by weight. */
  weighted<T>(choices: readonly (readonly [number, T])[]): T {
    let total = 0;
    for (const [weight] of choices) total += weight;
    let at = this.below(total);
    for (const [weight, choice] of choices) {
      at -= weight;
      if (at < 0) return choice;
    }
    throw new Error("weights changed while they were summed");
  }

  /** `count` arbitrary bytes as a string of characters up to 0xff. */
  bytes(count: number): string {
    let text = "";
    for (let i = 0; i < count; i++) text += String.fromCharCode(this.below(256));
    return text;
  }
}
