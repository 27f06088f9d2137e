import { expect, test } from "vitest";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { DIR, start, upTo, World } from "./world.js";

/** Snapshots 0, 3, 6, 9 and 12, each followed by a log of its own. */
function world(): World {
  const result = new World(new FakeDisk());
  result.boot();
  for (let i = 0; i < 4; i++) {
    result.write(3);
    result.writer.roll();
    result.snapshot();
  }
  result.write(2);
  return result;
}

function files(disk: FakeDisk): string[] {
  return disk
    .list(DIR)
    .filter((name) => name !== "quoll.synced")
    .sort();
}

test("D41: the newest snapshots stay, and the logs from the oldest of them on", () => {
  const w = world();
  expect(w.purge(3)).toEqual({
    removed: [`${DIR}/snapshot.0`, `${DIR}/snapshot.3`, `${DIR}/log.1`],
    refusal: null,
  });
  // Like Java's, the log that begins at or before the snapshot stays though the next one begins right behind it.
  expect(files(w.disk)).toEqual(["log.4", "log.7", "log.a", "log.d", "snapshot.6", "snapshot.9", "snapshot.c"]);
  w.disk.cut(() => false);
  expect(start(w.disk).state.zxids).toEqual(upTo(14));
});

test("D41: each of the kept snapshots can be recovered from", () => {
  for (const broken of [[], ["snapshot.c"], ["snapshot.c", "snapshot.9"]]) {
    const w = world();
    w.purge(3);
    for (const name of broken) w.disk.contents(`${DIR}/${name}`)[30] ^= 1;
    expect(start(w.disk).state.zxids).toEqual(upTo(14));
  }
});

test("D41: a damaged snapshot does not count, so that one more is kept", () => {
  const w = world();
  w.disk.contents(`${DIR}/snapshot.9`)[50] ^= 1;
  expect(w.purge(3).removed).toEqual([`${DIR}/snapshot.0`]);
  expect(start(w.disk).state.zxids).toEqual(upTo(14));
});

test("D41: with too few valid snapshots nothing is removed (ZOOKEEPER-3082)", () => {
  const w = world();
  for (const name of ["snapshot.9", "snapshot.6", "snapshot.3"]) w.disk.put(`${DIR}/${name}`, new Uint8Array(0));
  const before = files(w.disk);
  expect(w.purge(3)).toEqual({ removed: [], refusal: "only 2 of 5 snapshots are valid" });
  expect(files(w.disk)).toEqual(before);
});

test("D41: with a gap in the logs behind the oldest kept snapshot nothing is removed", () => {
  const w = world();
  w.disk.remove(`${DIR}/log.a`);
  expect(w.purge(3)).toEqual({ removed: [], refusal: `${DIR}/log.d: txn 0xd follows 0x9` });
});

test("with no more snapshots than asked for there is nothing to do", () => {
  expect(world().purge(5)).toEqual({ removed: [], refusal: null });
});
