import { ProtocolError } from "@quoll/jute";
import { type Directories, type LogFile, listLogs, listSnapshots } from "./data-directory.js";
import type { Disk } from "./disk.js";
import { join } from "./path.js";
import { skipSnapshotBody } from "./snapshot-body.js";
import type { SnapshotCodecs } from "./snapshot-codec.js";
import type { SnapshotName } from "./snapshot-format.js";
import { readSnapshot } from "./snapshot-reader.js";
import { FormatError } from "./storage-error.js";
import { follows, hex } from "./txn-log-format.js";
import { TxnLogReader } from "./txn-log-reader.js";

export interface Purged {
  /** Paths of the files that were removed, in order. */
  readonly removed: readonly string[];
  /** Why nothing was removed although there are more snapshots than asked for, or null. */
  readonly refusal: string | null;
}

/**
 * Removes the snapshots before the `retain` newest ones, and the logs that none of those needs (rule D41). Only snapshots
 * that verify from the first byte to the last count, and only if the log goes on from the oldest of them without a gap:
 * otherwise nothing is removed. It may run while the newest log is being written.
 */
export function purge(disk: Disk, codecs: SnapshotCodecs, directories: Directories, retain: number): Purged {
  const { logDirectory, snapDirectory } = directories;
  const snapshots = listSnapshots(disk, snapDirectory);
  const kept: SnapshotName[] = [];
  for (const snapshot of snapshots) {
    if (kept.length === retain) break;
    if (kept.at(-1)?.zxid !== snapshot.zxid && isValidSnapshot(disk, codecs, snapDirectory, snapshot))
      kept.push(snapshot);
  }
  const oldest = kept.at(-1);
  if (oldest === undefined || kept.length < retain) {
    const refusal = snapshots.length > retain ? `only ${kept.length} of ${snapshots.length} snapshots are valid` : null;
    return { removed: [], refusal };
  }
  const logs = listLogs(disk, logDirectory);
  let firstNeeded = 0;
  while (firstNeeded + 1 < logs.length && logs[firstNeeded + 1].zxid <= oldest.zxid) firstNeeded++;
  const gap = findGap(disk, logDirectory, logs.slice(firstNeeded), oldest.zxid);
  if (gap !== null) return { removed: [], refusal: gap };
  return {
    removed: remove(disk, directories, snapshots, oldest.zxid, logs.slice(0, firstNeeded)),
    refusal: null,
  };
}

/** Whether a snapshot file verifies wholly. */
export function isValidSnapshot(
  disk: Disk,
  codecs: SnapshotCodecs,
  directory: string,
  snapshot: SnapshotName,
): boolean {
  try {
    readSnapshot(disk, directory, snapshot, codecs, () => {}, skipSnapshotBody);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof FormatError) return false;
    throw error;
  }
}

/** Oldest first, so that a crash in between leaves a directory as an earlier purge would have. */
function remove(
  disk: Disk,
  directories: Directories,
  snapshots: readonly SnapshotName[],
  oldestZxid: number,
  logs: readonly LogFile[],
): string[] {
  const { logDirectory, snapDirectory } = directories;
  const removed: string[] = [];
  for (let i = snapshots.length - 1; i >= 0 && snapshots[i].zxid < oldestZxid; i--) {
    removed.push(join(snapDirectory, snapshots[i].name));
    disk.remove(removed[removed.length - 1]);
  }
  if (removed.length > 0) disk.syncDirectory(snapDirectory);
  for (const log of logs) {
    removed.push(join(logDirectory, log.name));
    disk.remove(removed[removed.length - 1]);
  }
  if (logs.length > 0) disk.syncDirectory(logDirectory);
  return removed;
}

/** @returns what is wrong with the logs after a snapshot's zxid, or null */
function findGap(disk: Disk, directory: string, logs: readonly LogFile[], snapshotZxid: number): string | null {
  let previous = -1;
  for (const log of logs) {
    const path = join(directory, log.name);
    const reader = TxnLogReader.open(disk, path);
    if (reader === null) continue;
    try {
      while (reader.next()) {
        const { zxid } = reader;
        const isFirst = previous < 0;
        const fits = isFirst
          ? zxid <= snapshotZxid || follows(snapshotZxid, zxid)
          : follows(previous, zxid) || zxid <= snapshotZxid;
        if (!fits) return `${path}: txn ${hex(zxid)} follows ${hex(isFirst ? snapshotZxid : previous)}`;
        previous = zxid;
      }
    } finally {
      reader.close();
    }
  }
  return null;
}
