/**
 * What replication needs of the state that it replicates: a txn log, a state machine behind it, and two epochs. The server
 * implements it; tests and the simulator have small ones of their own.
 *
 * What takes the disk's time is asked for here and answered by an event of {@link ReplicaEvents}, which carries the term
 * of the question: an answer of an earlier term changes nothing. Nothing may be told to another server before the event
 * says that it is durable.
 *
 * Between terms log and state are equal: {@link Replica.settle} applies what was logged and not committed.
 */
export interface Replica {
  /** The last txn in the log. Durable when a term begins. 0 when there is none. */
  readonly lastLoggedZxid: number;
  /** The last txn that is applied. */
  readonly lastCommittedZxid: number;
  /** As last stored durably. */
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  /** Acknowledged data on this disk is damaged: it may not vote or count (rule D7), and takes all data from the leader. */
  readonly isDamaged: boolean;

  /** Stores an epoch; {@link ReplicaEvents.epochStored} follows. */
  storeAcceptedEpoch(epoch: number): void;
  storeCurrentEpoch(epoch: number): void;

  // --- following

  /** Appends a proposal; {@link ReplicaEvents.synced} follows. The bytes are copied. It must be the successor of the last. */
  append(bytes: Uint8Array, start: number, end: number, zxid: number): void;
  /** Applies what was appended, up to and with `zxid`, in order. */
  commit(zxid: number): void;
  /** Takes all txns after `zxid` out of log and state; {@link ReplicaEvents.truncated} follows. */
  truncate(zxid: number): void;
  /**
   * A whole state is coming, as of `zxid`. Nothing of the old one is touched before it is complete.
   * {@link ReplicaEvents.snapshotStored} follows its last byte.
   */
  receiveSnapshot(zxid: number): SnapshotReceiver;
  /**
   * The term is over, or everything of the synchronization is logged: applies what was logged and not committed, as far
   * as it is durable, so that log and state are equal; {@link ReplicaEvents.settled} follows.
   */
  settle(): void;

  // --- leading

  readonly history: History;
  /**
   * Sends the whole state as of a moment that is fixed before this returns.
   * @returns the zxid of that moment, and how to stop
   */
  sendSnapshot(sink: SnapshotSink): { readonly zxid: number; stop(): void };
}

/** Where the bytes of a snapshot that is being received go. */
export interface SnapshotReceiver {
  /**
   * @returns how many bytes belonged to the snapshot: fewer than there were when it is complete
   * @throws ProtocolError when they are none
   */
  write(bytes: Uint8Array, start: number, end: number): number;
  readonly isComplete: boolean;
  /** The sender is gone: what has come is thrown away. */
  abandon(): void;
}

/** Where the bytes of a snapshot that is being sent go. */
export interface SnapshotSink {
  /** Takes the bytes, valid during the call only. @returns false to be asked again by the caller of `resume` later */
  bytes(chunk: Uint8Array, resume: () => void): boolean;
  end(): void;
  failed(reason: string): void;
}

/** The committed txns that are at hand, oldest first. */
export interface History {
  /** The oldest and the newest txn in memory; both 0 when there is none. Without gaps in between. */
  readonly minZxid: number;
  readonly maxZxid: number;
  /** Visits the txns in memory after `zxid`, in order. */
  forEachAfter(zxid: number, visit: (bytes: Uint8Array, start: number, end: number, zxid: number) => void): void;
  /**
   * Reads txns of the log on disk from the last one that is at most `zxid` on, up to {@link maxZxid}; for a learner that
   * is too far behind for the memory. Nothing but committed txns of this history come.
   * @param sizeLimit - bytes of log above which a snapshot is cheaper
   * @returns null when the log does not reach back so far or is too large
   */
  readLog(zxid: number, sizeLimit: number, sink: LogSink): LogReading | null;
  /** Bytes of the newest snapshot; 0 when there is none. */
  readonly snapshotSize: number;
}

export interface LogSink {
  /** @returns false to pause until {@link LogReading.resume} */
  txn(bytes: Uint8Array, start: number, end: number, zxid: number): boolean;
  end(): void;
  failed(reason: string): void;
}

export interface LogReading {
  resume(): void;
  stop(): void;
}

/** What a {@link Replica} answers with. `term` is the one of the question. */
export interface ReplicaEvents {
  /** All txns up to `zxid` are durable. */
  synced(zxid: number): void;
  epochStored(kind: "accepted" | "current", epoch: number): void;
  /** @param zxid - the last txn that is left; another one than asked for means that the histories disagree (rule D24) */
  truncated(zxid: number): void;
  /** The state that came is durable and in force; log and state are at its zxid. */
  snapshotStored(zxid: number): void;
  settled(): void;
}
