import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { DamagedError, DataDirectoryError, FormatError } from "../../src/core/storage/storage-error.js";
import { SYNC_MARK_NAME } from "../../src/core/storage/sync-mark.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { ENTRY_OVERHEAD, LOG_HEADER_SIZE, LOG_VERSION } from "../../src/core/storage/txn-log-format.js";
import { payloadOf } from "./toy-state.js";
import { DIR, start, upTo, World } from "./world.js";

const LOG_1 = `${DIR}/log.1`;
const LOG_B = `${DIR}/log.b`;
const ENTRY = payloadOf(1).length + ENTRY_OVERHEAD;

let disk: FakeDisk;

/** snapshot.0, log.1 with txns 1 to 10, log.b with txns 11 to 20; closed, so that no file has zeros at its end. */
beforeEach(() => {
  disk = new FakeDisk();
  const world = new World(disk);
  world.boot();
  for (let i = 0; i < 10; i++) world.write(1);
  world.writer.roll();
  for (let i = 0; i < 5; i++) world.write(2);
  world.writer.close();
});

/** As after a stop of Java, which keeps no mark of what was synced. */
function withoutMark(): void {
  disk.remove(`${DIR}/${SYNC_MARK_NAME}`);
}

function damage(): DamagedError {
  try {
    start(disk);
  } catch (error) {
    expect(error).toBeInstanceOf(DamagedError);
    return error as DamagedError;
  }
  return expect.unreachable("the damage was not noticed");
}

/** Makes a file longer or shorter. */
function resize(path: string, size: number): void {
  const bytes = new Uint8Array(size);
  bytes.set(disk.contents(path).subarray(0, size));
  disk.put(path, bytes);
}

test("an undamaged directory gives all txns", () => {
  withoutMark();
  expect(start(disk).state.zxids).toEqual(upTo(20));
});

describe("what ZooKeeper 3.8 silently loses or refuses (reliability.md §1.7)", () => {
  test("D3: a truncation that crashed before it removed the later log leaves a gap, which is damage", () => {
    withoutMark();
    resize(LOG_1, LOG_HEADER_SIZE + 5 * ENTRY);
    expect(damage().damage).toMatchObject({
      file: LOG_B,
      offset: LOG_HEADER_SIZE,
      problem: "txn 0xb follows txn 0x5",
      lost: "txns 0x6 to 0xa (5 of them)",
    });
  });

  test("D3: two txns that became zeros in the middle of a log are damage", () => {
    withoutMark();
    disk.contents(LOG_1).fill(0, LOG_HEADER_SIZE + 4 * ENTRY, LOG_HEADER_SIZE + 6 * ENTRY);
    expect(damage().damage).toMatchObject({
      file: LOG_1,
      offset: LOG_HEADER_SIZE + 4 * ENTRY,
      lost: "txns 0x5 to 0xa (6 of them)",
    });
  });

  test("D3: two txns that became zeros in the middle of the last log are damage", () => {
    withoutMark();
    disk.contents(LOG_B).fill(0, LOG_HEADER_SIZE + 4 * ENTRY, LOG_HEADER_SIZE + 6 * ENTRY);
    expect(damage().damage).toMatchObject({
      file: LOG_B,
      offset: LOG_HEADER_SIZE + 4 * ENTRY,
      lost: "txns 0xf to 0x10 (2 of them)",
    });
  });

  test("D3: a missing log is damage", () => {
    withoutMark();
    disk.remove(LOG_1);
    expect(damage().damage).toMatchObject({
      file: LOG_B,
      problem: "the first txn in the logs is 0xb, but the snapshot ends at 0x0",
      lost: "txns 0x1 to 0xa (10 of them)",
    });
  });

  test("D2 D3: a flipped bit in the newest snapshot is damage when the log before it was purged", () => {
    const world = new World(disk);
    world.boot();
    world.snapshot();
    world.write(3);
    world.writer.close();
    withoutMark();
    disk.remove(LOG_1);
    disk.remove(LOG_B);
    disk.contents(`${DIR}/snapshot.14`)[40] ^= 4;
    expect(damage().damage).toMatchObject({ lost: "txns 0x1 to 0x14 (20 of them)" });
  });

  test("D2: with all logs there, an older snapshot does as well", () => {
    const world = new World(disk);
    world.boot();
    world.snapshot();
    world.write(3);
    world.writer.close();
    disk.contents(`${DIR}/snapshot.14`)[40] ^= 4;
    const recovered = start(disk);
    expect(recovered.snapshotZxid).toBe(0);
    expect(recovered.state.zxids).toEqual(upTo(23));
  });

  test("D4: a last txn whose end is zeros is dropped, as Java does", () => {
    withoutMark();
    const bytes = disk.contents(LOG_B);
    bytes.fill(0, bytes.length - 10);
    expect(start(disk).state.zxids).toEqual(upTo(19));
    expect(disk.size(LOG_B)).toBe(LOG_HEADER_SIZE + 9 * ENTRY);
  });

  test("D4: a last txn whose middle is missing though its end is there is dropped (ZOOKEEPER-2560)", () => {
    const world = new World(disk);
    world.boot();
    world.write(1, 4000);
    const path = world.writer.currentPath;
    const end = world.writer.currentPosition;
    withoutMark();
    disk.kill();
    disk.contents(path).fill(0, 1024, 2048);
    expect(end).toBeGreaterThan(4000);
    expect(start(disk).state.zxids).toEqual(upTo(20));
    // Nothing is left of the file, and its name is free again.
    expect(disk.exists(path)).toBe(false);
  });

  test("D3: one flipped bit in the middle of a log is damage", () => {
    withoutMark();
    disk.contents(LOG_1)[LOG_HEADER_SIZE + 3 * ENTRY + 40] ^= 1;
    expect(damage().damage).toMatchObject({ file: LOG_1, offset: LOG_HEADER_SIZE + 3 * ENTRY });
  });

  test.each([0, 1, 4, 15])("D4: a last log of %i bytes is removed", (size) => {
    const full = disk.contents(LOG_1).slice(0, size);
    disk.put(`${DIR}/log.15`, full);
    expect(start(disk).state.zxids).toEqual(upTo(20));
    expect(disk.exists(`${DIR}/log.15`)).toBe(false);
  });

  test("D4: a last log of zeros, and one with a header alone, are removed", () => {
    for (const bytes of [new Uint8Array(70_000), disk.contents(LOG_1).slice(0, LOG_HEADER_SIZE)]) {
      disk.put(`${DIR}/log.15`, bytes);
      expect(start(disk).state.zxids).toEqual(upTo(20));
      expect(disk.exists(`${DIR}/log.15`)).toBe(false);
    }
  });
});

test("D3: a flipped bit in the last txn is not a torn end", () => {
  withoutMark();
  const bytes = disk.contents(LOG_B);
  bytes[bytes.length - 8] ^= 1;
  expect(damage().damage).toMatchObject({ file: LOG_B, problem: "an entry is corrupt that was written completely" });
});

test("D3: a last log that is gone is noticed by the mark of what was synced", () => {
  disk.remove(LOG_B);
  expect(damage().damage).toMatchObject({ file: LOG_B, lost: "txns 0xb to 0x14 (10 of them)" });
});

test("D2: no snapshot but logs is damage, unless the operator trusts them", () => {
  disk.remove(`${DIR}/snapshot.0`);
  expect(damage().damage.problem).toBe("there are txn logs but no valid snapshot");
  expect(start(disk, { trustEmptySnapshot: true }).state.zxids).toEqual(upTo(20));
});

test("D3: a later epoch begins with counter 1, and nothing else", () => {
  const world = new World(disk);
  world.boot();
  world.state.lastProcessedZxid = 0x1_0000_0000;
  world.write(2);
  world.writer.close();
  expect(start(disk).lastZxid).toBe(0x1_0000_0002);
  const later = new World(disk);
  later.boot();
  later.state.lastProcessedZxid = 0x3_0000_0001;
  later.write(1);
  later.writer.close();
  expect(damage().damage.problem).toBe("txn 0x300000002 follows txn 0x100000002");
});

test("D3: logs from before the snapshot may have gaps", () => {
  const world = new World(disk);
  world.boot();
  world.snapshot();
  world.write(2);
  world.writer.close();
  resize(LOG_1, LOG_HEADER_SIZE + 5 * ENTRY);
  const recovered = start(disk);
  expect(recovered.snapshotZxid).toBe(20);
  expect(recovered.state.zxids).toEqual(upTo(22));
});

test("D2: a snapshot whose digest is not that of its tree is not valid; with acceptDigestMismatch it is taken", () => {
  const world = new World(disk);
  world.boot();
  world.snapshot(1);
  world.writer.close();
  expect(start(disk).snapshotZxid).toBe(0);
  expect(start(disk, { acceptDigestMismatch: true }).snapshotZxid).toBe(20);
});

test("D3: a digest that fits no more during replay is damage; with acceptDigestMismatch it is a warning", () => {
  const world = new World(disk);
  world.boot();
  world.snapshot(1);
  world.writer.close();
  // As a fuzzy snapshot: its digest is compared when txn 0x14 has been replayed.
  disk.rename(`${DIR}/snapshot.14`, `${DIR}/snapshot.13`);
  expect(damage().damage.problem).toBe(
    "the tree's digest after txn 0x14 is not the one that was logged " +
      "(ZooKeeper only counts this; zookeeper.digest.acceptMismatch=true starts all the same)",
  );
  expect(start(disk, { acceptDigestMismatch: true }).lastZxid).toBe(20);
});

test("a fuzzy snapshot whose later changes are not in the log is damage", () => {
  const world = new World(disk);
  world.boot();
  world.snapshot();
  world.writer.close();
  // Java's name tells where the snapshot began, its digest up to where it may hold changes.
  disk.rename(`${DIR}/snapshot.14`, `${DIR}/snapshot.13`);
  resize(LOG_B, LOG_HEADER_SIZE + 9 * ENTRY);
  withoutMark();
  expect(damage().damage).toMatchObject({ file: `${DIR}/snapshot.13`, lost: "txn 0x14" });
});

test("names that are none of ours are left alone", () => {
  for (const name of ["log.5.fixed", "snapshot.ff.tmp", "snapshot.zz", "log.", "zookeeper_server.pid"]) {
    disk.put(`${DIR}/${name}`, Uint8Array.of(1, 2, 3));
  }
  expect(start(disk).state.zxids).toEqual(upTo(20));
  expect(disk.exists(`${DIR}/snapshot.ff.tmp`)).toBe(true);
});

test("D40: an interrupted snapshot is ignored, and removed at the next start", () => {
  disk.put(`${DIR}/tmp.snapshot.14`, Uint8Array.of(1, 2, 3));
  expect(start(disk).state.zxids).toEqual(upTo(20));
  expect(disk.exists(`${DIR}/tmp.snapshot.14`)).toBe(false);
});

test("a log of a newer version is refused, and nothing is changed", () => {
  disk.contents(LOG_B)[7] = LOG_VERSION + 1;
  const before = disk.list(DIR);
  expect(() => start(disk)).toThrow(FormatError);
  expect(() => start(disk)).toThrow("expected a txn log of version 2, got version 3");
  expect(disk.list(DIR)).toEqual(before);
});

test("a snapshot of a newer version is refused", () => {
  disk.contents(`${DIR}/snapshot.0`)[7] = 3;
  expect(() => start(disk)).toThrow("expected a snapshot of version 2, got version 3");
});

test("directories that were mixed up are refused", () => {
  disk.makeDirectory("/log/version-2");
  disk.put("/log/version-2/snapshot.0", Uint8Array.of(1));
  const mixed = { logDirectory: "/log/version-2", snapDirectory: DIR };
  expect(() => start(disk, mixed)).toThrow("the txn log directory has snapshot files (snapshot.0)");
  expect(() => start(disk, { logDirectory: DIR, snapDirectory: "/snap/version-2" })).toThrow(DataDirectoryError);
  disk.makeDirectory("/snap/version-2");
  expect(() => start(disk, { logDirectory: "/other/version-2", snapDirectory: DIR })).toThrow(
    "the snapshot directory has txn log files (log.1)",
  );
});

test("D1: a missing directory is created, unless that is turned off", () => {
  const options = { logDirectory: "/new/version-2", snapDirectory: "/new/version-2" };
  expect(() => start(disk, { ...options, autocreateDirectories: false })).toThrow(DataDirectoryError);
  expect(start(disk, options).isNew).toBe(true);
});

test("an empty directory starts a new database only with db.autocreate or the file initialize", () => {
  const empty = new FakeDisk();
  empty.put("/data/other", new Uint8Array(0));
  empty.makeDirectory(DIR);
  expect(() => start(empty, { autocreateDatabase: false })).toThrow("create the file /data/initialize");
  empty.put("/data/initialize", new Uint8Array(0));
  expect(start(empty, { autocreateDatabase: false }).isNew).toBe(true);
  expect(empty.exists("/data/initialize")).toBe(false);
});

describe("damage anywhere in acknowledged data", () => {
  /** Starts; either it says DAMAGED, or nothing is missing. */
  function neverSilent(damaged: FakeDisk): "refused" | "complete" {
    try {
      expect(start(damaged).state.zxids).toEqual(upTo(28));
      return "complete";
    } catch (error) {
      if (!(error instanceof DamagedError || error instanceof FormatError)) throw error;
      return "refused";
    }
  }

  function directory(): FakeDisk {
    const world = new World(disk);
    world.boot();
    world.write(3, 600);
    world.snapshot();
    world.writer.roll();
    world.write(5, 300);
    disk.kill();
    return disk;
  }

  test("a flipped bit is never silent", () => {
    const base = directory();
    const names = base.list(DIR).filter((name) => name !== SYNC_MARK_NAME);
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.nat(7),
        (name, where, bit) => {
          const damaged = base.clone();
          const bytes = damaged.contents(`${DIR}/${name}`);
          bytes[Math.floor(where * bytes.length)] ^= 1 << bit;
          if (neverSilent(damaged) === "refused") refused++;
        },
      ),
      { numRuns: 2000, seed: 7 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  test("zeroed bytes are never silent", () => {
    const base = directory();
    const names = base.list(DIR).filter((name) => name !== SYNC_MARK_NAME);
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(...names), fraction, fc.integer({ min: 1, max: 2000 }), (name, where, length) => {
        const damaged = base.clone();
        const bytes = damaged.contents(`${DIR}/${name}`);
        const at = Math.floor(where * bytes.length);
        bytes.fill(0, at, at + length);
        neverSilent(damaged);
      }),
      { numRuns: 2000, seed: 8 },
    );
  });

  test("a shortened or missing file is never silent", () => {
    const base = directory();
    for (const name of base.list(DIR)) {
      if (name === SYNC_MARK_NAME) continue;
      const path = `${DIR}/${name}`;
      const whole = base.contents(path);
      for (let size = -1; size < whole.length; size += 13) {
        const damaged = base.clone();
        if (size < 0) damaged.remove(path);
        else damaged.put(path, whole.slice(0, size));
        neverSilent(damaged);
      }
    }
    expect(neverSilent(base.clone())).toBe("complete");
  });
});
