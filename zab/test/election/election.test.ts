import { describe, expect, it } from "vitest";
import { type LearnerType, type QuorumVerifier, verifierOf } from "../../src/core/index.js";
import { ensemble, member } from "./ensembles.js";
import { type SimServer, World } from "./world.js";

const EPOCH = 0x1_0000_0000;

function isBetter(a: SimServer, b: SimServer): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  return a.zxid !== b.zxid ? a.zxid > b.zxid : a.sid > b.sid;
}

function bestOf(servers: readonly SimServer[]): SimServer {
  return servers.reduce((best, server) => (isBetter(server, best) ? server : best));
}

function settled(servers: readonly SimServer[]): boolean {
  return servers.every((server) => server.result !== null);
}

/** The servers behave as their peers do: they look again when there is no such leader, or no quorum follows. */
function lookAgainWhenAlone(server: SimServer): void {
  const { world } = server;
  server.onElected = (result) => {
    const election = server.elections;
    const check = (): void => {
      if (!server.isUp || server.result !== result || server.elections !== election) return;
      let isGood: boolean;
      if (result.role === "leading") {
        const followers = world
          .up()
          .filter((other) => other.result?.leader === server.sid && !world.isCut(other.sid, server.sid));
        isGood = server.verifier.containsQuorum(new Set(followers.map(({ sid }) => sid)));
      } else {
        const leader = world.servers.get(result.leader)!;
        isGood = leader.isUp && leader.result?.role === "leading" && !world.isCut(leader.sid, server.sid);
      }
      if (isGood) world.after(20, check);
      else server.turn(() => server.look());
    };
    world.after(result.role === "leading" ? 400 : 300, check);
  };
}

function worldOf(seed: number, verifier: QuorumVerifier, delayMaxMs = 5): World {
  const world = new World(seed);
  world.delayMaxMs = delayMaxMs;
  for (const sid of verifier.members.keys()) world.add(sid, verifier);
  return world;
}

function randomHistories(world: World): void {
  for (const server of world.servers.values()) {
    server.epoch = 1 + world.random(3);
    server.zxid = server.epoch * EPOCH + world.random(4);
  }
}

describe("an election", () => {
  it.each([1, 3, 5, 7])("of servers that start together chooses the one that has most (voters=%i)", (voters) => {
    for (let seed = 1; seed <= 60; seed++) {
      const world = worldOf(seed, ensemble(voters, voters === 1 ? 0 : seed % 3));
      randomHistories(world);
      const servers = [...world.servers.values()];
      for (const server of servers) world.at(world.random(10), () => server.start());
      expect(
        world.run(20_000, () => settled(servers)),
        `seed ${seed}`,
      ).toBe(true);
      const best = bestOf(servers.filter(({ sid }) => sid <= voters));
      for (const server of servers) {
        expect(server.result!.leader, `seed ${seed}, server ${server.sid}`).toBe(best.sid);
        expect(server.result!.zxid).toBe(best.zxid);
        expect(server.result!.peerEpoch).toBe(best.epoch);
        expect(server.result!.role).toBe(
          server === best ? "leading" : server.sid <= voters ? "following" : "observing",
        );
      }
    }
  });

  it("gives the same result at the same time when it is run again with its seed", () => {
    const runs = [1, 2].map(() => {
      const world = worldOf(7, ensemble(5), 50);
      randomHistories(world);
      for (const server of world.servers.values()) server.start();
      world.run(20_000, () => settled([...world.servers.values()]));
      return [...world.servers.values()].map((server) => [server.result!.leader, server.electedMs]);
    });
    expect(runs[0]).toEqual(runs[1]);
  });

  it("does not wait once all voting servers have the same vote", () => {
    const world = worldOf(1, ensemble(3), 1);
    for (const server of world.servers.values()) server.start();
    expect(world.run(20_000, () => settled([...world.servers.values()]))).toBe(true);
    expect(world.nowMs).toBeLessThan(20);
  });

  it("is over within a few round trips when the leader's process has ended (voters=3, 5)", () => {
    for (const voters of [3, 5]) {
      for (let seed = 1; seed <= 30; seed++) {
        const world = worldOf(seed, ensemble(voters), 1);
        const servers = [...world.servers.values()];
        for (const server of servers) server.start();
        world.run(20_000, () => settled(servers));
        const left = servers.slice(0, -1);
        world.run(world.nowMs + 1000);
        world.servers.get(voters)!.kill();
        const killedMs = world.nowMs;
        for (const server of left) world.after(world.delay(), () => server.turn(() => server.look()));
        world.run(world.nowMs + 1, () => left.every((server) => server.result === null));
        expect(world.run(killedMs + 5000, () => settled(left))).toBe(true);
        expect(new Set(left.map((server) => server.result!.leader))).toEqual(new Set([voters - 1]));
        expect(world.nowMs - killedMs, `seed ${seed}`).toBeLessThan(50);
      }
    }
  });

  it("waits for a better vote while a voting server can be reached and has not told its own", () => {
    const world = worldOf(1, ensemble(3), 1);
    const [one, two, three] = [...world.servers.values()];
    three.zxid = 5;
    for (const server of [one, two, three]) server.start();
    world.run(20_000, () => settled([one, two, three]));
    // Server 3 is stopped, not gone: its connections stay, and nothing comes.
    world.cut(1, 3);
    world.cut(2, 3);
    for (const server of [one, two]) server.turn(() => server.look());
    const startMs = world.nowMs;
    expect(world.run(startMs + 5000, () => settled([one, two]))).toBe(true);
    expect(two.result!.role).toBe("leading");
    expect(world.nowMs - startMs).toBeGreaterThanOrEqual(200);
    expect(world.nowMs - startMs).toBeLessThan(300);
  });

  it("converges while winners are killed, servers come back and connections are slow (voters=3, 5, 7)", () => {
    for (const voters of [3, 5, 7]) {
      for (let seed = 1; seed <= 25; seed++) {
        const world = worldOf(seed * 31, ensemble(voters, seed % 2), 1 + (seed % 4) * 50);
        randomHistories(world);
        for (const server of world.servers.values()) {
          lookAgainWhenAlone(server);
          world.at(world.random(2000), () => server.start());
        }
        for (let i = 0; i < 6; i++) {
          world.at(3000 + i * 1500 + world.random(1000), () => {
            const leader = world.up().find((server) => server.result?.role === "leading");
            const victim = leader ?? [...world.servers.values()][world.random(world.servers.size)];
            if (!victim.isUp) return;
            victim.kill();
            world.after(500 + world.random(2000), () => victim.start());
          });
        }
        world.run(16_000);
        const servers = [...world.servers.values()];
        for (const server of servers) if (!server.isUp) server.start();
        const isFormed = (): boolean =>
          settled(servers) &&
          new Set(servers.map((server) => server.result!.leader)).size === 1 &&
          servers.some((server) => server.result!.role === "leading");
        expect(world.run(60_000, isFormed), `voters ${voters}, seed ${seed}`).toBe(true);
        const formedBy = bestOf(servers.filter(({ sid }) => sid <= voters));
        const leader = servers.find((server) => server.result!.role === "leading")!;
        expect(leader.sid, "an observer leads").toBeLessThanOrEqual(voters);
        expect(formedBy.epoch).toBeGreaterThanOrEqual(leader.epoch);
      }
    }
  });

  it("heals after a partition: the minority joins the leader of the majority", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = worldOf(seed, ensemble(5), 10);
      for (const server of world.servers.values()) {
        lookAgainWhenAlone(server);
        server.start();
      }
      const servers = [...world.servers.values()];
      world.run(20_000, () => settled(servers));
      for (const a of [4, 5]) for (const b of [1, 2, 3]) world.cut(a, b);
      expect(
        world.run(30_000, () => servers.slice(0, 3).every((server) => server.result?.leader === 3)),
        `seed ${seed}`,
      ).toBe(true);
      world.run(35_000);
      expect(servers[3].election.isLooking && servers[4].election.isLooking).toBe(true);
      world.cuts.clear();
      const isFormed = (): boolean => servers.every((server) => server.result?.leader === 3);
      expect(world.run(110_000, isFormed), `seed ${seed}`).toBe(true);
      // Nobody has to wait for the longest interval.
      expect(world.nowMs).toBeLessThan(35_000 + 15_000);
    }
  });

  it("takes a server that comes late as a follower of the leader that there is, even if it has more", () => {
    const world = worldOf(3, ensemble(3));
    const [one, two, three] = [...world.servers.values()];
    one.start();
    two.start();
    expect(world.run(5000, () => settled([one, two]))).toBe(true);
    expect(two.result!.role).toBe("leading");
    for (const server of [one, two]) server.turn(() => server.election.formed(1));
    world.run(8000);
    three.zxid = 99;
    three.start();
    expect(world.run(9000, () => settled([three]))).toBe(true);
    expect(three.result).toMatchObject({ role: "following", leader: 2, peerEpoch: 1 });
    expect(three.election.logicalClock).toBe(two.election.logicalClock);
  });

  it("is not joined on the word of followers whose leader is gone", () => {
    const world = worldOf(3, ensemble(5));
    const servers = [...world.servers.values()];
    for (const server of servers.slice(0, 4)) server.start();
    world.run(5000, () => settled(servers.slice(0, 4)));
    world.servers.get(4)!.kill();
    // 1 to 3 have not noticed, and go on telling that 4 leads.
    servers[4].start();
    world.run(world.nowMs + 3000);
    expect(servers[4].election.isLooking).toBe(true);
  });

  it("never counts observers' votes, and lets them find the leader", () => {
    const world = worldOf(5, ensemble(3, 4));
    for (const server of world.servers.values()) {
      if (server.sid > 3) server.zxid = 50;
      if (server.sid === 1 || server.sid > 3) server.start();
    }
    world.run(10_000);
    expect(world.up().every((server) => server.election.isLooking)).toBe(true);
    world.servers.get(2)!.start();
    expect(world.run(90_000, () => settled(world.up()))).toBe(true);
    for (const server of world.up()) expect(server.result!.leader).toBe(2);
  });

  it("needs the weight of most groups, and a server that weighs nothing never wins", () => {
    const members = [1, 2, 3, 4, 5, 6, 7].map((sid) => member(sid));
    const groups = new Map([
      [1, [1, 2, 3]],
      [2, [4, 5, 6]],
      [3, [7]],
    ]);
    const weights = new Map([[7, 0]]);
    const verifier = verifierOf({ version: 0, members, groups, weights });
    const world = worldOf(9, verifier);
    for (const sid of [4, 5, 6, 7, 1]) world.servers.get(sid)!.start();
    world.run(5000);
    expect(world.up().every((server) => server.election.isLooking)).toBe(true);
    world.servers.get(2)!.start();
    expect(world.run(90_000, () => settled(world.up()))).toBe(true);
    for (const server of world.up()) expect(server.result!.leader).toBe(6);
  });

  it("lets one of two servers lead when the oracle says so, as soon as it says so", () => {
    let isNamed = false;
    const members = [member(1), member(2)];
    const verifier = verifierOf({ version: 0, members, groups: new Map(), weights: new Map() }, () => isNamed);
    const world = worldOf(2, verifier);
    const one = world.servers.get(1)!;
    one.start();
    world.run(3000);
    expect(one.election.isLooking).toBe(true);
    isNamed = true;
    expect(world.run(20_000, () => settled([one]))).toBe(true);
    expect(one.result!.role).toBe("leading");
    isNamed = false;
    const two = world.servers.get(2)!;
    two.zxid = 7;
    two.start();
    expect(world.run(40_000, () => settled([two]))).toBe(true);
    expect(two.result).toMatchObject({ role: "following", leader: 1 });
  });
});

describe("a damaged replica", () => {
  it("never makes a quorum, and follows one that is formed", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = worldOf(seed, ensemble(3));
      const [one, two, three] = [...world.servers.values()];
      three.canVote = false;
      three.zxid = 1000;
      one.start();
      three.start();
      world.run(5000);
      expect(one.election.isLooking && three.election.isLooking).toBe(true);
      two.start();
      expect(
        world.run(30_000, () => settled([one, two, three])),
        `seed ${seed}`,
      ).toBe(true);
      expect(one.result!.leader).toBe(2);
      expect(three.result).toMatchObject({ leader: 2, role: "following" });
      expect(two.result!.voters).toEqual(new Set([1, 2]));
    }
  });

  it("is not elected even if all others still say that it leads", () => {
    const world = worldOf(4, ensemble(3));
    const servers = [...world.servers.values()];
    for (const server of servers) server.start();
    world.run(5000, () => settled(servers));
    const three = servers[2];
    three.kill();
    three.canVote = false;
    three.start();
    world.run(world.nowMs + 5000);
    expect(three.election.isLooking).toBe(true);
  });
});

describe("configurations in notifications", () => {
  const newer = ensemble(4, 0, 0x100);

  it("are passed on when a voting server shows a newer one, if reconfig is enabled", () => {
    const world = new World(1);
    const old = world.add(1, ensemble(3), { reconfigEnabled: true });
    for (const sid of [2, 3, 4]) world.add(sid, newer, { reconfigEnabled: true });
    for (const server of world.servers.values()) server.start();
    expect(world.run(20_000, () => settled([...world.servers.values()]))).toBe(true);
    expect(old.verifier.version).toBe(0x100);
    expect(old.result!.leader).toBe(4);
  });

  it("are not looked at if it is not", () => {
    const world = new World(1);
    const old = world.add(1, ensemble(3));
    for (const sid of [2, 3]) world.add(sid, newer);
    for (const server of world.servers.values()) server.start();
    expect(world.run(20_000, () => settled([...world.servers.values()]))).toBe(true);
    expect(old.verifier.version).toBe(0);
  });

  it("count only those with a quorum in both while one is being changed to", () => {
    const world = new World(1);
    const types: LearnerType[] = ["observer", "participant", "participant", "participant", "participant"];
    const next = verifierOf({
      version: 0x200,
      members: types.map((type, i) => member(i + 1, type)),
      groups: new Map(),
      weights: new Map(),
    });
    for (const sid of [1, 2, 3]) world.add(sid, ensemble(3));
    for (const server of world.servers.values()) {
      server.start();
      server.turn(() => {
        server.election.setVerifiers(ensemble(3), next);
        server.look();
      });
    }
    const servers = [...world.servers.values()];
    world.run(5000);
    // 1, 2, 3 are all of the old one, but only two of the four that vote in the next.
    expect(servers.every((server) => server.election.isLooking)).toBe(true);
    const four = world.add(4, next);
    four.start();
    expect(world.run(90_000, () => settled(servers))).toBe(true);
    for (const server of servers) expect(server.result!.leader).toBe(4);
  });
});
