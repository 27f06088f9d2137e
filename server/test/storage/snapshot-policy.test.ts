import { expect, test } from "vitest";
import { SnapshotPolicy } from "../../src/core/storage/snapshot-policy.js";

/** @returns after how many txns each of the next snapshots is due */
function intervals(policy: SnapshotPolicy, size: number, count: number): number[] {
  const result: number[] = [];
  let since = 0;
  while (result.length < count) {
    since++;
    if (!policy.appended(size)) continue;
    result.push(since);
    since = 0;
  }
  return result;
}

test("snapshots are due after half of snapCount at the least, and all of it at the most", () => {
  expect(intervals(new SnapshotPolicy(100, -1, { int32: () => 0 }), 10, 3)).toEqual([51, 51, 51]);
  expect(intervals(new SnapshotPolicy(100, -1, { int32: () => 49 }), 10, 1)).toEqual([100]);
  let n = 0;
  const drawn = intervals(new SnapshotPolicy(100, -1, { int32: () => (n += 7_919) }), 10, 50);
  expect(Math.min(...drawn)).toBeGreaterThan(50);
  expect(Math.max(...drawn)).toBeLessThanOrEqual(100);
  expect(new Set(drawn).size).toBeGreaterThan(5);
});

test("large txns make a snapshot due by their size", () => {
  expect(intervals(new SnapshotPolicy(1000, 1000, { int32: () => 0 }), 100, 2)).toEqual([6, 6]);
  expect(intervals(new SnapshotPolicy(1000, 1000, { int32: () => -1 }), 100, 1)).toEqual([10]);
});

test("what is in the log since the last snapshot counts after a restart", () => {
  expect(intervals(new SnapshotPolicy(100, -1, { int32: () => 0 }, 40), 10, 2)).toEqual([11, 51]);
});

test("the smallest snapCount works", () => {
  expect(intervals(new SnapshotPolicy(2, -1, { int32: () => 7 }), 10, 3)).toEqual([2, 2, 2]);
});
