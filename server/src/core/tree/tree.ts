import type { Writer } from "@quoll/jute";

/** A znode's row number: dense, reused after deletion, valid until the next change of the tree. */
export type Row = number;

export const NO_ROW: Row = -1;

/** ACL id of `world:anyone` with all permissions, as on disk. */
export const OPEN_ACL_ID = -1;

/**
 * The znodes: what a server replicates, without sessions. Two implementations: the flat one, and a naive twin for
 * property tests. All 64-bit counts are numbers (checked to be within 2^53), ephemeral owners are two int32 halves.
 */
export interface Tree {
  /** @returns the row of the znode at that path, or {@link NO_ROW}. `/` is a path like any other. */
  find(bytes: Uint8Array, start: number, end: number): Row;
  parent(row: Row): Row;
  /** ZooKeeper's node count: all znodes with the system ones, `/` twice since it has an alias (the empty path). */
  readonly count: number;

  version(row: Row): number;
  /** The stored cversion, which counts creates only. The one in a Stat is `2 * stored - childCount`. */
  cversion(row: Row): number;
  aversion(row: Row): number;
  czxid(row: Row): number;
  mzxid(row: Row): number;
  pzxid(row: Row): number;
  ctime(row: Row): number;
  mtime(row: Row): number;
  childCount(row: Row): number;
  aclId(row: Row): number;
  ownerHi(row: Row): number;
  ownerLo(row: Row): number;
  /** Bytes of data; -1 when the data is null. */
  dataLength(row: Row): number;

  /** Appends the 68-byte wire Stat. Container and TTL owners are sent as 0. */
  writeStat(row: Row, to: Writer): void;
  /** Appends the data as a jute buffer (-1 for null). */
  writeData(row: Row, to: Writer): void;
  /** Appends the children's names as a jute vector of strings, in no particular order. */
  writeChildren(row: Row, to: Writer): void;
  /** Appends the full path as a jute string. */
  writePath(row: Row, to: Writer): void;
}

/**
 * Told of what a txn does while it is applied, in the order in which it happens. During recovery there is none.
 * `bytes, start, end` is the znode's path inside the txn and is valid during the call only.
 */
export interface ApplyListener {
  /** `row` was created under `parent`. */
  created(bytes: Uint8Array, start: number, end: number, row: Row, parent: Row, zxid: number): void;
  /** The znode is gone; `aclId` was its ACL. */
  deleted(bytes: Uint8Array, start: number, end: number, aclId: number, parent: Row, zxid: number): void;
  dataChanged(bytes: Uint8Array, start: number, end: number, row: Row, zxid: number): void;
  /**
   * One operation of the txn is done: the only one, or the next one of a multi, whose end is not told apart.
   * @param type - the operation's opcode (a multi tells its parts, not itself)
   * @param err - 0, or ZooKeeper's error code
   * @param row - the znode that was created or changed, or {@link NO_ROW}
   */
  applied(type: number, err: number, row: Row): void;
  sessionCreated(idHi: number, idLo: number, timeoutMs: number): void;
  sessionClosed(idHi: number, idLo: number): void;
}
