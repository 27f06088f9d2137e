import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../../src/core/watch/arena.js";
import { ConnectionSets, EMPTY_SET } from "../../src/core/watch/connection-sets.js";

function members(sets: ConnectionSets, set: number): number[] {
  const list: number[] = [];
  for (let c = sets.next(set, -1); c >= 0; c = sets.next(set, c)) list.push(c);
  return list;
}

describe("connection sets", () => {
  test("behave as a Set of numbers, whatever is added and removed, and give all memory back", () => {
    const connection = fc.oneof(fc.nat(40), fc.nat(300), fc.nat(100_000));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), connection), { maxLength: 400 }), (steps) => {
        const arena = new Arena();
        const sets = new ConnectionSets(arena);
        const twin = new Set<number>();
        let set = EMPTY_SET;
        for (const [kind, c] of steps) {
          expect(sets.has(set, c)).toBe(twin.has(c));
          if (kind > 0 && !twin.has(c)) {
            set = sets.add(set, c);
            twin.add(c);
          } else if (kind === 0 && twin.has(c)) {
            set = sets.remove(set, c);
            twin.delete(c);
          }
          expect(sets.size(set)).toBe(twin.size);
        }
        expect(members(sets, set)).toEqual([...twin].sort((a, b) => a - b));
        for (const c of twin) set = sets.remove(set, c);
        expect(set).toBe(EMPTY_SET);
        expect(arena.usedWords).toBe(0);
      }),
    );
  });

  test("a dense set takes about a bit for each member", () => {
    const arena = new Arena();
    const sets = new ConnectionSets(arena);
    let set = EMPTY_SET;
    for (let c = 0; c < 10_000; c++) set = sets.add(set, c);
    expect(members(sets, set)).toHaveLength(10_000);
    expect(arena.usedWords).toBeLessThan(450);
  });

  test("a set that shrinks from many members to two shrinks in memory, too", () => {
    const arena = new Arena();
    const sets = new ConnectionSets(arena);
    let set = EMPTY_SET;
    for (let c = 0; c < 5000; c++) set = sets.add(set, c);
    for (let c = 1; c < 4999; c++) set = sets.remove(set, c);
    expect(members(sets, set)).toEqual([0, 4999]);
    expect(arena.usedWords).toBeLessThan(20);
  });
});
