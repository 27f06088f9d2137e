/** A map whose keys are 64-bit values given as two int32 halves, without a BigInt or a string per look-up. */
export class LongMap<V> {
  private readonly byHi = new Map<number, Map<number, V>>();
  private entries = 0;

  get size(): number {
    return this.entries;
  }

  get(hi: number, lo: number): V | undefined {
    return this.byHi.get(hi)?.get(lo);
  }

  has(hi: number, lo: number): boolean {
    return this.byHi.get(hi)?.has(lo) ?? false;
  }

  set(hi: number, lo: number, value: V): void {
    let byLo = this.byHi.get(hi);
    if (byLo === undefined) this.byHi.set(hi, (byLo = new Map()));
    if (!byLo.has(lo)) this.entries++;
    byLo.set(lo, value);
  }

  delete(hi: number, lo: number): boolean {
    const byLo = this.byHi.get(hi);
    if (byLo === undefined || !byLo.delete(lo)) return false;
    if (byLo.size === 0) this.byHi.delete(hi);
    this.entries--;
    return true;
  }

  clear(): void {
    this.byHi.clear();
    this.entries = 0;
  }

  forEach(visit: (value: V, hi: number, lo: number) => void): void {
    for (const [hi, byLo] of this.byHi) for (const [lo, value] of byLo) visit(value, hi, lo);
  }
}
