import type { LogReading, LogSink, SnapshotSink } from "@quoll/zab";
import type { TxnLogSink } from "../server-core.js";
import type { DataTree } from "../tree/data-tree.js";
import type { FrozenTree } from "../tree/frozen-tree.js";

export type EpochKind = "accepted" | "current";

/**
 * The disk of a replica, as jobs that are done one after another, in the order in which they were asked for, each with a
 * callback that is never called from within the request. A job that fails ends the process (rule D33): there is no error to
 * handle here.
 */
export interface ReplicaStorage {
  /** The txn log. It is another file after {@link truncate} and {@link replace}, but the same sink. */
  readonly log: TxnLogSink;
  /** Bytes of the newest snapshot's file; 0 when there is none. */
  readonly snapshotSize: number;

  /** Stores an epoch durably. */
  storeEpoch(kind: EpochKind, epoch: number, done: () => void): void;
  /** Calls back when every job before is done and everything appended is durable. */
  whenDurable(done: () => void): void;
  /**
   * Cuts all txns after `zxid` off the log and recovers what is left (rules D23, D24).
   * @param done - gets the state that was recovered: at an earlier zxid if the log has no txn `zxid`
   */
  truncate(zxid: number, done: (tree: DataTree) => void): void;
  /**
   * Makes a state that came from the leader durable and puts it in the place of all that was there (rule D22). The log goes
   * on behind it.
   */
  replace(frozen: FrozenTree, done: () => void): void;
  /** See {@link import("@quoll/zab").History.readLog}. Only what is durable comes. */
  readLog(fromZxid: number, sizeLimit: number, sink: LogSink): LogReading | null;
  /** Sends a state as leaders do, in a thread of its own. @returns stops it */
  sendState(frozen: FrozenTree, sink: SnapshotSink): () => void;
}
