import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeUtf8, Writer } from "@quoll/jute";
import { type Connection, ConnectionState } from "../core/connection.js";
import type { ServerCore } from "../core/server-core.js";
import type { Directories } from "../core/storage/data-directory.js";
import type { Row } from "../core/tree/tree.js";
import type { QuorumView } from "./admin/quorum-view.js";
import type { ConnectionView, ExpiryBucket, Int64, ServerView, SessionEphemerals } from "./admin/server-view.js";
import type { QuollConfig } from "./config/quoll-config.js";
import type { Connections } from "./connections.js";

const READ_INTEREST = 1;
const WRITE_INTEREST = 4;

/** What the four-letter words show, read from the running server when one is asked for. */
export class RunningServerView implements ServerView {
  serving = false;
  readonly secureClientPort = -1;
  readonly serverId: number;
  readonly snapDir: string;
  readonly logDir: string;
  quorum: QuorumView | null = null;
  /** As ZooKeeper starts with. */
  traceMask = 306n;

  constructor(
    readonly config: QuollConfig,
    /** Who serves, or has served last. */
    public core: ServerCore,
    private readonly listener: Connections,
    directories: Directories,
    private readonly startedAtMs: number,
  ) {
    this.serverId = config.ensemble?.myid ?? 0;
    this.snapDir = directories.snapDirectory;
    this.logDir = directories.logDirectory;
  }

  get mode() {
    return this.core.mode;
  }
  get readOnly(): boolean {
    return this.core.mode === "read-only";
  }
  get stats() {
    return this.core.stats;
  }
  get clientPort(): number {
    return this.listener.port;
  }
  get uptimeMs(): number {
    return Math.round(performance.now() - this.startedAtMs);
  }
  get lastProcessedZxid(): number {
    return this.core.tree.lastProcessedZxid;
  }
  get outstandingRequests(): number {
    return this.core.inProcess;
  }
  get znodeCount(): number {
    return this.core.tree.nodeCount;
  }
  get ephemeralsCount(): number {
    return this.core.tree.ephemeralCount;
  }
  get approximateDataSize(): number {
    return this.core.tree.approximateDataSize;
  }
  get watchCount(): number {
    return this.core.watches.size;
  }
  get globalSessions(): number {
    return this.core.globalSessionCount;
  }
  get localSessions(): number {
    return this.core.sessions.localCount;
  }
  get aliveConnections(): number {
    return this.core.connectionCount;
  }
  get connectionDropProbability(): number {
    return this.core.throttle.dropChance;
  }
  get openFileDescriptorCount(): number {
    return countFiles("/proc/self/fd");
  }
  get maxFileDescriptorCount(): number {
    return openFilesMax();
  }

  snapDirSize(): number {
    return directorySize(this.snapDir);
  }
  logDirSize(): number {
    return directorySize(this.logDir);
  }

  *connections(): Iterable<ConnectionView> {
    for (const connection of this.core.connections) if (connection !== null) yield viewOf(connection);
  }

  sessionBuckets(kind: "global" | "local"): ExpiryBucket<Int64>[] {
    const nowMs = Date.now();
    return this.core.sessions.dump().buckets.map(({ expiresInMs, sessions }) => ({
      expireAtWallMs: nowMs + expiresInMs,
      members: sessions
        .filter(({ isLocal }) => isLocal === (kind === "local"))
        .map(({ idHi: hi, idLo: lo }) => ({ hi, lo })),
    }));
  }

  committedSessions() {
    const all: { sessionId: Int64; timeoutMs: number }[] = [];
    this.core.tree.sessions.forEach((timeoutMs, hi, lo) => {
      all.push({ sessionId: { hi, lo }, timeoutMs });
    });
    return all.sort((a, b) => a.sessionId.hi - b.sessionId.hi || (a.sessionId.lo >>> 0) - (b.sessionId.lo >>> 0));
  }

  ephemerals(): SessionEphemerals[] {
    const { ephemerals } = this.core.tree;
    const all: SessionEphemerals[] = [];
    ephemerals.forEach((rows, hi, lo) => {
      if (rows.size > 0) all.push({ sessionId: { hi, lo }, paths: Array.from(rows, (row) => this.pathOf(row)) });
    });
    return all;
  }

  /** A connection lasts as long as its session does; one without a session is not shown. */
  connectionBuckets(): ExpiryBucket<ConnectionView>[] {
    const nowMs = Date.now();
    const bySession = new Map<unknown, Connection>();
    for (const connection of this.core.connections)
      if (connection?.session) bySession.set(connection.session, connection);
    return this.core.sessions
      .dump()
      .buckets.map(({ expiresInMs, sessions }) => ({
        expireAtWallMs: nowMs + expiresInMs,
        members: sessions.flatMap((session) => {
          const connection = bySession.get(session);
          return connection === undefined ? [] : [viewOf(connection)];
        }),
      }))
      .filter(({ members }) => members.length > 0);
  }

  watchSummary() {
    return this.core.watches.summary();
  }

  watchesByConnection() {
    const all: { sessionId: Int64; paths: string[] }[] = [];
    this.core.watches.forEachConnection((slot, paths) => {
      all.push({
        sessionId: this.sessionOf(slot),
        paths: paths.map((path) => decodeUtf8(path.bytes, path.start, path.end)),
      });
    });
    return all;
  }

  watchesByPath() {
    const all: { path: string; sessionIds: Int64[] }[] = [];
    this.core.watches.forEachPath((bytes, start, end, slots) => {
      all.push({ path: decodeUtf8(bytes, start, end), sessionIds: slots.map((slot) => this.sessionOf(slot)) });
    });
    return all;
  }

  digestLog() {
    return this.core.tree.digestLog;
  }

  private sessionOf(slot: number): Int64 {
    const connection = this.core.connections[slot];
    return { hi: connection?.sessionHi ?? 0, lo: connection?.sessionLo ?? 0 };
  }

  private pathOf(row: Row): string {
    const writer = new Writer();
    this.core.tree.tree.writePath(row, writer);
    return decodeUtf8(writer.bytes, 4, writer.at);
  }
}

function viewOf(connection: Connection): ConnectionView {
  const reads = !connection.paused && connection.state !== ConnectionState.connecting;
  return {
    remoteAddress: connection.remoteAddress.replace(/^::ffff:/, ""),
    remotePort: connection.remotePort,
    interestOps:
      connection.state === ConnectionState.closing
        ? 0
        : (reads ? READ_INTEREST : 0) | (connection.unsentBytes > 0 ? WRITE_INTEREST : 0),
    outstanding: connection.outstanding,
    sessionId: { hi: connection.sessionHi, lo: connection.sessionLo },
    sessionTimeoutMs: connection.sessionTimeoutMs,
    stats: connection.stats,
  };
}

function directorySize(directory: string): number {
  let size = 0;
  for (const name of readdirSync(directory))
    size += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  return size;
}

function countFiles(directory: string): number {
  try {
    return readdirSync(directory).length;
  } catch {
    return -1;
  }
}

/** The soft limit of open files, where the system tells it. */
function openFilesMax(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return match === null ? -1 : Number(match[1]);
  } catch {
    return -1;
  }
}
