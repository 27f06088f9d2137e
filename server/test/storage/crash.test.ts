import { expect, test } from "vitest";
import { DiskError } from "../../src/core/storage/storage-error.js";
import { FakeDisk, type Fault } from "../../src/core/storage/testing/fake-disk.js";
import { crashes, DIR, start, upTo, World } from "./world.js";

/** A server's life in small: everything that storage does, more than once, with batches within a sector and across some. */
const life: readonly ((world: World) => void)[] = [
  (w) => w.boot(),
  (w) => w.write(1),
  (w) => w.write(3),
  (w) => w.write(5, 300),
  (w) => w.writer.roll(),
  (w) => w.snapshot(),
  (w) => w.write(1, 1500),
  (w) => w.write(4, 700),
  (w) => w.snapshot(),
  (w) => w.writer.roll(),
  (w) => w.write(2),
  (w) => w.snapshot(),
  (w) => w.write(2, 2000),
  (w) => w.purge(),
  (w) => w.writer.close(),
  (w) => w.boot(),
  (w) => w.write(3, 100),
  (w) => w.writer.close(),
];

function live(world: World): void {
  for (const step of life) step(world);
}

/** How many calls of the disk the whole life takes. */
function callsOf(body: (disk: FakeDisk) => void): { calls: number; trace: string[] } {
  const disk = new FakeDisk();
  body(disk);
  return { calls: disk.calls, trace: disk.trace };
}

/** Starts again after a crash: nothing acknowledged may be gone, nothing that was never written be there, and life goes on. */
function checkRestart(world: World, what: string): void {
  const { disk, acked, attempted } = world;
  const first = start(disk);
  expect(first.lastZxid, what).toBeGreaterThanOrEqual(acked);
  expect(first.lastZxid, what).toBeLessThanOrEqual(attempted);
  expect(first.state.zxids, what).toEqual(upTo(first.lastZxid));
  const next = new World(disk);
  next.boot();
  next.write(2, 600);
  disk.cut(() => false);
  expect(start(disk).state.zxids, what).toEqual(upTo(first.lastZxid + 2));
}

test("D1 D30 D32 D40 D41 D43: a power failure at any call of the disk loses nothing that was acknowledged", () => {
  const { calls, trace } = callsOf((disk) => live(new World(disk)));
  let cases = 0;
  for (let call = 0; call < calls; call++) {
    for (const fault of ["crash-before", "crash-after"] as const) {
      const crashed = new FakeDisk();
      const world = new World(crashed);
      crashed.failAt(call, fault);
      expect(world.crashes(() => live(world))).toBe(true);
      for (const crash of crashes) {
        const disk = crashed.clone();
        disk.cut(crash.survives(call));
        const after = new World(disk);
        after.acked = world.acked;
        after.attempted = world.attempted;
        checkRestart(after, `${fault} call ${call} (${trace[call]}), ${crash.name}`);
        cases++;
      }
    }
  }
  expect(cases).toBeGreaterThan(1000);
});

test("D43: a kill at any call of the disk loses nothing that was written", () => {
  const { calls, trace } = callsOf((disk) => live(new World(disk)));
  for (let call = 0; call < calls; call++) {
    const disk = new FakeDisk();
    const world = new World(disk);
    disk.failAt(call, "crash-before");
    expect(world.crashes(() => live(world))).toBe(true);
    disk.kill();
    checkRestart(world, `killed before call ${call} (${trace[call]})`);
  }
});

test("D4 D5: a power failure in recovery, and another one in the recovery after it, lose nothing", () => {
  for (const crash of crashes) {
    for (let seed = 0; seed < 6; seed++) {
      const torn = new FakeDisk();
      const world = new World(torn);
      world.boot();
      world.write(3, 400);
      // The batch is written, and its sync never comes back.
      torn.failAtNext("sync", "crash-before");
      expect(world.crashes(() => world.write(6, 700))).toBe(true);
      torn.cut(crash.survives(seed));
      const probe = torn.clone();
      start(probe);
      for (let first = 0; first < probe.calls; first++) {
        const disk = torn.clone();
        disk.failAt(first, "crash-after");
        world.crashes(() => start(disk));
        disk.cut(crash.survives(seed + first));
        const again = disk.clone();
        for (let second = 0; second < 12; second++) {
          const twice = again.clone();
          twice.failAt(second, "crash-before");
          world.crashes(() => start(twice));
          twice.cut(crash.survives(seed + second));
          const recovered = start(twice);
          expect(recovered.lastZxid).toBeGreaterThanOrEqual(world.acked);
          expect(recovered.state.zxids).toEqual(upTo(recovered.lastZxid));
        }
      }
    }
  }
});

test("D5: what recovery has shown is durable: a power failure right after it takes nothing back", () => {
  const disk = new FakeDisk();
  const world = new World(disk);
  world.boot();
  world.write(2, 400);
  disk.failAtNext("sync", "crash-before");
  expect(world.crashes(() => world.write(3, 900))).toBe(true);
  // Killed between write and sync: the txns are in the page cache only.
  disk.kill();
  const shown = start(disk).lastZxid;
  expect(shown).toBe(5);
  disk.cut(() => false);
  expect(start(disk).lastZxid).toBe(5);
});

test.each(["EIO", "ENOSPC", "short-write"] as const)(
  "D33 D35: after a %s at any call nothing is acknowledged, and nothing is lost",
  (fault: Fault) => {
    const { calls, trace } = callsOf((disk) => live(new World(disk)));
    for (let call = 0; call < calls; call++) {
      const failed = new FakeDisk();
      const world = new World(failed);
      failed.failAt(call, fault);
      try {
        live(world);
        expect.unreachable("the error was swallowed");
      } catch (error) {
        expect(error, trace[call]).toBeInstanceOf(DiskError);
      }
      for (const crash of crashes) {
        const disk = failed.clone();
        disk.cut(crash.survives(call));
        const after = new World(disk);
        after.acked = world.acked;
        after.attempted = world.attempted;
        checkRestart(after, `${fault} at call ${call} (${trace[call]}), ${crash.name}`);
      }
    }
  },
);

test.each(["EIO", "ENOSPC", "short-write"] as const)(
  "D40: a snapshot that fails with %s leaves no file, and the log goes on",
  (fault: Fault) => {
    const probe = new FakeDisk();
    const counting = new World(probe);
    counting.boot();
    counting.write(4);
    const before = probe.calls;
    counting.snapshot();
    const last = probe.trace.findLastIndex((call) => call.startsWith("rename"));
    for (let call = before; call < last; call++) {
      const disk = new FakeDisk();
      const world = new World(disk);
      world.boot();
      world.write(4);
      const names = disk.list(DIR).sort();
      disk.failAt(call + 1, fault);
      expect(() => world.snapshot(), probe.trace[call]).toThrow(DiskError);
      expect(disk.list(DIR).sort(), probe.trace[call]).toEqual(names);
      world.write(2);
      disk.cut(() => false);
      expect(start(disk).state.zxids).toEqual(upTo(6));
    }
  },
);
