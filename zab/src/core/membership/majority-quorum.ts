import { hashMapOrder } from "./hash-map-order.js";
import { type Member, sameMember, textOfMember } from "./member.js";
import type { QuorumVerifier } from "./quorum-verifier.js";

/** Says whether this one of two servers may act without the other: `1` in a file that something outside writes. */
export type Oracle = () => boolean;

/** Quorums are the majorities of the voting members. With an oracle, one of two servers may be a quorum by itself. */
export class MajorityQuorum implements QuorumVerifier {
  readonly votingMembers: ReadonlyMap<number, Member>;
  readonly observers: ReadonlyMap<number, Member>;
  private isOracleNeeded: boolean;

  constructor(
    readonly members: ReadonlyMap<number, Member>,
    readonly version: number,
    private readonly oracle: Oracle | null = null,
  ) {
    this.votingMembers = membersOfType(members, "participant");
    this.observers = membersOfType(members, "observer");
    this.isOracleNeeded = oracle !== null;
  }

  containsQuorum(sids: ReadonlySet<number>): boolean {
    let count = 0;
    for (const sid of sids) if (this.votingMembers.has(sid)) count++;
    if (count > Math.floor(this.votingMembers.size / 2)) return true;
    // The oracle is for two servers. It can't make a quorum of servers that did not agree at all.
    return count > 0 && this.votingMembers.size <= 2 && this.needOracle && this.askOracle();
  }

  weight(): number {
    return 1;
  }

  get needOracle(): boolean {
    return this.isOracleNeeded;
  }

  askOracle(): boolean {
    return this.oracle?.() ?? false;
  }

  updateNeedOracle(hasFollowers: boolean): boolean {
    this.isOracleNeeded = this.oracle !== null && !hasFollowers && this.votingMembers.size === 2;
    return this.isOracleNeeded;
  }

  sameMembers(other: QuorumVerifier): boolean {
    return other instanceof MajorityQuorum && equalMembers(this.members, other.members);
  }

  withVersion(version: number): QuorumVerifier {
    return new MajorityQuorum(this.members, version, this.oracle);
  }

  toText(): string {
    return `${serverLines(this.members)}version=${this.version.toString(16)}`;
  }
}

export function membersOfType(members: ReadonlyMap<number, Member>, type: Member["type"]): Map<number, Member> {
  return new Map([...members].filter(([, member]) => member.type === type));
}

export function equalMembers(a: ReadonlyMap<number, Member>, b: ReadonlyMap<number, Member>): boolean {
  if (a.size !== b.size) return false;
  for (const [sid, member] of a) {
    const other = b.get(sid);
    if (other === undefined || !sameMember(member, other)) return false;
  }
  return true;
}

/** The `server.N` lines in Java's order. */
export function serverLines(members: ReadonlyMap<number, Member>): string {
  return hashMapOrder([...members.keys()])
    .map((sid) => `server.${sid}=${textOfMember(members.get(sid)!)}\n`)
    .join("");
}
