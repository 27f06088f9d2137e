import { join } from "node:path";
import type { Log } from "../core/capabilities.js";
import { prepareDirectories, VERSION_DIRECTORY } from "../core/storage/data-directory.js";
import { type Recovered, type RecoveryProgress, recover } from "../core/storage/recovery.js";
import { type TreeSnapshotOptions, writeTreeSnapshot } from "../core/storage/tree-snapshot.js";
import { DataTree } from "../core/tree/data-tree.js";
import type { QuollConfig } from "./config/quoll-config.js";
import { DirectoryLock } from "./disk/directory-lock.js";
import { NodeDisk } from "./disk/node-disk.js";
import { snapshotCodecs } from "./disk/snapshot-codecs.js";

/** A data directory that this process holds, and the state that was recovered from it. */
export interface Database extends Recovered<DataTree> {
  readonly snapDirectory: string;
  readonly logDirectory: string;
  /** Lets other servers have the directory. */
  release(): void;
}

/**
 * Takes hold of the data directory and recovers what is in it; a new one gets its first snapshot.
 * @param seed - of the tree's path hash
 * @throws DataDirectoryError, DamagedError, FormatError, DiskError
 */
export function openDatabase(config: QuollConfig, seed: number, progress: RecoveryProgress, log: Log): Database {
  const disk = new NodeDisk();
  const snapDirectory = join(config.dataDir, VERSION_DIRECTORY);
  const logDirectory = join(config.dataLogDir, VERSION_DIRECTORY);
  const directories = { snapDirectory, logDirectory };
  prepareDirectories(disk, directories, config.datadirAutocreate);
  const locks = [DirectoryLock.acquire(snapDirectory)];
  try {
    if (logDirectory !== snapDirectory) locks.push(DirectoryLock.acquire(logDirectory));
    const treeOptions = {
      seed,
      digestEnabled: config.digestEnabled,
      extendedTypesEnabled: config.extendedTypesEnabled,
      emulate353TTLNodes: config.emulate353TTLNodes,
    };
    const factory = {
      create: () => new DataTree(treeOptions),
      load: (source: Parameters<typeof DataTree.deserialize>[0]) => DataTree.deserialize(source, treeOptions),
    };
    const options = {
      ...directories,
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
    return { ...recovered, ...directories, release: () => locks.forEach((lock) => void lock.release()) };
  } catch (error) {
    for (const lock of locks) lock.release();
    throw error;
  }
}

/** What the configuration says of snapshots' contents. */
export function snapshotOptions(config: QuollConfig): TreeSnapshotOptions {
  return {
    compression: config.snapshot.compression === "none" ? "" : config.snapshot.compression,
    digestEnabled: config.digestEnabled,
    lastProcessedZxid: config.snapshot.serializeLastProcessedZxid,
  };
}
