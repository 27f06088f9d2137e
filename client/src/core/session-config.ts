import type { ServerAddress } from "./connect-string.js";

/** What a session is told at its start. All of it is checked and complete. */
export interface SessionConfig {
  readonly servers: readonly ServerAddress[];
  readonly chroot: string;
  readonly sessionTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly operationTimeoutMs: number;
  readonly readRetries: number;
  readonly readOnly: boolean;
  readonly renewSession: boolean;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly juteMaxBuffer: number;
  readonly replyMaxBytes: number;
  readonly inFlightMax: number;
  readonly queueMax: number;
  readonly hasSasl: boolean;
  /** A session of before, to be continued. */
  readonly session: SessionCredentials | null;
}

/** What lets a client come back to a session, from another process too. */
export interface SessionCredentials {
  /** Of the session. */
  readonly id: bigint;
  /** 16 bytes. */
  readonly password: Uint8Array;
}
