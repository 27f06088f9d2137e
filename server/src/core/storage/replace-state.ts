import { type Directories, listLogs, listSnapshots } from "./data-directory.js";
import type { Disk } from "./disk.js";
import { readNumberFile, writeNumberFile } from "./number-file.js";
import { join } from "./path.js";
import { removeSyncMark } from "./sync-mark.js";
import { TxnLogReader } from "./txn-log-reader.js";

/**
 * A server that takes its leader's whole state must come out of a crash with the old state or the new one (rule D22). First
 * this file says which snapshot will count; then that snapshot is written, and from the moment that it is there nothing
 * else counts; then the files of the old history go, and this one last. A start that finds the file finishes the work.
 */
const REPLACED_NAME = "quoll.replaced";

/** Says, until a leader's state is in its place, that acknowledged data in this directory is damaged (rule D7). */
const DAMAGED_NAME = "quoll.damaged";

/** Marks the directory as one whose server must not vote with it. */
export function markDamaged(disk: Disk, snapDirectory: string): void {
  if (!isMarkedDamaged(disk, snapDirectory)) writeNumberFile(disk, join(snapDirectory, DAMAGED_NAME), 1);
}

export function isMarkedDamaged(disk: Disk, snapDirectory: string): boolean {
  return disk.exists(join(snapDirectory, DAMAGED_NAME));
}

/** To be called before the snapshot `zxid`, which holds the leader's state, is written. */
export function announceReplacement(disk: Disk, snapDirectory: string, zxid: number): void {
  writeNumberFile(disk, join(snapDirectory, REPLACED_NAME), zxid);
}

/**
 * Lets the snapshot that was announced take the place of all that was there. Of another history, snapshots and logs are set
 * aside: renamed, so that nobody reads them as this server's, and an operator can. To be called when the snapshot is
 * durable, and before recovery, in case that a crash has come in between.
 * @returns the names that were set aside
 */
export function finishReplacement(disk: Disk, directories: Directories): string[] {
  const { snapDirectory, logDirectory } = directories;
  const mark = join(snapDirectory, REPLACED_NAME);
  if (!disk.exists(snapDirectory) || !disk.exists(mark)) return [];
  const zxid = readNumberFile(disk, mark)!;
  if (!listSnapshots(disk, snapDirectory).some((snapshot) => snapshot.zxid === zxid)) {
    disk.remove(mark);
    disk.syncDirectory(snapDirectory);
    return [];
  }
  const isDamaged = isMarkedDamaged(disk, snapDirectory);
  const setAside: string[] = [];
  const put = (directory: string, name: string) => {
    // In front: ZooKeeper takes whatever begins with `log.` or `snapshot.` for its own.
    disk.rename(join(directory, name), join(directory, `${isDamaged ? "damaged" : "diverged"}.${name}`));
    setAside.push(name);
  };
  removeSyncMark(disk, logDirectory);
  for (const snapshot of listSnapshots(disk, snapDirectory)) {
    if (snapshot.zxid > zxid || (isDamaged && snapshot.zxid !== zxid)) put(snapDirectory, snapshot.name);
  }
  for (const log of listLogs(disk, logDirectory)) {
    if (isDamaged || log.zxid > zxid || lastZxidOf(disk, join(logDirectory, log.name)) > zxid)
      put(logDirectory, log.name);
  }
  disk.syncDirectory(snapDirectory);
  if (logDirectory !== snapDirectory) disk.syncDirectory(logDirectory);
  if (isDamaged) {
    disk.remove(join(snapDirectory, DAMAGED_NAME));
    disk.syncDirectory(snapDirectory);
  }
  disk.remove(mark);
  disk.syncDirectory(snapDirectory);
  return setAside;
}

function lastZxidOf(disk: Disk, path: string): number {
  const reader = TxnLogReader.open(disk, path);
  if (reader === null) return 0;
  let zxid = 0;
  while (reader.next()) zxid = reader.zxid;
  reader.close();
  return zxid;
}
