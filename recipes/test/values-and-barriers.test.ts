import { expect, test } from "vitest";
import {
  AtomicNumber,
  AtomicValue,
  Barrier,
  DoubleBarrier,
  FormatError,
  IdGenerator,
  NotRunningError,
  SharedCount,
  SharedValue,
  WaitTimeoutError,
} from "../src/index.js";
import { World } from "./support/world.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | null) => new TextDecoder().decode(data ?? undefined);

test("a shared value is seen by all who follow it, over lost sessions and its deletion too", async () => {
  const world = new World(1);
  const [a, b] = [world.process("a"), world.process("b")];
  const [mine, yours] = [a, b].map(({ client }) => new SharedValue(client, "/value", bytes("seed")));
  await world.until(mine.start());
  await world.until(yours.start());
  const seen: string[] = [];
  yours.onChange(({ value }) => seen.push(text(value)));
  const first = await world.until(mine.set(bytes("1")));
  await world.pass(100);
  expect(seen).toEqual(["1"]);
  expect(await world.until(mine.trySet(first, bytes("2")))).not.toBeNull();
  expect(await world.until(yours.trySet(first, bytes("3")))).toBeNull();
  expect(text(yours.value.value)).toBe("2");
  b.pause(8000);
  await world.until(mine.set(bytes("4")));
  await world.pass(12_000);
  expect(text(yours.value.value)).toBe("4");
  await world.until(a.client.delete("/value"));
  await world.pass(100);
  await world.until(a.client.create("/value", "5"));
  await world.pass(100);
  expect(text(yours.value.value)).toBe("5");
  await world.until(Promise.all([mine.close(), yours.close()]));
});

test("a shared count is an int32 that only one of two writers changes at a time", async () => {
  const world = new World(2);
  const { client } = world.process("a");
  const count = new SharedCount(client, "/count", 7);
  expect(() => count.value).toThrow(NotRunningError);
  await world.until(count.start());
  const before = count.value;
  expect(before.value).toBe(7);
  expect((await world.until(count.trySet(before, 8)))?.value).toBe(8);
  expect(await world.until(count.trySet(before, 9))).toBeNull();
  expect([...(await world.until(client.getData("/count"))).data!]).toEqual([0, 0, 0, 8]);
  await world.until(client.setData("/count", "x"));
  await world.pass(100);
  expect(() => count.value).toThrow(FormatError);
  await world.until(count.close());
});

test("many who add to one number at once lose nothing, by chance alone or with a lock", async () => {
  for (const options of [{}, { lockPath: "/number-lock", optimisticTries: 1 }]) {
    const world = new World(3);
    const numbers = Array.from(
      { length: 5 },
      (_, i) => new AtomicNumber(world.process(`p${i}`).client, "/number", options),
    );
    await world.until(Promise.all(numbers.flatMap((number) => [number.add(1n), number.add(2n), number.add(-1n)])));
    expect(await world.until(numbers[0]!.get())).toBe(10n);
  }
});

test("atomic values are set, compared and refused as their formats want", async () => {
  const world = new World(4);
  const { client } = world.process("a");
  const value = new AtomicValue(client, "/value");
  expect(await world.until(value.get())).toBeNull();
  expect(await world.until(value.compareAndSet(bytes(""), bytes("1")))).toBe(false);
  await world.until(value.set(bytes("1")));
  await world.until(value.set(bytes("2")));
  expect(await world.until(value.initialize(bytes("3")))).toBe(false);
  expect(await world.until(value.compareAndSet(bytes("2"), bytes("4")))).toBe(true);
  expect(await world.until(value.update((before) => bytes(`${text(before)}5`)))).toMatchObject({ after: bytes("45") });
  const number = new AtomicNumber(client, "/value", { format: "int32" });
  await expect(world.until(number.get())).rejects.toBeInstanceOf(FormatError);
  await world.until(number.set(2147483647n));
  await expect(world.until(number.add(1n))).rejects.toBeInstanceOf(RangeError);
  expect(await world.until(number.compareAndSet(2147483647n, 1n))).toBe(true);
  const decimal = new AtomicNumber(client, "/decimal", { format: "decimal" });
  expect(await world.until(decimal.initialize(4n))).toBe(true);
  await world.until(decimal.add(38n));
  expect((await world.until(client.getData("/decimal"))).text()).toBe("42");
});

test("no id is given twice, by however many generators, though answers are lost", async () => {
  const world = new World(5);
  const processes = ["a", "b", "c"].map((name) => world.process(name));
  const ids: bigint[] = [];
  const work = processes.map(async (process) => {
    const generator = new IdGenerator(process.client, "/ids", { blockSize: 3 });
    for (let i = 0; i < 20; i++) {
      ids.push(...(await Promise.all([generator.take(), generator.take()])));
      if (i % 5 === 2) process.disconnect();
      await process.sleep(30);
    }
  });
  await world.until(Promise.all(work));
  expect(ids).toHaveLength(120);
  expect(new Set(ids).size).toBe(120);
  expect(ids.every((id) => id > 0n)).toBe(true);
});

test("a barrier holds until it is removed, also those whose session ends meanwhile", async () => {
  const world = new World(6);
  const [a, b] = [world.process("a"), world.process("b")];
  const [mine, yours] = [a, b].map(({ client }) => new Barrier(client, "/barrier"));
  await world.until(yours.wait());
  await world.until(mine.set());
  await world.until(mine.set());
  expect(await world.until(yours.isSet())).toBe(true);
  await expect(world.until(yours.wait({ timeoutMs: 100 }))).rejects.toBeInstanceOf(WaitTimeoutError);
  let isThrough = false;
  const waiting = yours.wait().then(() => {
    isThrough = true;
  });
  b.cut(9000);
  await world.pass(12_000);
  expect(isThrough).toBe(false);
  await world.until(mine.remove());
  await world.until(mine.remove());
  await world.until(waiting);
});

test("members of a double barrier enter together and leave together, in both layouts", async () => {
  for (const layout of ["curator", "kazoo"] as const) {
    const world = new World(7);
    const barriers = ["a", "b", "c"].map(
      (name) => new DoubleBarrier(world.process(name).client, "/barrier", 3, { layout }),
    );
    let inside = 0;
    let outside = 0;
    const enter = (barrier: DoubleBarrier) => barrier.enter().then(() => inside++);
    const early = barriers.slice(0, 2).map(enter);
    await world.pass(1000);
    expect(inside).toBe(0);
    await world.until(Promise.all([...early, enter(barriers[2]!)]));
    expect(inside).toBe(3);
    const leave = (barrier: DoubleBarrier) => barrier.leave().then(() => outside++);
    const first = barriers.slice(0, 2).map(leave);
    await world.pass(1000);
    expect(outside).toBe(0);
    await world.until(Promise.all([...first, leave(barriers[2]!)]));
    expect(await world.children("/barrier")).toEqual([]);
    await expect(world.until(barriers[0]!.leave())).rejects.toBeInstanceOf(NotRunningError);
  }
});

test("a member that gives up waiting has not come", async () => {
  const world = new World(8);
  const [a, b] = [world.process("a"), world.process("b")];
  const barrier = new DoubleBarrier(a.client, "/barrier", 2);
  await expect(world.until(barrier.enter({ timeoutMs: 300 }))).rejects.toBeInstanceOf(WaitTimeoutError);
  expect(await world.children("/barrier")).toEqual([]);
  const other = new DoubleBarrier(b.client, "/barrier", 2).enter();
  await world.pass(500);
  await world.until(Promise.all([barrier.enter(), other]));
});
