import type { HostPort } from "../link.js";

/** What a server is in its ensemble: one that votes, or one that only listens. */
export type LearnerType = "participant" | "observer";

/** One server of the ensemble, as a `server.N` line of the configuration describes it. */
export interface Member {
  /** The N of `server.N`: at least 0, within 2^53. */
  readonly sid: number;
  /** Where it takes learners when it leads. At least one; as many as {@link electionAddresses}, in the same order. */
  readonly quorumAddresses: readonly HostPort[];
  /** Where it takes part in elections. */
  readonly electionAddresses: readonly HostPort[];
  /** Where it serves clients, if its line says so; null if that stands elsewhere in its own configuration. */
  readonly clientAddress: HostPort | null;
  readonly type: LearnerType;
}

/** The value of the member's `server.N` line, character for character as ZooKeeper writes it. */
export function textOfMember(member: Member): string {
  const pairs = member.quorumAddresses.map((address, i) => ({
    host: hostText(address.host),
    quorumPort: address.port,
    electionPort: member.electionAddresses[i].port,
  }));
  pairs.sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  const addresses = pairs.map((pair) => `${bracketed(pair.host)}:${pair.quorumPort}:${pair.electionPort}`).join("|");
  const client = member.clientAddress;
  const clientText = client === null ? "" : `;${bracketed(hostText(client.host))}:${client.port}`;
  return `${addresses}:${member.type}${clientText}`;
}

/** Whether two members are the same server in the same role at the same addresses. */
export function sameMember(a: Member, b: Member): boolean {
  return a.sid === b.sid && textOfMember(a) === textOfMember(b);
}

/** An address as text: `host:port`, with brackets around IPv6. */
export function textOfAddress(address: HostPort): string {
  return `${bracketed(address.host)}:${address.port}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** A host as Java gives it back: names and IPv4 addresses as they are, IPv6 addresses in eight groups without `::`. */
function hostText(host: string): string {
  if (!host.includes(":")) return host;
  const [address, scope] = host.split("%", 2);
  const groups = ipv6Groups(address);
  if (groups === null) return host;
  const isMappedIpv4 = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMappedIpv4) return [groups[6] >> 8, groups[6] & 0xff, groups[7] >> 8, groups[7] & 0xff].join(".");
  const text = groups.map((group) => group.toString(16)).join(":");
  return scope === undefined ? text : `${text}%${scope}`;
}

function ipv6Groups(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const parts = halves.map((half) => groupsOf(half));
  if (parts.some((part) => part === null)) return null;
  const head = parts[0]!;
  if (halves.length === 1) return head.length === 8 ? head : null;
  const tail = parts[1]!;
  const missing = 8 - head.length - tail.length;
  return missing < 1 ? null : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function groupsOf(text: string): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  for (const part of text.split(":")) {
    const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(part);
    if (ipv4 !== null) {
      const [a, b, c, d] = ipv4.slice(1).map(Number);
      if (Math.max(a, b, c, d) > 255) return null;
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}
