import { expect, test } from "vitest";
import { Mutex, settled } from "../src/index.js";
import { World } from "./support/world.js";

test("a lock that nobody holds is had at once, with its znode's czxid as token, and is gone after its release", async () => {
  const world = new World(1);
  const { client } = world.process("a");
  const mutex = new Mutex(client, "/locks/one", { data: "me" });
  const held = await world.until(mutex.acquire());
  expect(held.path).toMatch(/^\/locks\/one\/_c_[0-9a-f-]{36}-lock-0000000000$/);
  const [holder] = await world.until(mutex.holders());
  expect(holder).toMatchObject({ path: held.path, data: "me", fencingToken: held.fencingToken, kind: "exclusive" });
  expect(held.isHeld).toBe(true);
  await world.until(held.release());
  expect(held.isHeld).toBe(false);
  expect(await world.children("/locks/one")).toEqual([]);
  expect(held.signal.aborted).toBe(false);
  await world.until(settled(client));
});
