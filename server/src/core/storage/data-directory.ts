import type { Disk } from "./disk.js";
import { join } from "./path.js";
import { parseSnapshotName, type SnapshotName, TEMPORARY_PREFIX } from "./snapshot-format.js";
import { DataDirectoryError } from "./storage-error.js";
import { zxidOfLogName } from "./txn-log-format.js";

/** Where the files are: `version-2` under dataLogDir and dataDir; often one and the same. */
export interface Directories {
  readonly logDirectory: string;
  readonly snapDirectory: string;
}

/** Name of the folder under dataDir and dataLogDir. */
export const VERSION_DIRECTORY = "version-2";

export interface LogFile {
  readonly name: string;
  readonly zxid: number;
}

/** @returns the txn logs, oldest first */
export function listLogs(disk: Disk, directory: string): LogFile[] {
  return disk
    .list(directory)
    .map((name) => ({ name, zxid: zxidOfLogName(name) }))
    .filter((log) => log.zxid >= 0)
    .sort((a, b) => a.zxid - b.zxid);
}

/** @returns the snapshots, newest first; of two with one zxid, the uncompressed first */
export function listSnapshots(disk: Disk, directory: string): SnapshotName[] {
  return disk
    .list(directory)
    .map(parseSnapshotName)
    .filter((snapshot) => snapshot !== null)
    .sort((a, b) => b.zxid - a.zxid || a.compression.length - b.compression.length);
}

/**
 * Creates what is missing (rule D1) and refuses directories that were mixed up.
 * @param autocreate - `zookeeper.datadir.autocreate`
 */
export function prepareDirectories(disk: Disk, directories: Directories, autocreate: boolean): void {
  const { logDirectory, snapDirectory } = directories;
  for (const directory of logDirectory === snapDirectory ? [logDirectory] : [logDirectory, snapDirectory]) {
    if (disk.exists(directory)) continue;
    if (!autocreate) {
      throw new DataDirectoryError(
        directory,
        "the directory is missing, and creating it is turned off (zookeeper.datadir.autocreate is false)",
        "Create it, or correct dataDir and dataLogDir.",
      );
    }
    disk.makeDirectory(directory);
  }
  if (logDirectory === snapDirectory) return;
  const next = "Check that dataDir and dataLogDir are what they were when the files were written.";
  const snapshot = disk.list(logDirectory).find((name) => name.startsWith("snapshot."));
  if (snapshot !== undefined) {
    throw new DataDirectoryError(logDirectory, `the txn log directory has snapshot files (${snapshot})`, next);
  }
  const log = disk.list(snapDirectory).find((name) => name.startsWith("log."));
  if (log !== undefined) {
    throw new DataDirectoryError(snapDirectory, `the snapshot directory has txn log files (${log})`, next);
  }
}

/** Removes what an interrupted snapshot left behind. */
export function removeTemporaries(disk: Disk, directory: string): void {
  for (const name of disk.list(directory)) {
    if (name.startsWith(`${TEMPORARY_PREFIX}snapshot.`)) disk.remove(join(directory, name));
  }
}
