import type { Log } from "../capabilities.js";
import type { Directories } from "../storage/data-directory.js";
import type { Disk } from "../storage/disk.js";
import { readEpochs } from "../storage/number-file.js";
import type { Recovered, RecoveryProgress } from "../storage/recovery.js";
import { finishReplacement, isMarkedDamaged, markDamaged } from "../storage/replace-state.js";
import { DamagedError } from "../storage/storage-error.js";
import type { DataTree } from "../tree/data-tree.js";
import { CommittedLog } from "./committed-log.js";
import type { ReplicaStart } from "./server-replica.js";

/** What a server of an ensemble finds on its disk. */
export interface OpenedReplica extends ReplicaStart {
  readonly committedLog: CommittedLog;
  /** For the next snapshot, see {@link Recovered}. */
  readonly txnsReplayed: number;
  readonly logBytes: number;
}

export interface OpenReplicaOptions {
  readonly directories: Directories;
  readonly commitLogCount: number;
  /** Whether others have the data: only then a damaged server may start, without its vote (rule D7). */
  readonly hasPeers: boolean;
  /** Recovers the directories. @throws what recovery throws */
  readonly recover: (progress: RecoveryProgress) => Recovered<DataTree>;
  readonly emptyTree: () => DataTree;
}

/**
 * Finishes what a crash has interrupted, recovers the state, and finds out whether this server can be trusted with it.
 * @throws DamagedError when there is nobody to take the data from; DataDirectoryError, FormatError, DiskError
 */
export function openReplica(
  disk: Disk,
  options: OpenReplicaOptions,
  progress: RecoveryProgress,
  log: Log,
): OpenedReplica {
  const { directories } = options;
  const { snapDirectory } = directories;
  const committedLog = new CommittedLog(options.commitLogCount);
  const kept: RecoveryProgress = {
    snapshot: (...args) => progress.snapshot(...args),
    log: (...args) => progress.log(...args),
    txn: (bytes, start, end, zxid) => committedLog.add(bytes, start, end, zxid),
  };
  const setAside = finishReplacement(disk, directories);
  if (setAside.length > 0) log.warn({ setAside }, "files of another history were set aside");
  let problem = "it was found damaged by an earlier start";
  if (!isMarkedDamaged(disk, snapDirectory)) {
    try {
      const { state: tree, txnsReplayed, logBytes } = options.recover(kept);
      const { accepted, current } = readEpochs(disk, snapDirectory, tree.lastProcessedZxid);
      const epochs = { acceptedEpoch: accepted, currentEpoch: current };
      return { tree, ...epochs, isDamaged: false, txnsReplayed, logBytes, committedLog };
    } catch (error) {
      if (!(error instanceof DamagedError) || !options.hasPeers) throw error;
      problem = error.message;
      markDamaged(disk, snapDirectory);
    }
  }
  log.error({ problem }, "DAMAGED: this server does not vote, and takes its data back from the leader of a quorum");
  committedLog.clear();
  const { accepted, current } = readEpochs(disk, snapDirectory, 0);
  return {
    tree: options.emptyTree(),
    acceptedEpoch: accepted,
    currentEpoch: current,
    isDamaged: true,
    txnsReplayed: 0,
    logBytes: 0,
    committedLog,
  };
}
