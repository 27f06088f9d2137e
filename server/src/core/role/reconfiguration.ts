import {
  type HostPort,
  MajorityQuorum,
  type Member,
  MembershipError,
  parseConfigText,
  type QuorumVerifier,
  textOfMember,
} from "@quoll/zab";
import { KeeperCode } from "../keeper-code.js";

/** The members of the ensemble as its leader knows them. */
export interface Membership {
  /** Who is a member now. */
  readonly verifier: QuorumVerifier;
  /** The same, or what a change that is under way makes of it. */
  readonly lastSeenVerifier: QuorumVerifier;
  /** Whether the leader and the followers that are connected and up to date are a quorum of these members. */
  isQuorumSynced(verifier: QuorumVerifier): boolean;
}

export interface ReconfigurationOptions {
  /** `standaloneEnabled`: one server is no ensemble, and so can't be what is left of one. */
  readonly standaloneEnabled: boolean;
  readonly multiAddress: boolean;
}

/** What a client asks for with reconfig: null where it says nothing. */
export interface ReconfigRequest {
  readonly joiningServers: string | null;
  readonly leavingServers: string | null;
  readonly newMembers: string | null;
  /** The version that the client takes for the present one; -1: any. May be any 64-bit value that is a number. */
  readonly curConfigId: number;
}

/** Decides what the members become, as ZooKeeper's PrepRequestProcessor does. The ACL is not looked at here. */
export class Reconfiguration {
  constructor(
    private readonly membership: Membership,
    private readonly options: ReconfigurationOptions,
  ) {}

  /**
   * @param zxid - of the txn: the version of the new configuration
   * @returns the new configuration, or the code that the request fails with
   */
  decide(request: ReconfigRequest, zxid: number): string | KeeperCode {
    const { verifier, lastSeenVerifier } = this.membership;
    if (lastSeenVerifier.version !== verifier.version) return KeeperCode.ReconfigInProgress;
    const { curConfigId } = request;
    if (curConfigId !== -1 && curConfigId !== lastSeenVerifier.version) return KeeperCode.BadVersion;
    const next = request.newMembers === null ? this.changed(request) : this.replaced(request.newMembers);
    if (typeof next === "number") return next;
    // Zero participants don't get here: they are no configuration.
    if (this.options.standaloneEnabled && next.votingMembers.size < 2) return KeeperCode.BadArguments;
    if (!this.membership.isQuorumSynced(next)) return KeeperCode.NewConfigNoQuorum;
    return next.withVersion(zxid).toText();
  }

  /** All members anew, one line each, or separated by commas. */
  private replaced(newMembers: string): QuorumVerifier | KeeperCode {
    return this.parse(newMembers.replaceAll(",", "\n"));
  }

  private changed({ joiningServers, leavingServers }: ReconfigRequest): QuorumVerifier | KeeperCode {
    const { lastSeenVerifier } = this.membership;
    if (!(lastSeenVerifier instanceof MajorityQuorum)) return KeeperCode.BadArguments;
    const lines = new Map<number, string>();
    for (const [sid, member] of lastSeenVerifier.members) lines.set(sid, textOfMember(member));
    for (const leaving of listOf(leavingServers)) {
      const sid = sidOf(leaving);
      if (sid === null) return KeeperCode.MarshallingError;
      lines.delete(sid);
    }
    const joining: number[] = [];
    for (const joiner of listOf(joiningServers)) {
      const parts = listOf(joiner, "=");
      if (parts.length !== 2 || /[\r\n]/.test(parts[1])) return KeeperCode.BadArguments;
      const sid = sidOf(parts[0].slice(parts[0].lastIndexOf(".") + 1));
      if (sid === null) return KeeperCode.MarshallingError;
      lines.set(sid, parts[1]);
      joining.push(sid);
    }
    const next = this.parse(Array.from(lines, ([sid, line]) => `server.${sid}=${line}`).join("\n"));
    if (typeof next === "number") return next;
    for (const sid of joining) {
      const joiner = next.members.get(sid)!;
      if (joiner.clientAddress === null) return KeeperCode.BadArguments;
      for (const member of next.members.values()) {
        if (member.sid !== sid && haveAddressInCommon(joiner, member)) return KeeperCode.BadArguments;
      }
    }
    return next;
  }

  private parse(text: string): QuorumVerifier | KeeperCode {
    try {
      return parseConfigText(text, this.options.multiAddress);
    } catch (error) {
      if (error instanceof MembershipError) return KeeperCode.BadArguments;
      throw error;
    }
  }
}

function listOf(text: string | null, separator = ","): string[] {
  if (text === null) return [];
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function sidOf(text: string): number | null {
  if (!/^[+]?\d{1,19}$/.test(text)) return null;
  const sid = Number(text);
  return Number.isSafeInteger(sid) ? sid : null;
}

function haveAddressInCommon(a: Member, b: Member): boolean {
  const taken = new Set(addressesOf(b));
  return addressesOf(a).some((address) => taken.has(address));
}

/** Those that tell nothing of the machine are left out: every server may have them. */
function addressesOf({ quorumAddresses, electionAddresses, clientAddress }: Member): string[] {
  const addresses = [...quorumAddresses, ...electionAddresses];
  if (clientAddress !== null) addresses.push(clientAddress);
  return addresses.filter((address) => !isSpecial(address)).map(({ host, port }) => `${host.toLowerCase()} ${port}`);
}

function isSpecial({ host }: HostPort): boolean {
  return host === "0.0.0.0" || host === "::" || host === "::1" || host === "localhost" || host.startsWith("127.");
}
