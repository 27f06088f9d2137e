import { createHash, randomBytes } from "node:crypto";
import { AclChecker } from "../core/acl/acl-checker.js";
import { AuthenticationProviders } from "../core/acl/authentication-providers.js";
import { EnforcedAuthentication } from "../core/acl/enforced-authentication.js";
import type { Hashes, Log, Random } from "../core/capabilities.js";
import { fourLetterWord } from "../core/four-letter-word.js";
import { LOG_BYTES_IN_FLIGHT_MAX } from "../core/limits.js";
import { ServerCore, type ServerCoreOptions } from "../core/server-core.js";
import type { RecoveryProgress } from "../core/storage/recovery.js";
import { SnapshotPolicy } from "../core/storage/snapshot-policy.js";
import { answerFourLetterWord } from "./admin/four-letter-words.js";
import type { QuollConfig } from "./config/quoll-config.js";
import { Connections } from "./connections.js";
import { type Database, openDatabase, snapshotOptions } from "./database.js";
import { LogClient } from "./disk/log-client.js";
import { purgeInWorker, writeSnapshotInWorker } from "./disk/snapshot-job.js";
import { RunningServerView } from "./running-server-view.js";

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
 * @throws DataDirectoryError, DamagedError, FormatError, DiskError for the data; Error with `code` for the client port
 */
export async function startServer(
  config: QuollConfig,
  log: Log,
  progress: RecoveryProgress = NO_PROGRESS,
): Promise<RunningServer> {
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
  private readonly endTurn = () => this.finishTurn();
  private fail!: (error: Error) => void;
  private inTurn = false;
  private stopped = false;
  private snapshotRuns = false;
  private tickTimer: NodeJS.Timeout | null = null;
  private purgeTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly config: QuollConfig,
    private readonly database: Database,
    private readonly log: Log,
  ) {
    this.failure = new Promise((resolve) => (this.fail = resolve));
    const tree = database.state;
    this.logClient = new LogClient(
      {
        directory: database.logDirectory,
        lastZxid: database.lastZxid,
        preAllocBytes: config.log.preAllocSizeBytes,
        sizeLimitBytes: config.log.sizeLimitBytes ?? 0,
        forceSync: config.log.forceSync,
        slowSyncMs: config.log.fsyncWarningThresholdMs,
        inFlightMax: LOG_BYTES_IN_FLIGHT_MAX,
      },
      {
        onSynced: (zxid) => this.synced(zxid),
        onFailure: (error) => this.failed(error),
        onSlowSync: (ms, path, size) => {
          this.log.warn({ ms, file: path, size }, "fsync of the txn log is slow; it delays every write");
        },
      },
    );
    const providers = new AuthenticationProviders(authenticationOptions(config), hashes);
    const enforced = new EnforcedAuthentication({
      sessionRequireClientSaslAuth: config.auth.sessionRequireClientSASLAuth,
      enforceAuthEnabled: config.auth.enforceAuthEnabled,
      enforceAuthSchemes: config.auth.enforceAuthSchemes.join(","),
    });
    const problem = enforced.problem(providers);
    if (problem !== null) throw new Error(problem);
    const acls = new AclChecker(providers, enforced, tree.acls, config.auth.skipACL);
    const { snapCount, snapSizeBytes } = config.snapshot;
    const policy = new SnapshotPolicy(snapCount, snapSizeBytes ?? 0, random, database.txnsReplayed, database.logBytes);
    const nowMs = performance.now();
    this.core = new ServerCore(tree, this.logClient, acls, policy, random, coreOptions(config), log, nowMs, Date.now());
    const { host, port } = config.clientAddress;
    this.connections = new Connections(
      this.core,
      { host, port, backlog: config.clientPortListenBacklog, keepAlive: config.clientTcpKeepAlive },
      () => this.beginTurn(),
    );
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
      this.purgeTimer = setInterval(() => this.purge(), purgeIntervalHours * HOUR_MS);
      this.purge();
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
    if (effects.snapshotDue) this.takeSnapshot();
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

  private takeSnapshot(): void {
    const { core, config, database, log } = this;
    core.effects.snapshotDue = false;
    if (this.snapshotRuns) {
      log.warn({}, "the last snapshot is still being written; this one is left out");
      return;
    }
    this.snapshotRuns = true;
    const startedAtMs = performance.now();
    const frozen = core.tree.freeze();
    writeSnapshotInWorker({ kind: "write", frozen, directory: database.snapDirectory, ...snapshotOptions(config) })
      .then(
        ({ path, size }) => {
          const ms = Math.round(performance.now() - startedAtMs);
          core.stats.snapshotTime.add(ms);
          log.info({ file: path, size, ms }, "snapshot written");
        },
        (error: Error) => {
          core.stats.snapshotErrorCount++;
          log.error({ error: error.message }, "snapshot failed; the txn log goes on and keeps everything");
        },
      )
      .finally(() => {
        core.tree.release();
        this.snapshotRuns = false;
      });
  }

  private purge(): void {
    const { logDirectory, snapDirectory } = this.database;
    purgeInWorker({ logDirectory, snapDirectory }, this.config.autopurge.snapRetainCount).then(
      (purged) => this.log.info({ ...purged }, "purged old snapshots and logs"),
      (error: Error) => this.log.error({ error: error.message }, "purge failed"),
    );
  }
}

const NO_PROGRESS: RecoveryProgress = { snapshot: () => {}, log: () => {} };

const random: Random = { int32: () => randomBytes(4).readInt32BE() };

const hashes: Hashes = {
  digest: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
};

function authenticationOptions(config: QuollConfig) {
  const { auth, properties } = config;
  return {
    digestEnabled: auth.digestEnabled,
    digestAlg: auth.digestAlg,
    superDigest: auth.superDigest,
    ensembleEnabled: auth.authProviders.some((name) => name.endsWith(".EnsembleAuthenticationProvider")),
    ensembleAuthName: auth.ensembleAuthName,
    saslEnabled: auth.authProviders.some((name) => name.endsWith(".SASLAuthenticationProvider")),
    letAnySaslUserDoX: properties.get("zookeeper.letAnySaslUserDoX") ?? null,
  };
}

function coreOptions(config: QuollConfig): ServerCoreOptions {
  return {
    // As ZooKeeper's standalone server numbers its sessions, although it shows its id as 0.
    serverId: 1,
    tickTimeMs: config.tickTimeMs,
    minSessionTimeoutMs: config.minSessionTimeoutMs,
    maxSessionTimeoutMs: config.maxSessionTimeoutMs,
    maxClientCnxns: config.maxClientCnxns,
    maxCnxns: config.maxCnxns,
    globalOutstandingLimit: config.globalOutstandingLimit,
    juteMaxBuffer: config.juteMaxBufferBytes,
    txnBytesMax: config.juteMaxBufferBytes + config.juteMaxBufferExtraBytes,
    sessionlessTimeoutMs: config.sessionlessCnxnTimeoutMs,
    containerCheckIntervalMs: config.container.checkIntervalMs,
    containerMaxPerMinute: config.container.maxPerMinute,
    containerMaxNeverUsedMs: config.container.maxNeverUsedIntervalMs,
    connectionThrottle: config.connectionThrottle,
    digestEnabled: config.digestEnabled,
    extendedTypesEnabled: config.extendedTypesEnabled,
    enforceQuota: config.enforceQuota,
    reconfigEnabled: config.reconfigEnabled,
    closeSessionTxnEnabled: config.closeSessionTxnEnabled,
  };
}
