import type { ByteSource } from "./byte-stream.js";

/** What recovery fills from snapshot and txn log: the data tree, as storage sees it. */
export interface StateMachine {
  /** The last txn whose effects are contained. Recovery sets it after loading a snapshot; `apply` moves it on. */
  lastProcessedZxid: number;
  /** The tree's digest, two int32 halves. */
  readonly digestHi: number;
  readonly digestLo: number;
  /** Applies one txn log payload. A ProtocolError means that the payload is none. */
  apply(bytes: Uint8Array, start: number, end: number, listener: null): void;
}

export interface StateFactory<S extends StateMachine> {
  /** The state of a new database. */
  create(): S;
  /** Reads a snapshot's body. */
  load(source: ByteSource): S;
}
