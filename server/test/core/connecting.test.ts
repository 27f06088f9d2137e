import { Long } from "@quoll/jute";
import { describe, expect, test } from "vitest";
import { create, exists, Flag, getEphemerals } from "./requests.js";
import { framed, Scene } from "./scene.js";

describe("connecting", () => {
  test("a session is answered once its createSession is durable, and not before", () => {
    const scene = new Scene();
    const ann = scene.connection("ann");
    ann.connect();
    expect(scene.told()).toEqual([]);
    scene.sync();
    expect(scene.told()).toEqual(["ann: session of 10000 ms"]);
    expect(ann.frames.map((bytes) => bytes.length)).toEqual([37]);
  });

  test("a connect request without the readOnly byte is answered without it", () => {
    const scene = new Scene();
    const ann = scene.connection("ann");
    ann.connect({ old: true });
    scene.sync();
    expect(scene.told()).toEqual(["ann: session of 10000 ms, in the old form"]);
    expect(ann.frames.map((bytes) => bytes.length)).toEqual([36]);
  });

  test("the timeout is what was asked for within the bounds (min=4000, max=40000)", () => {
    const scene = new Scene();
    for (const timeoutMs of [-1, 0, 3999, 4000, 4001, 40_000, 40_001, 0x7fffffff]) {
      scene.connection(`asks ${timeoutMs}`).connect({ timeoutMs });
    }
    scene.sync();
    expect(scene.told()).toEqual([
      "asks -1: session of 4000 ms",
      "asks 0: session of 4000 ms",
      "asks 3999: session of 4000 ms",
      "asks 4000: session of 4000 ms",
      "asks 4001: session of 4001 ms",
      "asks 40000: session of 40000 ms",
      "asks 40001: session of 40000 ms",
      "asks 2147483647: session of 40000 ms",
    ]);
  });

  test("a client that has seen a later zxid is sent away without an answer", () => {
    const scene = new Scene();
    scene.session("ann");
    scene.connection("bob").connect({ lastZxid: 2 });
    scene.connection("cat").connect({ lastZxid: 1 });
    scene.sync();
    expect(scene.told()).toEqual(["bob: connection closed", "cat: session of 10000 ms"]);
  });

  test("a zxid that is outstanding counts as later: it may yet be lost", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/a"));
    scene.connection("bob").connect({ lastZxid: 2 });
    expect(scene.told()).toEqual(["bob: connection closed"]);
  });

  test("requests sent before the session's answer wait for it and are answered behind it", () => {
    const scene = new Scene();
    const ann = scene.connection("ann");
    ann.connect();
    ann.send(exists("/"), create("/a"));
    expect(scene.told()).toEqual([]);
    scene.sync();
    expect(scene.told()).toEqual(["ann: session of 10000 ms", "ann: 1 @1 v0 c-1 a0 n1 zxids 0 0 0"]);
    scene.sync();
    expect(scene.told()).toEqual(["ann: 2 @2 created /a"]);
  });

  test("a connect request of any split gets the same answer", () => {
    const whole = new Scene();
    whole.session("ann");
    const expected = whole.clients[0]!.frames;
    const record = new Uint8Array(45);
    record[14] = 0x27; // 10 000 ms
    record[15] = 0x10;
    record[27] = 16;
    const bytes = framed(record);
    for (let at = 1; at < bytes.length; at++) {
      const scene = new Scene();
      const ann = scene.connection("ann");
      ann.bytes(bytes.subarray(0, at));
      ann.bytes(bytes.subarray(at));
      scene.sync();
      expect(ann.frames).toEqual(expected);
    }
  });

  test.each([
    ["too short for its fields", new Uint8Array(27)],
    ["with a password longer than the frame", new Uint8Array(44).fill(0x7f)],
  ])("a connect request %s ends the connection", (_, record) => {
    const scene = new Scene();
    const ann = scene.connection("ann");
    ann.bytes(framed(record));
    expect(scene.told()).toEqual(["ann: connection closed"]);
    expect(scene.log.records).toEqual([]);
  });

  test("a frame longer than jute.maxbuffer ends the connection before any of it is kept", () => {
    const scene = new Scene({ juteMaxBuffer: 100 });
    const ann = scene.session("ann");
    ann.bytes(Uint8Array.of(0, 0, 0, 101));
    expect(scene.told()).toEqual(["ann: connection closed"]);
  });
});

describe("coming back to a session", () => {
  test("with its password a session goes on, over a new connection and with a new timeout", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.vanish();
    const again = scene.connection("ann again");
    again.connect({ ...ann, timeoutMs: 20_000 });
    expect(scene.told()).toEqual(["ann again: session of 20000 ms"]);
    expect(again.sessionId).toEqual(ann.sessionId);
    expect(again.password).toEqual(ann.password);
    expect(scene.log.types).toEqual([-10]);
  });

  test("with a wrong password it is refused with a session of zeros, and the session stays", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const password = ann.password.slice();
    password[15]! ^= 1;
    scene.connection("eve").connect({ sessionId: ann.sessionId, password });
    ann.send(exists("/none"));
    expect(scene.told()).toEqual(["eve: session refused", "eve: connection closed", "ann: 1 @1 NoNode"]);
    const refused = scene.clients[1]!;
    expect(refused.sessionId).toEqual(Long.ZERO);
    expect(refused.password).toEqual(new Uint8Array(16));
  });

  test("an unknown session is refused", () => {
    const scene = new Scene();
    scene.connection("bob").connect({ sessionId: new Long(1, 2) });
    expect(scene.told()).toEqual(["bob: session refused", "bob: connection closed"]);
  });

  test("a session that is being closed is refused", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    scene.core.tick();
    scene.pass(14_000);
    scene.connection("ann again").connect(ann);
    scene.sync();
    expect(scene.told()).toEqual([
      "ann again: session refused",
      "ann again: connection closed",
      "ann: connection closed",
    ]);
  });

  test("a second connection of a session takes it over, and the first ends", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const again = scene.connection("ann again");
    again.connect(ann);
    again.send(create("/e", { flags: Flag.ephemeral }));
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: connection closed",
      "ann again: session of 10000 ms",
      "ann again: 1 @2 created /e",
    ]);
  });

  test("writes that the first connection left outstanding are done, and answered to nobody", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/a", { flags: Flag.ephemeral }), create("/b"));
    const again = scene.connection("ann again");
    again.connect(ann);
    // It looks whether its writes were done, so it must not be answered before they are.
    again.send(getEphemerals(), exists("/b"));
    scene.sync(2);
    expect(scene.told()).toEqual(["ann: connection closed"]);
    scene.sync(3);
    expect(scene.told()).toEqual([
      "ann again: session of 10000 ms",
      "ann again: 1 @3 [/a]",
      "ann again: 2 @3 v0 c0 a0 n0 zxids 3 3 3",
    ]);
  });

  test("a session that is closed while its client waits to come back is not answered", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    ann.send(create("/a"));
    ann.vanish();
    const again = scene.connection("ann again");
    again.connect(ann);
    scene.pass(14_000);
    scene.sync();
    expect(scene.told()).toEqual(["ann again: connection closed"]);
  });

  test("the first connection's socket closing late does not take the session from the second", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    const again = scene.connection("ann again");
    again.connect(ann);
    ann.vanish();
    again.send({ type: -11, body: new Uint8Array(0), text: "closeSession" });
    scene.sync();
    expect(scene.told()).toEqual([
      "ann: connection closed",
      "ann again: session of 10000 ms",
      "ann again: 1 @2 ok",
      "ann again: connection closed",
    ]);
  });
});

describe("limits of connections", () => {
  test("one more connection from an address than maxClientCnxns is refused until one goes", () => {
    const scene = new Scene({ maxClientCnxns: 2 });
    const first = scene.connection("first");
    scene.connection("second");
    expect(scene.core.connected("127.0.0.1", 1)).toBeNull();
    expect(scene.core.connected("127.0.0.2", 1)).not.toBeNull();
    first.vanish();
    expect(scene.core.connected("127.0.0.1", 1)).not.toBeNull();
  });

  test("one more connection in all than maxCnxns is refused", () => {
    const scene = new Scene({ maxCnxns: 1 });
    scene.connection("first");
    expect(scene.core.connected("127.0.0.2", 1)).toBeNull();
    expect(scene.core.stats.connectionRejected.toString()).toBe("1");
  });

  test("a connection without a session ends after 10 s, one with a session does not", () => {
    const scene = new Scene();
    const ann = scene.session("ann", 40_000);
    scene.connection("mute");
    scene.pass(10_500);
    expect(scene.told()).toEqual(["mute: connection closed"]);
    ann.send(exists("/none"));
    expect(scene.told()).toEqual(["ann: 1 @1 NoNode"]);
  });
});
