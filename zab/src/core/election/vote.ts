import { ProtocolError, type Reader, type Writer } from "@quoll/jute";

/** What a server that has no vote (an observer, a damaged replica) puts where a vote stands: Java's `Long.MIN_VALUE`. */
export const NO_VOTE = -(2 ** 63);

/** The sid of an observer that is not listed in the configuration: Java's `Long.MAX_VALUE`, as near as a number gets. */
export const ANONYMOUS_SID = 2 ** 63;

/** In a vote of a server that has no data yet and may not vote. */
export const NO_ZXID = -1;

/** A server's state as it stands in notifications. */
export const ServerState = { looking: 0, following: 1, leading: 2, observing: 3 } as const;
export type ServerState = (typeof ServerState)[keyof typeof ServerState];

/** Who should lead, and what that candidate has. */
export interface Candidate {
  /** The sid, or {@link NO_VOTE}. */
  readonly leader: number;
  /** The last txn in the candidate's log, or {@link NO_VOTE}, or {@link NO_ZXID}. */
  readonly zxid: number;
  /** The candidate's current epoch, or {@link NO_VOTE}. */
  readonly peerEpoch: number;
}

/** A candidate in a round of election. */
export interface Vote extends Candidate {
  /** The round: how many elections were held, as far as its sender knows. */
  readonly electionEpoch: number;
}

export const NOBODY: Candidate = { leader: NO_VOTE, zxid: NO_VOTE, peerEpoch: NO_VOTE };

/** Whether `a` has seen more than `b`: a later epoch, then more txns, then the larger sid. The order of all candidates. */
export function isAhead(a: Candidate, b: Candidate): boolean {
  if (a.peerEpoch !== b.peerEpoch) return a.peerEpoch > b.peerEpoch;
  if (a.zxid !== b.zxid) return a.zxid > b.zxid;
  return a.leader > b.leader;
}

const LONG_MIN_HI = 0x8000_0000 | 0;
const LONG_MAX_HI = 0x7fff_ffff;

/** Writes a long that may be one of the constants above. */
export function writeLong(writer: Writer, value: number): void {
  if (value === NO_VOTE) {
    writer.int(LONG_MIN_HI);
    writer.int(0);
  } else if (value === ANONYMOUS_SID) {
    writer.int(LONG_MAX_HI);
    writer.int(-1);
  } else {
    writer.long(value);
  }
}

/**
 * Reads a long that may be one of the constants above.
 * @throws {@link ProtocolError} any other value that is not within 2^53
 */
export function readLong(reader: Reader, what: string): number {
  const at = reader.at;
  const hi = reader.int();
  const lo = reader.int();
  if (hi === LONG_MIN_HI && lo === 0) return NO_VOTE;
  if (hi === LONG_MAX_HI && lo === -1) return ANONYMOUS_SID;
  const value = hi * 0x1_0000_0000 + (lo >>> 0);
  if (!Number.isSafeInteger(value)) throw new ProtocolError(what, at, "a number within 2^53", String(value));
  return value;
}
