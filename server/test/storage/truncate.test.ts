import { expect, test } from "vitest";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { truncateLog } from "../../src/core/storage/truncate.js";
import { crashes, DIR, start, upTo, World } from "./world.js";

const directories = { logDirectory: DIR, snapDirectory: DIR };

/** Three log files, with txns 1-4, 5-9 and 10-14, and snapshots at 0, 4 and 14. */
function filled(): FakeDisk {
  const disk = new FakeDisk();
  const world = new World(disk);
  world.boot();
  world.write(4, 300);
  world.snapshot();
  world.writer.roll();
  world.write(5, 200);
  world.writer.roll();
  world.write(5, 900);
  world.snapshot();
  world.writer.close();
  return disk;
}

test.each([0, 3, 4, 5, 7, 9, 10, 13, 14])(
  "D23: after a truncation to txn %i exactly the txns up to it are there",
  (zxid) => {
    const disk = filled();
    expect(truncateLog(disk, directories, zxid)).toBe(true);
    disk.cut(() => false);
    expect(start(disk).state.zxids).toEqual(upTo(zxid));
    const world = new World(disk);
    world.boot();
    world.write(2);
    disk.cut(() => false);
    expect(start(disk).state.zxids).toEqual(upTo(zxid + 2));
  },
);

test.each([3, 4, 7, 12])(
  "D23: a crash at any call of a truncation to txn %i leaves a whole log that is no shorter",
  (zxid) => {
    const whole = filled();
    const before = whole.calls;
    truncateLog(whole, directories, zxid);
    const calls = whole.calls - before;
    let cases = 0;
    for (let call = 0; call < calls; call++) {
      for (const crash of crashes) {
        const disk = filled();
        disk.failAt(disk.calls + call, "crash-after");
        expect(() => truncateLog(disk, directories, zxid)).toThrow();
        disk.cut(crash.survives(call));
        const { zxids } = start(disk).state;
        expect(zxids.length, `${crash.name}, call ${call}`).toBeGreaterThanOrEqual(zxid);
        expect(zxids).toEqual(upTo(zxids.length));
        // It is asked for again, and then it is done.
        expect(truncateLog(disk, directories, zxid)).toBe(true);
        expect(start(disk).state.zxids).toEqual(upTo(zxid));
        cases++;
      }
    }
    expect(cases).toBeGreaterThan(10);
  },
);

test.each([15, 100])("D24: a truncation to txn %i, which the log does not have, changes nothing", (zxid) => {
  const disk = filled();
  expect(truncateLog(disk, directories, zxid)).toBe(false);
  expect(start(disk).state.zxids).toEqual(upTo(14));
});
