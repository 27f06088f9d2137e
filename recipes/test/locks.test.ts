import { expect, test } from "vitest";
import {
  type Claim,
  LostError,
  MultiLock,
  Mutex,
  NotRunningError,
  ReadWriteLock,
  revoke,
  Semaphore,
  SharedCount,
  settled,
  WaitTimeoutError,
} from "../src/index.js";
import { World } from "./support/world.js";

const paths = (claims: readonly Claim[]) => claims.map(({ path }) => path);

test("waiters are told in their order, with their sessions; each gets a higher token than the one before", async () => {
  const world = new World(1);
  const [a, b, c] = ["a", "b", "c"].map((name) => world.process(name));
  const mutexes = [a!, b!, c!].map(({ client }) => new Mutex(client, "/lock"));
  const first = await world.until(mutexes[0]!.acquire());
  const second = mutexes[1]!.acquire();
  await world.pass(100);
  const third = mutexes[2]!.acquire();
  await world.pass(100);
  const waiters = await world.until(mutexes[0]!.waiters());
  expect(waiters.map(({ sessionId }) => sessionId)).toEqual([b!.client.session!.id, c!.client.session!.id]);
  expect(paths(await world.until(mutexes[2]!.holders()))).toEqual([first.path]);
  await world.until(first.release());
  const held = await world.until(second);
  expect(held.path).toBe(waiters[0]!.path);
  expect(held.fencingToken > first.fencingToken).toBe(true);
  await world.until(held.release());
  expect((await world.until(third)).fencingToken > held.fencingToken).toBe(true);
});

test("a wait that is cancelled, times out or must not wait leaves no znode behind", async () => {
  const world = new World(2);
  const [a, b] = [world.process("a"), world.process("b")];
  const held = await world.until(new Mutex(a.client, "/lock").acquire());
  const mutex = new Mutex(b.client, "/lock");
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  const waiting = mutex.acquire({ signal: controller.signal });
  waiting.catch(() => {});
  await world.pass(100);
  controller.abort(reason);
  await expect(world.until(waiting)).rejects.toBe(reason);
  await expect(world.until(mutex.acquire({ timeoutMs: 300 }))).rejects.toBeInstanceOf(WaitTimeoutError);
  expect(await world.until(mutex.tryAcquire())).toBeNull();
  await expect(world.until(mutex.acquire({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  expect(await world.children("/lock")).toEqual([held.name]);
});

test("a wait that is cancelled while its znode is being created, or without a connection, leaves none behind either", async () => {
  for (let afterMs = 0; afterMs < 40; afterMs += 2) {
    const world = new World(afterMs);
    const [a, b] = [world.process("a"), world.process("b")];
    const held = await world.until(new Mutex(a.client, "/lock").acquire());
    await world.until(b.client.connected());
    const controller = new AbortController();
    const waiting = new Mutex(b.client, "/lock").acquire({ signal: controller.signal });
    waiting.catch(() => {});
    if (afterMs % 4 === 0) world.after(afterMs / 2, () => b.disconnect());
    world.after(afterMs, () => controller.abort(new Error("no")));
    await expect(world.until(waiting)).rejects.toThrow("no");
    await world.pass(1000);
    await world.until(settled(b.client));
    expect(await world.children("/lock")).toEqual([held.name]);
  }
});

test("while a lock is held for long, waits that are given up do not pile up watches", async () => {
  const world = new World(3);
  const [a, b] = [world.process("a"), world.process("b")];
  const held = await world.until(new Mutex(a.client, "/lock").acquire());
  const { client } = b;
  let watches = 0;
  const getData = client.getData.bind(client);
  client.getData = (path, options) => {
    if (options?.watch !== undefined) watches++;
    return getData(path, options);
  };
  const mutex = new Mutex(client, "/lock");
  for (let i = 0; i < 10; i++) expect(await world.until(mutex.tryAcquire({ timeoutMs: 50 }))).toBeNull();
  expect(watches).toBe(1);
  const waiting = mutex.acquire();
  await world.pass(100);
  await world.until(held.release());
  expect((await world.until(waiting)).isHeld).toBe(true);
});

test("the holder of an expired session knows when it hears of it, and its process can take the lock again", async () => {
  const world = new World(4);
  const [a, b] = [world.process("a"), world.process("b")];
  const mutex = new Mutex(a.client, "/lock");
  const held = await world.until(mutex.acquire());
  const next = new Mutex(b.client, "/lock").acquire();
  a.pause(8000);
  const other = await world.until(next);
  // Nothing was heard, but the clock says enough.
  expect(held.signal.aborted).toBe(false);
  expect(held.isHeld).toBe(false);
  expect(() => held.assertHeld()).toThrow(LostError);
  await world.pass(5000);
  expect(held.signal.aborted).toBe(true);
  expect(held.signal.reason).toBeInstanceOf(LostError);
  await world.until(held.release());
  await world.until(other.release());
  expect((await world.until(mutex.acquire())).fencingToken > other.fencingToken).toBe(true);
});

test("a holder that is cut off suspects before anybody else can hold; a short disconnection is none of its business", async () => {
  const world = new World(5);
  const [a, b] = [world.process("a"), world.process("b")];
  const held = await world.until(new Mutex(a.client, "/lock").acquire());
  a.disconnect();
  await world.pass(2000);
  expect(held.signal.aborted).toBe(false);
  expect(held.isHeld).toBe(true);
  let suspectedMs = 0;
  held.signal.addEventListener("abort", () => {
    suspectedMs = world.nowMs;
  });
  a.cut(20_000);
  const next = new Mutex(b.client, "/lock").acquire();
  await world.until(next);
  expect(held.signal.reason).toMatchObject({ code: "LOST", why: "sessionSuspect" });
  expect(suspectedMs).toBeGreaterThan(0);
  expect(suspectedMs).toBeLessThan(world.nowMs);
});

test("a holder whose znode somebody deletes is told, and one that is asked to let go too", async () => {
  const world = new World(6);
  const [a, b] = [world.process("a"), world.process("b")];
  const held = await world.until(new Mutex(a.client, "/lock").acquire());
  await world.until(revoke(b.client, held.path));
  await world.pass(50);
  expect(held.revokeRequested.aborted).toBe(true);
  expect(held.isHeld).toBe(true);
  await world.until(b.client.delete(held.path));
  await world.pass(50);
  expect(held.signal.reason).toMatchObject({ code: "LOST", why: "deleted" });
});

test("a lock that is re-entrant is held once more within its run, by that flow of calls only", async () => {
  const world = new World(7);
  const { client } = world.process("a");
  const mutex = new Mutex(client, "/lock", { reentrant: true });
  const order: string[] = [];
  const run = mutex.run(async (outer) => {
    await mutex.run(async (inner) => {
      expect(inner).toBe(outer);
      order.push("inner");
    });
    expect(outer.isHeld).toBe(true);
    order.push("outer");
  });
  const other = mutex.run(async () => void order.push("other"));
  await world.until(Promise.all([run, other]));
  expect(order).toEqual(["inner", "outer", "other"]);
  expect(await world.children("/lock")).toEqual([]);
});

test("a writer becomes a reader without letting another writer in", async () => {
  for (const naming of ["curator", "kazoo"] as const) {
    const world = new World(8);
    const [a, b] = [world.process("a"), world.process("b")];
    const lock = new ReadWriteLock(a.client, "/lock", { naming });
    const written = await world.until(lock.write.acquire());
    const other = new ReadWriteLock(b.client, "/lock", { naming });
    const nextWriter = other.write.acquire();
    await world.pass(100);
    const read = await world.until(lock.downgrade(written));
    await world.pass(100);
    expect(written.isHeld).toBe(false);
    expect(read.isHeld).toBe(true);
    expect(paths(await world.until(other.write.holders()))).toEqual([read.path]);
    await expect(world.until(lock.downgrade(read))).rejects.toThrow(RangeError);
    await world.until(read.release());
    expect((await world.until(nextWriter)).isHeld).toBe(true);
  }
});

test("several locks are all held or none, in whichever order they are named", async () => {
  const world = new World(9);
  const [a, b] = [world.process("a"), world.process("b")];
  const [x, y] = ["/x", "/y"].map((path) => new Mutex(a.client, path));
  const both = new MultiLock(a.client, [y!, x!]);
  const other = await world.until(new Mutex(b.client, "/y").acquire());
  expect(await world.until(both.tryAcquire({ timeoutMs: 200 }))).toBeNull();
  expect(await world.children("/x")).toEqual([]);
  await world.until(other.release());
  await world.until(
    both.run(async ({ held, isHeld }) => {
      expect(held.map(({ path }) => path.slice(0, 2))).toEqual(["/x", "/y"]);
      expect(isHeld).toBe(true);
    }),
  );
  expect(await world.children("/y")).toEqual([]);
});

test("a semaphore's number of leases can come from a shared count, and change", async () => {
  const world = new World(10);
  const [a, b] = [world.process("a"), world.process("b")];
  const count = await world.until(new SharedCount(a.client, "/count", 1).start());
  const semaphores = [a, b].map(({ client }) => new Semaphore(client, "/semaphore", "/count"));
  const first = await world.until(semaphores[0]!.acquire());
  expect(await world.until(semaphores[1]!.tryAcquire())).toBeNull();
  const second = semaphores[1]!.acquire();
  await world.pass(200);
  expect(paths(await world.until(semaphores[0]!.holders()))).toEqual([first.path]);
  expect(await world.until(semaphores[0]!.waiters())).toHaveLength(1);
  await world.until(count.set(2));
  expect((await world.until(second)).isHeld).toBe(true);
  await world.until(count.close());
});

test("several leases are had together or not at all", async () => {
  const world = new World(11);
  const { client } = world.process("a");
  const semaphore = new Semaphore(client, "/semaphore", 3);
  const two = await world.until(semaphore.acquireMany(2));
  await expect(world.until(semaphore.acquireMany(2, { timeoutMs: 300 }))).rejects.toBeInstanceOf(WaitTimeoutError);
  expect(await world.children("/semaphore/leases")).toHaveLength(2);
  for (const lease of two) await world.until(lease.release());
  expect(await world.until(semaphore.acquireMany(3))).toHaveLength(3);
});

test("what can't be a path, a number of leases or a naming is refused before anything is sent", () => {
  const world = new World(12);
  const { client } = world.process("a");
  expect(() => new Mutex(client, "lock")).toThrow(RangeError);
  expect(() => new Semaphore(client, "/s", 0)).toThrow(RangeError);
  expect(new NotRunningError("x").code).toBe("NOT_RUNNING");
});

test("a timeout that is longer than timers can be is no timeout, and one that is no number is refused", async () => {
  const world = new World(14);
  const { client } = world.process("a");
  const mutex = new Mutex(client, "/lock");
  const held = await world.until(mutex.acquire({ timeoutMs: Number.POSITIVE_INFINITY }));
  const waiting = mutex.acquire({ timeoutMs: 2 ** 40 });
  await world.pass(1000);
  await world.until(held.release());
  expect((await world.until(waiting)).isHeld).toBe(true);
  await expect(mutex.acquire({ timeoutMs: Number.NaN })).rejects.toBeInstanceOf(RangeError);
});

test("a release wakes one waiter, however many there are", async () => {
  const world = new World(15);
  const holder = world.process("holder");
  const held = await world.until(new Mutex(holder.client, "/lock").acquire());
  let looks = 0;
  const waiting = ["a", "b", "c", "d", "e"].map((name) => {
    const { client } = world.process(name);
    const getChildren = client.getChildren.bind(client);
    client.getChildren = (path, options) => {
      looks++;
      return getChildren(path, options);
    };
    return new Mutex(client, "/lock").acquire();
  });
  await world.pass(1000);
  expect(looks).toBe(5);
  await world.until(held.release());
  await world.until(Promise.any(waiting));
  await world.pass(1000);
  expect(looks).toBe(6);
});

test("the lock's parent is a container: it disappears when nobody uses it any more", async () => {
  const world = new World(13);
  const { client } = world.process("a");
  const held = await world.until(new Mutex(client, "/locks/a/b").acquire());
  await world.until(held.release());
  await world.pass(10_000);
  expect(await world.until(client.exists("/locks/a/b"))).toBeNull();
});
