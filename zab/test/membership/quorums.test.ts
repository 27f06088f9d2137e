import { describe, expect, it } from "vitest";
import { HierarchicalQuorum, MajorityQuorum, SyncedLearnerTracker, verifierOf } from "../../src/core/index.js";
import { ensemble, member } from "../election/ensembles.js";
import { randomInts } from "../election/world.js";

function subsets(sids: readonly number[]): Set<number>[] {
  const all: Set<number>[] = [];
  for (let bits = 0; bits < 1 << sids.length; bits++) all.push(new Set(sids.filter((_, i) => (bits >> i) & 1)));
  return all;
}

describe("a majority", () => {
  it.each([1, 2, 3, 4, 5, 6, 7])("is more than half of the voting members (voters=%i)", (voters) => {
    const verifier = ensemble(voters, 2);
    for (const sids of subsets([...verifier.members.keys(), 99])) {
      const votes = [...sids].filter((sid) => sid <= voters).length;
      expect(verifier.containsQuorum(sids)).toBe(votes * 2 > voters);
    }
  });

  it("of two servers may be one that the oracle names, as long as it is alone", () => {
    let isNamed = false;
    const config = { version: 0, members: [member(1), member(2)], groups: new Map(), weights: new Map() };
    const verifier = verifierOf(config, () => isNamed);
    const alone = new Set([1]);
    expect(verifier.containsQuorum(alone)).toBe(false);
    isNamed = true;
    expect(verifier.containsQuorum(alone)).toBe(true);
    expect(verifier.containsQuorum(new Set())).toBe(false);
    expect(verifier.updateNeedOracle(true)).toBe(false);
    expect(verifier.containsQuorum(alone)).toBe(false);
    expect(verifier.updateNeedOracle(false)).toBe(true);
    expect(verifier.containsQuorum(alone)).toBe(true);
  });

  it("of three servers is never one, whatever an oracle says", () => {
    const members = [1, 2, 3].map((sid) => member(sid));
    const verifier = verifierOf({ version: 0, members, groups: new Map(), weights: new Map() }, () => true);
    expect(verifier.containsQuorum(new Set([1]))).toBe(false);
    expect(verifier.updateNeedOracle(false)).toBe(false);
  });
});

describe("groups and weights", () => {
  it("have quorums that always share a server, and count as a naive twin does", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomInts(seed);
      const sids = [1, 2, 3, 4, 5, 6, 7].slice(0, 3 + random(5));
      const members = sids.map((sid) => member(sid));
      const groups = new Map<number, number[]>();
      for (const sid of sids) {
        const group = 1 + random(3);
        groups.set(group, [...(groups.get(group) ?? []), sid]);
      }
      const weights = new Map(sids.filter(() => random(2) === 0).map((sid) => [sid, random(4)]));
      const verifier = verifierOf({ version: 0, members, groups, weights });
      expect(verifier).toBeInstanceOf(HierarchicalQuorum);

      const weightOf = (sid: number): number => weights.get(sid) ?? 1;
      const counted = [...groups.values()].filter((group) => group.some((sid) => weightOf(sid) > 0));
      const twin = (set: ReadonlySet<number>): boolean => {
        const won = counted.filter((group) => {
          const total = group.reduce((sum, sid) => sum + weightOf(sid), 0);
          const have = group.filter((sid) => set.has(sid)).reduce((sum, sid) => sum + weightOf(sid), 0);
          return have * 2 > total;
        });
        return won.length * 2 > counted.length;
      };
      const quorums: Set<number>[] = [];
      for (const set of subsets(sids)) {
        expect(verifier.containsQuorum(set), `seed ${seed}: ${[...set]}`).toBe(twin(set));
        if (verifier.containsQuorum(set)) quorums.push(set);
      }
      for (const a of quorums) {
        for (const b of quorums) expect([...a].some((sid) => b.has(sid))).toBe(true);
      }
    }
  });

  it("are needed as soon as there is a weight", () => {
    const config = { version: 0, members: [member(1)], groups: new Map(), weights: new Map([[1, 1]]) };
    expect(() => verifierOf(config)).toThrow("server.1 is in no group");
  });
});

describe("two configurations at once", () => {
  it("need a quorum in each", () => {
    const tracker = new SyncedLearnerTracker([ensemble(3), ensemble(5, 0, 1)]);
    expect(tracker.add(9)).toBe(false);
    expect(tracker.add(4)).toBe(true);
    expect(tracker.add(5)).toBe(true);
    expect(tracker.add(1)).toBe(true);
    expect(tracker.hasAllQuorums()).toBe(false);
    tracker.add(2);
    expect(tracker.hasAllQuorums()).toBe(true);
  });

  it("are the same if their servers are, whatever their versions", () => {
    const one = ensemble(3);
    expect(one).toBeInstanceOf(MajorityQuorum);
    expect(one.sameMembers(ensemble(3, 0, 7))).toBe(true);
    expect(one.sameMembers(one.withVersion(9))).toBe(true);
    expect(one.withVersion(9).version).toBe(9);
    expect(one.sameMembers(ensemble(2, 1))).toBe(false);
    expect(one.sameMembers(ensemble(4))).toBe(false);
  });
});
