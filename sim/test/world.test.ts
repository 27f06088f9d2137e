import { describe, expect, it } from "vitest";
import { runMutant, runSeed } from "../src/world/run-seed.js";

/** Seeds that once showed a bug: of the servers, or of the simulator. */
const CORPUS = [26, 37, 56, 205, 444];

describe("a world", () => {
  it.each(CORPUS)("keeps all invariants in seed %i, which once broke one", (seed) => {
    expect(runSeed(seed).violation).toBe(null);
  });

  it.each([14, 15, 16, 19, 23, 29])("keeps all invariants in seed %i, which is a short one", (seed) => {
    const { violation, operations } = runSeed(seed);
    expect(violation).toBe(null);
    expect(operations).toBeGreaterThan(0);
  });

  it("is the same, event for event, when a seed runs again", () => {
    const first = runSeed(15);
    const second = runSeed(15);
    expect(second.hash).toBe(first.hash);
    expect(second.events).toBe(first.events);
    expect(runSeed(14).hash).not.toBe(first.hash);
  });

  it("lets clients write and servers agree when nothing goes wrong", () => {
    const { violation, operations, committed } = runSeed(14, []);
    expect(violation).toBe(null);
    expect(operations).toBeGreaterThan(100);
    expect(committed).toBeGreaterThan(50);
  });

  it("notices a leader that counts what a follower has cut off its log", () => {
    expect(runMutant(26, "acks-outlive-links").violation?.invariant).toBe("QuorumDurability");
    expect(runSeed(26).violation).toBe(null);
  });
});
