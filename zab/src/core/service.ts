import type { Writer } from "@quoll/jute";

/** Whoever a request or a session belongs to: a learner, or the leader's own server. Compared by identity. */
export type Origin = object;

/** What the leader needs of its server. */
export interface LeaderService {
  /**
   * A write that a learner's client has sent. It is prepared in the order of all requests and proposed by
   * {@link Broadcast.propose}.
   * @param bytes - `start` to `end` is the request's record; valid during the call only
   * @param authInfo - what the learner knows of its client: the jute vector of Id, `authStart` to `authEnd` of `bytes`
   */
  request(
    origin: Origin,
    sessionHi: number,
    sessionLo: number,
    cxid: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    authStart: number,
    authEnd: number,
  ): void;
  /** A learner's client has asked for sync; {@link Broadcast.synced} is called when everything before it is committed. */
  sync(origin: Origin, sessionHi: number, sessionLo: number, cxid: number): void;
  /** A learner has heard of a session's client. */
  touched(sessionHi: number, sessionLo: number, timeoutMs: number): void;
  /** A client came to a learner with this session: hands it over. @returns whether the session is alive */
  revalidate(origin: Origin, sessionHi: number, sessionLo: number, timeoutMs: number): boolean;
  /** All txns up to `zxid` are committed: applies and answers them. */
  committed(zxid: number): void;
  /** A learner is gone: its sessions may be claimed by any other. */
  left(origin: Origin): void;
}

/** What the server of a leader has of it. */
export interface Broadcast {
  /** A txn is appended to the log; now every follower gets it. The bytes are valid during the call only. */
  propose(bytes: Uint8Array, start: number, end: number, zxid: number): void;
  /** Everything that was outstanding when `origin` asked for sync is committed. */
  synced(origin: Origin, sessionHi: number, sessionLo: number, cxid: number): void;
}

/** What a learner needs of its server. */
export interface LearnerService {
  /** A txn is committed. On followers it was appended before; its bytes are in the log and with the server. */
  committed(zxid: number): void;
  /** The leader's answer to {@link Forward.revalidate}. */
  revalidated(sessionHi: number, sessionLo: number, isValid: boolean): void;
  /** The leader's answer to {@link Forward.sync}: every txn before it is committed here, too. */
  synced(sessionHi: number, sessionLo: number, cxid: number): void;
  /** Writes the sessions heard of since the last call, each as a long id and an int timeout in ms. */
  writeTouched(to: Writer): void;
}

/** What the server of a learner has of its leader. */
export interface Forward {
  /**
   * Sends a write to the leader; its txn comes back as a proposal and a commit.
   * @param authInfo - the jute vector of Id of its client
   */
  request(
    sessionHi: number,
    sessionLo: number,
    cxid: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    authInfo: Uint8Array,
  ): void;
  sync(sessionHi: number, sessionLo: number, cxid: number): void;
  revalidate(sessionHi: number, sessionLo: number, timeoutMs: number): void;
}
