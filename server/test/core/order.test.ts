import { describe, expect, test } from "vitest";
import {
  auth,
  CLOSE,
  CREATOR,
  check,
  create,
  create2,
  exists,
  Flag,
  getAcl,
  getChildren,
  getData,
  getEphemerals,
  multi,
  OPEN,
  PING,
  READ_ONLY,
  raw,
  remove,
  setAcl,
  setData,
  sync,
} from "./requests.js";
import { lastReply, Scene } from "./scene.js";

const STAT_BYTES = 68;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("order of one connection's requests", () => {
  test("replies come in the order of the requests, reads behind the writes before them", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(exists("/a"), create("/a"), exists("/a"), PING, sync("/"), setData("/a", "1"), getData("/a"));
    expect(scene.told()).toEqual(["ann: 1 @1 NoNode"]);
    scene.sync(2);
    expect(scene.told()).toEqual([
      "ann: 2 @2 created /a",
      "ann: 3 @2 v0 c0 a0 n0 zxids 2 2 2",
      "ann: ping @2 ok",
      "ann: 4 @2 synced /",
    ]);
    scene.sync(3);
    expect(scene.told()).toEqual(["ann: 5 @3 v1 c0 a0 n0 zxids 2 3 2", 'ann: 6 @3 "1" v1 c0 a0 n0 zxids 2 3 2']);
  });

  test("a read waits for its own connection's writes, not for those of others", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    ann.send(create("/a"));
    bob.send(exists("/a"));
    expect(scene.told()).toEqual(["bob: 1 @2 NoNode"]);
    scene.sync();
    bob.send(exists("/a"));
    expect(scene.told()).toEqual(["ann: 1 @3 created /a", "bob: 2 @3 v0 c0 a0 n0 zxids 3 3 3"]);
  });

  test("a request that fails takes a zxid, is logged, and is answered in its turn", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(remove("/none"), create("/a"), create("/a"), getData("/a"));
    expect(scene.told()).toEqual([]);
    expect(scene.log.types).toEqual([-10, -1, 1, -1]);
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @2 NoNode",
      "ann: 2 @3 created /a",
      "ann: 3 @4 NodeExists",
      'ann: 4 @4 "" v0 c0 a0 n0 zxids 3 3 3',
    ]);
  });

  test("a write whose record can't be read takes no zxid and is answered in its turn", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/a"), raw(1, new Uint8Array(3), "create"), create("/b"));
    expect(scene.log.records.map(({ zxid }) => zxid)).toEqual([1, 2, 3]);
    scene.sync();
    expect(scene.told()).toEqual(["ann: 1 @2 created /a", "ann: 2 @2 MarshallingError", "ann: 3 @3 created /b"]);
  });

  test("an unknown opcode ends the connection behind the replies to what came earlier; what follows is not read", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/a"), raw(99, new Uint8Array(0), "99"), create("/b"));
    expect(scene.told()).toEqual([]);
    scene.sync();
    expect(scene.told()).toEqual(["ann: 1 @2 created /a", "ann: 2 @-1 Unimplemented", "ann: connection closed"]);
    expect(scene.log.types).toEqual([-10, 1]);
  });

  test("closing the session is answered behind everything before it, and nothing behind it is read", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/e", { flags: Flag.ephemeral }), CLOSE, create("/after"));
    scene.sync();
    expect(scene.told()).toEqual(["ann: 1 @2 created /e", "ann: 2 @3 ok", "ann: connection closed"]);
    const bob = scene.session("bob");
    bob.send(getChildren("/"));
    expect(scene.told()).toEqual(["bob: 1 @4 [zookeeper]"]);
  });

  test("a client that hangs up with writes outstanding hears nothing more, and they are done", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    ann.send(create("/a"), exists("/a"));
    ann.hangUp();
    scene.sync();
    bob.send(exists("/a"));
    expect(scene.told()).toEqual(["ann: connection closed", "bob: 1 @3 v0 c0 a0 n0 zxids 3 3 3"]);
  });
});

describe("enforced authentication", () => {
  test("a client without the scheme gets -124 for its first request, and its connection ends", () => {
    const scene = new Scene({ enforceAuthSchemes: "digest" });
    const ann = scene.session("ann");
    ann.send(getData("/"), create("/a"));
    expect(scene.told()).toEqual(["ann: 1 @0 SessionClosedRequireSaslAuth", "ann: connection closed"]);
    expect(scene.log.types).toEqual([-10]);
  });

  test("a client that authenticates first is served", () => {
    const scene = new Scene({ enforceAuthSchemes: "digest" });
    const ann = scene.session("ann");
    ann.send(auth("ann:secret"), create("/a"));
    scene.sync();
    expect(scene.told()).toEqual(["ann: auth @0 ok", "ann: 1 @2 created /a"]);
  });
});

describe("writes against outstanding changes", () => {
  test("versions are those that outstanding writes will leave", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/a"), setData("/a", "1", 0), setData("/a", "2", 1), setData("/a", "3", 1), remove("/a", 1));
    ann.send(multi(check("/a", 2), remove("/a", 2)), create("/a"), setData("/a", "4", 0));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @2 created /a",
      "ann: 2 @3 v1 c0 a0 n0 zxids 2 3 2",
      "ann: 3 @4 v2 c0 a0 n0 zxids 2 4 2",
      "ann: 4 @5 BadVersion",
      "ann: 5 @6 BadVersion",
      "ann: 6 @7 multi [ok, ok]",
      "ann: 7 @8 created /a",
      "ann: 8 @9 v1 c0 a0 n0 zxids 8 9 8",
    ]);
  });

  test("children that are outstanding keep their parent, and children whose deletion is outstanding do not", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/a"), create("/a/b"), remove("/a"), remove("/a/b"), remove("/a"), create("/a/c"));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @2 created /a",
      "ann: 2 @3 created /a/b",
      "ann: 3 @4 NotEmpty",
      "ann: 4 @5 ok",
      "ann: 5 @6 ok",
      "ann: 6 @7 NoNode",
    ]);
  });

  test("an outstanding ephemeral takes no children", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/e", { flags: Flag.ephemeral }), create("/e/child"));
    scene.sync();
    expect(scene.told()).toEqual(["ann: 1 @2 created /e", "ann: 2 @3 NoChildrenForEphemerals"]);
  });

  test("an outstanding setACL is obeyed by the writes behind it, of every client", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    ann.send(auth("ann:secret"), create("/a"), setAcl("/a", CREATOR, 0));
    bob.send(setData("/a", "bob's"), setAcl("/a", OPEN));
    ann.send(setData("/a", "ann's"), create("/a/b"), setAcl("/a", READ_ONLY, 1));
    bob.send(create("/a/c"), remove("/a/b"), setData("/a", "bob's"), getData("/a"));
    scene.sync();
    bob.send(getAcl("/a"));
    expect(scene.told()).toEqual([
      "ann: auth @0 ok",
      "ann: 1 @3 created /a",
      "ann: 2 @4 v0 c0 a1 n0 zxids 3 3 3",
      "ann: 3 @7 v1 c0 a1 n0 zxids 3 7 3",
      "ann: 4 @8 created /a/b",
      "ann: 5 @9 v1 c1 a2 n1 zxids 3 7 8",
      "bob: 1 @5 NoAuth",
      "bob: 2 @6 NoAuth",
      "bob: 3 @10 NoAuth",
      "bob: 4 @11 NoAuth",
      "bob: 5 @12 NoAuth",
      'bob: 6 @12 "ann\'s" v1 c1 a2 n1 zxids 3 7 8',
      "bob: 7 @12 [1 world:anyone] v1 c1 a2 n1 zxids 3 7 8",
    ]);
  });
});

describe("sequential znodes", () => {
  test("numbers count the creates under the parent, outstanding ones included", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const sequential = { flags: Flag.sequential };
    ann.send(create("/q"), create("/q/a-", sequential), create("/q/plain"), create("/q/b-", sequential));
    ann.send(remove("/q/plain"), create("/q/", { flags: Flag.ephemeralSequential }), create2("/q/c-", sequential));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @2 created /q",
      "ann: 2 @3 created /q/a-0000000000",
      "ann: 3 @4 created /q/plain",
      "ann: 4 @5 created /q/b-0000000002",
      "ann: 5 @6 ok",
      "ann: 6 @7 created /q/0000000003",
      "ann: 7 @8 created /q/c-0000000004 v0 c0 a0 n0 zxids 8 8 8",
    ]);
  });

  test("two clients that create at the same time get numbers in the order of their zxids", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    for (const client of [ann, bob, bob, ann]) client.send(create("/n-", { flags: Flag.sequential }));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @3 created /n-0000000000",
      "ann: 2 @6 created /n-0000000003",
      "bob: 1 @4 created /n-0000000001",
      "bob: 2 @5 created /n-0000000002",
    ]);
  });

  test("a failed create does not take a number", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const sequential = { flags: Flag.sequential };
    ann.send(create("/n-", sequential), create("/zookeeper"), create("/n-", sequential));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @2 created /n-0000000000",
      "ann: 2 @3 NodeExists",
      "ann: 3 @4 created /n-0000000001",
    ]);
  });
});

describe("multi", () => {
  test("the reply to one that succeeds, byte for byte", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(multi(create("/a"), create2("/b"), setData("/a", "x"), check("/a", 1), remove("/b")), exists("/a"));
    scene.sync();
    const stat = lastReply(ann).body;
    expect(stat.length).toBe(STAT_BYTES);
    const reply = hex(ann.frames[ann.frames.length - 2]!);
    const ok = (type: number) => `${type.toString(16).padStart(8, "0")}0000000000`;
    // The Stat of /b as it was inside the transaction: new, empty, all three zxids 2.
    const time = hex(stat.subarray(16, 24));
    const zxid = "0000000000000002";
    const statOfB = `${zxid}${zxid}${time}${time}${"00".repeat(12)}${"00".repeat(8)}${"00".repeat(8)}${zxid}`;
    expect(reply).toBe(
      [
        "00000001 0000000000000002 00000000", // xid, zxid, err
        `${ok(1)} 00000002 2f61`, // create: path
        `${ok(15)} 00000002 2f62 ${statOfB}`, // create2: path and Stat
        `${ok(5)} ${hex(stat)}`, // setData: Stat
        ok(13), // check
        ok(2), // delete
        "ffffffff 01 ffffffff", // end
      ]
        .join("")
        .replaceAll(" ", ""),
    );
  });

  test("the reply to one that fails, byte for byte: 0 before the failure, its code, -2 behind it", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(multi(create("/a"), check("/a", 3), create("/b"), remove("/c")));
    scene.sync();
    const error = (code: string) => `ffffffff00${code}${code}`;
    expect(hex(ann.frames[ann.frames.length - 1]!)).toBe(
      [
        "00000001000000000000000200000000",
        error("00000000"),
        error("ffffff99"), // -103 BadVersion
        error("fffffffe"),
        error("fffffffe"),
        "ffffffff01ffffffff",
      ].join(""),
    );
  });

  test("an empty one takes a zxid and succeeds", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(multi());
    scene.sync();
    expect(scene.told()).toEqual(["ann: 1 @2 multi []"]);
  });

  test("a part sees the parts before it", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(
      multi(create("/a"), create("/a/n-", { flags: Flag.sequential }), setData("/a", "1", 0), check("/a", 1)),
      multi(remove("/a/n-0000000000"), remove("/a", 1), create("/a"), check("/a", 0)),
    );
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @2 multi [created /a, created /a/n-0000000000, v1 c1 a0 n1 zxids 2 2 2, ok]",
      "ann: 2 @3 multi [ok, ok, created /a, ok]",
    ]);
  });

  test("a failed one leaves outstanding changes of others as they were: sequence numbers (ZOOKEEPER-1624)", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const sequential = { flags: Flag.sequential };
    ann.send(
      create("/q"),
      create("/q/n-", sequential),
      multi(create("/q/n-", sequential), create("/q/n-", sequential), remove("/none")),
      create("/q/n-", sequential),
    );
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @2 created /q",
      "ann: 2 @3 created /q/n-0000000000",
      "ann: 3 @4 multi [Ok, Ok, NoNode]",
      "ann: 4 @5 created /q/n-0000000001",
    ]);
  });

  test("a failed one takes back deletes, data, versions and parents, whether these are applied or outstanding", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/applied", { data: "old" }), create("/applied/child"));
    scene.sync();
    scene.told();
    ann.send(
      create("/p", { data: "old" }),
      create("/p/child"),
      multi(remove("/p/child"), remove("/p"), create("/p"), setData("/p", "x"), check("/none", 0)),
      multi(remove("/applied/child"), remove("/applied"), create("/applied"), check("/none", 0)),
      setData("/p", "new", 0),
      setData("/applied", "new", 0),
      remove("/p"),
      remove("/applied"),
      getChildren("/p"),
      getChildren("/applied"),
    );
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 3 @4 created /p",
      "ann: 4 @5 created /p/child",
      "ann: 5 @6 multi [Ok, Ok, Ok, Ok, NoNode]",
      "ann: 6 @7 multi [Ok, Ok, Ok, NoNode]",
      "ann: 7 @8 v1 c1 a0 n1 zxids 4 8 5",
      "ann: 8 @9 v1 c1 a0 n1 zxids 2 9 3",
      "ann: 9 @10 NotEmpty",
      "ann: 10 @11 NotEmpty",
      "ann: 11 @11 [child]",
      "ann: 12 @11 [child]",
    ]);
  });

  test("a failed one does not leave its ephemerals with the session", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(multi(create("/e", { flags: Flag.ephemeral }), check("/none", 0)), getEphemerals(), CLOSE);
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: 1 @2 multi [Ok, NoNode]",
      "ann: 2 @2 []",
      "ann: 3 @3 ok",
      "ann: connection closed",
    ]);
  });

  test("one that can't be read as a whole takes a zxid, fails as a whole, and changes nothing", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(multi(create("/a"), raw(2, new Uint8Array(1), "delete")), exists("/a"));
    scene.sync();
    expect(scene.told()).toEqual(["ann: 1 @2 MarshallingError", "ann: 2 @2 NoNode"]);
    expect(scene.log.types).toEqual([-10, -1]);
  });
});

describe("rule D44", () => {
  test("a write whose txn no reader would accept is refused before it is logged as such", () => {
    const scene = new Scene({ txnBytesMax: 500 });
    const ann = scene.session("ann");
    const big = "x".repeat(300);
    ann.send(
      create("/a", { data: big }),
      multi(create("/b", { data: big }), create("/c", { data: big })),
      create("/b"),
    );
    scene.sync();
    expect(scene.told()).toEqual(["ann: 1 @2 created /a", "ann: 2 @3 MarshallingError", "ann: 3 @4 created /b"]);
    expect(Math.max(...scene.log.records.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(500);
  });

  test("a session whose ephemerals make too long a list is closed without the list, and all of them go", () => {
    const scene = new Scene({ txnBytesMax: 500 });
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    for (let i = 0; i < 20; i++) ann.send(create(`/ephemeral-with-a-long-name-${i}`, { flags: Flag.ephemeral }));
    bob.send(create("/bob", { flags: Flag.ephemeral }));
    // Half of them are applied, half outstanding.
    scene.sync(12);
    scene.told();
    ann.send(CLOSE);
    bob.send(create("/behind"));
    scene.sync();
    bob.send(getChildren("/"));
    expect(scene.told().slice(-3)).toEqual([
      "bob: 1 @23 created /bob",
      "bob: 2 @25 created /behind",
      "bob: 3 @25 [behind bob zookeeper]",
    ]);
    expect(Math.max(...scene.log.records.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(500);
    expect(scene.tree.digestMismatches).toBe(0);
  });
});

describe("stopping", () => {
  test("what is outstanding is answered, and nothing new is taken: neither kept input nor what comes", () => {
    const scene = new Scene({ globalOutstandingLimit: 2 });
    const ann = scene.session("ann");
    const bob = scene.connection("bob");
    bob.connect();
    bob.send(create("/bob"));
    for (let i = 0; i < 6; i++) ann.send(create(`/a${i}`));
    const { length } = scene.log.records;
    scene.core.stop();
    ann.send(create("/late"));
    scene.sync();
    scene.sync();
    expect(scene.log.records.length).toBe(length);
    expect(scene.told()).toEqual([
      "bob: session of 10000 ms",
      "ann: 1 @3 created /a0",
      "ann: 2 @4 created /a1",
      "ann: 3 @5 created /a2",
    ]);
  });
});
