import { describe, expect, it } from "vitest";
import { World } from "./world.js";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** All servers are cut off from their power at once; only what was synced is left. */
function powerCut(world: World): void {
  for (const node of world.nodes.values()) node.crash();
}

function writeMany(world: World, name: string, count: number): void {
  for (let i = 0; i < count; i++) {
    world.write(`${name}${i}`);
    world.run(5);
  }
}

describe("what was acknowledged survives", () => {
  it.each(SEEDS)(
    "a power cut right after followers were brought up to date by DIFF, without the leader (3911, 4646; seed %i)",
    (seed) => {
      const world = new World({ voters: 3, seed });
      world.boot(1, 2);
      world.untilServing();
      writeMany(world, "a", 4);
      world.untilEqual();
      world.node(1).crash();
      world.boot(3);
      const leader = world.untilServing();
      world.write("b");
      world.runUntil(() => world.acknowledged.includes("b"));
      powerCut(world);
      const survivors = [2, 3].filter((sid) => sid !== leader.sid);
      world.boot(1, ...survivors);
      world.untilServing();
      world.untilEqual();
      expect(world.values(1)).toEqual(["a0", "a1", "a2", "a3", "b"]);
    },
  );

  it.each(SEEDS)("a follower's crash while it is synchronized, at any moment (4643, 4785; seed %i)", (seed) => {
    for (let afterMs = 0; afterMs < 60; afterMs += 3) {
      const world = new World({ voters: 3, seed: seed * 100 + afterMs });
      world.boot(2, 3);
      world.untilServing();
      writeMany(world, "a", 3);
      world.untilEqual();
      world.boot(1);
      world.run(200 + afterMs);
      world.node(1).crash();
      world.node(2).crash();
      world.boot(1);
      world.untilServing();
      world.untilEqual();
      expect(world.values(1)).toEqual(["a0", "a1", "a2"]);
    }
  });

  it.each(SEEDS)(
    "leaders that follow each other, each by a follower that came back by DIFF (4925; seed %i)",
    (seed) => {
      const world = new World({ voters: 3, seed });
      world.historyMax = 3;
      world.boot(1, 2, 3);
      world.untilServing();
      world.node(1).crash();
      writeMany(world, "a", 2);
      world.boot(1);
      world.untilServing();
      world.untilEqual();
      world.node(2).crash();
      writeMany(world, "b", 2);
      world.node(3).crash();
      world.boot(2);
      world.untilServing();
      world.untilEqual();
      world.boot(3);
      world.untilServing();
      world.untilEqual();
      expect(world.acknowledged.filter((value) => !world.values(2).includes(value))).toEqual([]);
      expect(world.values(2)).toEqual(world.values(3));
    },
  );

  it.each(SEEDS)("writes while a learner takes a snapshot (3104, 1551; seed %i)", (seed) => {
    const world = new World({ voters: 3, observers: 1, seed });
    world.historyMax = 0;
    world.boot(1, 2);
    world.untilServing();
    writeMany(world, "a", 30);
    world.untilEqual();
    world.boot(3, 4);
    for (let i = 0; i < 40; i++) {
      world.write(`b${i}`);
      world.run(10);
    }
    world.untilServing();
    world.untilEqual();
    expect(world.values(4)).toEqual(world.values(1));
    expect(world.values(3)).toHaveLength(70);
  });

  it.each(SEEDS)("the growth from one server to three (1319; seed %i)", (seed) => {
    const world = new World({ voters: 3, seed });
    world.boot(1, 2);
    world.untilServing();
    writeMany(world, "a", 3);
    world.node(2).crash();
    world.run(2000);
    world.boot(3);
    world.untilServing();
    world.untilEqual();
    expect(world.values(3)).toEqual(["a0", "a1", "a2"]);
  });
});

describe("what was not acknowledged is everywhere or nowhere", () => {
  it.each(SEEDS)("when a leader loses its quorum with a txn in its log (2845, 2832, 1154; seed %i)", (seed) => {
    const world = new World({ voters: 3, seed });
    world.boot();
    const old = world.untilServing();
    writeMany(world, "a", 2);
    world.untilEqual();
    world.isolate(old.sid);
    old.act(() => old.write("alone"));
    world.runUntil(() => old.leadership === null);
    world.runUntil(() => world.leader !== null && world.leader !== old);
    world.write("b");
    world.runUntil(() => world.acknowledged.includes("b"));
    world.heal();
    world.untilServing();
    world.untilEqual();
    for (const sid of [1, 2, 3]) expect(world.values(sid)).toEqual(["a0", "a1", "b"]);
  });

  it.each(SEEDS)("when the leader dies with a proposal at one follower only (5010, 508; seed %i)", (seed) => {
    const world = new World({ voters: 5, seed });
    world.boot();
    const old = world.untilServing();
    writeMany(world, "a", 2);
    world.untilEqual();
    const [near] = [1, 2, 3, 4, 5].filter((sid) => sid !== old.sid);
    for (const sid of [1, 2, 3, 4, 5]) if (sid !== near && sid !== old.sid) world.cut(old.sid, sid);
    old.act(() => old.write("half"));
    world.run(20);
    old.crash();
    world.heal();
    world.untilServing();
    world.write("b");
    world.untilEqual();
    old.boot();
    world.untilServing();
    world.untilEqual();
    const values = world.values(1);
    for (const sid of [2, 3, 4, 5]) expect(world.values(sid)).toEqual(values);
    expect(values.filter((value) => value !== "half")).toEqual(["a0", "a1", "b"]);
  });

  it.each(SEEDS)(
    "when the leader dies between choosing its epoch and its quorum, again and again (790, 569; seed %i)",
    (seed) => {
      const world = new World({ voters: 3, seed });
      world.boot();
      for (let round = 0; round < 6; round++) {
        world.runUntil(() => [...world.nodes.values()].some((node) => node.isUp && node.peer.state === "LEADING"));
        world.run(world.random.below(12));
        const candidate = [...world.nodes.values()].find((node) => node.isUp && node.peer.state === "LEADING");
        candidate?.crash();
        world.run(20);
        candidate?.boot();
      }
      world.untilServing();
      world.write("a");
      world.untilEqual();
      expect(world.values(2)).toEqual(["a"]);
    },
  );
});

describe("there is a leader that commits", () => {
  const committed = (world: World, withinMs: number): number => {
    const value = `probe ${world.nowMs}`;
    return world.runUntil(() => {
      if (!world.acknowledged.includes(value) && world.random.below(20) === 0) world.write(value);
      return world.acknowledged.includes(value);
    }, withinMs);
  };

  it.each(SEEDS)("soon after the old one was killed (seed %i)", (seed) => {
    const world = new World({ voters: 3, seed });
    world.boot();
    world.untilServing().crash();
    expect(committed(world, 10_000)).toBeLessThan(1000);
  });

  it.each(SEEDS)("while one server is cut off from all (seed %i)", (seed) => {
    const world = new World({ voters: 3, seed });
    world.boot();
    const leader = world.untilServing();
    world.isolate(leader.sid);
    world.runUntil(() => leader.leadership === null);
    expect(committed(world, 10_000)).toBeLessThan(5000);
  });

  it.each(SEEDS)("after its process stood still, and the old one has done nothing since (G19; seed %i)", (seed) => {
    const world = new World({ voters: 3, seed });
    world.boot();
    const old = world.untilServing();
    old.pause();
    old.act(() => old.leadership && old.write("while it stands still"));
    world.run(3000);
    expect(committed(world, 10_000)).toBeLessThan(5000);
    old.resume();
    expect(old.leadership).toBe(null);
    world.untilServing();
    world.untilEqual();
    expect(world.acknowledged).not.toContain("while it stands still");
  });

  it.each(SEEDS)("with one-way cuts, and all have the same when they are healed (G18; seed %i)", (seed) => {
    const world = new World({ voters: 5, seed });
    world.boot();
    const leader = world.untilServing();
    const others = [1, 2, 3, 4, 5].filter((sid) => sid !== leader.sid);
    world.cut(leader.sid, others[0]);
    world.cut(others[1], leader.sid);
    world.run(3000);
    expect(committed(world, 20_000)).toBeLessThan(20_000);
    world.heal();
    world.untilServing();
    world.untilEqual();
    expect(new Set([1, 2, 3, 4, 5].map((sid) => world.values(sid).join())).size).toBe(1);
  });

  it.each(SEEDS)(
    "after a damaged server was repaired by the others, which alone are no quorum without it (D7; seed %i)",
    (seed) => {
      const world = new World({ voters: 3, seed });
      world.boot();
      world.untilServing();
      writeMany(world, "a", 3);
      world.untilEqual();
      world.node(1).crash();
      const { disk } = world.node(1);
      disk.isDamaged = true;
      disk.log.splice(1, 1);
      world.boot(1);
      world.untilServing();
      world.untilEqual();
      expect([world.values(1), world.node(1).disk.isDamaged]).toEqual([["a0", "a1", "a2"], false]);
    },
  );

  it("neither while a quorum is damaged", () => {
    const world = new World({ voters: 3, seed: 1 });
    for (const sid of [1, 2]) world.node(sid).disk.isDamaged = true;
    world.boot();
    world.run(20_000);
    expect(world.leader).toBe(null);
  });
});
