import type { LearnerType, Member } from "./member.js";

/**
 * The servers of an ensemble at one version of its configuration, and which of their sets are quorums. Immutable, but for
 * {@link updateNeedOracle}. Any two quorums of one verifier share a server (unless the oracle says that one may act alone).
 */
export interface QuorumVerifier {
  /** The zxid of the change that made this configuration; 0 when it comes from zoo.cfg itself. */
  readonly version: number;
  /** All servers by sid. */
  readonly members: ReadonlyMap<number, Member>;
  readonly votingMembers: ReadonlyMap<number, Member>;
  readonly observers: ReadonlyMap<number, Member>;
  /** Whether these servers are a quorum. Those that do not vote are not counted. */
  containsQuorum(sids: ReadonlySet<number>): boolean;
  /** How much a server's vote weighs. A server that weighs 0 may vote, but never lead. */
  weight(sid: number): number;
  /** Whether two servers are left to an oracle outside, as of the last {@link updateNeedOracle}; true at first. */
  readonly needOracle: boolean;
  /** Whether the oracle says that this one of two servers may act alone. False without an oracle. */
  askOracle(): boolean;
  /**
   * The leader tells whether it has followers; the oracle is needed while it has none.
   * @returns {@link needOracle}
   */
  updateNeedOracle(hasFollowers: boolean): boolean;
  /** Whether the other has the same servers at the same addresses with the same weights; versions do not matter. */
  sameMembers(other: QuorumVerifier): boolean;
  /** The same members as of another change. */
  withVersion(version: number): QuorumVerifier;
  /**
   * The configuration as text, as it stands in notifications, `/zookeeper/config` and `.dynamic` files: ZooKeeper's own
   * order and form, without a newline at the end.
   */
  toText(): string;
}

/** The role of a server; one that is not listed is null. */
export function typeOf(verifier: QuorumVerifier, sid: number): LearnerType | null {
  return verifier.members.get(sid)?.type ?? null;
}

/**
 * Counts votes or acknowledgements against every configuration that is in force at the moment: the committed one, and a
 * newer one that is being changed to.
 */
export class SyncedLearnerTracker {
  private readonly acks = new Set<number>();

  constructor(readonly verifiers: readonly QuorumVerifier[]) {}

  /** @returns whether the server counts in any of the configurations */
  add(sid: number): boolean {
    if (!this.verifiers.some((verifier) => verifier.votingMembers.has(sid))) return false;
    this.acks.add(sid);
    return true;
  }

  has(sid: number): boolean {
    return this.acks.has(sid);
  }

  get sids(): ReadonlySet<number> {
    return this.acks;
  }

  /** Whether there is a quorum in each of the configurations. */
  hasAllQuorums(): boolean {
    for (const verifier of this.verifiers) if (!verifier.containsQuorum(this.acks)) return false;
    return true;
  }
}
