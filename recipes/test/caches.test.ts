import fc from "fast-check";
import { expect, test } from "vitest";
import { type CacheEvent, ChildrenCache, NodeCache, TreeCache, Watcher } from "../src/index.js";
import { faults, plan } from "./support/faults.js";
import { type Process, World } from "./support/world.js";

const RUNS = Number(process.env["QUOLL_RECIPE_RUNS"] ?? 8);
const decode = (data: Uint8Array | null) => new TextDecoder().decode(data ?? undefined);
const told = (event: CacheEvent) =>
  event.type === "deleted"
    ? `deleted ${event.previous.path}`
    : `${event.type} ${event.node.path} ${decode(event.node.data)}`;

test("a tree cache tells of all that is there, and then of what happens, by one watch or by many", async () => {
  for (const watches of ["persistent", "oneShot"] as const) {
    const world = new World(1);
    const { client } = world.process("a");
    for (const path of ["/tree", "/tree/a", "/tree/a/b"]) await world.until(client.create(path, path.at(-1)));
    const cache = new TreeCache(client, "/tree", { watches });
    const events: string[] = [];
    cache.onEvent((event) => events.push(told(event)));
    await world.until(cache.start());
    expect(events.splice(0)).toEqual(["created /tree e", "created /tree/a a", "created /tree/a/b b"]);
    await world.until(client.setData("/tree/a/b", "2"));
    await world.until(client.create("/tree/c", "c"));
    await world.until(client.delete("/tree/a/b"));
    await world.pass(200);
    expect(events.splice(0).sort()).toEqual(["changed /tree/a/b 2", "created /tree/c c", "deleted /tree/a/b"]);
    expect(cache.children("/tree").sort()).toEqual(["a", "c"]);
    expect(cache.get("/tree/a/b")).toBeUndefined();
    expect([...cache.nodes()]).toHaveLength(cache.size);
    await world.until(cache.close());
    await world.until(client.setData("/tree/c", "3"));
    await world.pass(200);
    expect(events).toEqual([]);
  }
});

test("a node cache follows a znode that is not there yet, comes, changes and goes", async () => {
  const world = new World(2);
  const { client } = world.process("a");
  const cache = new NodeCache(client, "/node");
  const seen: (string | null)[] = [];
  cache.onChange((node) => seen.push(node === null ? null : decode(node.data)));
  await world.until(cache.start());
  expect(cache.node).toBeNull();
  await world.until(client.create("/node", "1"));
  await world.pass(100);
  await world.until(client.setData("/node", "2"));
  await world.pass(100);
  await world.until(client.create("/node/below", "x"));
  await world.until(client.delete("/node/below"));
  await world.until(client.delete("/node"));
  await world.pass(100);
  await world.until(client.create("/node", "3"));
  await world.pass(100);
  expect(seen).toEqual(["1", "2", null, "3"]);
  expect(decode(cache.node!.data)).toBe("3");
  await world.until(cache.close());
});

test("a children cache has the children alone, in the order of their names", async () => {
  const world = new World(3);
  const { client } = world.process("a");
  await world.until(client.create("/parent"));
  for (const name of ["b", "a"]) await world.until(client.create(`/parent/${name}`, name));
  const cache = new ChildrenCache(client, "/parent");
  const events: string[] = [];
  cache.onEvent((event) => events.push(told(event)));
  await world.until(cache.start());
  expect([...cache.children().keys()]).toEqual(["a", "b"]);
  await world.until(client.create("/parent/a/below", "x"));
  await world.until(client.setData("/parent", "y"));
  await world.until(client.setData("/parent/b", "z"));
  await world.pass(100);
  expect(events.filter((event) => event.startsWith("changed"))).toEqual(["changed /parent/b z"]);
  expect(cache.get("a")?.stat.version).toBe(0);
  await world.until(cache.close());
});

test("a watcher goes on in the next session, and says that it may have missed something", async () => {
  const world = new World(4);
  const [a, b] = [world.process("a"), world.process("b")];
  await using watcher = new Watcher(a.client, "/");
  const events: string[] = [];
  watcher.onEvent(({ type, path }) => events.push(`${type} ${path}`));
  watcher.start();
  await world.pass(200);
  await world.until(b.client.create("/x"));
  await world.pass(100);
  expect(events.splice(0)).toEqual(["Gap /", "NodeCreated /x"]);
  a.pause(8000);
  await world.pass(12_000);
  await world.until(b.client.create("/x/y"));
  await world.pass(100);
  expect(events).toContain("Gap /");
  expect(events.at(-1)).toBe("NodeCreated /x/y");
  await world.until(watcher.close());
});

const PATHS = ["/t", "/t/a", "/t/b", "/t/a/a", "/t/a/b", "/t/a/a/a"];

test(
  "whatever happens, a cache is in the end as the tree is",
  async () => {
    const shapes = fc.record({
      watches: fc.constantFrom("persistent" as const, "oneShot" as const),
      maxDepth: fc.constantFrom(0, 1, 2, Number.POSITIVE_INFINITY),
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(), shapes, faults(2, 10_000), async (seed, { watches, maxDepth }, list) => {
        const world = new World(seed);
        const [reader, writer] = [world.process("reader"), world.process("writer")];
        plan(world, list);
        const cache = new TreeCache(reader.client, "/t", { watches, maxDepth });
        const known = new Map<string, string>();
        cache.onEvent((event) => {
          if (event.type === "deleted") {
            expect(known.delete(event.previous.path)).toBe(true);
          } else {
            expect(known.has(event.node.path)).toBe(event.type === "changed");
            known.set(event.node.path, decode(event.node.data));
          }
        });
        const started = cache.start();
        while (world.nowMs < 12_000) await world.until(change(world, writer), 100_000);
        await world.pass(20_000);
        await world.until(started);
        const there = new Map<string, string>();
        for (const path of PATHS) {
          if (path.split("/").length - 2 > maxDepth) continue;
          const node = await world.until(writer.client.getData(path).catch(() => null));
          if (node !== null) there.set(path, node.text());
        }
        expect(new Map([...known].sort())).toEqual(new Map([...there].sort()));
        expect(cache.size).toBe(there.size);
        await world.until(cache.close());
      }),
      { numRuns: RUNS * 2, endOnFailure: true },
    );
  },
  60_000 + RUNS * 3000,
);

async function change(world: World, { client }: Process): Promise<void> {
  const path = world.random.pick(PATHS);
  const value = String(world.random.below(1000));
  const kind = world.random.below(3);
  const done = kind === 0 ? client.create(path, value) : kind === 1 ? client.setData(path, value) : client.delete(path);
  await done.catch(() => {});
  await new Promise<void>((resolve) => void world.after(world.random.below(300), resolve));
}
