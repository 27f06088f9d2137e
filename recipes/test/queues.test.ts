import fc from "fast-check";
import { expect, test } from "vitest";
import {
  DelayQueue,
  IdQueue,
  KazooQueue,
  LockingQueue,
  PriorityQueue,
  Queue,
  SimpleQueue,
  textSerializer,
  WaitTimeoutError,
} from "../src/index.js";
import { faults, plan } from "./support/faults.js";
import { type Process, WALL_MS, World } from "./support/world.js";

const RUNS = Number(process.env["QUOLL_RECIPE_RUNS"] ?? 8);
const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));

test("a simple queue gives out what was offered in its order, and waits for more", async () => {
  const world = new World(1);
  const { client } = world.process("a");
  const queue = new SimpleQueue(client, "/queue");
  expect(await world.until(queue.poll())).toBeNull();
  const waiting = queue.take();
  await world.pass(100);
  for (const item of ["1", "2", "3"]) await world.until(queue.offer(item));
  expect(text(await world.until(waiting))).toBe("1");
  expect(text(await world.until(queue.peek()))).toBe("2");
  expect(await world.until(queue.size())).toBe(2);
  expect(text(await world.until(queue.poll()))).toBe("2");
  expect(text(await world.until(queue.take()))).toBe("3");
  await expect(world.until(queue.take({ timeoutMs: 100 }))).rejects.toBeInstanceOf(WaitTimeoutError);
  expect(await world.children("/queue")).toEqual([]);
});

test("a consumer gets the entries of a queue in order, several of one item too, and a failed item comes back at the end", async () => {
  const world = new World(2);
  const { client } = world.process("a");
  const queue = new Queue(client, "/queue", { serializer: textSerializer, lockPath: "/locks" });
  const got: string[] = [];
  const errors: unknown[] = [];
  await world.until(queue.put("1"));
  await world.until(queue.putAll(["2", "3"]));
  const consumer = queue.consume(
    (entry) => {
      got.push(entry);
      if (entry === "2" && got.length < 4) throw new Error("not now");
    },
    { onError: (error) => errors.push(error) },
  );
  await world.pass(500);
  await world.until(queue.put("4"));
  await world.pass(500);
  expect(got).toEqual(["1", "2", "2", "2", "3", "4"]);
  expect(errors.map((error) => (error as Error).message)).toEqual(["not now", "not now"]);
  expect(await world.children("/queue")).toEqual([]);
  expect(await world.children("/locks")).toEqual([]);
  await world.until(consumer.close());
});

test("a queue that is full makes producers wait", async () => {
  const world = new World(3);
  const { client } = world.process("a");
  const queue = new Queue(client, "/queue", { serializer: textSerializer, maxItems: 1 });
  await world.until(queue.put("1"));
  await expect(world.until(queue.put("2", { timeoutMs: 200 }))).rejects.toBeInstanceOf(WaitTimeoutError);
  const waiting = queue.put("2");
  const got: string[] = [];
  const consumer = queue.consume((entry) => void got.push(entry));
  await world.until(waiting);
  await world.pass(500);
  expect(got).toEqual(["1", "2"]);
  await world.until(consumer.close());
});

test("priorities come in their order, due entries when they are due, and ids can be taken back", async () => {
  const world = new World(4);
  const { client } = world.process("a");
  const got: string[] = [];
  const take = (entry: string) => void got.push(entry);

  const priorities = new PriorityQueue<string>(client, "/priorities", { serializer: textSerializer });
  for (const [entry, priority] of [
    ["c", 5],
    ["a", -1],
    ["b", 0],
    ["d", 5],
  ] as const) {
    await world.until(priorities.putWithPriority(entry, priority));
  }
  await using first = priorities.consume(take);
  await world.pass(500);
  expect(got.splice(0)).toEqual(["a", "b", "c", "d"]);

  const wallMs = () => WALL_MS + world.nowMs;
  const delays = new DelayQueue<string>(client, "/delays", { serializer: textSerializer }, wallMs);
  await using second = delays.consume(take);
  await world.until(delays.putUntil("late", wallMs() + 5000));
  await world.until(delays.putUntil("soon", wallMs() + 1000));
  await world.pass(500);
  expect(got).toEqual([]);
  await world.pass(1000);
  expect(got).toEqual(["soon"]);
  await world.pass(4000);
  expect(got.splice(0)).toEqual(["soon", "late"]);

  const ids = new IdQueue<string>(client, "/ids", { serializer: textSerializer });
  await world.until(ids.putWithId("1", "x/y"));
  await world.until(ids.putWithId("2", "z"));
  expect(await world.until(ids.remove("x/y"))).toBe(1);
  expect(await world.until(ids.remove("x/y"))).toBe(0);
  await using third = ids.consume(take);
  await world.pass(500);
  expect(got).toEqual(["2"]);
  await world.until(Promise.all([first.close(), second.close(), third.close()]));
});

test("kazoo's queues give the lowest priority first, and a held entry comes back when it is let go", async () => {
  const world = new World(5);
  const [a, b] = [world.process("a"), world.process("b")];
  const plain = new KazooQueue(a.client, "/plain");
  await world.until(plain.put("later"));
  await world.until(plain.put("first", 1));
  expect(await world.until(plain.size())).toBe(2);
  expect([text(await world.until(plain.get())), text(await world.until(plain.get()))]).toEqual(["first", "later"]);
  expect(await world.until(plain.get())).toBeNull();

  const [mine, yours] = [a, b].map(({ client }) => new LockingQueue(client, "/locking"));
  await world.until(mine.putAll(["1", "2"]));
  const held = await world.until(mine.take());
  const other = await world.until(yours.take());
  expect([text(held.data), text(other.data)]).toEqual(["1", "2"]);
  const waiting = yours.take();
  await world.pass(100);
  await world.until(held.release());
  const again = await world.until(waiting);
  expect(text(again.data)).toBe("1");
  await world.until(again.consume());
  await world.until(other.consume());
  expect(other.isHeld).toBe(false);
  expect(await world.until(mine.size())).toBe(0);
  await expect(world.until(mine.take({ timeoutMs: 0 }))).rejects.toBeInstanceOf(WaitTimeoutError);
});

/** Two producers and two consumers under faults; then calm, until all is consumed. */
async function traffic(
  seed: number,
  list: Parameters<typeof plan>[1],
  put: (process: Process, item: string) => Promise<void>,
  consume: (process: Process, got: (item: string) => void) => () => Promise<void>,
) {
  const world = new World(seed);
  for (let i = 0; i < 4; i++) world.process(`p${i}`);
  const processes = world.processes.slice();
  plan(world, list);
  const answered = new Set<string>();
  const doubtful = new Set<string>();
  const got = new Map<string, number>();
  const stops = processes
    .slice(2)
    .map((process) => consume(process, (item) => got.set(item, (got.get(item) ?? 0) + 1)));
  const produce = async (process: Process) => {
    for (let i = 0; world.nowMs < 15_000; i++) {
      const item = `${process.name}:${i}`;
      try {
        await put(process, item);
        answered.add(item);
      } catch {
        doubtful.add(item);
      }
      await process.sleep(50 + world.random.below(300));
    }
  };
  await world.until(Promise.all(processes.slice(0, 2).map(produce)), 100_000);
  await world.pass(30_000);
  await world.until(Promise.all(stops.map((stop) => stop())), 60_000);
  return { answered, doubtful, got };
}

test(
  "with locks nothing is lost under any faults, and without faults nothing comes twice",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), faults(4, 15_000), async (seed, isKazoos, list) => {
        const queueOf = ({ client }: Process) =>
          new Queue(client, "/queue", { serializer: textSerializer, lockPath: "/queue-locks" });
        const { answered, doubtful, got } = await traffic(
          seed,
          list,
          (process, item) =>
            isKazoos ? new LockingQueue(process.client, "/kazoo").put(item) : queueOf(process).put(item),
          (process, tell) => {
            if (!isKazoos) {
              const consumer = queueOf(process).consume(async (item) => {
                await process.sleep(20);
                tell(item);
              });
              return () => consumer.close();
            }
            const stop = new AbortController();
            const running = (async () => {
              const queue = new LockingQueue(process.client, "/kazoo");
              while (!stop.signal.aborted) {
                try {
                  await using entry = await queue.take({ signal: stop.signal });
                  await process.sleep(20);
                  tell(text(entry.data)!);
                  await entry.consume();
                } catch {
                  await process.sleep(10);
                }
              }
            })();
            return () => {
              stop.abort();
              return running;
            };
          },
        );
        for (const item of answered) expect(got.has(item), `${item} is lost`).toBe(true);
        for (const item of got.keys())
          expect(answered.has(item) || doubtful.has(item), `${item} is made up`).toBe(true);
        if (list.length === 0) for (const [item, count] of got) expect(count, item).toBe(1);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  60_000 + RUNS * 3000,
);

test(
  "without locks nothing comes twice under any faults, and without faults nothing is lost",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), faults(4, 15_000), async (seed, list) => {
        const queueOf = ({ client }: Process) => new Queue(client, "/queue", { serializer: textSerializer });
        const { answered, got } = await traffic(
          seed,
          list,
          (process, item) => queueOf(process).put(item),
          (process, tell) => {
            const consumer = queueOf(process).consume(tell);
            return () => consumer.close();
          },
        );
        for (const [item, count] of got) expect(count, item).toBe(1);
        if (list.length === 0) expect([...got.keys()].sort()).toEqual([...answered].sort());
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  60_000 + RUNS * 3000,
);
