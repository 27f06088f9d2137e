import { hashMapOrder } from "./hash-map-order.js";
import { equalMembers, membersOfType, serverLines } from "./majority-quorum.js";
import type { Member } from "./member.js";
import { MembershipError } from "./membership-error.js";
import type { QuorumVerifier } from "./quorum-verifier.js";

/**
 * Servers are in groups and have weights. A quorum has more than half of the weight in more than half of the groups;
 * groups that weigh nothing are left out.
 */
export class HierarchicalQuorum implements QuorumVerifier {
  readonly votingMembers: ReadonlyMap<number, Member>;
  readonly observers: ReadonlyMap<number, Member>;
  readonly needOracle = false;
  private readonly groupOf = new Map<number, number>();
  private readonly weightOf: Map<number, number>;
  private readonly groupWeights = new Map<number, number>();
  private readonly groupCount: number;

  /**
   * @param groups - group number to sids; each participant is in exactly one
   * @param weights - sid to weight; participants without one weigh 1
   * @throws {@link MembershipError} a participant in no group, a server in two, a group's server without weight
   */
  constructor(
    readonly members: ReadonlyMap<number, Member>,
    readonly groups: ReadonlyMap<number, readonly number[]>,
    weights: ReadonlyMap<number, number>,
    readonly version: number,
  ) {
    this.votingMembers = membersOfType(members, "participant");
    this.observers = membersOfType(members, "observer");
    this.weightOf = new Map(weights);
    for (const [group, sids] of groups) {
      for (const sid of sids) {
        if (this.groupOf.has(sid)) throw new MembershipError(`group.${group}`, `has ${sid}, which is in another group`);
        this.groupOf.set(sid, group);
      }
    }
    for (const sid of this.votingMembers.keys()) {
      if (!this.groupOf.has(sid)) throw new MembershipError(`server.${sid}`, "is in no group, as the others are");
      if (!this.weightOf.has(sid)) this.weightOf.set(sid, 1);
    }
    for (const [sid, group] of this.groupOf) {
      const weight = this.weightOf.get(sid);
      if (weight === undefined) throw new MembershipError(`group.${group}`, `has ${sid}, which is no voting server`);
      this.groupWeights.set(group, (this.groupWeights.get(group) ?? 0) + weight);
    }
    this.groupCount = [...this.groupWeights.values()].filter((weight) => weight > 0).length;
  }

  containsQuorum(sids: ReadonlySet<number>): boolean {
    const sums = new Map<number, number>();
    for (const sid of sids) {
      const group = this.groupOf.get(sid);
      if (group === undefined || !this.votingMembers.has(sid)) continue;
      sums.set(group, (sums.get(group) ?? 0) + this.weightOf.get(sid)!);
    }
    let groupsWon = 0;
    for (const [group, sum] of sums) {
      if (sum > Math.floor(this.groupWeights.get(group)! / 2)) groupsWon++;
    }
    return groupsWon > Math.floor(this.groupCount / 2);
  }

  weight(sid: number): number {
    return this.weightOf.get(sid) ?? 0;
  }

  askOracle(): boolean {
    return false;
  }

  updateNeedOracle(): boolean {
    return false;
  }

  sameMembers(other: QuorumVerifier): boolean {
    return (
      other instanceof HierarchicalQuorum &&
      equalMembers(this.members, other.members) &&
      equalNumbers(this.groupOf, other.groupOf) &&
      equalNumbers(this.weightOf, other.weightOf)
    );
  }

  withVersion(version: number): QuorumVerifier {
    return new HierarchicalQuorum(this.members, this.groups, this.weightOf, version);
  }

  toText(): string {
    const sidsOfGroup = new Map<number, number[]>();
    for (const sid of hashMapOrder([...this.groupOf.keys()])) {
      const group = this.groupOf.get(sid)!;
      sidsOfGroup.set(group, [...(sidsOfGroup.get(group) ?? []), sid]);
    }
    const groupLines = hashMapOrder([...sidsOfGroup.keys()]).map(
      (group) => `group.${group}=${sidsOfGroup.get(group)!.join(":")}\n`,
    );
    const weightLines = hashMapOrder([...this.weightOf.keys()]).map(
      (sid) => `weight.${sid}=${this.weightOf.get(sid)}\n`,
    );
    return `${serverLines(this.members)}${groupLines.join("")}${weightLines.join("")}version=${this.version.toString(16)}`;
  }
}

function equalNumbers(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
