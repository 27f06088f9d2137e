import { describe, expect, test } from "vitest";
import { drawPlot, linearScale, logScale, shortNumber } from "../src/plot.js";

describe("a linear scale", () => {
  test("begins at zero and ends at or above the largest value", () => {
    for (const largest of [0.003, 1, 7.9, 8, 10, 99, 1234, 5e6]) {
      const { ticks, place } = linearScale([largest]);
      expect(ticks[0]).toBe(0);
      expect(ticks[ticks.length - 1]).toBeGreaterThanOrEqual(largest);
      expect(place(ticks[ticks.length - 1])).toBeCloseTo(1);
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(10);
    }
  });

  test("of nothing but zeros is still a scale", () => {
    expect(linearScale([0, 0]).place(0)).toBe(0);
  });
});

describe("a logarithmic scale", () => {
  test("goes from power to power of ten", () => {
    const { ticks, place } = logScale([3, 2000]);
    expect(ticks).toEqual([1, 10, 100, 1000, 10000]);
    expect(place(100)).toBeCloseTo(0.5);
  });

  test("has two powers for a single value, and puts zero at its beginning", () => {
    expect(logScale([1000]).ticks).toEqual([1000, 10000]);
    expect(logScale([0, 1000]).place(0)).toBe(0);
    expect(logScale([0]).place(0)).toBe(0);
  });
});

test("a plot has a line and a legend for each series, and a circle for each point", () => {
  const svg = drawPlot({
    title: "get & <set>",
    xLabel: "connections",
    yLabel: "ops/s",
    xLog: true,
    series: [
      {
        name: "Quoll",
        points: [
          [1, 10],
          [10, 20],
          [100, 25],
        ],
      },
      { name: "ZooKeeper", points: [[1, 5]] },
      { name: "nothing yet", points: [] },
    ],
  });
  expect(svg).toContain("get &amp; &lt;set&gt;");
  expect(svg.match(/<circle/g)).toHaveLength(4);
  expect(svg.match(/stroke-width="2"/g)).toHaveLength(2);
  expect(svg.match(/<rect/g)).toHaveLength(4);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test("large numbers are shortened", () => {
  expect([0, 0.5, 999, 1000, 1500, 2_000_000, 3e9].map(shortNumber)).toEqual([
    "0",
    "0.5",
    "999",
    "1k",
    "1.5k",
    "2M",
    "3G",
  ]);
});
