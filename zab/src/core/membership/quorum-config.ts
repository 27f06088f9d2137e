import type { HostPort } from "../link.js";
import { HierarchicalQuorum } from "./hierarchical-quorum.js";
import { MajorityQuorum, type Oracle } from "./majority-quorum.js";
import type { LearnerType, Member } from "./member.js";
import { MembershipError } from "./membership-error.js";
import type { QuorumVerifier } from "./quorum-verifier.js";

/** More servers than any ensemble has: what bounds a configuration that somebody sent. */
export const MEMBERS_MAX = 1024;

/** The members of an ensemble, and how their votes count. */
export interface QuorumConfig {
  readonly version: number;
  readonly members: readonly Member[];
  /** Group number to sids; empty for a plain majority. */
  readonly groups: ReadonlyMap<number, readonly number[]>;
  /** Sid to weight, where a line gives one; every other server weighs 1. */
  readonly weights: ReadonlyMap<number, number>;
}

/**
 * The verifier that a configuration asks for: by groups if there are groups or weights, else by majority.
 * @param oracle - for ensembles of two servers; as in ZooKeeper, groups are not looked at when there is one
 * @throws {@link MembershipError} what can't be a configuration
 */
export function verifierOf(config: QuorumConfig, oracle: Oracle | null = null): QuorumVerifier {
  if (config.members.length > MEMBERS_MAX) {
    throw new MembershipError(
      "the ensemble",
      `has ${config.members.length} servers; at most ${MEMBERS_MAX} are accepted`,
    );
  }
  const members = new Map<number, Member>();
  for (const member of config.members) {
    if (members.has(member.sid)) throw new MembershipError(`server.${member.sid}`, "is there twice");
    members.set(member.sid, member);
  }
  const isHierarchical = config.groups.size > 0 || config.weights.size > 0;
  if (oracle !== null || !isHierarchical) return new MajorityQuorum(members, config.version, oracle);
  return new HierarchicalQuorum(members, config.groups, config.weights, config.version);
}

/** A configuration as the server reads it from zoo.cfg. */
export interface ReadQuorumConfig {
  readonly version: number;
  readonly members: ReadonlyArray<{
    readonly id: number;
    readonly addresses: ReadonlyArray<{
      readonly host: string;
      readonly quorumPort: number;
      readonly electionPort: number;
    }>;
    readonly type: LearnerType;
    readonly clientAddress: HostPort | null;
  }>;
  readonly groups: ReadonlyMap<number, readonly number[]>;
  readonly weights: ReadonlyMap<number, number>;
}

/**
 * The verifier for the configuration of a zoo.cfg.
 * @throws {@link MembershipError} what can't be a configuration
 */
export function membershipOf(config: ReadQuorumConfig, oracle: Oracle | null = null): QuorumVerifier {
  const members = config.members.map(
    (member): Member => ({
      sid: member.id,
      quorumAddresses: member.addresses.map(({ host, quorumPort }) => ({ host, port: quorumPort })),
      electionAddresses: member.addresses.map(({ host, electionPort }) => ({ host, port: electionPort })),
      clientAddress: member.clientAddress,
      type: member.type,
    }),
  );
  return verifierOf({ version: config.version, members, groups: config.groups, weights: config.weights }, oracle);
}
