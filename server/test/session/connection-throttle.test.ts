import { describe, expect, test } from "vitest";
import {
  ConnectionThrottle,
  type ConnectionThrottleOptions,
  DEFAULT_CONNECTION_THROTTLE,
} from "../../src/core/session/connection-throttle.js";

/** @param draws - what the random source gives, from 0 to 1; then 0.5 */
function throttle(options: Partial<ConnectionThrottleOptions>, draws: number[] = []): ConnectionThrottle {
  const random = { int32: () => ((draws.shift() ?? 0.5) * 2 ** 32) | 0 };
  return new ConnectionThrottle({ ...DEFAULT_CONNECTION_THROTTLE, ...options }, random, 0);
}

describe("connection throttle", () => {
  test("is off by default", () => {
    const off = throttle({});
    for (let i = 0; i < 1000; i++) expect(off.admit("global", 0)).toBe(true);
  });

  test("admits as many as there are tokens, and refills them only when more than fillTime has passed", () => {
    const bucket = throttle({ tokens: 2, fillTimeMs: 100, fillCount: 1 });
    expect([0, 0, 0].map((ms) => bucket.admit("global", ms))).toEqual([true, true, false]);
    expect(bucket.deficit).toBe(2);
    expect(bucket.admit("global", 100)).toBe(false);
    expect(bucket.admit("global", 101)).toBe(true);
    expect([1000, 1000, 1000].map((ms) => bucket.admit("global", ms))).toEqual([true, true, false]);
  });

  test("counts bucket, refill and cost in global sessions when weights are on", () => {
    const bucket = throttle({ tokens: 2, weightEnabled: true });
    expect(["global", "renew", "local", "local"].map((kind) => bucket.admit(kind as "global", 0))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(bucket.deficit).toBe(6);
    expect(bucket.admit("global", 2)).toBe(true);
  });

  test("raises weights below that of a local session to it, and takes the default for those that are not positive", () => {
    const bucket = throttle({
      tokens: 1,
      weightEnabled: true,
      globalSessionWeight: 2,
      localSessionWeight: 5,
      renewSessionWeight: 0,
    });
    expect(bucket.admit("renew", 0)).toBe(true);
    expect(bucket.deficit).toBe(2);
    expect(bucket.admit("local", 0)).toBe(false);
  });

  test("drops more after each freeze time that finds the bucket empty, and less when it is full again (BLUE)", () => {
    const options = { tokens: 1, fillTimeMs: 1_000_000, freezeTimeMs: 10, dropIncrease: 0.4, dropDecrease: 0.3 };
    const blue = throttle(options, [0.9, 0.9, 0.39, 0.41, 0.0]);
    expect(blue.admit("global", 0)).toBe(true);
    expect(blue.dropChance).toBe(0);
    expect(blue.admit("global", 11)).toBe(false);
    expect(blue.dropChance).toBe(0.4);
    expect(blue.admit("global", 21)).toBe(false);
    expect(blue.dropChance).toBe(0.4);
    expect(blue.admit("global", 2_000_000)).toBe(true);
    expect(blue.dropChance).toBeCloseTo(0.1);
    expect(blue.admit("global", 2_000_001)).toBe(false);
  });
});
