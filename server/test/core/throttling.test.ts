import { describe, expect, test } from "vitest";
import { addWatch, create, exists, getData, PING, type Request, setData } from "./requests.js";
import { type Client, Scene, SeededRandom } from "./scene.js";

function numbered(prefix: string, count: number): Request[] {
  return Array.from({ length: count }, (_, i) => create(`/${prefix}${i}`));
}

/** Syncs one txn after the other until nothing is outstanding. @returns the most that was in process at once */
function drain(scene: Scene): number {
  let most = scene.core.inProcess;
  while (scene.synced < scene.log.lastZxid) {
    scene.sync(scene.synced + 1);
    most = Math.max(most, scene.core.inProcess);
  }
  return most;
}

describe("globalOutstandingLimit", () => {
  test("beyond it connections with requests outstanding are not read; every request is answered in the end", () => {
    const scene = new Scene({ globalOutstandingLimit: 10 });
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    ann.send(...numbered("a", 100));
    bob.send(...numbered("b", 100), exists("/b99"));
    // Each connection may be one over the limit, and has one more in the moment in which it is stopped.
    expect(drain(scene)).toBeLessThanOrEqual(14);
    const told = scene.told();
    const of = (name: string) => told.filter((line) => line.startsWith(name)).map((line) => line.split(" ")[1]);
    expect(of("ann")).toEqual(Array.from({ length: 100 }, (_, i) => String(i + 1)));
    expect(of("bob")).toEqual(Array.from({ length: 101 }, (_, i) => String(i + 1)));
  });

  test("nobody starves: a client with one request at a time is served while others send all they have", () => {
    const scene = new Scene({ globalOutstandingLimit: 10 });
    const greedy = [0, 1, 2].map((i) => scene.session(`greedy ${i}`));
    const ann = scene.session("ann");
    for (const [i, client] of greedy.entries()) client.send(...numbered(`g${i}-`, 200));
    for (let i = 0; i < 20; i++) {
      ann.send(setData("/zookeeper", String(i)), PING);
      const zxid = scene.log.lastZxid;
      scene.sync(zxid);
      expect(scene.told()).toContain(`ann: ${i + 1} @${zxid} v${i + 1} c-2 a0 n2 zxids 0 ${zxid} 0`);
    }
  });

  test("the greedy are served in turn", () => {
    const scene = new Scene({ globalOutstandingLimit: 10 });
    const clients = [0, 1, 2, 3].map((i) => scene.session(`c${i}`));
    for (const [i, client] of clients.entries()) client.send(...numbered(`c${i}-`, 300));
    for (let i = 0; i < 400; i++) scene.sync(scene.synced + 1);
    const told = scene.told();
    const counts = clients.map(({ name }) => told.filter((line) => line.startsWith(name)).length);
    expect(Math.min(...counts)).toBeGreaterThan(50);
  });

  test("requests in pieces, splits anywhere, any limit: nothing is lost or done twice (10 seeds)", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = new SeededRandom(seed);
      const scene = new Scene({ globalOutstandingLimit: 1 + random.below(6) });
      const clients = [0, 1, 2].map((i) => scene.session(`c${i}`));
      const inputs = clients.map((client, i) => client.encode(...numbered(`c${i}-`, 60), exists("/")));
      const offsets = [0, 0, 0];
      while (offsets.some((offset, i) => offset < inputs[i]!.length) || scene.synced < scene.log.lastZxid) {
        const i = random.below(3);
        const end = offsets[i]! + 1 + random.below(400);
        clients[i]!.bytes(inputs[i]!.subarray(offsets[i], end));
        offsets[i] = end;
        if (random.below(3) === 0 && scene.synced < scene.log.lastZxid) scene.sync(scene.synced + 1 + random.below(3));
      }
      const told = scene.told();
      clients.forEach(({ name }, i) => {
        const lines = told.filter((line) => line.startsWith(name)).map((line) => line.replace(/ @\d+/, ""));
        const creates = Array.from({ length: 60 }, (_, k) => `${name}: ${k + 1} created /c${i}-${k}`);
        expect(lines.slice(0, 60), `seed ${seed}`).toEqual(creates);
        expect(lines.length, `seed ${seed}`).toBe(61);
      });
    }
  });

  test("a full log stops the reading of everyone, until it has room", () => {
    const scene = new Scene();
    const ann = scene.session("ann");
    scene.log.isFull = true;
    ann.send(create("/a"), create("/b"), exists("/b"));
    expect(scene.log.records.length).toBe(2);
    scene.log.isFull = false;
    drain(scene);
    expect(scene.told()).toEqual(["ann: 1 @2 created /a", "ann: 2 @3 created /b", "ann: 3 @3 v0 c0 a0 n0 zxids 3 3 3"]);
  });
});

test("who has nothing outstanding of its own is read again, too, when a full log has room", () => {
  const scene = new Scene();
  const ann = scene.session("ann");
  const bob = scene.session("bob");
  ann.send(create("/a"));
  scene.log.isFull = true;
  bob.send(exists("/"), exists("/none"));
  bob.send(exists("/zookeeper"));
  expect(scene.told()).toEqual(["bob: 1 @2 v0 c-1 a0 n1 zxids 0 0 0"]);
  scene.log.isFull = false;
  scene.sync();
  expect(scene.told()).toEqual(["ann: 1 @3 created /a", "bob: 2 @3 NoNode", "bob: 3 @3 v0 c-2 a0 n2 zxids 0 0 0"]);
});

describe("sessions of clients that are left unread", () => {
  test("do not expire while a slow disk keeps the server from reading what they have sent", () => {
    const scene = new Scene({ globalOutstandingLimit: 2 });
    const ann = scene.session("ann", 4000);
    const mute = scene.session("mute", 4000);
    ann.send(...numbered("a", 8));
    mute.send(...numbered("m", 2));
    scene.pass(20_000);
    drain(scene);
    const told = scene.told();
    expect(told.filter((line) => line.startsWith("ann")).length).toBe(8);
    // It has sent nothing that is unread, so its silence counts.
    expect(told.filter((line) => line.startsWith("mute")).at(-1)).toBe("mute: connection closed");
  });

  test("expire if it is the client that does not read its replies", () => {
    const scene = new Scene();
    const ann = scene.session("ann", 4000);
    ann.isStuck = true;
    ann.connection.unsentBytes = 5 * 1024 * 1024;
    ann.send(exists("/"), exists("/"));
    scene.pass(6000);
    scene.sync();
    expect(scene.told()).toEqual(["ann: connection closed"]);
  });
});

describe("a client that does not read", () => {
  const LARGE = "x".repeat(900_000);

  function stuckReader(): { scene: Scene; ann: Client; bob: Client } {
    const scene = new Scene();
    const ann = scene.session("ann");
    const bob = scene.session("bob");
    ann.send(create("/large", { data: LARGE }));
    scene.sync();
    scene.told();
    bob.isStuck = true;
    return { scene, ann, bob };
  }

  test("has its requests unread above 4 MB of output, and gets every reply once it reads", () => {
    const { scene, bob } = stuckReader();
    for (let i = 0; i < 20; i++) bob.send(getData("/large"));
    expect(bob.connection.out.at).toBeLessThan(6_000_000);
    for (let i = 0; i < 20; i++) bob.unstick();
    expect(scene.told().map((line) => line.split(" ")[1])).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 1)));
  });

  test("is cut off above 64 MB of watch events, and others are served on", () => {
    const { scene, ann, bob } = stuckReader();
    bob.connection.unsentBytes = 64 * 1024 * 1024;
    bob.send(addWatch("/", 1));
    ann.send(create("/a"), exists("/a"));
    scene.sync();
    expect(scene.told()).toEqual([
      "bob: connection closed",
      "ann: 2 @4 created /a",
      "ann: 3 @4 v0 c0 a0 n0 zxids 4 4 4",
    ]);
  });
});
