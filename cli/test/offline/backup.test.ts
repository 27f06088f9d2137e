import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Disk, DiskError, type FileHandle, NodeDisk, purge, snapshotCodecs } from "@quoll/server/storage";
import { beforeAll, describe, expect, test } from "vitest";
import { type BackupOptions, backup } from "../../src/offline/backup.js";
import { type RestoreOptions, restore } from "../../src/offline/restore.js";
import { verify } from "../../src/offline/verify.js";
import { type Captured, capture, jsonLines } from "./captured.js";
import { contentsOf, newPath, TestDatabase } from "./database.js";

function runBackup(place: string, target: string, options: Partial<BackupOptions> = {}, disk?: Disk) {
  return capture((terminal) => backup(place, target, { output: "text", ...options }, terminal, disk));
}

function runRestore(source: string, place: string | undefined, options: Partial<RestoreOptions> = {}, disk?: Disk) {
  return capture((terminal) => restore(source, place, { output: "text", ...options }, terminal, disk));
}

/** What a server would make of a directory: the last zxid and the digest of the tree. */
async function stateOf(dataDir: string, logDir?: string): Promise<{ zxid: number; digest: string }> {
  const options = logDir === undefined ? { output: "json" } : { output: "json", logDir };
  const { code, out } = await capture((terminal) => verify(dataDir, options, terminal));
  expect(code).toBe(0);
  const recovery = jsonLines(out).find(({ kind }) => kind === "recovery")!;
  return { zxid: Number(recovery["lastZxid"]), digest: recovery["digest"] as string };
}

/** Several snapshots and logs, some compressed, and a log that was begun without a snapshot. */
function sample(dataDir = newPath(), dataLogDir = dataDir): TestDatabase {
  const database = new TestDatabase(dataDir, dataLogDir, 4096).createSession().create("/a", "1");
  database.create("/a/b", "2").snapshot("gz").roll().set("/a", "3", 1).set("/a", "4", 2);
  database.snapshot("snappy").set("/a", "5", 3).roll().create("/c", "c").set("/a", "6", 4).roll().delete("/c");
  return database.snapshot().roll().create("/d", "7").set("/d", "8", 1);
}

describe("a backup", () => {
  test("holds all that can be restored, with checksums, and is a data directory itself", async () => {
    const database = sample();
    const target = newPath();
    const result = await runBackup(database.dataDir, target);
    expect(result).toMatchObject({ code: 0, err: "" });
    expect(result.out).toMatch(
      /: 9 files, .*\n {2}can be restored: 0x0 to 0xb, last txn at 2026-03-01T12:00:10.000Z\n/,
    );
    const manifest = JSON.parse(readFileSync(join(target, "manifest.json"), "utf8"));
    expect(manifest).toMatchObject({ format: "quoll-backup", version: 1, lastZxid: "0xb", ranges: [{ from: "0x0" }] });
    expect(manifest.files).toHaveLength(readdirSync(join(target, "version-2")).length);
    expect(await stateOf(target)).toEqual({ zxid: 11, digest: database.digest });
    expect(readdirSync(dirname(target)).filter((name) => name.includes("partial"))).toEqual([]);
  });

  test("--latest holds the newest snapshot and the logs behind it", async () => {
    const database = sample();
    const target = newPath();
    expect(await runBackup(database.dataDir, target, { latest: true })).toMatchObject({
      code: 0,
      out: expect.stringContaining("can be restored: 0x9 to 0xb"),
    });
    expect(readdirSync(join(target, "version-2")).sort()).toEqual(["log.a", "snapshot.9"]);
  });

  test("logs in a directory of their own, named by an option or by zoo.cfg", async () => {
    const database = sample(newPath(), newPath());
    const cfg = newPath();
    writeFileSync(cfg, `dataDir=${database.dataDir}\ndataLogDir=${database.dataLogDir}\n`);
    for (const [place, options] of [
      [database.dataDir, { logDir: database.dataLogDir }],
      [cfg, {}],
    ] as const) {
      const target = newPath();
      expect(await runBackup(place, target, options)).toMatchObject({ code: 0 });
      expect(await stateOf(target)).toEqual({ zxid: 11, digest: database.digest });
    }
  });

  test("a target that exists is left alone", async () => {
    const target = newPath();
    mkdirSync(target);
    expect(await runBackup(sample().dataDir, target)).toMatchObject({
      code: 2,
      err: expect.stringContaining("exists already"),
    });
    expect(readdirSync(target)).toEqual([]);
  });

  test("a torn end was never acknowledged and stays behind", async () => {
    const database = sample().close();
    appendFileSync(join(database.logDirectory, "log.a"), Buffer.from("0000000012345678000001", "hex"));
    const target = newPath();
    expect(await runBackup(database.dataDir, target)).toMatchObject({ code: 0 });
    expect(await stateOf(target)).toEqual({ zxid: 11, digest: database.digest });
  });

  test("a snapshot that Java has not finished is left out with a remark", async () => {
    const database = sample();
    const whole = readFileSync(join(database.snapDirectory, "snapshot.9"));
    writeFileSync(join(database.snapDirectory, "snapshot.b"), whole.subarray(0, whole.length - 9));
    const target = newPath();
    const result = await runBackup(database.dataDir, target);
    expect(result).toMatchObject({ code: 0, err: expect.stringMatching(/snapshot\.b is not valid \(yet\)/) });
    expect(await stateOf(target)).toEqual({ zxid: 11, digest: database.digest });
  });

  test.each([
    ["damage in the middle of the last log", (bytes: Buffer) => void (bytes[100]! ^= 1)],
    ["a log that ends before the sync mark", (bytes: Buffer) => void bytes.fill(0, 80)],
  ])("%s makes no backup, with exit code 20", async (_, damage) => {
    const database = sample().close();
    const path = join(database.logDirectory, "log.a");
    const bytes = readFileSync(path);
    damage(bytes);
    writeFileSync(path, bytes);
    const target = newPath();
    expect(await runBackup(database.dataDir, target)).toMatchObject({
      code: 20,
      err: expect.stringContaining("No backup was made, since it could not be restored."),
    });
    expect(readdirSync(dirname(target)).filter((name) => name.startsWith(target.split("/").at(-1)!))).toEqual([]);
  });

  test("beside a server that appends, rolls, takes snapshots and purges, each backup is a state that it had", async () => {
    const database = sample();
    let step = 0;
    const disk = new BusyDisk(() => {
      step++;
      database.set("/a", `busy ${step}`, step + 5);
      if (step % 3 === 0) database.roll();
      if (step % 4 === 0) database.snapshot();
      if (step % 5 === 0) purge(new NodeDisk(), snapshotCodecs, database, 3);
    });
    for (let i = 0; i < 5; i++) {
      const target = newPath();
      const before = database.zxid;
      expect(await runBackup(database.dataDir, target, {}, disk)).toMatchObject({ code: 0 });
      const { zxid, digest } = await stateOf(target);
      expect(zxid).toBeGreaterThanOrEqual(before);
      expect(digest).toBe(database.digests.get(zxid));
    }
    expect(existsSync(join(database.logDirectory, "log.1"))).toBe(false);
  });
});

describe("restoring", () => {
  let database: TestDatabase;
  let source: string;
  beforeAll(async () => {
    database = sample();
    source = newPath();
    expect(await runBackup(database.dataDir, source)).toMatchObject({ code: 0 });
  });

  test("every zxid comes back with the tree of that moment", async () => {
    for (let zxid = 0; zxid <= 11; zxid++) {
      const target = newPath();
      const result = await runRestore(source, target, { zxid: `0x${zxid.toString(16)}` });
      expect(result).toMatchObject({
        code: 0,
        out: expect.stringContaining(`restored up to txn 0x${zxid.toString(16)}:`),
      });
      expect(await stateOf(target)).toEqual({ zxid, digest: database.digests.get(zxid) });
      expect(readdirSync(target)).toEqual(["version-2"]);
    }
  });

  test("a time brings back the last txn that is not later", async () => {
    for (const [time, zxid] of [
      ["2026-03-01T12:00:04.999Z", 5],
      ["2026-03-01T12:00:05Z", 6],
      ["2027-01-01", 11],
    ] as const) {
      const target = newPath();
      expect(await runRestore(source, target, { time })).toMatchObject({ code: 0 });
      expect((await stateOf(target)).zxid).toBe(zxid);
    }
  });

  test("without either, all comes back, also into two directories and straight from a stopped server's", async () => {
    for (const from of [source, database.dataDir]) {
      const [target, logDir] = [newPath(), newPath()];
      expect(await runRestore(from, target, { logDir, output: "json" })).toMatchObject({ code: 0 });
      expect(await stateOf(target, logDir)).toEqual({ zxid: 11, digest: database.digest });
      expect(readdirSync(join(target, "version-2")).every((name) => name.startsWith("snapshot."))).toBe(true);
      expect(readdirSync(join(logDir, "version-2")).every((name) => name.startsWith("log."))).toBe(true);
    }
  });

  test.each<[Partial<RestoreOptions>]>([[{ zxid: "0xc" }], [{ time: "2026-02-28T00:00:00Z" }]])(
    "what is not covered is told with what is: %j",
    async (options) => {
      const target = newPath();
      const { code, err } = await runRestore(source, target, options);
      expect(code).toBe(1);
      expect(err).toMatch(/is not covered\. What can be restored:\n {2}0x0 to 0xb, last txn at/);
      expect(existsSync(target)).toBe(false);
    },
  );

  test("--list says what can be restored and changes nothing", async () => {
    const before = contentsOf(source);
    expect(await runRestore(source, undefined, { list: true, output: "json" })).toMatchObject({
      code: 0,
      out: '{"from":"0x0","to":"0xb","toTime":"2026-03-01T12:00:10.000Z"}\n',
    });
    expect(contentsOf(source)).toEqual(before);
  });

  test("a database that is there is only moved aside on request", async () => {
    const target = sample().close().dataDir;
    const before = contentsOf(join(target, "version-2"));
    expect(await runRestore(source, target)).toMatchObject({
      code: 3,
      err: expect.stringContaining("--replace moves it aside"),
    });
    expect(contentsOf(join(target, "version-2"))).toEqual(before);
    expect(await runRestore(source, target, { replace: true, zxid: "5" })).toMatchObject({ code: 0 });
    expect((await stateOf(target)).zxid).toBe(5);
    const aside = readdirSync(target).find((name) => name.startsWith("version-2.replaced-"))!;
    expect(contentsOf(join(target, aside))).toEqual(before);
  });

  test("a directory that a living process holds is refused", async () => {
    const target = newPath();
    mkdirSync(target);
    writeFileSync(join(target, "zookeeper_server.pid"), String(process.ppid));
    expect(await runRestore(source, target)).toMatchObject({
      code: 3,
      err: expect.stringContaining(`a server (pid ${process.ppid})`),
    });
  });

  test.each([
    ["a changed byte", (file: string) => writeFileSync(file, flipped(readFileSync(file)))],
    ["a missing file", (file: string) => rmSync(file)],
    ["a file that is cut short", (file: string) => writeFileSync(file, readFileSync(file).subarray(1))],
  ])("%s in the backup is found before anything is written", async (_, damage) => {
    const copy = newPath();
    expect(await runBackup(database.dataDir, copy)).toMatchObject({ code: 0 });
    damage(join(copy, "version-2", "log.4"));
    const target = newPath();
    expect(await runRestore(copy, target)).toMatchObject({
      code: 20,
      err: expect.stringContaining("The backup is damaged"),
    });
    expect(existsSync(target)).toBe(false);
  });

  test("a gap in the logs leaves what is on its two sides", async () => {
    const copy = newPath();
    expect(await runBackup(database.dataDir, copy)).toMatchObject({ code: 0 });
    rmSync(join(copy, "manifest.json"));
    rmSync(join(copy, "version-2", "log.4"));
    const { out } = await runRestore(copy, undefined, { list: true });
    expect(out.split("\n")).toEqual([
      expect.stringContaining("0x0 to 0x3,"),
      expect.stringContaining("0x5 alone"),
      expect.stringContaining("0x9 to 0xb,"),
      "",
    ]);
    const target = newPath();
    expect(await runRestore(copy, target, { zxid: "3" })).toMatchObject({ code: 0 });
    expect((await stateOf(target)).digest).toBe(database.digests.get(3));
  });

  test("whichever call to the disk fails, there is never half a database", async () => {
    let failed: Captured;
    let calls = 0;
    do {
      const [target, logDir] = [newPath(), newPath()];
      failed = await runRestore(source, target, { logDir, zxid: "8" }, new FailingDisk(calls++));
      const hasSnapshots = existsSync(join(target, "version-2"));
      const hasLogs = existsSync(join(logDir, "version-2"));
      // Logs alone make a server refuse to start; snapshots come last.
      if (hasSnapshots)
        expect([hasLogs, await stateOf(target, logDir)]).toEqual([true, { zxid: 8, digest: database.digests.get(8) }]);
      if (failed.code !== 0) expect(failed.code).toBe(21);
      expect(readdirSync(target).filter((name) => name.includes("restoring"))).toEqual([]);
    } while (failed.code !== 0);
    expect(calls).toBeGreaterThan(20);
  });
});

function flipped(bytes: Buffer): Buffer {
  bytes[40]! ^= 4;
  return bytes;
}

/** A disk on which something happens before each call that reads. */
class BusyDisk extends NodeDisk {
  constructor(private readonly happen: () => void) {
    super();
  }

  override list(directory: string): string[] {
    this.happen();
    return super.list(directory);
  }

  override open(path: string, mode: "read" | "create" | "write"): FileHandle {
    if (mode === "read") this.happen();
    return super.open(path, mode);
  }
}

/** A disk whose changing call number `failAt` fails. */
class FailingDisk extends NodeDisk {
  constructor(private failAt: number) {
    super();
  }

  private count(operation: string, path: string): void {
    if (this.failAt-- === 0) throw new DiskError(operation, path, "EIO");
  }

  override rename(from: string, to: string): void {
    this.count("rename", from);
    renameSync(from, to);
  }

  override syncDirectory(directory: string): void {
    this.count("sync", directory);
    super.syncDirectory(directory);
  }

  override open(path: string, mode: "read" | "create" | "write"): FileHandle {
    if (mode !== "read") this.count("open", path);
    const file = super.open(path, mode);
    if (mode === "read") return file;
    const count = (operation: string) => this.count(operation, path);
    return {
      read: (position, into, start, end) => file.read(position, into, start, end),
      write(position, bytes, start, end) {
        count("write");
        file.write(position, bytes, start, end);
      },
      truncate: (size) => file.truncate(size),
      sync() {
        count("sync");
        file.sync();
      },
      size: () => file.size(),
      close: () => file.close(),
    };
  }
}

test("the epochs of a member of an ensemble come along", async () => {
  const database = sample();
  writeFileSync(join(database.snapDirectory, "acceptedEpoch"), "3");
  writeFileSync(join(database.snapDirectory, "currentEpoch"), "2");
  const [copy, target] = [newPath(), newPath()];
  expect(await runBackup(database.dataDir, copy)).toMatchObject({ code: 0 });
  expect(await runRestore(copy, target)).toMatchObject({ code: 0 });
  const read = (name: string) => readFileSync(join(target, "version-2", name), "utf8");
  expect([read("acceptedEpoch"), read("currentEpoch")]).toEqual(["3", "2"]);
});

test("a fuzzy snapshot does not stand for moments before its last change", async () => {
  const database = sample();
  // A snapshot that Java began after txn 7 and whose znodes hold changes up to txn 11: replay repairs that.
  renameSync(join(database.snapshot().snapDirectory, "snapshot.b"), join(database.snapDirectory, "snapshot.7"));
  for (const name of ["snapshot.0", "snapshot.3.gz", "snapshot.5.snappy", "snapshot.9"]) {
    rmSync(join(database.snapDirectory, name));
  }
  const { out } = await runRestore(database.close().dataDir, undefined, { list: true });
  expect(out).toMatch(/: 0xb alone, last txn at/);
});
