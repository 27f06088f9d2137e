import type { ACL } from "../core/acl.js";
import type { SessionCredentials } from "../core/session-config.js";
import type { WatchListener } from "../core/watch-event.js";
import type { Session } from "./session.js";
import type { WatchQueue } from "./watch-queue.js";

/** How a client behaves. All have defaults. */
export interface ClientOptions {
  /** The session timeout to ask for, ms; the server may give another one. 30,000 by default. */
  readonly sessionTimeoutMs?: number;
  /** How long one attempt may take until the session is established, ms. The session timeout divided by the servers by default. */
  readonly connectTimeoutMs?: number;
  /** After how long an operation without a timeout of its own is given up, ms; 30,000 by default, 0 for never. */
  readonly operationTimeoutMs?: number;
  /** How many times a read is sent again after its connection was lost; 10 by default. Writes never are. */
  readonly readRetries?: number;
  /** Whether a server without a quorum will do until there is a better one; false by default. */
  readonly readOnly?: boolean;
  /** Whether a new session is made after the old one has expired; true by default. */
  readonly renewSession?: boolean;
  /** Continues a session of another client, instead of making one. */
  readonly session?: SessionCredentials;
  /** How long to wait between attempts to connect, with jitter. */
  readonly backoff?: Backoff;
  /** Sent on every connection before anything else. `addAuth` appends to these. */
  readonly auth?: readonly AuthInfo[];
  /** Authenticates every connection by SASL. */
  readonly sasl?: SaslMechanism;
  /** The longest request, bytes, as the servers have it: 1,048,575 by default. A longer one is refused here. */
  readonly juteMaxBuffer?: number;
  /** The longest reply, bytes; 64 MiB by default. A longer one fails its request, and only that. */
  readonly replyMaxBytes?: number;
  /** How many requests may be on the wire at once; 1,000 by default. Others wait for their turn. */
  readonly inFlightMax?: number;
  /** How many requests may wait; 100,000 by default. Beyond, operations fail at once with a {@link LimitError}. */
  readonly queueMax?: number;
  /** Told in words what happens to the connection. */
  readonly log?: (message: string) => void;
}

/** Waits between attempts to connect. */
export interface Backoff {
  /** The longest wait in the first round through all servers, ms; 100 by default. It doubles with every round. */
  readonly minMs?: number;
  /** The longest wait in any round, ms; 2,000 by default. */
  readonly maxMs?: number;
}

/** An identity for the server to check. */
export interface AuthInfo {
  /** For instance `digest`. */
  readonly scheme: string;
  /** What the scheme needs, for instance `user:password`. */
  readonly auth: Uint8Array | string;
}

/** The client's side of a SASL mechanism. One is made for each connection. */
export interface SaslMechanism {
  /** Begins an authentication. */
  start(): SaslExchange;
}

/** One authentication. */
export interface SaslExchange {
  /**
   * @param challenge - from the server; null for the first token
   * @returns the next token for the server, or null when the exchange is complete
   */
  step(challenge: Uint8Array | null): Uint8Array | null | Promise<Uint8Array | null>;
}

/** What every operation takes. */
export interface OperationOptions {
  /** Gives the operation up. A write that was sent may still be carried out. */
  readonly signal?: AbortSignal | undefined;
  /** After how long it is given up, ms; 0 for never. */
  readonly timeoutMs?: number | undefined;
  /** Only in this session: fails with SessionExpired once it has ended, instead of running in a new one. */
  readonly session?: Session | undefined;
}

/** What reads take that can set a watch. */
export interface ReadOptions extends OperationOptions {
  /** Gets the next event of the znode, once. */
  readonly watch?: WatchListener | WatchQueue | undefined;
}

/** What operations take that compare a version. */
export interface VersionOptions extends OperationOptions {
  /** The version expected; any by default. */
  readonly version?: number | undefined;
}

/** Data to store: bytes (not copied: leave them alone until the operation is done), text as UTF-8, or null. */
export type Data = Uint8Array | string | null;

/** What kind of znode to create. */
export type CreateMode =
  | "persistent"
  | "persistentSequential"
  | "ephemeral"
  | "ephemeralSequential"
  | "container"
  | "persistentWithTtl"
  | "persistentSequentialWithTtl";

/** What can be said about a znode to be created, alone or in a multi. */
export interface NodeOptions {
  /** `persistent` by default. */
  readonly mode?: CreateMode | undefined;
  /** {@link Acls.open} by default. */
  readonly acl?: readonly ACL[] | undefined;
  /** For the modes with TTL: how long it may live without children and unmodified, 1 to 2^40 - 1 ms. */
  readonly ttlMs?: number | undefined;
}

/** What `create` takes. */
export interface CreateOptions extends NodeOptions, OperationOptions {
  /** Creates missing parents of this kind first, with the same ACL. */
  readonly parents?: "persistent" | "container" | undefined;
  /**
   * Puts `_c_GUID-` before the name, as Curator does. When the connection is lost before the answer, the znode is looked
   * for by that and found or created again, so that there is never one that nobody knows of. A string is used as the GUID.
   */
  readonly protection?: boolean | string | undefined;
}
