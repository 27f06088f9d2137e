/**
 * What happened to a watched path:
 * - `NodeCreated`, `NodeDeleted`, `NodeDataChanged`, `NodeChildrenChanged`: as ZooKeeper has them;
 * - `DataWatchRemoved`, `ChildWatchRemoved`, `PersistentWatchRemoved`: `removeWatches` took this watch away;
 * - `Gap`: events may have been missed (a persistent watch was set again after a reconnect, or a {@link WatchQueue}
 *   overflowed). The watch works again: read anew what is derived from it;
 * - `SessionEnded`: the session has expired, failed to authenticate, or was closed. This watch is gone.
 */
export type WatchEventType =
  | "NodeCreated"
  | "NodeDeleted"
  | "NodeDataChanged"
  | "NodeChildrenChanged"
  | "DataWatchRemoved"
  | "ChildWatchRemoved"
  | "PersistentWatchRemoved"
  | "Gap"
  | "SessionEnded";

/** One event of a watch. */
export interface WatchEvent {
  /** What happened. */
  readonly type: WatchEventType;
  /** The path to which it happened: for a recursive watch perhaps one below; for Gap and SessionEnded the watched one. */
  readonly path: string;
  /** zxid of the change. -1n where the server did not say (before 3.9, and for what is caught up after a reconnect). */
  readonly zxid: bigint;
}

/** Gets the events of a watch, in order and never before the answer to an earlier request. */
export type WatchListener = (event: WatchEvent) => void;

/** Which watches of a path are meant, for `checkWatches` and `removeWatches`. */
export type WatcherType = "children" | "data" | "any" | "persistent" | "persistentRecursive";

/** `persistent`: the znode and its list of children. `persistentRecursive`: all data and znodes at and below the path. */
export type AddWatchMode = "persistent" | "persistentRecursive";
