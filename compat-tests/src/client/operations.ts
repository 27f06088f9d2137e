import { strict as assert } from "node:assert";
import { isKeeperError, json, KeeperError, op, Perms } from "@quoll/client";
import type { Target } from "./target.js";

const OPEN = [{ perms: Perms.ALL, scheme: "world", id: "anyone" }];

/** Every operation, and what it says when it is refused. */
export async function operations(target: Target): Promise<void> {
  await target.test("a znode is created, read, changed, listed and deleted", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "crud");
    assert.equal(await zk.create(`${root}/a`, "text äöü 😀"), `${root}/a`);
    const node = await zk.getData(`${root}/a`);
    assert.equal(node.text(), "text äöü 😀");
    assert.equal(node.stat.version, 0);
    const stat = await zk.setData(`${root}/a`, json({ x: [1, null] }));
    assert.equal(stat.version, 1);
    assert.ok(stat.mzxid > stat.czxid);
    assert.deepEqual((await zk.getData(`${root}/a`)).json(), { x: [1, null] });
    assert.deepEqual(await zk.exists(`${root}/a`), stat);
    assert.equal(await zk.exists(`${root}/b`), null);
    assert.deepEqual(await zk.getChildren(root), ["a"]);
    const { children, stat: parent } = await zk.getChildrenWithStat(root);
    assert.deepEqual([children, parent.numChildren, parent.cversion], [["a"], 1, 1]);
    await zk.sync(root);
    await zk.delete(`${root}/a`, { version: 1 });
    assert.deepEqual(await zk.getChildren(root), []);
  });

  await target.test("null, empty and long data are kept apart", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "data");
    const long = new Uint8Array(1_000 * 1_024).map((_, i) => i % 251);
    for (const [name, data] of [
      ["null", null],
      ["empty", new Uint8Array(0)],
      ["long", long],
    ] as const) {
      await zk.create(`${root}/${name}`, data);
      assert.deepEqual((await zk.getData(`${root}/${name}`)).data, data);
    }
    await assert.rejects(zk.create(`${root}/longer`, new Uint8Array(1_048_576)), { code: "LIMIT" });
    assert.equal(zk.state, "connected");
  });

  await target.test("all create modes", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "modes");
    assert.equal(await zk.create(`${root}/s-`, null, { mode: "persistentSequential" }), `${root}/s-0000000000`);
    assert.equal(await zk.create(`${root}/`, null, { mode: "ephemeralSequential" }), `${root}/0000000001`);
    const { path, stat } = await zk.createWithStat(`${root}/e`, "x", { mode: "ephemeral" });
    assert.equal(path, `${root}/e`);
    assert.equal(stat.ephemeralOwner, zk.session?.id);
    assert.ok(stat.isEphemeral);
    assert.equal(await zk.create(`${root}/c`, null, { mode: "container" }), `${root}/c`);
    const container = await zk.createWithStat(`${root}/c2`, null, { mode: "container" });
    assert.equal(container.stat.isEphemeral, false);
    assert.equal(await zk.create(`${root}/t`, null, { mode: "persistentWithTtl", ttlMs: 60_000 }), `${root}/t`);
    const ttl = await zk.createWithStat(`${root}/t-`, null, { mode: "persistentSequentialWithTtl", ttlMs: 60_000 });
    assert.match(ttl.path, /\/t-\d{10}$/);
    await assert.rejects(zk.create(`${root}/e/x`), { code: "NoChildrenForEphemerals" });
    assert.equal(await zk.create(`${root}/p/q/r`, null, { parents: "container" }), `${root}/p/q/r`);
    assert.match(
      await zk.create(`${root}/x-`, null, { mode: "ephemeralSequential", protection: true }),
      /\/_c_[0-9a-f-]{36}-x-\d{10}$/,
    );
    await zk.close();
    const other = await target.connect();
    const left = (await other.getChildren(root)).sort();
    assert.ok(!left.some((name) => name === "e" || name === "0000000001" || name.includes("_c_")), String(left));
  });

  await target.test("refusals have ZooKeeper's code, the path, and the outcome refused", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "refused");
    await zk.create(`${root}/a`);
    const cases: [string, () => Promise<unknown>][] = [
      ["NoNode", () => zk.getData(`${root}/x`)],
      ["NoNode", () => zk.getChildren(`${root}/x`)],
      ["NoNode", () => zk.setData(`${root}/x`, "")],
      ["NoNode", () => zk.delete(`${root}/x`)],
      ["NoNode", () => zk.create(`${root}/x/y`)],
      ["NodeExists", () => zk.create(`${root}/a`)],
      ["BadVersion", () => zk.setData(`${root}/a`, "", { version: 7 })],
      ["BadVersion", () => zk.delete(`${root}/a`, { version: 7 })],
      ["BadVersion", () => zk.setACL(`${root}/a`, OPEN, { version: 7 })],
      ["NotEmpty", () => zk.delete(root)],
      ["InvalidACL", () => zk.create(`${root}/b`, null, { acl: [] })],
      ["BadArguments", () => zk.delete("/zookeeper")],
    ];
    for (const [code, call] of cases) {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof KeeperError, String(error));
        assert.deepEqual([error.code, error.outcome], [code, "refused"]);
        return true;
      });
    }
  });

  await target.test("a multi does all or nothing, and says which part failed", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "multi");
    const [path, created, stat, checked, deleted] = await zk.multi([
      op.create(`${root}/a`, "1"),
      op.createWithStat(`${root}/s-`, null, { mode: "ephemeralSequential" }),
      op.setData(`${root}/a`, "2", 0),
      op.check(root),
      op.delete(`${root}/a`, 1),
    ]);
    assert.deepEqual(
      [path, created.path, stat.version, checked, deleted],
      [`${root}/a`, `${root}/s-0000000001`, 1, undefined, undefined],
    );
    // Older ones don't tell the Stat in a multi.
    assert.equal(created.stat?.ephemeralOwner, target.has(3, 7) ? zk.session?.id : undefined);
    await assert.rejects(zk.multi([op.create(`${root}/b`), op.check(`${root}/none`, 3), op.delete(root)]), {
      name: "MultiError",
      code: "NoNode",
      index: 1,
      path: `${root}/none`,
      codes: [null, "NoNode", "RuntimeInconsistency"],
    });
    assert.equal(await zk.exists(`${root}/b`), null);
    assert.deepEqual(await zk.multi([]), []);
    assert.deepEqual(
      await zk.multi([
        op.create(`${root}/c`, null, { mode: "container" }),
        op.create(`${root}/t`, null, { mode: "persistentWithTtl", ttlMs: 1_000 }),
      ]),
      [`${root}/c`, `${root}/t`],
    );
  });

  await target.test("what came after 3.5 works, or is refused as unimplemented and the session goes on", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "newer");
    await zk.create(`${root}/e`, "data", { mode: "ephemeral" });
    if (target.has(3, 6)) {
      const [node, children, missing] = await zk.multiRead([
        op.getData(`${root}/e`),
        op.getChildren(root),
        op.getData(`${root}/none`),
      ]);
      assert.ok(!(node instanceof KeeperError) && node.text() === "data");
      assert.deepEqual(children, ["e"]);
      assert.ok(isKeeperError(missing, "NoNode"));
      assert.deepEqual(await zk.getEphemerals(), [`${root}/e`]);
      assert.deepEqual(await zk.getEphemerals("/none"), []);
      assert.equal(await zk.getAllChildrenNumber(root), 1);
    } else {
      const id = zk.session?.id;
      for (const call of [
        () => zk.multiRead([op.getData("/")]),
        () => zk.getEphemerals(),
        () => zk.getAllChildrenNumber("/"),
        () => zk.addWatch("/", "persistent", () => undefined),
      ]) {
        await assert.rejects(call(), { code: "Unimplemented" });
      }
      assert.equal((await zk.getData(`${root}/e`)).text(), "data");
      assert.equal(zk.session?.id, id);
    }
    if (target.has(3, 7)) {
      assert.deepEqual(await zk.whoAmI(), [{ scheme: "ip", user: "127.0.0.1" }]);
    }
  });

  await target.test("configuration is read, and a reconfiguration refused where it is switched off", async () => {
    const zk = await target.connect({}, `${target.address}/refused`);
    assert.equal(typeof (await zk.getConfig()).text(), "string");
    await assert.rejects(zk.reconfig({ joining: "server.2=127.0.0.1:1:2;3" }), { code: "ReconfigDisabled" });
  });

  await target.test("a chroot is before every path, and nowhere to be seen", async () => {
    const zk = await target.connect();
    await target.folder(zk, "chroot");
    const inside = await target.connect({}, `${target.address}/chroot`);
    assert.equal(await inside.create("/a-", "1", { mode: "ephemeralSequential" }), "/a-0000000000");
    assert.deepEqual(await inside.getChildren("/"), ["a-0000000000"]);
    assert.deepEqual(await inside.multi([op.create("/m"), op.delete("/m")]), ["/m", undefined]);
    assert.equal((await zk.getData("/chroot/a-0000000000")).text(), "1");
    if (target.has(3, 6)) assert.deepEqual(await inside.getEphemerals(), ["/a-0000000000"]);
    await assert.rejects(inside.getData("/none"), { path: "/none" });
  });

  await target.test("20,000 operations in flight are carried out and answered in order", async () => {
    const zk = await target.connect({ inFlightMax: 5_000 });
    const root = await target.folder(zk, "flight");
    const answered: number[] = [];
    const writes: Promise<unknown>[] = [];
    for (let i = 0; i < 4_000; i++) {
      writes.push(
        zk.create(`${root}/n-`, String(i), { mode: "persistentSequential" }).then((path) => {
          assert.equal(Number(path.slice(-10)), i);
          answered.push(i);
        }),
      );
    }
    await Promise.all(writes);
    assert.deepEqual(
      answered,
      writes.map((_, i) => i),
    );
    const reads: Promise<void>[] = [];
    for (let i = 0; i < 20_000; i++) {
      const k = i % 4_000;
      reads.push(
        zk.getData(`${root}/n-${String(k).padStart(10, "0")}`).then((node) => assert.equal(node.text(), String(k))),
      );
    }
    await Promise.all(reads);
    assert.equal((await zk.getChildren(root)).length, 4_000);
  });

  await target.test("a reply far above jute.maxbuffer is read; one above the client's limit fails alone", async () => {
    const zk = await target.connect();
    const root = await target.folder(zk, "wide");
    const name = "n".repeat(1_000);
    for (let i = 0; i < 2_000; i++) {
      if (i % 500 === 0) await zk.drained(0);
      void zk.create(`${root}/${name}${i}`);
    }
    assert.equal((await zk.getChildren(root)).length, 2_000);
    const small = await target.connect({ replyMaxBytes: 100_000 });
    const [big, other] = await Promise.allSettled([small.getChildren(root), small.exists(root)]);
    assert.equal(big.status === "rejected" && big.reason.code, "REPLY_TOO_LARGE");
    assert.equal(other.status === "fulfilled" && other.value?.numChildren, 2_000);
    assert.equal(small.state, "connected");
  });
}
