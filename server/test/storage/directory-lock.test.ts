import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataDirectoryError } from "../../src/core/storage/storage-error.js";
import { DirectoryLock } from "../../src/node/disk/directory-lock.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quoll-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const path = () => join(directory, "quoll.lock");

test("a second server on the same directory is refused, with the first one's pid", () => {
  const lock = DirectoryLock.acquire(directory);
  expect(() => DirectoryLock.acquire(directory)).toThrow(DataDirectoryError);
  expect(() => DirectoryLock.acquire(directory)).toThrow(`another server uses this directory (pid ${process.pid})`);
  lock.release();
  expect(existsSync(path())).toBe(false);
  DirectoryLock.acquire(directory).release();
});

test("the lock of a process that is gone does not block a start", () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  for (const stale of [`${pid} 12345@boot`, `${pid} `, "", "nonsense"]) {
    writeFileSync(path(), stale);
    const lock = DirectoryLock.acquire(directory);
    expect(readFileSync(path(), "utf8")).toMatch(new RegExp(`^${process.pid} `));
    lock.release();
  }
});

test.runIf(process.platform === "linux")(
  "the lock of a killed server whose pid was given to another process does not block a start",
  () => {
    writeFileSync(path(), `${process.ppid} 1@another-boot`);
    DirectoryLock.acquire(directory).release();
    expect(existsSync(path())).toBe(false);
  },
);

test("a release leaves alone what is not its own", () => {
  const lock = DirectoryLock.acquire(directory);
  writeFileSync(path(), "1 other");
  lock.release();
  expect(readFileSync(path(), "utf8")).toBe("1 other");
});
