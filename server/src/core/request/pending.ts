import type { Connection } from "../connection.js";

/** The zxid of what has no txn: a read, or a request that is answered by a code alone. */
export const NO_TXN = -1;
/** The zxid of a request that the leader was asked for, until its txn comes back. */
export const AWAITED = 0;

/**
 * A request that is not answered yet: a write that waits for its txn to be committed and applied, or a read that waits for
 * the writes before it on its connection. Every request has the same shape.
 */
export class Pending {
  constructor(
    /** Null for the server's own writes, such as the end of an expired session, and for those of other servers' clients. */
    readonly connection: Connection | null,
    readonly type: number,
    readonly xid: number,
    /** The txn's zxid, {@link NO_TXN} or {@link AWAITED}. */
    public zxid: number,
    /** The code that the request fails with, if it is known already; else 0. */
    public err: number,
    /** `start` to `end` of `bytes` is the txn, or a read's body (a copy of its own). */
    public bytes: Uint8Array,
    public start: number,
    public end: number,
    /** When it came, ms of the monotonic clock. */
    readonly createdAtMs: number,
  ) {}

  /** The request's txn has come back. */
  committedAs(zxid: number, err: number, bytes: Uint8Array, start: number, end: number): void {
    this.zxid = zxid;
    this.err = err;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }
}
