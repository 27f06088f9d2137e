import fc from "fast-check";
import { expect, test } from "vitest";
import { quantile, relativeSpread, summarize } from "../src/statistics.js";

test("of an odd number of samples the one in the middle counts", () => {
  expect(summarize([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9, count: 3 });
});

test("of an even number of samples the mean of the two in the middle counts", () => {
  expect(summarize([4, 1, 100, 2]).median).toBe(3);
});

test("samples are compared as numbers and left in their order", () => {
  const samples = [100, 9, 20];
  expect(summarize(samples).median).toBe(20);
  expect(samples).toEqual([100, 9, 20]);
});

test("no samples are no summary", () => {
  expect(() => summarize([])).toThrow(RangeError);
});

test("a median lies between the smallest and the largest, with as many samples below as above", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 }), (samples) => {
      const { median, min, max } = summarize(samples);
      expect(median).toBeGreaterThanOrEqual(min);
      expect(median).toBeLessThanOrEqual(max);
      const below = samples.filter((sample) => sample < median).length;
      const above = samples.filter((sample) => sample > median).length;
      expect(Math.max(below, above)).toBeLessThanOrEqual(samples.length / 2);
    }),
  );
});

test("a quantile is one of the samples, and not exceeded by its part of them", () => {
  const samples = Array.from({ length: 1000 }, (_, i) => 1000 - i);
  expect(quantile(samples, 0.99)).toBe(990);
  expect(quantile(samples, 0)).toBe(1);
  expect(quantile(samples, 1)).toBe(1000);
});

test("the spread is half the range in parts of the median", () => {
  expect(relativeSpread(summarize([90, 100, 130]))).toBeCloseTo(0.2);
  expect(relativeSpread(summarize([0, 0]))).toBe(0);
});
