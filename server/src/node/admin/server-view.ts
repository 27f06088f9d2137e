import type { ConnectionStats, ServerStats } from "../../core/stats.js";
import type { QuollConfig } from "../config/quoll-config.js";
import type { QuorumView } from "./quorum-view.js";

/** A 64-bit value as two signed or unsigned int32 halves. */
export interface Int64 {
  readonly hi: number;
  readonly lo: number;
}

/** One connection, as `cons` and `stat` show it. */
export interface ConnectionView {
  /** Without brackets when it is an IPv6 address. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** java.nio's interest set: 1 while the server reads from it, 4 while it has bytes to write, 5 both, 0 none. */
  readonly interestOps: number;
  /** Requests that came and are not answered. */
  readonly outstanding: number;
  /** Both halves 0 before it has a session. */
  readonly sessionId: Int64;
  readonly sessionTimeoutMs: number;
  readonly stats: ConnectionStats;
}

/** What expires together, with the wall clock at which it does. */
export interface ExpiryBucket<T> {
  readonly expireAtWallMs: number;
  readonly members: readonly T[];
}

export interface SessionEphemerals {
  readonly sessionId: Int64;
  readonly paths: Iterable<string>;
}

/**
 * What the four-letter words show of a running server. The shell implements it; every member is read when a word is
 * asked for, so nothing here is on the path of a request. Enumerations come in any order.
 */
export interface ServerView {
  readonly config: QuollConfig;
  readonly stats: ServerStats;
  /** False from before recovery is done to the stop: then most words answer that the server is not serving. */
  readonly serving: boolean;
  readonly readOnly: boolean;
  readonly mode: "standalone" | "leader" | "follower" | "observer" | "read-only";

  /** Null for a server that is not a member of an ensemble. */
  readonly quorum: QuorumView | null;

  /** The ports that are bound; -1 for none. */
  readonly clientPort: number;
  readonly secureClientPort: number;
  /** 0 for a standalone server. */
  readonly serverId: number;
  /** `version-2` in dataDir and dataLogDir. */
  readonly snapDir: string;
  readonly logDir: string;
  /** Bytes of the files in them. */
  snapDirSize(): number;
  logDirSize(): number;

  readonly uptimeMs: number;
  readonly lastProcessedZxid: number;
  readonly outstandingRequests: number;
  readonly znodeCount: number;
  readonly ephemeralsCount: number;
  readonly approximateDataSize: number;
  /** Data and child watches together. */
  readonly watchCount: number;
  readonly globalSessions: number;
  readonly localSessions: number;
  /** Connections open now, those that ask four-letter words included. */
  readonly aliveConnections: number;
  readonly connectionDropProbability: number;
  /** -1 where the system does not say. */
  readonly openFileDescriptorCount: number;
  readonly maxFileDescriptorCount: number;

  connections(): Iterable<ConnectionView>;
  /** Buckets of the sessions that expire here, in order of expiry: those that all servers know, or the local ones. */
  sessionBuckets(kind: "global" | "local"): ReadonlyArray<ExpiryBucket<Int64>>;
  /** The sessions that all servers know, in order of their ids as signed numbers. */
  committedSessions(): ReadonlyArray<{ readonly sessionId: Int64; readonly timeoutMs: number }>;
  ephemerals(): Iterable<SessionEphemerals>;
  /** Buckets of connections in order of expiry. */
  connectionBuckets(): ReadonlyArray<ExpiryBucket<ConnectionView>>;

  /** Of data watches (getData, exists, and persistent ones), which is what ZooKeeper counts here. */
  watchSummary(): { readonly connections: number; readonly paths: number; readonly watches: number };
  watchesByConnection(): Iterable<{ readonly sessionId: Int64; readonly paths: Iterable<string> }>;
  watchesByPath(): Iterable<{ readonly path: string; readonly sessionIds: Iterable<Int64> }>;
  /** The tree's digest at recent zxids, oldest first: one in every 128 txns. */
  digestLog(): Iterable<{ readonly zxid: number; readonly digest: Int64 }>;

  /** The mask that `stmk` sets and `gtmk` shows. Nothing else reads it. */
  traceMask: bigint;
}
