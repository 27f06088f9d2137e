import { environment } from "./environment.js";
import { monitorValues } from "./monitor.js";
import type { QuorumView } from "./quorum-view.js";
import type { ConnectionView, ExpiryBucket, ServerView } from "./server-view.js";
import { decimal, double, hex, hexNumber, javaDate, socketAddress } from "./text.js";
import { FULL_VERSION } from "./version.js";

const NOT_SERVING = "This ZooKeeper instance is not currently serving requests";

type Command = (view: ServerView, operand: Uint8Array | null) => string;

/** In the way of ZooKeeper's `command` package: the text of each word; `serving` ones need a running server. */
const commands = new Map<string, Command>([
  ["conf", serving(conf)],
  ["cons", serving(cons)],
  ["crst", serving(resetConnections)],
  ["dirs", serving((view) => `datadir_size: ${view.snapDirSize()}\nlogdir_size: ${view.logDirSize()}\n`)],
  ["dump", serving(dump)],
  ["envi", envi],
  ["gtmk", (view) => view.traceMask.toString()],
  ["hash", (view) => (view.serving ? digests(view) : NOT_SERVING)],
  ["isro", (view) => (!view.serving ? "null" : view.readOnly ? "ro" : "rw")],
  ["mntr", serving(mntr)],
  ["ruok", () => "imok"],
  ["srst", serving(resetServer)],
  ["srvr", serving((view) => serverLines(view, ""))],
  ["stat", serving((view) => serverLines(view, clientLines(view)))],
  ["stmk", setTraceMask],
  ["wchc", serving(watchesByConnection)],
  ["wchp", serving(watchesByPath)],
  ["wchs", serving(watchSummary)],
]);

/**
 * Answers a word. The connection is closed after the answer was sent.
 * @param operand - for `stmk` the 8 bytes of the mask, which follow the word; null for others
 * @returns UTF-8 text; it may be large (`cons`, `dump`, `wchc`, `wchp` have a line for each connection or watch)
 */
export function answerFourLetterWord(word: string, view: ServerView, operand: Uint8Array | null = null): string {
  if (!isWhitelisted(word, view)) return `${word} is not executed because it is not in the whitelist.\n`;
  return commands.get(word)?.(view, operand) ?? "";
}

function isWhitelisted(word: string, view: ServerView): boolean {
  const { fourLetterWords, readOnlyModeEnabled } = view.config;
  if (fourLetterWords.has(word) || fourLetterWords.has("*") || word === "srvr") return true;
  return word === "isro" && readOnlyModeEnabled;
}

function serving(command: (view: ServerView) => string): Command {
  return (view) => (view.serving ? command(view) : `${NOT_SERVING}\n`);
}

function serverLines(view: ServerView, clients: string): string {
  const { stats } = view;
  const latency = `${stats.requestLatency.min}/${double(stats.requestLatency.avg)}/${stats.requestLatency.max}`;
  return [
    `Zookeeper version: ${FULL_VERSION}\n`,
    view.readOnly ? "READ-ONLY mode; serving only read-only clients\n" : "",
    clients,
    `Latency min/avg/max: ${latency}\n`,
    `Received: ${stats.packetsReceived}\n`,
    `Sent: ${stats.packetsSent}\n`,
    `Connections: ${view.aliveConnections}\n`,
    `Outstanding: ${view.outstandingRequests}\n`,
    `Zxid: 0x${hexNumber(view.lastProcessedZxid)}\n`,
    `Mode: ${view.mode}\n`,
    `Node count: ${view.znodeCount}\n`,
    view.mode === "leader" ? proposalSizes(view) : "",
  ].join("");
}

function proposalSizes({ stats: { proposal } }: ServerView): string {
  return `Proposal sizes last/min/max: ${proposal.last}/${proposal.min}/${proposal.max}\n`;
}

function clientLines(view: ServerView): string {
  let text = "Clients:\n";
  for (const connection of view.connections()) text += `${connectionLine(connection, true)}\n`;
  return `${text}\n`;
}

function cons(view: ServerView): string {
  let text = "";
  for (const connection of view.connections()) text += `${connectionLine(connection, false)}\n`;
  return `${text}\n`;
}

function connectionLine(connection: ConnectionView, brief: boolean): string {
  const { stats, sessionId } = connection;
  const address = socketAddress(connection.remoteAddress, connection.remotePort);
  const counts = `queued=${connection.outstanding},recved=${stats.packetsReceived},sent=${stats.packetsSent}`;
  const head = ` ${address}[${connection.interestOps.toString(16)}](${counts}`;
  if (brief || (sessionId.hi === 0 && sessionId.lo === 0)) return `${head})`;
  const cxid = stats.lastCxid >= 0 ? `,lcxid=0x${stats.lastCxid.toString(16)}` : "";
  return [
    `${head},sid=0x${hex(sessionId)},lop=${stats.lastOperation},est=${Math.floor(stats.establishedWallMs)}`,
    `,to=${connection.sessionTimeoutMs}${cxid},lzxid=0x${hexNumber(stats.lastZxid)}`,
    `,lresp=${Math.floor(stats.lastResponseTimeMs)},llat=${stats.lastLatencyMs}`,
    `,minlat=${stats.minLatencyMs},avglat=${stats.avgLatencyMs},maxlat=${stats.maxLatencyMs})`,
  ].join("");
}

function conf(view: ServerView): string {
  const { config } = view;
  const lines: Array<readonly [string, string | number]> = [
    ["clientPort", view.clientPort],
    ["secureClientPort", view.secureClientPort],
    ["dataDir", view.snapDir],
    ["dataDirSize", view.snapDirSize()],
    ["dataLogDir", view.logDir],
    ["dataLogSize", view.logDirSize()],
    ["tickTime", config.tickTimeMs],
    ["maxClientCnxns", config.maxClientCnxns],
    ["minSessionTimeout", config.minSessionTimeoutMs],
    ["maxSessionTimeout", config.maxSessionTimeoutMs],
    ["clientPortListenBacklog", config.clientPortListenBacklog],
    ["serverId", view.serverId],
  ];
  if (view.quorum !== null) lines.push(...quorumConf(view.quorum));
  const membership = view.quorum === null || view.readOnly ? "" : `membership: \n${view.quorum.membership}`;
  return lines.map(([key, value]) => `${key}=${value}\n`).join("") + membership;
}

function quorumConf(quorum: QuorumView): Array<readonly [string, string | number]> {
  return [
    ["initLimit", quorum.initLimit],
    ["syncLimit", quorum.syncLimit],
    ["electionAlg", 3],
    ["electionPort", quorum.electionPorts],
    ["quorumPort", quorum.quorumPorts],
    ["peerType", quorum.isObserver ? 1 : 0],
  ];
}

function resetConnections(view: ServerView): string {
  for (const connection of view.connections()) connection.stats.reset();
  return "Connection stats reset.\n";
}

function resetServer(view: ServerView): string {
  view.stats.reset();
  return "Server stats reset.\n";
}

function dump(view: ServerView): string {
  let text = "SessionTracker dump:\n";
  if (view.quorum !== null && (view.config.ensemble?.localSessionsEnabled ?? false)) {
    text += `Local Session ${sessionLines(view, "local")}`;
    if (view.mode === "leader") text += "Global ";
  }
  const expiresHere = view.mode === "standalone" || view.mode === "leader";
  text += expiresHere ? `Session ${sessionLines(view, "global")}` : committedLines(view);
  text += "ephemeral nodes dump:\n";
  text += ephemeralLines(view);
  text += "Connections dump:\nConnections ";
  text += bucketLines(view.connectionBuckets(), ({ remoteAddress, remotePort, sessionId }) => {
    return `ip: ${socketAddress(remoteAddress, remotePort)} sessionId: 0x${hex(sessionId)}`;
  });
  return text;
}

function sessionLines(view: ServerView, kind: "global" | "local"): string {
  return bucketLines(view.sessionBuckets(kind), (sessionId) => `0x${hex(sessionId)}`);
}

/** A learner does not know when they expire. */
function committedLines(view: ServerView): string {
  const sessions = view.committedSessions();
  let text = `Global Sessions(${sessions.length}):\n`;
  for (const { sessionId, timeoutMs } of sessions) text += `0x${hex(sessionId)}\t${timeoutMs}ms\n`;
  return text;
}

function bucketLines<T>(buckets: ReadonlyArray<ExpiryBucket<T>>, line: (member: T) => string): string {
  const total = buckets.reduce((sum, bucket) => sum + bucket.members.length, 0);
  let text = `Sets (${buckets.length})/(${total}):\n`;
  for (const { expireAtWallMs, members } of buckets) {
    text += `${members.length} expire at ${javaDate(expireAtWallMs)}:\n`;
    for (const member of members) text += `\t${line(member)}\n`;
  }
  return text;
}

function ephemeralLines(view: ServerView): string {
  let sessions = 0;
  let text = "";
  for (const { sessionId, paths } of view.ephemerals()) {
    sessions++;
    text += `0x${hex(sessionId)}:\n`;
    for (const path of paths) text += `\t${path}\n`;
  }
  return `Sessions with Ephemerals (${sessions}):\n${text}`;
}

function envi(): string {
  return `Environment:\n${environment()
    .map(([key, value]) => `${key}=${value}\n`)
    .join("")}`;
}

function mntr(view: ServerView): string {
  return monitorValues(view)
    .map(([key, value]) => `zk_${key}\t${value}\n`)
    .join("");
}

function digests(view: ServerView): string {
  let text = "";
  for (const { zxid, digest } of view.digestLog()) text += `${hexNumber(zxid)}: ${decimal(digest)}\n`;
  return text;
}

function watchSummary(view: ServerView): string {
  const { connections, paths, watches } = view.watchSummary();
  return `${connections} connections watching ${paths} paths\nTotal watches:${watches}\n`;
}

function watchesByConnection(view: ServerView): string {
  let text = "";
  for (const { sessionId, paths } of view.watchesByConnection()) {
    text += `0x${hex(sessionId)}\n`;
    for (const path of paths) text += `\t${path}\n`;
  }
  return `${text}\n`;
}

function watchesByPath(view: ServerView): string {
  let text = "";
  for (const { path, sessionIds } of view.watchesByPath()) {
    text += `${path}\n`;
    for (const sessionId of sessionIds) text += `\t0x${hex(sessionId)}\n`;
  }
  return `${text}\n`;
}

function setTraceMask(view: ServerView, operand: Uint8Array | null): string {
  let mask = 0n;
  for (const byte of operand ?? []) mask = (mask << 8n) | BigInt(byte);
  view.traceMask = BigInt.asIntN(64, mask);
  return view.traceMask.toString();
}
