import type { Long } from "@quoll/jute";
import type { ByteSource } from "./byte-stream.js";

/** What recovery fills from snapshot and txn log: the data tree, as storage sees it. */
export interface StateMachine {
  /** The last txn whose effects are contained. Recovery sets it after loading a snapshot; `apply` moves it on. */
  lastProcessedZxid: number;
  /** Applies one txn log payload and compares the digest that it may carry. A ProtocolError means that it is no payload. */
  apply(bytes: Uint8Array, start: number, end: number, listener: null): void;
  /** Tells the digest that the tree has after txn `zxid`; until that txn the loaded snapshot may be fuzzy. */
  expectDigest(zxid: number, version: number, digest: Long, snapshotZxid: number): void;
  /** Compares with the expected digest if it belongs to this zxid. */
  compareSnapshotDigest(zxid: number): void;
  /** Set when the snapshot had no digest: it may hold later changes, nobody knows how far. */
  mayBeFuzzy: boolean;
  /** The snapshot's digest was not the state's when its txn came, and no txn has come since to decide. */
  readonly isInDoubt?: boolean;
  /** Whether the txn of the expected digest was not reached yet. */
  readonly isFuzzy: boolean;
  /** How many digests of txns or of the snapshot were not the tree's. */
  readonly digestMismatches: number;
}

export interface StateFactory<S extends StateMachine> {
  /** The state of a new database. */
  create(): S;
  /** Reads a snapshot's body. */
  load(source: ByteSource): S;
}
