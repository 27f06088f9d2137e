import { describe, expect, test } from "vitest";
import {
  addWatch,
  auth,
  CLOSE,
  CREATOR,
  create,
  exists,
  Flag,
  getChildren,
  getData,
  multi,
  remove,
  setAcl,
  setData,
  setWatches,
} from "./requests.js";
import { Scene } from "./scene.js";

const RECURSIVE = 1;

describe("watch events", () => {
  test("a client's event comes before its own reply that reflects the change, with the change's zxid", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(exists("/a", true), create("/a"), getData("/a", true), setData("/a", "1"), getData("/a"));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @1 NoNode",
      "ann: event @2 created /a",
      "ann: 2 @2 created /a",
      'ann: 3 @2 "" v0 c0 a0 n0 zxids 2 2 2',
      "ann: event @3 dataChanged /a",
      "ann: 4 @3 v1 c0 a0 n0 zxids 2 3 2",
      'ann: 5 @3 "1" v1 c0 a0 n0 zxids 2 3 2',
    ]);
  });

  test("another client's event comes before any of its replies that reflect the change", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    bob.send(getChildren("/", true));
    scene.told();
    bob.send(create("/bob"), getChildren("/"));
    ann.send(create("/ann"));
    scene.sync();
    expect(scene.told().filter((line) => line.startsWith("bob"))).toEqual([
      "bob: event @3 childrenChanged /",
      "bob: 2 @3 created /bob",
      "bob: 3 @3 [bob zookeeper]",
    ]);
  });

  test("a change that is not durable fires nothing, and a write that fails never does", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    bob.send(addWatch("/", RECURSIVE));
    scene.told();
    ann.send(create("/a"), remove("/none"), multi(create("/b"), remove("/none")));
    expect(scene.told()).toEqual([]);
    scene.sync(3);
    expect(scene.told()).toEqual(["bob: event @3 created /a", "ann: 1 @3 created /a"]);
    scene.sync();
    expect(scene.told()).toEqual(["ann: 2 @4 NoNode", "ann: 3 @5 multi [Ok, NoNode]"]);
  });

  test("a multi's events all carry its zxid, in the order of its parts, before its reply", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(addWatch("/", RECURSIVE), multi(create("/a"), create("/a/b"), setData("/a", "x"), remove("/a/b")));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @1 watching 0",
      "ann: event @2 created /a",
      "ann: event @2 created /a/b",
      "ann: event @2 dataChanged /a",
      "ann: event @2 deleted /a/b",
      "ann: 2 @2 multi [created /a, created /a/b, v1 c1 a0 n1 zxids 2 2 2, ok]",
    ]);
  });

  test("a closing session's ephemerals are told to others, not to its own connection any more", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    for (const client of [ann, bob]) client.send(addWatch("/", RECURSIVE));
    ann.send(create("/e", { flags: Flag.ephemeral }));
    scene.sync();
    scene.told();
    bob.send(exists("/e"), CLOSE);
    ann.send(CLOSE);
    scene.sync();
    expect(scene.told()).toEqual([
      "bob: 2 @3 v0 c0 a0 n0 zxids 3 3 3",
      "bob: 3 @4 ok",
      "bob: connection closed",
      "ann: event @5 deleted /e",
      "ann: 3 @5 ok",
      "ann: connection closed",
    ]);
  });

  test("who may not read a znode is not told of it; the ACL is that of the moment of the change", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    ann.send(auth("ann:secret"), create("/a"));
    scene.sync();
    bob.send(addWatch("/a", RECURSIVE));
    scene.told();
    ann.send(setData("/a", "1"), setAcl("/a", CREATOR), setData("/a", "2"), create("/a/open"), remove("/a/open"));
    scene.sync();
    expect(scene.told().filter((line) => line.startsWith("bob"))).toEqual([
      "bob: event @4 dataChanged /a",
      "bob: event @7 created /a/open",
      "bob: event @8 deleted /a/open",
    ]);
  });

  test("a connection that is gone is told nothing, and its slot's next owner does not inherit its watches", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    bob.send(addWatch("/", RECURSIVE));
    bob.vanish();
    const cat = scene.session("cat");
    expect(cat.connection.slot).toBe(bob.connection.slot);
    ann.send(create("/a"));
    scene.sync();
    expect(scene.told()).toEqual(["ann: 1 @4 created /a"]);
  });
});

describe("setWatches", () => {
  test("what was missed is told before the reply, the rest is watched from here on", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    for (const path of ["/changed", "/deleted", "/same", "/parent"]) ann.send(create(path));
    scene.sync();
    const bob = scene.session("bob");
    const seen = scene.tree.lastProcessedZxid;
    ann.send(setData("/changed", "x"), remove("/deleted"), create("/parent/child"), create("/made"));
    scene.sync();
    scene.told();
    bob.send(
      setWatches(seen, ["/changed", "/deleted", "/same"], ["/made", "/never"], ["/parent", "/same"]),
      getChildren("/parent"),
    );
    expect(scene.told()).toEqual([
      `bob: event @-1 dataChanged /changed`,
      `bob: event @-1 deleted /deleted`,
      `bob: event @-1 created /made`,
      `bob: event @-1 childrenChanged /parent`,
      "bob: setWatches @10 ok",
      "bob: 1 @10 [child]",
    ]);
    ann.send(setData("/changed", "y"), setData("/same", "y"), create("/same/child"), create("/never"));
    scene.sync();
    expect(scene.told().filter((line) => line.startsWith("bob"))).toEqual([
      "bob: event @12 dataChanged /same",
      "bob: event @13 childrenChanged /same",
      "bob: event @14 created /never",
    ]);
  });
});
