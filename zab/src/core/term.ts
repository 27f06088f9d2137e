import type { Log } from "./capabilities.js";
import type { QuorumVerifier } from "./membership/index.js";
import type { PeerEvents } from "./peer-events.js";
import type { PeerOptions } from "./peer-options.js";
import type { Replica } from "./replica.js";

/** How far a term has come. */
export type Phase = "DISCOVERY" | "SYNCHRONIZATION" | "BROADCAST";

/**
 * One time of leading or following, from the election to its end. It owns its links, timers and queues, and ends as a
 * whole; what is left of an earlier one can't reach the next.
 */
export interface Term {
  readonly phase: Phase;
  readonly leaderSid: number;
  /** 0 while it is not decided. */
  readonly epoch: number;
  readonly nextDeadlineMs: number;
  start(): void;
  /** The time has gone on, perhaps by much: called before all else in a turn. */
  clock(): void;
  tick(): void;
  /** Closes everything; called once by the host, which tells the rest. */
  close(): void;

  logSynced(zxid: number): void;
  epochStored(kind: "accepted" | "current", epoch: number): void;
  truncated(zxid: number): void;
  snapshotStored(zxid: number): void;
}

/** What a term has of its peer. */
export interface TermHost {
  readonly options: PeerOptions;
  readonly replica: Replica;
  readonly log: Log;
  readonly events: PeerEvents;
  readonly nowMs: number;
  /** The membership in force. */
  readonly verifier: QuorumVerifier;
  /** The newest that was proposed; {@link verifier} if none is newer. */
  readonly lastSeenVerifier: QuorumVerifier;
  /** The replica's data can't be trusted: it is not counted, and takes a snapshot. */
  readonly isDamaged: boolean;
  /** The log does not hold what the leader thinks that it holds. */
  historiesDisagree(): void;
  sawMembership(verifier: QuorumVerifier): void;
  /**
   * A membership is committed.
   * @param designatedLeader - who leads from now on; null: to be elected if it must change
   * @returns whether this server's term must end, as its role or its leader changes
   */
  activateMembership(verifier: QuorumVerifier, designatedLeader: number | null): boolean;
  /** The service has begun: the election's answers name the epoch. */
  serving(term: Term): void;
  end(term: Term, reason: string): void;
}

/** The memberships whose quorums must agree: the one in force, and one that is being changed to. */
export function verifiersInForce(host: TermHost): QuorumVerifier[] {
  const { verifier, lastSeenVerifier } = host;
  return lastSeenVerifier.version > verifier.version ? [verifier, lastSeenVerifier] : [verifier];
}

export function areQuorum(verifiers: readonly QuorumVerifier[], sids: ReadonlySet<number>): boolean {
  for (let i = 0; i < verifiers.length; i++) if (!verifiers[i].containsQuorum(sids)) return false;
  return true;
}
