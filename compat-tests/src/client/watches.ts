import { strict as assert } from "node:assert";
import { type WatchEvent, WatchQueue } from "@quoll/client";
import { type Target, until } from "./target.js";

/** Watches of all kinds, also over reconnects. */
export async function watches(target: Target): Promise<void> {
  await target.test("a watch that fires once fires once, for each kind of event", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "once");
    const events: string[] = [];
    const watch = ({ type, path }: WatchEvent) => void events.push(`${type} ${path.slice(root.length)}`);
    await zk.exists(`${root}/a`, { watch });
    await zk.create(`${root}/a`);
    await zk.getData(`${root}/a`, { watch });
    await zk.setData(`${root}/a`, "1");
    await zk.setData(`${root}/a`, "2");
    await zk.getChildren(root, { watch });
    await zk.getData(`${root}/a`, { watch });
    await zk.delete(`${root}/a`);
    await zk.sync();
    assert.deepEqual(events, ["NodeCreated /a", "NodeDataChanged /a", "NodeDeleted /a", "NodeChildrenChanged "]);
  });

  await target.test(
    "an event is seen after the read that set the watch and before the write's own answer",
    async () => {
      const zk = await target.connect();
      const root = await target.folder(zk, "order");
      const order: string[] = [];
      await Promise.all([
        zk
          .getData(root, {
            watch: ({ zxid }) => void order.push(target.has(3, 9) ? `event ${zxid > 0n}` : "event true"),
          })
          .then(() => order.push("read")),
        zk.setData(root, "1").then(() => order.push("write")),
      ]);
      assert.deepEqual(order, ["read", "event true", "write"]);
    },
  );

  await target.test("watches that fire once survive a reconnect, and what was missed is caught up", async () => {
    const { network, states, zk } = await target.through();
    const other = await target.connect();
    const root = await target.folder(other, "caught-up");
    await Promise.all(["changed", "deleted", "kept"].map((name) => other.create(`${root}/${name}`)));
    const events: string[] = [];
    const watch = ({ type, path }: WatchEvent) => void events.push(`${type} ${path.slice(root.length)}`);
    for (const name of ["changed", "deleted", "kept"]) await zk.getData(`${root}/${name}`, { watch });
    await zk.exists(`${root}/created`, { watch });
    await zk.getChildren(root, { watch });
    await network.down();
    await other.setData(`${root}/changed`, "1");
    await other.delete(`${root}/deleted`);
    await other.create(`${root}/created`);
    await network.up();
    await until("four events", () => events.length >= 4);
    await other.setData(`${root}/kept`, "1");
    await until("five events", () => events.length >= 5);
    assert.deepEqual(events.slice(0, 4).sort(), [
      "NodeChildrenChanged ",
      "NodeCreated /created",
      "NodeDataChanged /changed",
      "NodeDeleted /deleted",
    ]);
    assert.deepEqual(events.slice(4), ["NodeDataChanged /kept"]);
    assert.deepEqual(states(), ["disconnected", "connected"]);
  });

  await target.test("3,000 watches on long paths are set again after a reconnect", async () => {
    const { network, states, zk } = await target.through();
    const other = await target.connect();
    const root = await target.folder(other, "many");
    const name = "x".repeat(300);
    let fired = 0;
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < 3_000; i++) asked.push(zk.exists(`${root}/${name}${i}`, { watch: () => fired++ }));
    await Promise.all(asked);
    network.reset();
    await until("the reconnect", () => states().length === 2);
    await zk.sync();
    const made: Promise<unknown>[] = [];
    for (let i = 0; i < 3_000; i++) made.push(other.create(`${root}/${name}${i}`));
    await Promise.all(made);
    await until("all events", () => fired === 3_000);
  });

  if (!target.has(3, 6)) return;

  await target.test("persistent and recursive watches, until they are closed", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "persistent");
    const deepRoot = await target.folder(zk, "recursive");
    const flat: string[] = [];
    const deep: string[] = [];
    const persistent = await zk.addWatch(root, "persistent", ({ type, path }) => void flat.push(`${type} ${path}`));
    const recursive = await zk.addWatch(
      deepRoot,
      "persistentRecursive",
      ({ type, path }) => void deep.push(`${type} ${path}`),
    );
    for (const [path, isWatched] of [
      [root, true],
      [deepRoot, true],
      ["/none", false],
    ] as const) {
      assert.equal(await zk.checkWatches(path, "any"), isWatched);
    }
    for (const path of [root, deepRoot]) {
      await zk.create(`${path}/a`);
      await zk.create(`${path}/a/b`);
      await zk.setData(path, "1");
    }
    await zk.sync();
    assert.deepEqual(flat, [`NodeChildrenChanged ${root}`, `NodeDataChanged ${root}`]);
    assert.deepEqual(deep, [`NodeCreated ${deepRoot}/a`, `NodeCreated ${deepRoot}/a/b`, `NodeDataChanged ${deepRoot}`]);
    await recursive.close();
    await zk.delete(`${deepRoot}/a/b`);
    await persistent.close();
    await zk.setData(root, "2");
    await zk.sync();
    assert.equal(flat.length, 2);
    assert.equal(deep.length, 3);
    for (const path of [root, deepRoot]) assert.equal(await zk.checkWatches(path, "any"), false);
  });

  await target.test("a persistent watch tells of the gap after a reconnect, as a stream", async () => {
    const { network, zk } = await target.through();
    const other = await target.connect();
    const root = await target.folder(other, "gap");
    const queue = new WatchQueue();
    await zk.addWatch(root, "persistentRecursive", queue);
    await other.create(`${root}/a`);
    assert.equal((await queue.next()).value?.type, "NodeCreated");
    await network.down();
    await other.create(`${root}/missed`);
    await network.up();
    assert.deepEqual((await queue.next()).value, { type: "Gap", path: root, zxid: -1n });
    await other.create(`${root}/b`);
    assert.equal((await queue.next()).value?.path, `${root}/b`);
  });

  await target.test("a loop over a watch removes it when it is left", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "loop");
    const made = (async () => {
      await until("the watch", () => zk.checkWatches(root, "any"));
      for (let i = 0; i < 3; i++) await zk.create(`${root}/${i}`);
    })();
    const seen: string[] = [];
    for await (const { path } of zk.watch(root, "persistentRecursive")) {
      seen.push(path);
      if (seen.length === 3) break;
    }
    await made;
    assert.deepEqual(seen, [`${root}/0`, `${root}/1`, `${root}/2`]);
    assert.equal(await zk.checkWatches(root, "any"), false);
    const controller = new AbortController();
    const ended = (async () => {
      for await (const _ of zk.watch(root, "persistent", { signal: controller.signal })) assert.fail("no event");
    })();
    await until("the watch", () => zk.checkWatches(root, "any"));
    controller.abort();
    await ended.catch((error) => assert.equal(error.name, "AbortError"));
  });

  await target.test("removeWatches tells those who listened", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "removed");
    const events: string[] = [];
    await zk.getData(root, { watch: ({ type }) => void events.push(type) });
    await zk.getChildren(root, { watch: ({ type }) => void events.push(type) });
    await zk.removeWatches(root, "data");
    await zk.removeWatches(root, "children");
    await zk.sync();
    assert.deepEqual(events, ["DataWatchRemoved", "ChildWatchRemoved"]);
    await assert.rejects(zk.removeWatches(root, "any"), { code: "NoWatcher" });
  });
}
