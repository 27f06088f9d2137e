/** What the rounds of one measurement come to. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** @throws RangeError when there is nothing to summarize */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError("there are no samples");
  const sorted = [...samples].sort((a, b) => a - b);
  return { median: middle(sorted), min: sorted[0], max: sorted[sorted.length - 1], count: sorted.length };
}

export function median(samples: readonly number[]): number {
  return summarize(samples).median;
}

/** The value that the part `quantile` (0 to 1) of all samples does not exceed. */
export function quantile(samples: readonly number[], quantile: number): number {
  if (samples.length === 0) throw new RangeError("there are no samples");
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(quantile * sorted.length) - 1))];
}

/** Half the distance between the smallest and the largest, as a part of the median; 0 when the median is 0. */
export function relativeSpread({ median, min, max }: Summary): number {
  return median === 0 ? 0 : (max - min) / 2 / Math.abs(median);
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
