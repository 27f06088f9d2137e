import { expect, test } from "vitest";
import {
  announceReplacement,
  finishReplacement,
  isMarkedDamaged,
  markDamaged,
} from "../../src/core/storage/replace-state.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { payloadOf, ToyState } from "./toy-state.js";
import { crashes, DIR, start, upTo, World } from "./world.js";

const directories = { logDirectory: DIR, snapDirectory: DIR };

/** A server with txns 1-12 and snapshots at 0 and 6. */
function filled(): FakeDisk {
  const disk = new FakeDisk();
  const world = new World(disk);
  world.boot();
  world.write(6, 300);
  world.snapshot();
  world.writer.roll();
  world.write(6, 200);
  world.writer.close();
  return disk;
}

/** Writes the leader's state, of every second txn up to `zxid`, as a snapshot, and lets it take the old one's place. */
function replace(disk: FakeDisk, zxid: number): void {
  const world = new World(disk);
  world.state = leaderState(zxid);
  announceReplacement(disk, DIR, zxid);
  world.snapshot();
  finishReplacement(disk, directories);
}

function leaderState(zxid: number): ToyState {
  const state = new ToyState();
  for (let i = 2; i <= zxid; i += 2) {
    const payload = payloadOf(i);
    state.apply(payload, 0, payload.length);
  }
  state.lastProcessedZxid = zxid;
  return state;
}

test.each([4, 8, 12, 20])(
  "D22: a leader's state at txn %i takes the place of all that was there, and the log goes on",
  (zxid) => {
    const disk = filled();
    replace(disk, zxid);
    disk.cut(() => false);
    expect(finishReplacement(disk, directories)).toEqual([]);
    expect(start(disk).state.zxids).toEqual(leaderState(zxid).zxids);
    const world = new World(disk);
    world.boot();
    world.write(2);
    disk.cut(() => false);
    expect(start(disk).state.zxids).toEqual([...leaderState(zxid).zxids, zxid + 1, zxid + 2]);
  },
);

test.each([4, 8, 20])(
  "D22: a crash at any call, with a leader's state at txn %i, leaves the old state or the new one",
  (zxid) => {
    const whole = filled();
    const before = whole.calls;
    replace(whole, zxid);
    const calls = whole.calls - before;
    let old = 0;
    let replaced = 0;
    for (let call = 0; call < calls; call++) {
      for (const crash of crashes) {
        const disk = filled();
        disk.failAt(disk.calls + call, "crash-after");
        expect(() => replace(disk, zxid)).toThrow();
        disk.cut(crash.survives(call));
        finishReplacement(disk, directories);
        const { zxids } = start(disk).state;
        if (zxids[0] === 1) {
          expect(zxids).toEqual(upTo(12));
          old++;
        } else {
          expect(zxids).toEqual(leaderState(zxid).zxids);
          replaced++;
        }
      }
    }
    expect(old).toBeGreaterThan(0);
    expect(replaced).toBeGreaterThan(0);
  },
);

test("D7: a damaged server stays marked until a leader's state is in its place, and keeps its old files for the operator", () => {
  const whole = filled();
  markDamaged(whole, DIR);
  const before = whole.calls;
  replace(whole.clone(), 8);
  const probe = whole.clone();
  replace(probe, 8);
  const calls = probe.calls - before;
  for (let call = 0; call < calls; call++) {
    const disk = whole.clone();
    disk.failAt(disk.calls + call, "crash-after");
    expect(() => replace(disk, 8)).toThrow();
    disk.cut(() => false);
    finishReplacement(disk, directories);
    if (isMarkedDamaged(disk, DIR)) continue;
    expect(start(disk).state.zxids).toEqual(leaderState(8).zxids);
  }
  replace(whole, 8);
  expect(isMarkedDamaged(whole, DIR)).toBe(false);
  expect(
    whole
      .list(DIR)
      .filter((name) => name.startsWith("damaged."))
      .sort(),
  ).toEqual(["damaged.log.1", "damaged.log.7", "damaged.snapshot.0", "damaged.snapshot.6"]);
});
