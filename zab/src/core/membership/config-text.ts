import type { HostPort } from "../link.js";
import type { Oracle } from "./majority-quorum.js";
import type { LearnerType, Member } from "./member.js";
import { MembershipError } from "./membership-error.js";
import { MEMBERS_MAX, verifierOf } from "./quorum-config.js";
import type { QuorumVerifier } from "./quorum-verifier.js";

/** Characters of a configuration that are looked at; a notification can't carry more either. */
export const CONFIG_TEXT_MAX = 512 * 1024;

const FORM = "must have the form host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort]";

/**
 * Reads a configuration from a notification, from `/zookeeper/config` or from a `.dynamic` file: lines `server.N=`,
 * `group.N=`, `weight.N=` and `version=` with a hex number, as {@link QuorumVerifier.toText} writes them.
 * @param multiAddress - whether a server may have several addresses, separated by `|`
 * @throws {@link MembershipError} the first line that is wrong, or what does not fit together
 */
export function parseConfigText(text: string, multiAddress: boolean, oracle: Oracle | null = null): QuorumVerifier {
  if (text.length > CONFIG_TEXT_MAX) {
    throw new MembershipError(
      "the configuration",
      `has ${text.length} characters; at most ${CONFIG_TEXT_MAX} are read`,
    );
  }
  const members = new Map<number, Member>();
  const groups = new Map<number, number[]>();
  const weights = new Map<number, number>();
  let version = 0;
  const lines = text.split(/\r\n|\n|\r/);
  for (let i = 0; i < lines.length; i++) {
    const trimmed = lines[i].trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith("!")) continue;
    const [key, value] = keyAndValue(trimmed);
    const wrong = (problem: string): MembershipError => new MembershipError(shortened(key), problem, i + 1);
    if (key.startsWith("server.")) {
      const sid = wholeNumber(key.slice("server.".length), "must be named server.N, with a whole number N", wrong);
      // As in Java's Properties, a later line replaces an earlier one.
      members.set(sid, parseMember(sid, value, multiAddress, wrong));
      if (members.size > MEMBERS_MAX) throw wrong(`is one server too many; at most ${MEMBERS_MAX} are accepted`);
    } else if (key.startsWith("group")) {
      const group = wholeNumber(key.slice(key.indexOf(".") + 1), "must be named group.N, with a whole number N", wrong);
      const sids = splitAsJava(value, ":");
      groups.set(
        group,
        sids.map((sid) => wholeNumber(sid, "must be sids, separated by colons", wrong)),
      );
    } else if (key.startsWith("weight")) {
      const sid = wholeNumber(key.slice(key.indexOf(".") + 1), "must be named weight.N, with a whole number N", wrong);
      weights.set(sid, wholeNumber(value, "must be a whole number", wrong));
    } else if (key === "version") {
      if (!/^[0-9a-fA-F]{1,14}$/.test(value)) throw wrong("must be a hex number below 2^53");
      version = Number.parseInt(value, 16);
      if (!Number.isSafeInteger(version)) throw wrong("must be a hex number below 2^53");
    } else {
      throw wrong("is not a line of a configuration; server.N, group.N, weight.N and version are");
    }
  }
  const verifier = verifierOf({ version, members: [...members.values()], groups, weights }, oracle);
  if (verifier.votingMembers.size === 0) throw new MembershipError("the configuration", "has no participant");
  return verifier;
}

type Wrong = (problem: string) => MembershipError;

/** A line as Java's Properties reads it: key and value are separated by `=`, `:` or a blank; a backslash quotes. */
function keyAndValue(line: string): [key: string, value: string] {
  const match = /^((?:\\.|[^\s=:\\])*)\s*[=:]?\s*(.*)$/.exec(line);
  return match === null ? [line, ""] : [unquoted(match[1]), unquoted(match[2])];
}

function unquoted(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}

function parseMember(sid: number, text: string, multiAddress: boolean, wrong: Wrong): Member {
  const parts = splitAsJava(text, ";");
  if (parts.length > 2) throw wrong(FORM);
  const texts = splitAsJava(parts[0], "|");
  if (texts.length > 1 && !multiAddress) throw wrong("has several addresses, but multiAddress.enabled is not true");
  const quorumAddresses: HostPort[] = [];
  const electionAddresses: HostPort[] = [];
  let type: LearnerType | null = null;
  for (const address of texts) {
    const fields = hostAndPorts(address, wrong);
    if (fields.length < 3 || fields.length > 4 || fields[0] === "") throw wrong(FORM);
    const host = fields[0];
    const quorumPort = portNumber(fields[1], wrong);
    const electionPort = portNumber(fields[2], wrong);
    if (quorumPort === electionPort) throw wrong("must have different quorum and election ports");
    quorumAddresses.push({ host, port: quorumPort });
    electionAddresses.push({ host, port: electionPort });
    if (fields.length === 4) {
      const own = fields[3].trim().toLowerCase();
      if (own !== "participant" && own !== "observer") throw wrong("must be a participant or an observer");
      if (type !== null && type !== own) throw wrong("must have one role for all addresses");
      type = own;
    }
  }
  let clientAddress: HostPort | null = null;
  if (parts.length === 2) {
    const fields = hostAndPorts(parts[1], wrong);
    if (fields.length > 2) throw wrong(FORM);
    const host = fields.length === 2 ? fields[0] : "0.0.0.0";
    clientAddress = { host, port: portNumber(fields[fields.length - 1], wrong) };
  }
  return { sid, quorumAddresses, electionAddresses, clientAddress, type: type ?? "participant" };
}

/** Splits `host:port…` at colons, taking an IPv6 address in brackets as one field. */
function hostAndPorts(text: string, wrong: Wrong): string[] {
  if (!text.startsWith("[")) return splitAsJava(text, ":");
  const close = text.indexOf("]");
  if (close < 0) throw wrong("must close the bracket of its IPv6 address");
  const host = text.slice(1, close);
  const rest = text.slice(close + 1);
  if (rest === "") return [host];
  if (!rest.startsWith(":") || rest === ":") throw wrong("must have a colon and a port after the bracket");
  return [host, ...splitAsJava(rest.slice(1), ":")];
}

/** `String.split` of Java, which drops empty strings at the end. */
function splitAsJava(text: string, separator: string): string[] {
  const parts = text.split(separator);
  while (parts.length > 1 && parts[parts.length - 1] === "") parts.pop();
  return parts;
}

function portNumber(text: string, wrong: Wrong): number {
  const port = wholeNumber(text, "must have ports that are whole numbers", wrong);
  if (port > 65535) throw wrong("must have ports from 0 to 65535");
  return port;
}

function wholeNumber(text: string, problem: string, wrong: Wrong): number {
  if (!/^\+?\d{1,15}$/.test(text.trim())) throw wrong(problem);
  return Number(text);
}

function shortened(key: string): string {
  return key.length <= 40 ? key : `${key.slice(0, 40)}…`;
}
