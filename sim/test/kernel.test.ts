import { describe, expect, it } from "vitest";
import { Kernel } from "../src/kernel/kernel.js";
import { RandomStream } from "../src/kernel/random.js";

function kernel(seed = 1): Kernel {
  return new Kernel(new RandomStream(seed, "order"));
}

describe("the kernel", () => {
  it("lets events happen in the order of their times, whenever they were asked for", () => {
    const world = kernel();
    const happened: string[] = [];
    world.after(30, "c", () => happened.push(`c at ${world.nowMs}`));
    world.after(10, "a", () => {
      happened.push(`a at ${world.nowMs}`);
      world.after(5, "b", () => happened.push(`b at ${world.nowMs}`));
    });
    world.run(100);
    expect(happened).toEqual(["a at 10", "b at 15", "c at 30"]);
    expect(world.nowMs).toBe(100);
  });

  it("lets the seed decide between events of one moment", () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const world = kernel(seed);
      let order = "";
      for (const name of ["a", "b", "c"]) world.after(1, name, () => (order += name));
      world.run(2);
      orders.add(order);
    }
    expect(orders.size).toBe(6);
  });

  it("forgets an event that was taken back, and stops when what it waits for is there", () => {
    const world = kernel();
    let count = 0;
    const cancel = world.after(1, "never", () => (count += 100));
    cancel();
    for (let i = 1; i <= 10; i++) world.after(i, "one", () => count++);
    expect(world.run(100, () => count === 3)).toBe(true);
    expect(count).toBe(3);
    expect(world.nowMs).toBe(3);
  });

  it("has the same hash for the same events, and another one when a name or a time differs", () => {
    const hashOf = (atMs: number, what: string): number => {
      const world = kernel();
      world.after(atMs, what, () => {});
      world.run(10);
      return world.hash;
    };
    expect(hashOf(1, "a")).toBe(hashOf(1, "a"));
    expect(hashOf(1, "a")).not.toBe(hashOf(1, "b"));
    expect(hashOf(1, "a")).not.toBe(hashOf(2, "a"));
  });
});

describe("a stream of random numbers", () => {
  it("is the same for a seed and a purpose, and another one for another", () => {
    const draw = (seed: number, purpose: string): number[] => {
      const random = new RandomStream(seed, purpose);
      return Array.from({ length: 5 }, () => random.int32());
    };
    expect(draw(7, "x")).toEqual(draw(7, "x"));
    expect(draw(7, "x")).not.toEqual(draw(7, "y"));
    expect(draw(7, "x")).not.toEqual(draw(8, "x"));
  });

  it("reaches both ends of a range and nothing beyond", () => {
    const random = new RandomStream(1, "range");
    const seen = new Set(Array.from({ length: 500 }, () => random.between(3, 6)));
    expect([...seen].sort()).toEqual([3, 4, 5, 6]);
  });
});
