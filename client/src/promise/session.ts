import type { SessionCredentials } from "../core/session-config.js";

/** A session with the ensemble: what ephemerals, watches and locks belong to. */
export interface Session {
  /** As the servers know it, and as `ephemeralOwner` shows it. */
  readonly id: bigint;
  /** As negotiated with the server, ms. */
  readonly timeoutMs: number;
  /** For another client, to continue it. */
  readonly credentials: SessionCredentials;
  /**
   * Fires when the session has ended: expired, not authenticated, or closed. The reason is a {@link KeeperError} or a
   * {@link ClosedError}.
   */
  readonly signal: AbortSignal;
  /**
   * Until when, by the platform's clock, no server can have expired it: a session timeout after the last request that was
   * sent and has been answered. Whoever must not act on after an expiry stops there, connected or not.
   */
  readonly aliveUntilMs: number;
}
