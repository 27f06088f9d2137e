import { type Directories, listLogs, listSnapshots } from "./data-directory.js";
import type { Disk } from "./disk.js";
import { join } from "./path.js";
import { removeSyncMark } from "./sync-mark.js";
import { LOG_HEADER_SIZE } from "./txn-log-format.js";
import { TxnLogReader } from "./txn-log-reader.js";

/**
 * Cuts all txns after `zxid` off the log, and removes the snapshots that hold any of them (rule D23). A crash in between
 * leaves a log that is longer, but whole. The log must not be open for writing.
 * @returns false when the log has no txn `zxid` and no snapshot ends there: then nothing was changed (rule D24)
 * @throws DiskError
 */
export function truncateLog(disk: Disk, directories: Directories, zxid: number): boolean {
  const { logDirectory, snapDirectory } = directories;
  const snapshots = listSnapshots(disk, snapDirectory);
  const kept = snapshots.find((snapshot) => snapshot.zxid <= zxid);
  if (kept === undefined || (kept.zxid !== zxid && !hasTxn(disk, logDirectory, zxid))) return false;
  removeSyncMark(disk, logDirectory);
  for (const snapshot of snapshots) {
    if (snapshot.zxid <= zxid) continue;
    disk.remove(join(snapDirectory, snapshot.name));
    disk.syncDirectory(snapDirectory);
  }
  cutLog(disk, logDirectory, zxid);
  return true;
}

/** Removes all txns after `zxid` from the log files, the newest first. */
export function cutLog(disk: Disk, logDirectory: string, zxid: number): void {
  const logs = listLogs(disk, logDirectory);
  for (let i = logs.length - 1; i >= 0; i--) {
    const path = join(logDirectory, logs[i].name);
    const size = logs[i].zxid > zxid ? 0 : endOf(disk, path, zxid);
    if (size <= LOG_HEADER_SIZE) {
      disk.remove(path);
      disk.syncDirectory(logDirectory);
      continue;
    }
    const file = disk.open(path, "write");
    file.truncate(size);
    file.sync();
    file.close();
    return;
  }
}

/** @returns the offset behind the last txn that is at most `zxid`; 0 for a file without a header */
function endOf(disk: Disk, path: string, zxid: number): number {
  const reader = TxnLogReader.open(disk, path);
  if (reader === null) return 0;
  while (reader.next() && reader.zxid <= zxid);
  reader.close();
  return reader.offset;
}

function hasTxn(disk: Disk, logDirectory: string, zxid: number): boolean {
  const log = listLogs(disk, logDirectory)
    .reverse()
    .find((file) => file.zxid <= zxid);
  const reader = log === undefined ? null : TxnLogReader.open(disk, join(logDirectory, log.name));
  if (reader === null) return false;
  let found = false;
  while (!found && reader.next() && reader.zxid <= zxid) found = reader.zxid === zxid;
  reader.close();
  return found;
}
