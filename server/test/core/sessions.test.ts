import { describe, expect, test } from "vitest";
import {
  CLOSE,
  create,
  create2,
  createTtl,
  exists,
  Flag,
  getChildren,
  getEphemerals,
  multi,
  PING,
  remove,
  setData,
} from "./requests.js";
import { Scene } from "./scene.js";

const ephemeral = { flags: Flag.ephemeral };

describe("ephemerals", () => {
  test("closing deletes exactly the session's: applied, outstanding, made anew, and none that it gave up", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    ann.send(
      create("/applied", ephemeral),
      create("/becomes-persistent", ephemeral),
      create("/becomes-bobs", ephemeral),
      create("/deleted", ephemeral),
      create("/parent"),
      create("/parent/one", ephemeral),
    );
    bob.send(create("/becomes-anns", ephemeral));
    scene.sync();
    ann.send(
      create("/outstanding", ephemeral),
      create("/parent/two", ephemeral),
      remove("/becomes-persistent"),
      create("/becomes-persistent"),
      remove("/becomes-bobs"),
      remove("/deleted"),
      multi(create("/in-multi", ephemeral), create("/in-multi-2", ephemeral)),
    );
    bob.send(create("/becomes-bobs", ephemeral), remove("/becomes-anns"), create("/bobs", ephemeral));
    ann.send(create("/becomes-anns", ephemeral), CLOSE);
    scene.sync();
    scene.told();
    bob.send(getChildren("/"), getChildren("/parent"), getEphemerals());
    expect(scene.told()).toEqual([
      "bob: 5 @21 [becomes-bobs becomes-persistent bobs parent zookeeper]",
      "bob: 6 @21 []",
      "bob: 7 @21 [/becomes-bobs /bobs]",
    ]);
  });

  test("the log's closeSession names the ephemerals that go", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/a", ephemeral));
    scene.sync();
    ann.send(create("/b", ephemeral), CLOSE);
    const text = new TextDecoder("latin1").decode(scene.log.records.at(-1)!.bytes.subarray(32, 48));
    expect(text).toBe("\0\0\0\x02\0\0\0\x02/a\0\0\0\x02/b");
  });

  test("an ephemeral whose create comes after the session's expiry is not made (R 71)", () => {
    const scene = new Scene();
    const ann = scene.session("ann", 4000);
    const bob = scene.session("bob", 40_000);
    scene.pass(8000);
    ann.send(create("/late", ephemeral), create("/late-too"));
    scene.sync();
    bob.send(getChildren("/"));
    expect(scene.told()).toEqual(["ann: connection closed", "bob: 1 @3 [zookeeper]"]);
    expect(scene.log.types).toEqual([-10, -10, -11]);
  });

  // At every step of its life a create is met by the session's end; whichever wins, nothing is left (R 70, 71).
  test.each([
    ["prepared, the session's end behind it", (scene: Scene) => scene.pass(8000)],
    [
      "durable, the session's end behind it",
      (scene: Scene) => {
        scene.sync();
        scene.pass(8000);
      },
    ],
    [
      "between other writes of which only the first is durable",
      (scene: Scene) => {
        scene.sync(scene.log.lastZxid - 1);
        scene.pass(8000);
      },
    ],
  ])("an ephemeral is gone when its session's end is applied: %s", (_, meet) => {
    const scene = new Scene();
    const ann = scene.session("ann", 4000);
    const bob = scene.session("bob", 40_000);
    ann.send(create("/first"), create("/e", ephemeral));
    meet(scene);
    scene.sync();
    scene.told();
    bob.send(exists("/e"), exists("/first"), getEphemerals());
    expect(scene.told()).toEqual(["bob: 1 @5 NoNode", "bob: 2 @5 v0 c0 a0 n0 zxids 3 3 3", "bob: 3 @5 []"]);
    expect(scene.tree.ephemeralCount).toBe(0);
  });

  test("children may be made where an ephemeral was whose end is outstanding", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    ann.send(create("/x", ephemeral), CLOSE);
    bob.send(create("/x"), create("/x/y"));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @3 created /x",
      "ann: 2 @4 ok",
      "ann: connection closed",
      "bob: 1 @5 created /x",
      "bob: 2 @6 created /x/y",
    ]);
  });
});

describe("expiry", () => {
  test("a session ends at the first tick behind its timeout, not before (timeout=4000, tick=2000)", () => {
    const scene = new Scene();
    scene.session("ann", 4000);
    scene.pass(5500);
    expect(scene.log.types).toEqual([-10]);
    scene.pass(500);
    expect(scene.log.types).toEqual([-10, -11]);
    expect(scene.told()).toEqual([]);
    scene.sync();
    expect(scene.told()).toEqual(["ann: connection closed"]);
  });

  test("whatever a client sends keeps its session", () => {
    const scene = new Scene();
    const ann = scene.session("ann", 4000);
    for (const request of [PING, exists("/none"), create("/a"), PING, setData("/none", "")]) {
      scene.pass(3500);
      ann.send(request);
      scene.sync();
    }
    expect(scene.told()).toEqual([
      "ann: ping @1 ok",
      "ann: 1 @1 NoNode",
      "ann: 2 @2 created /a",
      "ann: ping @2 ok",
      "ann: 3 @3 NoNode",
    ]);
  });

  test("a session without a connection expires all the same, and its ephemerals are seen to go", () => {
    const scene = new Scene();
    const ann = scene.session("ann", 4000);
    const bob = scene.session("bob", 40_000);
    ann.send(create("/e", ephemeral));
    scene.sync();
    ann.vanish();
    bob.send(exists("/e", true));
    scene.told();
    scene.pass(6000);
    scene.sync();
    expect(scene.told()).toEqual(["bob: event @4 deleted /e"]);
  });

  test("the core's sessions of a recovered tree have their full timeout from the start", () => {
    const before = new Scene();
    before.session("ann", 4000).send(create("/e", ephemeral));
    before.sync();
    before.pass(4000);
    const after = new Scene({ tree: before.tree });
    const bob = after.session("bob", 40_000);
    after.pass(5500);
    bob.send(exists("/e"));
    after.pass(500);
    after.sync();
    bob.send(exists("/e"));
    expect(after.told()).toEqual(["bob: 1 @3 v0 c0 a0 n0 zxids 2 2 2", "bob: 2 @4 NoNode"]);
  });

  test("a clock that was set back does not give a session's id out again", () => {
    const before = new Scene();
    const ann = before.session("ann");
    const after = new Scene({ tree: before.tree });
    const bob = after.session("bob");
    expect(bob.sessionId.lo).toBe(ann.sessionId.lo + 1);
  });

  test("a process that stood still expires nobody for it", () => {
    const scene = new Scene();
    const ann = scene.session("ann", 4000);
    scene.nowMs += 3_600_000;
    scene.core.clock(scene.nowMs, 0);
    scene.core.tick();
    ann.send(PING);
    expect(scene.told()).toEqual(["ann: ping @1 ok"]);
  });
});

describe("containers and TTL znodes", () => {
  const MINUTE = 60_000;

  /** A session that outlives what is tested. */
  function keeper(scene: Scene) {
    const keeper = scene.session("keeper", 40_000);
    const pass = (ms: number) => {
      for (let left = ms; left > 0; left -= 500) {
        scene.pass(Math.min(left, 500));
        keeper.send(PING);
        scene.sync();
      }
      scene.told();
    };
    return { keeper, pass };
  }

  test("a container goes at a check after its last child went; one never used stays, one in use stays", () => {
    const scene = new Scene();
    const { keeper: ann, pass } = keeper(scene);
    const container = { flags: Flag.container };
    ann.send(create2("/emptied", container), create("/emptied/x"), remove("/emptied/x"));
    ann.send(create2("/never-used", container), create2("/in-use", container), create("/in-use/x"));
    pass(MINUTE - 500);
    ann.send(getChildren("/"));
    expect(scene.told()).toEqual(["keeper: 7 @7 [emptied in-use never-used zookeeper]"]);
    pass(1000);
    ann.send(getChildren("/"));
    expect(scene.told()).toEqual(["keeper: 8 @8 [in-use never-used zookeeper]"]);
  });

  test("a container that was never used goes after maxNeverUsedIntervalMs, when that is set", () => {
    const scene = new Scene({ containerMaxNeverUsedMs: 90_000 });
    const { keeper: ann, pass } = keeper(scene);
    ann.send(create2("/never-used", { flags: Flag.container }));
    pass(MINUTE + 500);
    ann.send(exists("/never-used"));
    pass(MINUTE);
    ann.send(exists("/never-used"));
    expect(scene.told()).toEqual(["keeper: 3 @3 NoNode"]);
  });

  test("a TTL znode goes once its TTL has passed without a change of its data, and without children", () => {
    const scene = new Scene({ containerCheckIntervalMs: 1000 });
    const { keeper: ann, pass } = keeper(scene);
    ann.send(createTtl("/short", 2000), createTtl("/kept", 2000), createTtl("/changed", 2000), create("/kept/child"));
    pass(1500);
    ann.send(setData("/changed", "x"));
    scene.sync();
    pass(1500);
    ann.send(getChildren("/"));
    expect(scene.told()).toEqual(["keeper: 6 @7 [changed kept zookeeper]"]);
    ann.send(remove("/kept/child"));
    scene.sync();
    pass(3000);
    ann.send(getChildren("/"));
    expect(scene.told()).toEqual(["keeper: 8 @10 [zookeeper]"]);
  });

  test("no more go than maxPerMinute allows (600: one in 100 ms)", () => {
    const scene = new Scene({ containerCheckIntervalMs: 1000, containerMaxPerMinute: 600 });
    const { keeper: ann, pass } = keeper(scene);
    for (let i = 0; i < 100; i++) ann.send(createTtl(`/ttl-${i}`, 100));
    scene.sync();
    const left = () => scene.tree.nodeCount - 5;
    const before = left();
    pass(1000);
    const counts: number[] = [];
    for (let i = 0; i < 4; i++) {
      counts.push(before - left());
      pass(1000);
    }
    expect(counts.map((count, i) => count - counts[0]! - 10 * i)).toEqual([0, 0, 0, 0]);
  });

  test("a znode that is made persistent after it was found due stays", () => {
    // One deletion per 10 s: what is found due at the first check waits.
    const scene = new Scene({ containerCheckIntervalMs: 1000, containerMaxPerMinute: 6 });
    const { keeper: ann, pass } = keeper(scene);
    ann.send(createTtl("/first", 100), createTtl("/again", 100), createTtl("/renewed", 5000));
    pass(1500);
    ann.send(remove("/again"), create("/again"));
    scene.sync();
    pass(60_000);
    ann.send(getChildren("/"));
    expect(scene.told()).toEqual(["keeper: 6 @8 [again zookeeper]"]);
  });

  test("a TTL znode that is written after it was found due stays for another TTL", () => {
    const scene = new Scene({ containerCheckIntervalMs: 1000, containerMaxPerMinute: 6 });
    const { keeper: ann, pass } = keeper(scene);
    ann.send(createTtl("/first", 100), createTtl("/written", 100), createTtl("/written-too", 900));
    pass(1500);
    // The first is deleted; the others wait for their turn at 11 s.
    ann.send(getChildren("/"));
    const { length } = scene.told();
    for (let i = 0; i < 20; i++) {
      ann.send(setData("/written", "x"), setData("/written-too", "x"));
      pass(500);
    }
    ann.send(exists("/written"), exists("/written-too"));
    expect(length).toBe(1);
    expect(scene.told().map((line) => line.includes("NoNode"))).toEqual([false, false]);
  });

  test("what is written in the same turn as it is found due stays", () => {
    const scene = new Scene({ containerCheckIntervalMs: 1000 });
    const ann = scene.session("ann", 40_000);
    ann.send(createTtl("/written", 100));
    scene.sync();
    scene.pass(500);
    ann.send(setData("/written", "x"));
    // Not durable yet, so the tree still has the old data and time.
    scene.pass(500);
    scene.sync();
    scene.told();
    ann.send(exists("/written"));
    expect(scene.told()).toEqual(["ann: 3 @4 v1 c0 a0 n0 zxids 2 3 2"]);
  });
});
