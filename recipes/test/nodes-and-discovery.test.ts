import { expect, test } from "vitest";
import {
  GroupMember,
  LeaderLatch,
  LeaderSelector,
  Mutex,
  Party,
  PersistentNode,
  ServiceDiscovery,
  ShallowParty,
  TtlNode,
} from "../src/index.js";
import { World } from "./support/world.js";

test("a persistent node is made again after it was deleted, and after its session has ended", async () => {
  const world = new World(1);
  const [a, b] = [world.process("a"), world.process("b")];
  const node = new PersistentNode(a.client, "/nodes/mine", { data: "1" });
  await world.until(node.start());
  expect(node.actualPath).toBe("/nodes/mine");
  await world.until(b.client.delete("/nodes/mine"));
  await world.pass(200);
  expect((await world.until(b.client.getData("/nodes/mine"))).text()).toBe("1");
  await world.until(node.setData("2"));
  a.pause(8000);
  await world.pass(7000);
  expect(await world.until(b.client.exists("/nodes/mine"))).toBeNull();
  await world.pass(5000);
  const { stat, ...found } = await world.until(b.client.getData("/nodes/mine"));
  expect(new TextDecoder().decode(found.data!)).toBe("2");
  expect(stat.ephemeralOwner).toBe(a.client.session!.id);
  await world.until(node.close());
  expect(await world.children("/nodes")).toEqual([]);
});

test("a persistent node replaces the one that a former session of its process has left", async () => {
  const world = new World(2);
  const [a, b] = [world.process("a"), world.process("b")];
  await world.until(a.client.create("/node", "old", { mode: "ephemeral" }));
  await using node = new PersistentNode(b.client, "/node", { data: "new" });
  await world.until(node.start());
  const { stat } = await world.until(a.client.getData("/node"));
  expect(stat.ephemeralOwner).toBe(b.client.session!.id);
  const sequential = new PersistentNode(b.client, "/seq/n-", { mode: "ephemeralSequential" });
  await world.until(sequential.start());
  expect(sequential.actualPath).toMatch(/^\/seq\/_c_[0-9a-f-]{36}-n-\d{10}$/);
  await world.until(sequential.close());
  await world.until(node.close());
  expect(await world.children("/seq")).toEqual([]);
});

test("a TTL node is there while it is kept alive, and gone some time after", async () => {
  const world = new World(3);
  const { client } = world.process("a");
  const node = new TtlNode(client, "/ttl", 4000, { data: "x" });
  await world.until(node.start());
  await world.pass(20_000);
  expect((await world.until(client.getData("/ttl"))).text()).toBe("x");
  expect(await world.children("/ttl")).toEqual(["touch"]);
  await world.until(node.close());
  await world.pass(20_000);
  expect(await world.until(client.exists("/ttl"))).toBeNull();
});

test("members of a group and of parties see each other come and go", async () => {
  const world = new World(4);
  const [a, b] = [world.process("a"), world.process("b")];
  const [mine, yours] = [a, b].map(({ client, name }) => new GroupMember(client, "/group", name, { data: name }));
  await world.until(mine.start());
  const counts: number[] = [];
  mine.onChange((members) => counts.push(members.size));
  await world.until(yours.start());
  await world.pass(100);
  expect([...mine.members().keys()]).toEqual(["a", "b"]);
  await world.until(yours.setData("new"));
  await world.pass(100);
  expect(new TextDecoder().decode(mine.members().get("b")!)).toBe("new");
  await world.until(yours.close());
  await world.pass(100);
  expect([...mine.members().keys()]).toEqual(["a"]);
  expect(counts).toEqual([2, 2, 1]);
  await world.until(mine.close());

  const parties = [new Party(a.client, "/party", "ann"), new Party(b.client, "/party", "bob")];
  await world.until(Promise.all(parties.map((party) => party.join())));
  expect((await world.until(parties[0]!.members())).sort()).toEqual(["ann", "bob"]);
  await world.until(parties[1]!.leave());
  expect(await world.until(parties[0]!.members())).toEqual(["ann"]);
  const shallow = new ShallowParty(a.client, "/shallow", "a-b");
  await world.until(shallow.join());
  expect(await world.until(shallow.members())).toEqual(["a-b"]);
  await world.until(Promise.all([shallow.leave(), parties[0]!.leave()]));
});

test("a service's instances are found, given out in turn, left out while they are down, and registered again", async () => {
  const world = new World(5);
  const [a, b] = [world.process("a"), world.process("b")];
  const wallMs = () => 1000;
  const [ours, theirs] = [a, b].map(
    ({ client }) => new ServiceDiscovery<{ zone: string }>(client, "/services", { wallMs }),
  );
  const one = await world.until(ours.register({ name: "api", id: "1", port: 1, payload: { zone: "x" } }));
  await world.until(ours.register({ name: "api", id: "2", port: 2 }));
  expect(await world.until(theirs.serviceNames())).toEqual(["api"]);
  expect((await world.until(theirs.instances("api"))).map(({ port }) => port)).toEqual([1, 2]);
  const provider = theirs.provider("api", { down: { errorThreshold: 1, timeoutMs: 5000 } });
  await world.until(provider.start());
  expect([provider.get()?.id, provider.get()?.id, provider.get()?.id]).toEqual(["1", "2", "1"]);
  provider.noteError(one.instance);
  expect(provider.all().map(({ id }) => id)).toEqual(["2"]);
  await world.pass(6000);
  expect(provider.all()).toHaveLength(2);
  await world.until(one.update({ enabled: false, payload: { zone: "y" } }));
  await world.pass(100);
  expect(provider.all().map(({ id }) => id)).toEqual(["2"]);
  expect((await world.until(theirs.instance("api", "1")))?.payload).toEqual({ zone: "y" });
  a.pause(8000);
  await world.pass(7000);
  expect(provider.all()).toEqual([]);
  await world.pass(6000);
  expect(provider.all().map(({ id }) => id)).toEqual(["2"]);
  await world.until(ours.close());
  await world.pass(100);
  expect(provider.get()).toBeNull();
  expect(await world.until(theirs.instance("api", "1"))).toBeNull();
  await world.until(provider.close());
});

test("a selector leads for as long as its function runs, then the next one does", async () => {
  const world = new World(6);
  const processes = ["a", "b"].map((name) => world.process(name));
  const order: string[] = [];
  const selectors = processes.map((process) =>
    new LeaderSelector(
      process.client,
      "/leader",
      async (leadership, stopping) => {
        expect(leadership.isHeld).toBe(true);
        order.push(process.name);
        if (!stopping.aborted) await process.sleep(100);
      },
      { id: process.name },
    ).start(),
  );
  await world.pass(3000);
  expect(order.slice(0, 4)).toEqual([order[0], order[1], order[0], order[1]]);
  expect(new Set(order).size).toBe(2);
  expect(await world.until(selectors[0]!.participants())).toHaveLength(2);
  await world.until(Promise.all(selectors.map((selector) => selector.close())));
  expect(selectors[0]!.hasLeadership).toBe(false);
  expect(await world.children("/leader")).toEqual([]);
});

test("a latch tells when it leads and when it does not, and can be waited for", async () => {
  const world = new World(7);
  const [a, b] = [world.process("a"), world.process("b")];
  const changes: string[] = [];
  const [first, second] = [a, b].map(({ client, name }) => {
    const latch = new LeaderLatch(client, "/latch", { id: name });
    latch.onChange((leadership) => changes.push(`${name} ${leadership === null ? "no" : "yes"}`));
    return latch;
  });
  first.start();
  await world.until(first.waitForLeadership());
  second.start();
  await world.pass(200);
  expect(second.hasLeadership).toBe(false);
  const waiting = second.waitForLeadership();
  a.cut(8000);
  await world.until(waiting);
  await world.pass(10_000);
  expect(changes).toEqual(["a yes", "a no", "b yes"]);
  expect((await world.until(first.leader()))?.data).toBe("b");
  await world.until(Promise.all([first.close(), second.close()]));
  expect(changes.at(-1)).not.toBe("b yes");
});

test("what runs in the background can be closed at once while there is no connection", async () => {
  const world = new World(8);
  const process = world.process("a");
  const { client } = process;
  const node = await world.until(new PersistentNode(client, "/node").start());
  const group = await world.until(new GroupMember(client, "/group", "a").start());
  const latch = new LeaderLatch(client, "/latch").start();
  const party = new Party(client, "/party");
  await world.until(Promise.all([latch.waitForLeadership(), party.join()]));
  process.cut(1_000_000);
  await world.pass(3000);
  const beforeMs = world.nowMs;
  await world.until(Promise.all([node.close(), group.close(), latch.close(), party.leave()]));
  expect(world.nowMs - beforeMs).toBeLessThan(100);
});

test("znodes hold empty bytes rather than null, which the other libraries cannot read", async () => {
  const world = new World(9);
  const { client } = world.process("a");
  const held = await world.until(new Mutex(client, "/lock").acquire());
  const group = await world.until(new GroupMember(client, "/group", "a").start());
  for (const path of [held.path, "/group/a"]) {
    expect((await world.until(client.getData(path))).data).toEqual(new Uint8Array());
  }
  await world.until(Promise.all([held.release(), group.close()]));
});

test("a persistent znode outlives sessions, and is deleted by its owner though the session that made it has ended", async () => {
  const world = new World(10);
  const [a, b] = [world.process("a"), world.process("b")];
  const node = await world.until(new PersistentNode(a.client, "/static", { mode: "persistent", data: "x" }).start());
  a.pause(8000);
  await world.pass(7000);
  expect((await world.until(b.client.getData("/static"))).text()).toBe("x");
  await world.pass(1500);
  await world.until(node.close());
  expect(await world.until(b.client.exists("/static"))).toBeNull();
});
