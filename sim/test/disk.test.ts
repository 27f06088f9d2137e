import { describe, expect, it } from "vitest";
import { SimDisk } from "../src/disk/sim-disk.js";
import { RandomStream } from "../src/kernel/random.js";

function disk(seed: number): SimDisk {
  return new SimDisk(new RandomStream(seed, "disk"), { minSyncMs: 1, maxSyncMs: 5 });
}

/** A file of two sectors that is durable, of which both were then written anew. */
function lostPower(seed: number): string {
  const one = disk(seed);
  one.makeDirectory("/d");
  const file = one.open("/d/f", "create");
  const write = (value: number) => file.write(0, new Uint8Array(1024).fill(value), 0, 1024);
  write(1);
  file.sync();
  one.syncDirectory("/d");
  write(2);
  one.losePower();
  const bytes = one.contents("/d/f");
  return `${bytes[0]}${bytes[1023]}`;
}

describe("a disk", () => {
  it("keeps any subset of the sectors that were not synced", () => {
    const left = new Set(Array.from({ length: 100 }, (_, seed) => lostPower(seed)));
    expect([...left].sort()).toEqual(["11", "12", "21", "22"]);
  });

  it("takes its time within its limits, and longer while it stalls", () => {
    const one = disk(1);
    for (let i = 0; i < 100; i++) {
      const delayMs = one.delayMs();
      expect(delayMs).toBeGreaterThanOrEqual(1);
      expect(delayMs).toBeLessThanOrEqual(5);
    }
    one.stallMs = 100;
    expect(one.delayMs()).toBeGreaterThanOrEqual(101);
  });

  it("rots by one bit, and only where there is something", () => {
    const one = disk(1);
    one.put("/d/empty", new Uint8Array(4096));
    one.put("/d/full", new Uint8Array(4096).fill(0x55));
    expect(one.rot("/d/empty")).toBe(false);
    expect(one.rot("/d/full")).toBe(true);
    const changed = one.contents("/d/full").filter((byte) => byte !== 0x55);
    expect(changed.length).toBe(1);
    expect(one.isRotten).toBe(true);
  });

  it("fails one of the next calls as it was asked to", () => {
    const one = disk(1);
    one.makeDirectory("/d");
    one.failSoon(3, "EIO");
    expect(() => {
      for (let i = 0; i < 3; i++) one.list("/d");
    }).toThrow(/EIO/);
    expect(one.list("/d")).toEqual([]);
  });
});
