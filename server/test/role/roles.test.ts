import { Writer } from "@quoll/jute";
import { describe, expect, test } from "vitest";
import { OpCode } from "../../src/core/op-code.js";
import {
  auth,
  CLOSE,
  CREATOR,
  check,
  create,
  Flag,
  getData,
  getEphemerals,
  multi,
  PING,
  READ_ONLY,
  type Request,
  raw,
  remove,
  setData,
  sync,
} from "../core/requests.js";
import { SeededRandom } from "../core/scene.js";
import { Ensemble } from "./ensemble.js";

const [LEADER, FOLLOWER, OTHER, OBSERVER] = [0, 1, 2, 3];

describe("a write", () => {
  for (const sid of [LEADER, FOLLOWER, OBSERVER]) {
    test(`of a client of server ${sid} is answered once a majority has it, and is the same everywhere`, () => {
      const ensemble = new Ensemble(2, 1);
      const server = ensemble.servers[sid]!;
      const client = ensemble.session(sid, "a");
      client.send(create("/x", { data: "1" }), setData("/x", "2"), getData("/x"));
      expect(server.told()).toEqual([]);
      ensemble.settle();
      expect(server.told()).toEqual([
        "a: 1 @4294967298 created /x",
        "a: 2 @4294967299 v1 c0 a0 n0 zxids 4294967298 4294967299 4294967298",
        'a: 3 @4294967299 "2" v1 c0 a0 n0 zxids 4294967298 4294967299 4294967298',
      ]);
      const digests = new Set(ensemble.servers.map(({ tree }) => `${tree.digest.hi} ${tree.digest.lo}`));
      expect(digests.size).toBe(1);
      expect(ensemble.servers.map(({ core }) => core.inProcess)).toEqual([0, 0, 0, 0]);
    });
  }

  test("that is refused is an error txn that only the one who asked is told of", () => {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(FOLLOWER, "a");
    client.send(setData("/none", ""), create("/x"));
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual(["a: 1 @4294967298 NoNode", "a: 2 @4294967299 created /x"]);
    expect(ensemble.leader.log.types).toEqual([OpCode.createSession, OpCode.error, OpCode.create]);
  });

  test("that a learner can't read is answered by it and never reaches the leader", () => {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(FOLLOWER, "a");
    client.send(create("/x"), raw(OpCode.setData, new Uint8Array(3), "cut off"), create("/y"));
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual([
      "a: 1 @4294967298 created /x",
      "a: 2 @4294967298 MarshallingError",
      "a: 3 @4294967299 created /y",
    ]);
  });

  test("that a Java follower sends on although it can't be read has a txn of its own, so that the follower is answered", () => {
    const ensemble = new Ensemble(2, 0);
    const { leaderService } = ensemble.leader.core;
    const noIds = Uint8Array.of(255, 255, 255, 255);
    leaderService.request({}, 5, 5, 9, OpCode.setData, noIds, 0, 0, 0, 4);
    ensemble.settle();
    expect(ensemble.leader.log.records.map(({ zxid }) => zxid)).toEqual([4294967297]);
    expect(ensemble.leader.log.types).toEqual([OpCode.error]);
  });

  test("that only a leader's reaper makes is refused, though a Java follower lets a client ask for it", () => {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(LEADER, "a");
    client.send(create("/closed", { acl: READ_ONLY }));
    ensemble.settle();
    const packet = new Writer();
    packet.string("/closed");
    const { at } = packet;
    packet.int(-1);
    const bytes = packet.take();
    const { hi, lo } = client.sessionId;
    ensemble.leader.core.leaderService.request({}, hi, lo, 9, OpCode.deleteContainer, bytes, 0, at, at, bytes.length);
    ensemble.settle();
    expect(ensemble.leader.log.types).toEqual([OpCode.createSession, OpCode.create, OpCode.error]);
  });

  test("of a client with ids is checked against the ACL with these ids at the leader", () => {
    const ensemble = new Ensemble(2, 0);
    const acl = [{ perms: 31, id: { scheme: "digest", id: "u:PKxyNY1rJ5zoJm0qW8YjUJ1nVb0=" } }];
    const ip = [{ perms: 31, id: { scheme: "ip", id: "127.0.0.1" } }];
    const client = ensemble.session(FOLLOWER, "a");
    client.send(create("/closed", { acl }), create("/open", { acl: ip }));
    client.send(create("/closed/x"), create("/open/x"));
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told().map((line) => line.replace(/@\d+ /, ""))).toEqual([
      "a: 1 created /closed",
      "a: 2 created /open",
      "a: 3 NoAuth",
      "a: 4 created /open/x",
    ]);
  });
});

describe("requests of one connection", () => {
  test("read, write and sync in any pattern are answered in order, each read with the writes before it (catalogue 78)", () => {
    const PATTERN_LENGTH = 4;
    for (const sid of [LEADER, FOLLOWER, OBSERVER]) {
      for (let pattern = 0; pattern < 3 ** PATTERN_LENGTH; pattern++) {
        const ensemble = new Ensemble(2, 1);
        const client = ensemble.session(sid, "a");
        const other = ensemble.session(FOLLOWER, "other");
        const requests: Request[] = [create("/x", { data: "0" })];
        const expected = ["created"];
        let writes = 0;
        for (let rest = pattern, i = 0; i < PATTERN_LENGTH; i++, rest = Math.floor(rest / 3)) {
          if (rest % 3 === 0) {
            requests.push(setData("/x", `${++writes}`));
            expected.push(`v${writes}`);
          } else if (rest % 3 === 1) {
            requests.push(getData("/x"));
            expected.push(`"${writes}"`);
          } else {
            requests.push(sync("/x"));
            expected.push("synced");
          }
        }
        client.send(...requests);
        other.send(create("/y"), getData("/y"), sync("/y"), setData("/y", "1"));
        ensemble.settle(new SeededRandom(pattern + 1));
        const told = ensemble.servers[sid]!.told().filter((line) => line.startsWith("a:"));
        const answers = told.map((line) => line.replace(/^a: \d+ @\d+ (\S+).*$/, "$1"));
        expect(answers, `server ${sid}: ${requests.map(({ text }) => text).join("; ")}`).toEqual(expected);
      }
    }
  });

  test("that follow a failed multi find what was there before it (catalogue 81)", () => {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(FOLLOWER, "a");
    client.send(
      create("/a"),
      multi(create("/a/b"), setData("/a", "gone"), check("/a", 7)),
      create("/a/c"),
      multi(remove("/a/c"), remove("/a")),
      create("/a", { data: "again" }),
      getData("/a"),
    );
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told().map((line) => line.replace(/ @\d+/, ""))).toEqual([
      "a: 1 created /a",
      "a: 2 multi [Ok, Ok, BadVersion]",
      "a: 3 created /a/c",
      "a: 4 multi [ok, ok]",
      "a: 5 created /a",
      expect.stringContaining('"again"'),
    ]);
    for (const { tree } of ensemble.servers) expect(tree.digestMismatches).toBe(0);
  });

  test("are allowed what the client proves, also once it has proved more", () => {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(FOLLOWER, "a");
    client.send(auth("u:p"), create("/mine", { acl: CREATOR }), create("/mine/x"));
    const other = ensemble.session(OTHER, "b");
    other.send(create("/mine/y"));
    ensemble.settle();
    other.send(auth("u:p"), create("/mine/y"));
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told().map((line) => line.replace(/ @\d+/, ""))).toEqual([
      "a: auth ok",
      "a: 1 created /mine",
      "a: 2 created /mine/x",
    ]);
    expect(ensemble.servers[OTHER]!.told().map((line) => line.replace(/ @\d+/, ""))).toEqual([
      "b: 1 NoAuth",
      "b: auth ok",
      "b: 2 created /mine/y",
    ]);
  });
});

describe("a sync", () => {
  test("of a follower's client is answered after what the leader had committed, and holds back what is behind it", () => {
    const ensemble = new Ensemble(2, 0);
    const reader = ensemble.session(FOLLOWER, "reader");
    const writer = ensemble.session(OTHER, "writer");
    writer.send(create("/x", { data: "new" }));
    ensemble.settleBut(FOLLOWER);
    reader.send(getData("/x"));
    reader.send(sync("/x"), getData("/x"));
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual(["reader: 1 @4294967298 NoNode"]);
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual([
      "reader: 2 @4294967299 synced /x",
      'reader: 3 @4294967299 "new" v0 c0 a0 n0 zxids 4294967299 4294967299 4294967299',
    ]);
  });

  test("of the leader's own client waits until a quorum has shown that it still follows", () => {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(LEADER, "a");
    client.send(create("/x"), sync("/x"), getData("/x"));
    let answered: string[] = [];
    const possible = () => ensemble.possibilities();
    while (possible().length > 0) {
      answered = [...answered, ...ensemble.leader.told()];
      if (answered.length === 1) expect(answered).toEqual(["a: 1 @4294967298 created /x"]);
      possible()[0]!();
      ensemble.endTurns();
    }
    expect([...answered, ...ensemble.leader.told()].map((line) => line.slice(0, 4))).toEqual(["a: 1", "a: 2", "a: 3"]);
  });

  test("that nothing follows leaves its connection open for what comes later", () => {
    const ensemble = new Ensemble(2, 1);
    for (const sid of [LEADER, FOLLOWER, OBSERVER]) {
      const client = ensemble.session(sid, "a");
      client.send(sync("/"));
      ensemble.settle();
      client.send(PING);
      expect(ensemble.servers[sid]!.told().map((line) => line.split(" ")[1])).toEqual(["1", "ping"]);
    }
  });

  test("between writes of one connection keeps their order", () => {
    const ensemble = new Ensemble(2, 1);
    for (const sid of [LEADER, FOLLOWER, OBSERVER]) {
      const client = ensemble.session(sid, "a");
      client.send(create(`/x${sid}`), sync("/"), sync("/"), setData(`/x${sid}`, ""), PING, sync("/"));
      ensemble.settle();
      expect(ensemble.servers[sid]!.told().map((line) => line.split(" ")[1])).toEqual([
        "1",
        "2",
        "3",
        "4",
        "ping",
        "5",
      ]);
    }
  });
});

describe("a session", () => {
  test("comes back at another server under its id, and the connection that it left does nothing any more", () => {
    const ensemble = new Ensemble(2, 1);
    const old = ensemble.session(FOLLOWER, "old");
    const { sessionId, password } = old;
    for (const sid of [OTHER, OBSERVER, LEADER]) {
      const again = ensemble.servers[sid]!.client("again");
      again.connect({ sessionId, password });
      ensemble.settle();
      expect(ensemble.servers[sid]!.told()).toEqual(["again: session of 10000 ms"]);
      expect(again.sessionId.toString()).toBe(sessionId.toString());
    }
    old.send(create("/late"));
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual(["old: connection closed"]);
    expect(ensemble.leader.tree.tree.find(new TextEncoder().encode("/late"), 0, 5)).toBe(-1);
  });

  test("that moves away from the leader ends its connection there at once", () => {
    const ensemble = new Ensemble(2, 0);
    const old = ensemble.session(LEADER, "old");
    const again = ensemble.servers[FOLLOWER]!.client("again");
    again.connect({ sessionId: old.sessionId, password: old.password });
    ensemble.settle();
    expect(ensemble.leader.told()).toEqual(["old: connection closed"]);
    again.send(create("/x"));
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual([
      "again: session of 10000 ms",
      "again: 1 @4294967298 created /x",
    ]);
  });

  test("that goes back and forth and writes nothing but multis is never told that it has moved (catalogue 73)", () => {
    const ensemble = new Ensemble(2, 0);
    const first = ensemble.session(FOLLOWER, "first");
    const { sessionId, password } = first;
    let left = first;
    for (const [index, sid] of [OTHER, FOLLOWER, LEADER, OTHER, FOLLOWER].entries()) {
      left.vanish();
      const client = ensemble.servers[sid]!.client("client");
      client.connect({ sessionId, password });
      ensemble.settle();
      client.send(multi(create(`/m${index}`), create(`/m${index}/x`)));
      ensemble.settle();
      expect(ensemble.servers[sid]!.told()[1]).toContain("multi [created");
      left = client;
    }
  });

  test("whose multi comes from a connection that it has left ends that connection without a reply", () => {
    const ensemble = new Ensemble(2, 0);
    const old = ensemble.session(FOLLOWER, "old");
    const again = ensemble.servers[OTHER]!.client("again");
    again.connect({ sessionId: old.sessionId, password: old.password });
    ensemble.settle();
    old.send(multi(create("/x")));
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual(["old: connection closed"]);
  });

  test("that comes back sees what it had outstanding at another server", () => {
    const ensemble = new Ensemble(2, 1);
    for (const sid of [OTHER, OBSERVER, LEADER]) {
      const old = ensemble.session(FOLLOWER, "old");
      old.send(create(`/x${sid}`, { data: "mine" }));
      old.vanish();
      ensemble.arrive(FOLLOWER);
      const again = ensemble.servers[sid]!.client("again");
      again.connect({ sessionId: old.sessionId, password: old.password });
      ensemble.settle();
      again.send(getData(`/x${sid}`));
      ensemble.settle();
      expect(ensemble.servers[sid]!.told()[1]).toContain('"mine"');
    }
  });

  test("is refused everywhere with a wrong password, and when nobody knows it", () => {
    const ensemble = new Ensemble(2, 1);
    const known = ensemble.session(FOLLOWER, "a");
    const gone = ensemble.session(OTHER, "b");
    gone.send(CLOSE);
    ensemble.settle();
    for (const [sid, server] of ensemble.servers.entries()) {
      const wrong = server.client("wrong");
      const late = server.client("late");
      server.told();
      wrong.connect({ sessionId: known.sessionId, password: new Uint8Array(16) });
      late.connect({ sessionId: gone.sessionId, password: gone.password });
      ensemble.settle();
      expect([sid, ...server.told()]).toEqual([
        sid,
        "wrong: session refused",
        "wrong: connection closed",
        "late: session refused",
        "late: connection closed",
      ]);
    }
  });

  test("is kept alive by pings to a follower or an observer, which only the leader counts", () => {
    const ensemble = new Ensemble(2, 1);
    const clients = [FOLLOWER, OTHER, OBSERVER].map((sid) => ensemble.session(sid, `at ${sid}`, 6000));
    for (let i = 0; i < 20; i++) {
      ensemble.pass(2000);
      for (const client of clients) client.send(PING);
    }
    expect(ensemble.leader.log.types).toEqual([OpCode.createSession, OpCode.createSession, OpCode.createSession]);
    expect(ensemble.leader.core.globalSessionCount).toBe(3);
  });

  test("whose client falls silent is ended by the leader alone, and its ephemerals go everywhere at one zxid", () => {
    const ensemble = new Ensemble(2, 1);
    const silent = ensemble.session(FOLLOWER, "silent", 4000);
    const other = ensemble.session(OBSERVER, "other", 40_000);
    silent.send(create("/e", { flags: Flag.ephemeral }), create("/f", { flags: Flag.ephemeral }));
    other.send(create("/g", { flags: Flag.ephemeral }));
    ensemble.settle();
    ensemble.pass(12_000);
    expect(ensemble.servers.map(({ log }) => log.types.filter((type) => type === OpCode.closeSession).length)).toEqual([
      1, 1, 1, 1,
    ]);
    const counts = ensemble.servers.map(({ ephemerals }) => [...ephemerals]);
    for (const count of counts) expect(count).toEqual(counts[0]);
    expect([...ensemble.leader.ephemerals.values()]).toEqual([0, 0, 1, 2, 3, 1]);
    expect(ensemble.servers.map(({ core }) => core.globalSessionCount)).toEqual([1, 1, 1, 1]);
  });

  test("loses its silent connection at a learner, but not itself when it is alive elsewhere", () => {
    const ensemble = new Ensemble(2, 0);
    const old = ensemble.session(FOLLOWER, "old", 4000);
    const again = ensemble.servers[OTHER]!.client("again");
    again.connect({ sessionId: old.sessionId, password: old.password, timeoutMs: 4000 });
    ensemble.settle();
    for (let i = 0; i < 5; i++) {
      again.send(PING);
      ensemble.pass(2000);
    }
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual(["old: connection closed"]);
    expect(ensemble.leader.log.types).toEqual([OpCode.createSession]);
  });

  test("that a client closes at a follower is answered, then its connection ends, and its ephemerals are gone", () => {
    const ensemble = new Ensemble(2, 1);
    const client = ensemble.session(FOLLOWER, "a");
    client.send(create("/e", { flags: Flag.ephemeral }), getEphemerals(), CLOSE);
    ensemble.settle();
    expect(ensemble.servers[FOLLOWER]!.told()).toEqual([
      "a: 1 @4294967298 created /e",
      "a: 2 @4294967298 [/e]",
      "a: 3 @4294967299 ok",
      "a: connection closed",
    ]);
    expect(ensemble.servers.map(({ tree }) => [tree.ephemeralCount, tree.sessions.size])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  test("has its full timeout from the start of a new leader", () => {
    const before = new Ensemble(2, 0);
    before.session(FOLLOWER, "a", 10_000);
    const tree = before.leader.tree;
    // The same tree under a server of the next term.
    const after = new Ensemble(0, 0, {}, () => {
      tree.lastProcessedZxid = 5;
      return tree;
    });
    after.pass(10_000);
    expect(after.leader.log.types).toEqual([]);
    after.pass(4000);
    expect(after.leader.log.types).toEqual([OpCode.closeSession]);
  });

  test("that ends refuses what its client asks for after that, wherever it asks (catalogue 71)", () => {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(FOLLOWER, "a", 4000);
    const again = ensemble.servers[OTHER]!.client("again");
    // The leader has decided; the follower does not know yet.
    const service = ensemble.leader.core.leaderService;
    const { hi, lo } = client.sessionId;
    const noIds = Uint8Array.of(255, 255, 255, 255);
    service.request({}, hi, lo, 0, OpCode.closeSession, noIds, 0, 0, 0, 4);
    client.send(create("/e", { flags: Flag.ephemeral }));
    again.connect({ sessionId: client.sessionId, password: client.password });
    ensemble.settle();
    expect(ensemble.servers[OTHER]!.told()).toEqual(["again: session refused", "again: connection closed"]);
    expect(ensemble.servers.map(({ tree }) => tree.ephemeralCount)).toEqual([0, 0, 0]);
    expect(ensemble.servers[FOLLOWER]!.told()).toContain("a: connection closed");
  });

  test("whose end a follower has heard of and not seen committed is over once its log is applied (catalogue 70)", () => {
    const ensemble = new Ensemble(2, 0);
    const client = ensemble.session(FOLLOWER, "a");
    client.send(create("/e", { flags: Flag.ephemeral }));
    ensemble.settle();
    client.send(CLOSE);
    ensemble.arrive(FOLLOWER);
    const follower = ensemble.servers[OTHER]!;
    ensemble.hear(OTHER);
    follower.core.stop();
    const zxids: number[] = [];
    follower.core.forEachUncommitted((bytes, start, end, zxid) => {
      zxids.push(zxid);
      follower.tree.apply(bytes, start, end, null);
    });
    expect(zxids).toEqual([follower.log.lastZxid]);
    expect([follower.tree.ephemeralCount, follower.tree.sessions.size]).toEqual([0, 0]);
  });

  test("goes on at any server for a client that was shown the zxid that the term begins with, before there is a txn", () => {
    const ensemble = new Ensemble(2, 1);
    for (const [sid, server] of ensemble.servers.entries()) {
      const seen = server.client(`s${sid}`);
      seen.connect({ lastZxid: 0x1_0000_0000 });
      ensemble.settle();
      expect(server.told().join()).not.toContain("closed");
      const ahead = server.client("ahead");
      ahead.connect({ lastZxid: 0x2_0000_0000 });
      ensemble.settle();
      expect(server.told()).toEqual(["ahead: connection closed"]);
    }
  });
});
