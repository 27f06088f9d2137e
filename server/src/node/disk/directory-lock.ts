import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataDirectoryError, DiskError } from "../../core/storage/storage-error.js";

const LOCK_NAME = "quoll.lock";

/**
 * Keeps a second server off a data directory: a file that Java's tools ignore, with the pid of its owner and the moment at
 * which that process started, so that neither a lock left by a killed server nor a pid that was given to another process
 * since blocks a start.
 */
export class DirectoryLock {
  private constructor(
    private readonly path: string,
    private readonly owner: string,
  ) {}

  /**
   * @param directory - one in which two servers must not meet, `version-2` under dataDir or dataLogDir
   * @throws DataDirectoryError when another server has it
   * @throws DiskError when the disk is full or broken
   */
  static acquire(directory: string): DirectoryLock {
    const path = join(directory, LOCK_NAME);
    const owner = describe(process.pid);
    for (;;) {
      if (create(path, owner)) return new DirectoryLock(path, owner);
      const holder = read(path);
      if (holder === null) continue;
      if (isAlive(holder)) throw refusal(directory, holder);
      removeStale(path, holder, directory);
    }
  }

  release(): void {
    if (read(this.path) === this.owner) rmSync(this.path, { force: true });
  }
}

/** Moves the stale lock away under a name of our own: if another process was quicker, we have moved its new lock and put it back. */
function removeStale(path: string, stale: string, directory: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = read(aside);
  if (moved === stale) {
    rmSync(aside, { force: true });
    return;
  }
  renameSync(aside, path);
  throw refusal(directory, moved ?? "");
}

function refusal(directory: string, holder: string): DataDirectoryError {
  const pid = holder.split(" ")[0];
  return new DataDirectoryError(
    directory,
    `another server uses this directory (pid ${pid})`,
    "Stop it first, or give this one a dataDir of its own.",
  );
}

/** A link appears with its contents, so that nobody ever reads half a lock. */
function create(path: string, owner: string): boolean {
  const prepared = `${path}.${process.pid}`;
  try {
    writeFileSync(prepared, owner);
    linkSync(prepared, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code === "ENOSPC" || code === "EDQUOT" || code === "EIO") throw new DiskError("write", path, code, error);
    throw new DataDirectoryError(
      path,
      `cannot be created (${(error as Error).message})`,
      "Make the directory writable.",
    );
  } finally {
    rmSync(prepared, { force: true });
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** @returns the pid, and when that process started if the system tells */
function describe(pid: number): string {
  return `${pid} ${startOf(pid)}`;
}

function isAlive(holder: string): boolean {
  const pid = Number.parseInt(holder, 10);
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return holder === describe(process.pid);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const start = holder.split(" ")[1] ?? "";
  return start === "" || startOf(pid) === "" || startOf(pid) === start;
}

/** Start time of a process, in clock ticks since boot with the boot's id; empty where there is no /proc. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${fields[19]}@${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
  } catch {
    return "";
  }
}
