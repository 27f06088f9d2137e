import { describe, expect, test } from "vitest";
import { OpCode } from "../../src/core/op-code.js";
import { CLOSE, create, Flag, getData, getEphemerals, multi, PING, setData, sync } from "../core/requests.js";
import { newTree } from "../core/scene.js";
import { Ensemble, Server } from "./ensemble.js";

const [LEADER, FOLLOWER, OTHER, OBSERVER] = [0, 1, 2, 3];
const LOCAL = { localSessionsEnabled: true };
const UPGRADING = { localSessionsEnabled: true, localSessionsUpgradingEnabled: true };

function types(ensemble: Ensemble): number[] {
  return ensemble.leader.log.types;
}

describe("a local session", () => {
  for (const sid of [LEADER, FOLLOWER, OBSERVER]) {
    test(`of server ${sid} needs no txn, reads and writes, and ends without one`, () => {
      const ensemble = new Ensemble(2, 1, LOCAL);
      const server = ensemble.servers[sid]!;
      const client = server.client("a");
      client.connect();
      expect(server.told()).toEqual(["a: session of 10000 ms"]);
      expect(server.core.sessions.localCount).toBe(1);
      client.send(create("/x"), setData("/x", "1"), getData("/x"), CLOSE);
      ensemble.settle();
      expect(server.told().map((line) => line.replace(/ @.*/, ""))).toEqual([
        "a: 1",
        "a: 2",
        "a: 3",
        "a: 4",
        "a: connection closed",
      ]);
      expect(types(ensemble)).toEqual([OpCode.create, OpCode.setData]);
      expect(server.core.sessions.size).toBe(0);
    });

    test(`of server ${sid} may not own ephemerals where it can't be upgraded`, () => {
      const ensemble = new Ensemble(2, 1, LOCAL);
      const server = ensemble.servers[sid]!;
      const client = server.client("a");
      client.connect();
      client.send(create("/e", { flags: Flag.ephemeral }), create("/x"));
      ensemble.settle();
      expect(server.told().map((line) => line.replace(/@\d+ /, ""))).toEqual([
        "a: session of 10000 ms",
        "a: 1 EphemeralOnLocalSession",
        "a: 2 created /x",
      ]);
      expect(types(ensemble)).toEqual([OpCode.error, OpCode.create]);
    });

    test(`of server ${sid} becomes known to all with its first ephemeral, be it in a multi (catalogue 72)`, () => {
      const ensemble = new Ensemble(2, 1, UPGRADING);
      const server = ensemble.servers[sid]!;
      const client = server.client("a");
      client.connect();
      client.send(create("/x"), multi(setData("/x", "1"), create("/e", { flags: Flag.ephemeral })), getEphemerals());
      ensemble.settle();
      expect(types(ensemble)).toEqual([OpCode.create, OpCode.createSession, OpCode.multi]);
      expect(server.told().pop()).toContain("[/e]");
      expect(server.core.sessions.localCount).toBe(0);
      for (const { tree } of ensemble.servers) expect([tree.sessions.size, tree.ephemeralCount]).toEqual([1, 1]);
      // And moves like any other.
      const again = ensemble.servers[OTHER]!.client("again");
      again.connect({ sessionId: client.sessionId, password: client.password });
      ensemble.settle();
      again.send(create("/f", { flags: Flag.ephemeral }), CLOSE);
      ensemble.settle();
      for (const { tree } of ensemble.servers) expect([tree.sessions.size, tree.ephemeralCount]).toEqual([0, 0]);
    });
  }

  test("that is being upgraded when its client goes away is known to all or to nobody, and its ephemerals end with it", () => {
    const ensemble = new Ensemble(2, 0, UPGRADING);
    const client = ensemble.servers[FOLLOWER]!.client("a");
    client.connect({ timeoutMs: 4000 });
    client.send(create("/e", { flags: Flag.ephemeral }));
    client.vanish();
    ensemble.settle();
    expect(ensemble.servers.map(({ tree }) => [tree.sessions.size, tree.ephemeralCount])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    ensemble.pass(12_000);
    expect(ensemble.servers.map(({ tree }) => [tree.sessions.size, tree.ephemeralCount])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  test("is unknown at another server", () => {
    const ensemble = new Ensemble(2, 0, LOCAL);
    const client = ensemble.servers[FOLLOWER]!.client("a");
    client.connect();
    for (const sid of [LEADER, OTHER]) {
      const again = ensemble.servers[sid]!.client("again");
      again.connect({ sessionId: client.sessionId, password: client.password });
      ensemble.settle();
      expect(ensemble.servers[sid]!.told()).toEqual(["again: session refused", "again: connection closed"]);
    }
  });

  test("comes back at its own server while it lives, and ends when nothing is heard of its client", () => {
    const ensemble = new Ensemble(2, 0, LOCAL);
    const server = ensemble.servers[FOLLOWER]!;
    const client = server.client("a");
    client.connect({ timeoutMs: 4000 });
    client.vanish();
    const again = server.client("again");
    again.connect({ sessionId: client.sessionId, password: client.password, timeoutMs: 4000 });
    server.told();
    ensemble.pass(3000);
    again.send(PING, sync("/"));
    ensemble.settle();
    expect(server.told().map((line) => line.replace(/ @.*/, ""))).toEqual(["again: ping", "again: 1"]);
    ensemble.pass(8000);
    expect(server.told()).toEqual(["again: connection closed"]);
    expect(server.core.sessions.size).toBe(0);
    expect(types(ensemble)).toEqual([]);
  });
});

describe("a server that only reads", () => {
  function readOnly(): Server {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(LEADER, "before");
    client.send(create("/x", { data: "old" }));
    ensemble.settle();
    return new Server("survivor", ensemble.leader.tree, { serverId: 7 }, { kind: "read-only" });
  }

  test("gives sessions to clients that are content with it, answers reads, and refuses everything else", () => {
    const server = readOnly();
    const client = server.client("a");
    client.connect({ readOnly: true });
    client.send(getData("/x"), setData("/x", "new"), sync("/x"), multi(create("/y")), PING, CLOSE);
    server.endTurn();
    const at = "@4294967298";
    expect(server.told()).toEqual([
      "a: session of 10000 ms, read-only",
      `a: 1 ${at} "old" v0 c0 a0 n0 zxids 4294967298 4294967298 4294967298`,
      `a: 2 ${at} NotReadOnly`,
      `a: 3 ${at} NotReadOnly`,
      `a: 4 ${at} NotReadOnly`,
      `a: ping ${at} ok`,
      `a: 5 ${at} ok`,
      "a: connection closed",
    ]);
    expect(server.log.records).toEqual([]);
  });

  test("sends away who wants to write, who is too old to know, and who comes back with a session of the ensemble", () => {
    const server = readOnly();
    server.client("writer").connect();
    server.client("old").connect({ old: true });
    const known = new Ensemble(0, 0, {}, newTree).session(LEADER, "known");
    server.tree.sessions.set(known.sessionId.hi, known.sessionId.lo, 10_000);
    server.client("known").connect({ readOnly: true, sessionId: known.sessionId, password: known.password });
    server.endTurn();
    expect(server.told()).toEqual(["writer: connection closed", "old: connection closed", "known: connection closed"]);
  });

  test("expires its sessions itself", () => {
    const server = readOnly();
    server.client("a").connect({ readOnly: true, timeoutMs: 4000 });
    for (let nowMs = 1000; nowMs <= 8000; nowMs += 1000) {
      server.core.clock(nowMs, nowMs);
      server.core.tick();
    }
    server.endTurn();
    expect(server.told().pop()).toBe("a: connection closed");
    expect(server.core.sessions.size).toBe(0);
  });
});
