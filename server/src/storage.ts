/** For offline tools: the files of a data directory, without a server. */
export type { Log } from "./core/capabilities.js";
export { LongMap } from "./core/long-map.js";
export { OpCode } from "./core/op-code.js";
export { adler32 } from "./core/storage/adler32.js";
export {
  type Directories,
  listLogs,
  listSnapshots,
  VERSION_DIRECTORY,
} from "./core/storage/data-directory.js";
export type { Disk, FileHandle } from "./core/storage/disk.js";
export { DryRunDisk, type PlannedChange } from "./core/storage/dry-run-disk.js";
export { LogChain, type LogGap } from "./core/storage/log-chain.js";
export { LogEntryStream } from "./core/storage/log-entry-stream.js";
export { type Epochs, readEpochs } from "./core/storage/number-file.js";
export { type Purged, purge } from "./core/storage/purge.js";
export { type Recovered, type RecoveryOptions, type RecoveryProgress, recover } from "./core/storage/recovery.js";
export type { SnapshotCodecs } from "./core/storage/snapshot-codec.js";
export { parseSnapshotName, type SnapshotName, snapshotName } from "./core/storage/snapshot-format.js";
export { type LoadedSnapshot, readSnapshot } from "./core/storage/snapshot-reader.js";
export { type SnapshotNode, type SnapshotVisitor, walkSnapshot } from "./core/storage/snapshot-walk.js";
export { DamagedError, DataDirectoryError, DiskError, FormatError } from "./core/storage/storage-error.js";
export { readSyncMark, SYNC_MARK_NAME, type SyncPoint } from "./core/storage/sync-mark.js";
export { writeTreeSnapshot } from "./core/storage/tree-snapshot.js";
export {
  encodeLogHeader,
  follows,
  hex,
  LOG_HEADER_SIZE,
  logName,
  zxidOfLogName,
} from "./core/storage/txn-log-format.js";
export { type Tail, TxnLogReader } from "./core/storage/txn-log-reader.js";
export { type TxnLogOptions, TxnLogWriter } from "./core/storage/txn-log-writer.js";
export { DataTree, type DataTreeOptions } from "./core/tree/data-tree.js";
export { NO_ROW, type Row } from "./core/tree/tree.js";
export { parseProperties } from "./node/config/properties.js";
export { DirectoryLock } from "./node/disk/directory-lock.js";
export { NodeDisk } from "./node/disk/node-disk.js";
export { snapshotCodecs } from "./node/disk/snapshot-codecs.js";
