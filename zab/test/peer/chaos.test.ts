import { describe, expect, it } from "vitest";
import { chaos, type Faults } from "./chaos.js";

const ALL: Faults = { crashes: true, cuts: true, pauses: true, compactions: true };
const FIRST = Number(process.env["ZAB_SEED"] ?? 1);
const SEEDS = Number(process.env["ZAB_SEEDS"] ?? 10);

describe("an ensemble through crashes, cuts, pauses and compactions", () => {
  it.each([
    { voters: 3, observers: 0 },
    { voters: 3, observers: 1 },
    { voters: 3, observers: 2, peer: { observerMasterPort: 2191 } },
    { voters: 5, observers: 0 },
  ])("keeps everything that was acknowledged, in one order, on $voters voters and $observers observers", (size) => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      try {
        const world = chaos({ ...size, seed }, 150, ALL);
        const values = world.values(1);
        for (const sid of world.nodes.keys()) expect(world.values(sid)).toEqual(values);
        const committed = new Set(values);
        expect(world.acknowledged.filter((value) => !committed.has(value))).toEqual([]);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
