import { ConfigError } from "./config-error.js";
import type { Setting } from "./settings.js";

/** A host name or address, with a port. IPv6 addresses stand without their brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export type LearnerType = "participant" | "observer";

/** One `server.N` line. */
export interface QuorumMember {
  readonly id: number;
  readonly addresses: ReadonlyArray<{
    readonly host: string;
    readonly quorumPort: number;
    readonly electionPort: number;
  }>;
  readonly type: LearnerType;
  /** Where this member serves clients, if the line says so. */
  readonly clientAddress: HostPort | null;
  readonly setting: Setting;
}

/** The members of the ensemble, and how their votes count. */
export interface QuorumConfig {
  /** The version of the membership; 0 when it comes from zoo.cfg itself. */
  readonly version: number;
  readonly members: readonly QuorumMember[];
  /** Group number to the ids of its members; empty for a plain majority. */
  readonly groups: ReadonlyMap<number, readonly number[]>;
  /** Id to weight, where a line gives one; every other member weighs 1. */
  readonly weights: ReadonlyMap<number, number>;
}

const FORM = "have the form host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort]";
const EXAMPLE = "server.1=localhost:2888:3888;2181";

/**
 * Reads `server.N`, `group.N` and `weight.N` lines.
 * @param multiAddress - whether a member may have several addresses, separated by `|`
 * @throws {@link ConfigError} the first line that is wrong by itself or does not fit the others
 */
export function parseQuorum(
  settings: ReadonlyArray<readonly [name: string, setting: Setting]>,
  version: number,
  multiAddress: boolean,
): QuorumConfig {
  const members: QuorumMember[] = [];
  const groups = new Map<number, readonly number[]>();
  const weights = new Map<number, number>();
  for (const [name, setting] of settings) {
    if (name.startsWith("server.")) members.push(parseMember(name, setting, multiAddress));
  }
  for (const [name, setting] of settings) {
    if (name.startsWith("group")) {
      const ids = setting.value
        .split(":")
        .map((id) => wholeNumber(id, setting, "be ids of members, separated by colons"));
      for (const id of ids) {
        if ([...groups.values()].some((other) => other.includes(id)))
          throw wrong(setting, "not name a member of another group");
      }
      groups.set(wholeNumber(suffixOf(name), setting, "be named group.N"), ids);
    } else if (name.startsWith("weight")) {
      weights.set(
        wholeNumber(suffixOf(name), setting, "be named weight.N"),
        wholeNumber(setting.value, setting, "be a whole number"),
      );
    }
  }
  members.sort((a, b) => a.id - b.id);
  checkTogether(members, groups);
  return { version, members, groups, weights };
}

function checkTogether(members: readonly QuorumMember[], groups: ReadonlyMap<number, readonly number[]>): void {
  const participants = members.filter((member) => member.type === "participant");
  if (members.length > 0 && participants.length < 2 && participants.length < members.length) {
    throw wrong(
      members.find((member) => member.type === "observer")!.setting,
      "stand beside at least two participants",
    );
  }
  if (groups.size === 0) return;
  const grouped = new Set([...groups.values()].flat());
  for (const member of participants) {
    if (!grouped.has(member.id)) throw wrong(member.setting, "be in a group, as other members are");
  }
}

/** `version` of a dynamic config file is the hex suffix of its name: `zoo.cfg.dynamic.100000000`. */
export function versionOfFileName(name: string): number {
  const suffix = /\.([0-9a-fA-F]+)$/.exec(name)?.[1];
  return suffix === undefined ? 0 : Number.parseInt(suffix, 16);
}

function parseMember(name: string, setting: Setting, multiAddress: boolean): QuorumMember {
  const id = wholeNumber(suffixOf(name), setting, "be named server.N");
  const parts = splitAsJava(setting.value, ";");
  if (parts.length === 0 || parts.length > 2) throw wrong(setting, FORM);
  const texts = splitAsJava(parts[0]!, "|");
  if (texts.length > 1 && !multiAddress) {
    throw wrong(setting, "have one address, since multiAddress.enabled is not true");
  }
  let type: LearnerType | null = null;
  const addresses = texts.map((text) => {
    const fields = hostAndPort(text, setting);
    if (fields.length < 3 || fields.length > 4) throw wrong(setting, FORM);
    const quorumPort = portNumber(fields[1]!, setting);
    const electionPort = portNumber(fields[2]!, setting);
    if (quorumPort === electionPort) throw wrong(setting, "have different quorum and election ports");
    if (fields.length === 4) {
      const own = fields[3]!.trim().toLowerCase();
      if (own !== "participant" && own !== "observer") throw wrong(setting, "be a participant or an observer");
      if (type !== null && type !== own) throw wrong(setting, "have one role for all addresses");
      type = own;
    }
    return { host: fields[0]!, quorumPort, electionPort };
  });
  if (addresses.length === 0) throw wrong(setting, FORM);
  const clientAddress = parts.length === 2 ? parseClientAddress(parts[1]!, setting) : null;
  return { id, addresses, type: type ?? "participant", clientAddress, setting };
}

function parseClientAddress(text: string, setting: Setting): HostPort {
  const fields = hostAndPort(text, setting);
  if (fields.length === 0 || fields.length > 2) throw wrong(setting, FORM);
  const host = fields.length === 2 ? fields[0]! : "0.0.0.0";
  return { host, port: portNumber(fields[fields.length - 1]!, setting) };
}

/** Splits `host:port…` at colons, taking an IPv6 address in brackets as one field. */
function hostAndPort(text: string, setting: Setting): string[] {
  if (!text.startsWith("[")) return splitAsJava(text, ":");
  const close = text.indexOf("]");
  if (close < 0) throw wrong(setting, "close the bracket of its IPv6 address");
  if (close + 2 === text.length) throw wrong(setting, "have a port after its colon");
  const host = text.slice(1, close);
  return close + 2 < text.length ? [host, ...splitAsJava(text.slice(close + 2), ":")] : [host];
}

/** `String.split` of Java, which drops empty strings at the end. */
function splitAsJava(text: string, separator: string): string[] {
  const parts = text.split(separator);
  while (parts.length > 1 && parts[parts.length - 1] === "") parts.pop();
  return parts;
}

function suffixOf(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

function portNumber(text: string, setting: Setting): number {
  const port = wholeNumber(text, setting, "have ports that are whole numbers");
  if (port < 0 || port > 65535) throw wrong(setting, "have ports from 0 to 65535");
  return port;
}

function wholeNumber(text: string, setting: Setting, accepted: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw wrong(setting, accepted);
  return Number(text);
}

function wrong(setting: Setting, accepted: string): ConfigError {
  const hint = setting.writtenAs.startsWith("server.") && accepted === FORM ? EXAMPLE : "";
  return new ConfigError(setting.source, setting.writtenAs, setting.value, accepted, hint);
}
