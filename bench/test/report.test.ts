import { describe, expect, test } from "vitest";
import { count, markdown, ratioToZooKeeper, show, turns, verdict } from "../src/report.js";
import { bound, type MeasureResult, type Run, timesZooKeeper } from "../src/row.js";

const throughput: MeasureResult = {
  name: "throughput",
  unit: "ops/s",
  better: "more",
  goal: timesZooKeeper(1.4),
  samples: { zookeeper: [100, 110, 90], quoll: [200, 150, 250], loop: [400] },
};
const memory: MeasureResult = { name: "each", unit: "B", better: "less", goal: bound(220), samples: { quoll: [221] } };

function run(measures: MeasureResult[], against: string | null = null): Run {
  const settings = { rounds: 3, secs: 4, znodes: 1000, sessions: 10, kills: 1, against };
  return { date: "2026-01-01", machine: { cores: "2" }, settings, rows: [{ name: "r", title: "a row", measures }] };
}

describe("a goal", () => {
  test("that is a multiple of ZooKeeper compares the medians", () => {
    expect(ratioToZooKeeper(throughput)).toBe(2);
    expect(verdict(throughput)).toBe("met");
    expect(verdict({ ...throughput, goal: timesZooKeeper(2.01) })).toBe("missed");
  });

  test("where less is better is an upper bound", () => {
    expect(verdict({ ...throughput, better: "less", goal: timesZooKeeper(1.9) })).toBe("missed");
    expect(verdict({ ...throughput, better: "less", goal: timesZooKeeper(2) })).toBe("met");
  });

  test("of its own needs no ZooKeeper", () => {
    expect(verdict(memory)).toBe("missed");
    expect(verdict({ ...memory, samples: { quoll: [220] } })).toBe("met");
  });

  test("is neither met nor missed when there is nothing to compare", () => {
    expect(verdict({ ...throughput, samples: { quoll: [1] } })).toBe("–");
    expect(verdict({ name: "p99", unit: "µs", better: "less", samples: throughput.samples })).toBe("–");
  });
});

test("the table has medians, spread, ratio, goal, verdict and the part of the bare loop", () => {
  const lines = markdown(run([throughput, memory])).split("\n");
  expect(lines[2]).toBe("| a row | throughput, ops/s | 100 ± 10 % | 200 ± 25 % | 2.00× | ≥ 1.4× | met | 50 % |");
  expect(lines[3]).toBe("|  | each, B |  | 221 |  | ≤ 220 B | missed |  |");
  expect(lines[5]).toMatch(/^1 goals met, 1 missed\./);
  expect(lines[5]).toContain("cores 2");
});

test("every line of the table has as many cells as its head, with an older build too", () => {
  const older = { ...throughput, samples: { ...throughput.samples, older: [100] } };
  const lines = markdown(run([older], ".."))
    .split("\n")
    .slice(0, 3);
  expect(lines.map((line) => line.split("|").length)).toEqual([12, 12, 12]);
  expect(lines[2]).toContain("| 100 | 2.00× |");
});

test("goals are counted over all rows", () => {
  expect(count(run([throughput, memory, { ...memory, samples: {} }]))).toEqual({ met: 1, missed: 1 });
});

test("numbers are shown with about three digits", () => {
  expect([1234567.8, 999.6, 123.4, 12.34, 1.234, 0].map(show)).toEqual([
    "1,234,568",
    "1000",
    "123",
    "12.3",
    "1.23",
    "0.00",
  ]);
});

test("contenders swap their places every second round", () => {
  expect(turns(["zookeeper", "quoll"], 0)).toEqual(["zookeeper", "quoll"]);
  expect(turns(["zookeeper", "quoll"], 1)).toEqual(["quoll", "zookeeper"]);
});
