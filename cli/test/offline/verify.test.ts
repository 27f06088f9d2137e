import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type VerifyOptions, verify } from "../../src/offline/verify.js";
import { capture, jsonLines } from "./captured.js";
import { contentsOf, newPath, TestDatabase } from "./database.js";

function run(place: string, options: Partial<VerifyOptions> = {}) {
  return capture((terminal) => verify(place, { output: "text", ...options }, terminal));
}

function sample(dataDir = newPath()): TestDatabase {
  const database = new TestDatabase(dataDir).createSession().create("/a", "1").snapshot("gz").roll();
  return database.set("/a", "2", 1).create("/b", "x").set("/a", "3", 2).close();
}

function change(path: string, edit: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  edit(bytes);
  writeFileSync(path, bytes);
}

describe("verify", () => {
  test("a sound directory is told file by file, with exit code 0", async () => {
    const database = sample();
    const { code, out } = await run(database.dataDir);
    expect(code).toBe(0);
    expect(out).toMatch(
      new RegExp(
        [
          /^ok {7}\S+snapshot\.0 {2}\d+ bytes, 4 znodes, 0 sessions, without a digest/,
          /ok {7}\S+snapshot\.2\.gz {2}\d+ bytes, 5 znodes, 1 sessions/,
          /ok {7}\S+log\.1 {2}\d+ bytes, 2 txns, 0x1 to 0x2, .*/,
          /ok {7}\S+log\.3 {2}\d+ bytes, 3 txns, 0x3 to 0x5, .*/,
          /ok {7}\S+quoll\.synced {2}synced up to 0x5, byte \d+ of log\.3/,
          /ok {7}recovery: loads snapshot\.2, replays 3 txns, reaches 0x5; 6 znodes, 1 sessions, digest 0x[0-9a-f]+/,
          /ok {7}epochs: accepted 0, current 0/,
          /\nSOUND: .*\n$/,
        ]
          .map(({ source }) => source)
          .join("\n"),
      ),
    );
    expect(out).toContain(`digest ${database.digest}`);
  });

  test.each<[string, (database: TestDatabase) => void, number, RegExp]>([
    [
      "a torn end",
      ({ logDirectory }) => {
        rmSync(join(logDirectory, "quoll.synced"));
        const path = join(logDirectory, "log.3");
        truncateSync(path, statSync(path).size - 3);
      },
      19,
      /^torn .*log\.3[\s\S]*repair {3}a start would cut off \S+log\.3 at byte \d+[\s\S]*reaches 0x4;[\s\S]*REPAIRABLE/m,
    ],
    [
      "a torn end before the sync mark",
      ({ logDirectory }) => {
        const path = join(logDirectory, "log.3");
        truncateSync(path, statSync(path).size - 3);
      },
      20,
      /DAMAGED {2}\S+log\.3 at byte \d+: the log ends before the place up to which it was synced\n {9}lost: txn 0x5/,
    ],
    [
      "a wrong byte in the middle",
      ({ logDirectory }) => change(join(logDirectory, "log.3"), (bytes) => void (bytes[60]! ^= 1)),
      20,
      /damaged {2}\S+log\.3[\s\S]*at byte 16: valid entries follow[\s\S]*DAMAGED/,
    ],
    [
      "a log that is missing in the middle",
      ({ logDirectory, snapDirectory }) => {
        rmSync(join(logDirectory, "log.1"));
        rmSync(join(snapDirectory, "snapshot.2.gz"));
      },
      20,
      /DAMAGED {2}\S+log\.3 at byte 16: the first txn in the logs is 0x3, but the snapshot ends at 0x0\n {9}lost: txns 0x1 to 0x2 \(2 of them\)/,
    ],
    [
      "the newest snapshot damaged, and logs from before it",
      ({ snapDirectory }) => change(join(snapDirectory, "snapshot.2.gz"), (bytes) => void (bytes[50]! ^= 1)),
      19,
      /^damaged {2}\S+snapshot\.2\.gz[\s\S]*loads snapshot\.0, replays 5 txns, reaches 0x5[\s\S]*REPAIRABLE/m,
    ],
    [
      "no snapshot",
      ({ snapDirectory }) => ["snapshot.0", "snapshot.2.gz"].forEach((name) => void rmSync(join(snapDirectory, name))),
      20,
      /there are txn logs but no valid snapshot/,
    ],
    [
      "a log of a later version",
      ({ logDirectory }) => change(join(logDirectory, "log.3"), (bytes) => void (bytes[7] = 3)),
      22,
      /^format .*expected a txn log of version 2, got version 3/ms,
    ],
    [
      "a current epoch before the last txn",
      ({ snapDirectory }) => {
        writeFileSync(join(snapDirectory, "acceptedEpoch"), "0");
        writeFileSync(join(snapDirectory, "currentEpoch"), "1");
      },
      20,
      /acceptedEpoch: the accepted epoch is 0, but the current one is 1/,
    ],
  ])("%s is found, and nothing is changed", async (_, spoil, code, text) => {
    const database = sample();
    spoil(database);
    const before = contentsOf(database.dataDir);
    const result = await run(database.dataDir);
    expect(result.out).toMatch(text);
    expect(result.code).toBe(code);
    expect(contentsOf(database.dataDir)).toEqual(before);
  });

  test("a log of another history with the same zxids is betrayed by its digests", async () => {
    const [one, other] = [sample(), new TestDatabase(newPath())];
    other.createSession().create("/a", "another").roll().set("/a", "2", 1).create("/b", "x").set("/b", "y", 1).close();
    writeFileSync(join(one.logDirectory, "log.3"), readFileSync(join(other.logDirectory, "log.3")));
    rmSync(join(one.logDirectory, "quoll.synced"));
    rmSync(join(one.snapDirectory, "snapshot.2.gz"));
    expect((await run(one.dataDir)).code).toBe(0);
    // What is still the other one's when its digest is compared: a znode that nobody has written since.
    rmSync(join(one.logDirectory, "log.1"));
    const third = new TestDatabase(newPath()).createSession().create("/c", "1").close();
    writeFileSync(join(one.logDirectory, "log.1"), readFileSync(join(third.logDirectory, "log.1")));
    expect(await run(one.dataDir)).toMatchObject({
      code: 20,
      out: expect.stringContaining("the tree's digest after txn 0x3 is not the one that was logged"),
    });
  });

  test("foreign files and an interrupted snapshot are remarked on and harm nothing", async () => {
    const database = sample();
    writeFileSync(join(database.logDirectory, "log.3.fixed"), "x");
    writeFileSync(join(database.snapDirectory, "tmp.snapshot.5"), "x");
    const { code, out } = await run(database.dataDir, { output: "json" });
    expect(code).toBe(0);
    const notes = jsonLines(out).filter(({ kind }) => kind === "note");
    expect(notes.map(({ text }) => text)).toEqual([
      expect.stringContaining("log.3.fixed: not a file of the database"),
      expect.stringContaining("tmp.snapshot.5: an interrupted snapshot; the next start removes it"),
    ]);
    expect(jsonLines(out).at(-1)).toMatchObject({ kind: "verdict", exitCode: 0 });
  });

  test("a directory without a database is exit code 3", async () => {
    const { code, err } = await run(newPath());
    expect([code, err]).toEqual([3, expect.stringContaining("there is no such file or directory")]);
  });

  test("whatever bytes are spoilt, it ends with one of its exit codes and changes nothing", async () => {
    const database = sample();
    const original = contentsOf(database.dataDir);
    const names = [...original.keys()];
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, offset, mask) => {
        const path = join(database.dataDir, names[file % names.length]!);
        const bytes = readFileSync(path);
        try {
          change(path, (spoilt) => void (spoilt[offset % spoilt.length]! ^= mask));
          const before = contentsOf(database.dataDir);
          const { code, err } = await run(database.dataDir);
          expect(err).toBe("");
          expect([0, 19, 20, 22]).toContain(code);
          expect(contentsOf(database.dataDir)).toEqual(before);
        } finally {
          writeFileSync(path, bytes);
        }
      }),
      { numRuns: 150 },
    );
  });
});
