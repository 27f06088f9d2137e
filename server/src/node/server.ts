import { randomBytes } from "node:crypto";
import type { Log } from "../core/capabilities.js";
import { fourLetterWord } from "../core/four-letter-word.js";
import { ServerCore } from "../core/server-core.js";
import type { RecoveryProgress } from "../core/storage/recovery.js";
import { SnapshotPolicy } from "../core/storage/snapshot-policy.js";
import { answerFourLetterWord } from "./admin/four-letter-words.js";
import type { QuollConfig } from "./config/quoll-config.js";
import { Connections } from "./connections.js";
import { aclChecker, coreOptions, random } from "./core-options.js";
import { type Database, openDatabase } from "./database.js";
import { LogClient } from "./disk/log-client.js";
import { logOptions, logWarnings } from "./log-options.js";
import { RunningServerView } from "./running-server-view.js";
import { SnapshotTaker } from "./snapshot-taker.js";

/** A server that serves. */
export interface RunningServer {
  /** The client port that is bound. */
  readonly clientPort: number;
  /** Settles, with the reason, when the server can't go on: the process must then end at once (rule D33). */
  readonly failure: Promise<Error>;
  /** Ends all connections, makes durable what was accepted, and lets go of the data directory. */
  stop(): Promise<void>;
}

const TICK_MAX_MS = 500;
const TICK_MIN_MS = 20;
const HOUR_MS = 3_600_000;

/**
 * Recovers the database and serves it.
 * @param progress - told how far recovery is, for large directories
 * @throws DataDirectoryError, DamagedError, FormatError, DiskError for the data; ListenError for the client port
 */
export async function startServer(
  config: QuollConfig,
  log: Log,
  progress: RecoveryProgress = NO_PROGRESS,
): Promise<RunningServer> {
  if (config.ensemble !== null) {
    // Only an ensemble needs all of that.
    const { startQuorumServer } = await import("./quorum-server.js");
    return startQuorumServer(config, config.ensemble, log, progress);
  }
  const startedAtMs = performance.now();
  const database = openDatabase(config, randomBytes(4).readInt32BE(), progress, log);
  const server = new Shell(config, database, log);
  server.core.stats.dbInitTime.add(Math.round(performance.now() - startedAtMs));
  server.core.stats.startupTxnsLoaded.add(database.txnsReplayed);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/**
 * Gives the core its events and carries out its effects, once per turn of the event loop: one append to the log, then one
 * write per connection.
 */
class Shell implements RunningServer {
  readonly core: ServerCore;
  readonly failure: Promise<Error>;

  private readonly logClient: LogClient;
  private readonly connections: Connections;
  private readonly view: RunningServerView;
  private readonly snapshots: SnapshotTaker;
  private readonly endTurn = () => this.finishTurn();
  private fail!: (error: Error) => void;
  private inTurn = false;
  private stopped = false;
  private tickTimer: NodeJS.Timeout | null = null;
  private purgeTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly config: QuollConfig,
    private readonly database: Database,
    log: Log,
  ) {
    this.failure = new Promise((resolve) => (this.fail = resolve));
    const tree = database.state;
    const { logDirectory, lastZxid } = database;
    this.logClient = new LogClient(
      { ...logOptions(config, logDirectory), lastZxid },
      {
        ...logWarnings(log, logDirectory),
        onSynced: (zxid) => this.synced(zxid),
        onFailure: (error) => this.failed(error),
      },
    );
    const { snapCount, snapSizeBytes } = config.snapshot;
    const policy = new SnapshotPolicy(snapCount, snapSizeBytes ?? 0, random, database.txnsReplayed, database.logBytes);
    const nowMs = performance.now();
    this.core = new ServerCore(
      tree,
      this.logClient,
      aclChecker(config, tree),
      policy,
      random,
      coreOptions(config),
      log,
      nowMs,
      Date.now(),
    );
    const { host, port } = config.clientAddress;
    this.connections = new Connections(
      this.core,
      { host, port, backlog: config.clientPortListenBacklog, keepAlive: config.clientTcpKeepAlive },
      () => this.beginTurn(),
    );
    this.snapshots = new SnapshotTaker(config, database, log);
    this.view = new RunningServerView(config, this.core, this.connections, database, nowMs);
  }

  get clientPort(): number {
    return this.connections.port;
  }

  async start(): Promise<void> {
    await this.connections.listen();
    const tickMs = Math.min(Math.max(this.config.tickTimeMs / 4, TICK_MIN_MS), TICK_MAX_MS);
    this.tickTimer = setInterval(() => this.tick(), tickMs);
    const { purgeIntervalHours } = this.config.autopurge;
    if (purgeIntervalHours > 0) {
      this.purgeTimer = setInterval(() => this.snapshots.purge(), purgeIntervalHours * HOUR_MS);
      this.snapshots.purge();
    }
    this.view.serving = true;
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.view.serving = false;
    if (this.tickTimer !== null) clearInterval(this.tickTimer);
    if (this.purgeTimer !== null) clearInterval(this.purgeTimer);
    // What was accepted is made durable and answered; then the connections end.
    this.core.stop();
    await this.logClient.close();
    this.finishTurn();
    this.stopped = true;
    await this.connections.close();
    this.database.release();
  }

  /** Something happens: tells the core the time, once per turn, and sees to it that the turn ends. */
  private beginTurn(): void {
    if (this.inTurn) return;
    this.inTurn = true;
    this.core.clock(performance.now(), Date.now());
    setImmediate(this.endTurn);
  }

  private finishTurn(): void {
    this.inTurn = false;
    if (this.stopped) return;
    // The log first: its worker syncs while the replies leave.
    this.logClient.flush();
    const { effects } = this.core;
    if (effects.words.length > 0) this.answerWords();
    this.connections.flush();
    if (effects.snapshotDue) this.snapshots.take(this.core);
  }

  private tick(): void {
    this.beginTurn();
    this.core.tick();
    this.connections.reap(performance.now());
  }

  private synced(zxid: number): void {
    if (this.stopped) return;
    this.beginTurn();
    this.core.stats.fsyncTime.add(Math.round(this.logClient.times.lastMs));
    this.core.synced(zxid);
    // The replies need not wait for the end of the turn.
    this.connections.flush();
  }

  /** Rule D33: nothing is served from here on, and nothing that is not durable is acknowledged. */
  private failed(error: Error): void {
    this.stopped = true;
    this.view.serving = false;
    this.fail(error);
  }

  private answerWords(): void {
    const { words } = this.core.effects;
    for (const { connection, word, rest } of words) {
      const text = answerFourLetterWord(
        fourLetterWord(word)!,
        this.view,
        rest.length >= 8 ? rest.subarray(0, 8) : null,
      );
      this.core.stats.packetsSent++;
      this.connections.answer(connection, text);
    }
    words.length = 0;
  }
}

const NO_PROGRESS: RecoveryProgress = { snapshot: () => {}, log: () => {} };
