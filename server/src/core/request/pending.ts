import type { Connection } from "../connection.js";

/**
 * A request that is not answered yet: a write that waits for its txn to be durable and applied, or a read that waits for
 * the writes before it on its connection. Every request has the same shape.
 */
export class Pending {
  constructor(
    /** Null for the server's own writes, such as the end of an expired session. */
    readonly connection: Connection | null,
    readonly type: number,
    readonly xid: number,
    /** The txn's zxid; -1 for a read and for what is answered by `err` alone. */
    readonly zxid: number,
    /** The code that the request fails with, if it is known already; else 0. */
    readonly err: number,
    /** `start` to `end` of `bytes` is the txn, or a read's body (a copy of its own). */
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly end: number,
    /** When it came, ms of the monotonic clock. */
    readonly createdAtMs: number,
  ) {}
}
