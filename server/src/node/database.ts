import { join } from "node:path";
import type { Log } from "../core/capabilities.js";
import { type Directories, prepareDirectories, VERSION_DIRECTORY } from "../core/storage/data-directory.js";
import { type Recovered, type RecoveryProgress, recover } from "../core/storage/recovery.js";
import { type TreeSnapshotOptions, writeTreeSnapshot } from "../core/storage/tree-snapshot.js";
import { DataTree, type DataTreeOptions } from "../core/tree/data-tree.js";
import type { QuollConfig } from "./config/quoll-config.js";
import { DirectoryLock } from "./disk/directory-lock.js";
import { NodeDisk } from "./disk/node-disk.js";
import { snapshotCodecs } from "./disk/snapshot-codecs.js";

/** A data directory that this process holds, and the state that was recovered from it. */
export interface Database extends Recovered<DataTree>, HeldDirectories {}

/** Directories that this process holds. */
export interface HeldDirectories extends Directories {
  /** Lets other servers have them. */
  release(): void;
}

/**
 * Takes hold of the data directory and recovers what is in it; a new one gets its first snapshot.
 * @param seed - of the tree's path hash
 * @throws DataDirectoryError, DamagedError, FormatError, DiskError
 */
export function openDatabase(config: QuollConfig, seed: number, progress: RecoveryProgress, log: Log): Database {
  const directories = holdDirectories(config);
  try {
    return { ...recoverDatabase(config, directories, seed, progress, log), ...directories };
  } catch (error) {
    directories.release();
    throw error;
  }
}

/** Creates what is missing of the directories, and sees to it that no other server uses them. @throws DataDirectoryError */
export function holdDirectories(config: QuollConfig): HeldDirectories {
  const snapDirectory = join(config.dataDir, VERSION_DIRECTORY);
  const logDirectory = join(config.dataLogDir, VERSION_DIRECTORY);
  prepareDirectories(new NodeDisk(), { snapDirectory, logDirectory }, config.datadirAutocreate);
  const locks = [DirectoryLock.acquire(snapDirectory)];
  const release = () => locks.forEach((lock) => void lock.release());
  try {
    if (logDirectory !== snapDirectory) locks.push(DirectoryLock.acquire(logDirectory));
  } catch (error) {
    release();
    throw error;
  }
  return { snapDirectory, logDirectory, release };
}

/** Recovers what is in the directories; new ones get their first snapshot. */
export function recoverDatabase(
  config: QuollConfig,
  directories: Directories,
  seed: number,
  progress: RecoveryProgress,
  log: Log,
): Recovered<DataTree> {
  const disk = new NodeDisk();
  const treeOptions = dataTreeOptions(config, seed);
  const factory = {
    create: () => new DataTree(treeOptions),
    load: (source: Parameters<typeof DataTree.deserialize>[0]) => DataTree.deserialize(source, treeOptions),
  };
  const { snapDirectory, logDirectory } = directories;
  const options = {
    snapDirectory,
    logDirectory,
    autocreateDirectories: config.datadirAutocreate,
    autocreateDatabase: config.dbAutocreate,
    trustEmptySnapshot: config.snapshot.trustEmpty,
    initialZxid: 0,
    acceptDigestMismatch: config.acceptDigestMismatch,
  };
  const recovered = recover(disk, snapshotCodecs, factory, options, progress, log);
  // A directory from before 3.5 has no config znode.
  recovered.state.addConfigNode();
  if (recovered.isNew) {
    const frozen = recovered.state.freeze();
    writeTreeSnapshot(disk, snapDirectory, snapshotCodecs, frozen, snapshotOptions(config), () => {});
    recovered.state.release();
  }
  return recovered;
}

/** What the configuration says of the tree. */
export function dataTreeOptions(config: QuollConfig, seed: number): DataTreeOptions {
  return {
    seed,
    digestEnabled: config.digestEnabled,
    extendedTypesEnabled: config.extendedTypesEnabled,
    emulate353TTLNodes: config.emulate353TTLNodes,
    childrenListsMax: config.childrenListsMax,
  };
}

/** What the configuration says of snapshots' contents. */
export function snapshotOptions(config: QuollConfig): TreeSnapshotOptions {
  return {
    compression: config.snapshot.compression === "none" ? "" : config.snapshot.compression,
    digestEnabled: config.digestEnabled,
    lastProcessedZxid: config.snapshot.serializeLastProcessedZxid,
  };
}
