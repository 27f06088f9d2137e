import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConnectionStats, PercentileSummary, ServerStats, SizeStats, Summary } from "../../src/core/stats.js";

describe("summaries", () => {
  test("one that nothing was added to is all zeros", () => {
    const { count, sum, min, max, avg } = new Summary();
    expect([count, sum, min, max, avg]).toEqual([0, 0, 0, 0, 0]);
  });

  test("the average has four decimals, rounded half up", () => {
    const summary = new Summary();
    for (const value of [14, 4, 4, 3, 2, 1, 1, 1, 1]) summary.add(value);
    expect([summary.count, summary.sum, summary.min, summary.max, summary.avg]).toEqual([9, 31, 1, 14, 3.4444]);
    summary.reset();
    expect([summary.count, summary.min, summary.max]).toEqual([0, 0, 0]);
  });

  test("percentiles are exact below 64 and within a sixteenth above, beside sorting all values", () => {
    const values = fc.array(fc.oneof(fc.nat(100), fc.nat(100_000), fc.nat(0x7fffffff)), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.95, 0.99, 0.999, 1), (all, part) => {
        const summary = new PercentileSummary();
        for (const value of all) summary.add(value);
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(part * all.length) - 1]!;
        const got = summary.percentile(part);
        expect(got).toBeGreaterThanOrEqual(exact);
        expect(got).toBeLessThanOrEqual(exact < 64 ? exact : exact + exact / 16);
      }),
    );
  });
});

test("sizes are -1 until there is one", () => {
  const sizes = new SizeStats();
  expect([sizes.last, sizes.min, sizes.max]).toEqual([-1, -1, -1]);
  sizes.set(90);
  sizes.set(16);
  expect([sizes.last, sizes.min, sizes.max]).toEqual([16, 16, 90]);
});

test("a ping does not become the connection's last cxid, but its last operation", () => {
  const stats = new ConnectionStats(0);
  stats.response(7, 5, "GETD", 100, 103);
  stats.response(-2, 6, "PING", 200, 200);
  expect(stats).toMatchObject({ lastCxid: 7, lastZxid: 6, lastOperation: "PING", lastLatencyMs: 0 });
  expect([stats.minLatencyMs, stats.avgLatencyMs, stats.maxLatencyMs]).toEqual([0, 1, 3]);
});

test("a reset server has what a new one has, but for the failed authentications, which ZooKeeper keeps", () => {
  const stats = new ServerStats();
  for (const [name, value] of Object.entries(stats)) {
    if (value instanceof Summary) value.add(3);
    else if (value instanceof SizeStats) value.set(3);
    else (stats as unknown as Record<string, number>)[name] = 3;
  }
  stats.reset();
  const fresh = new ServerStats();
  fresh.authFailedCount = 3;
  expect(stats).toEqual(fresh);
});
