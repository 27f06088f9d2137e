import { resolve } from "node:path";
import {
  DEFAULT_PEER_OPTIONS,
  defaultElectionOptions,
  type HostPort,
  type Link,
  type LinkHandler,
  type Member,
  membershipOf,
  parseConfigText,
  type QuorumVerifier,
} from "@quoll/zab";
import { LinkServer, TcpDialer, TcpLinks } from "@quoll/zab/node";
import type { AclChecker } from "../core/acl/acl-checker.js";
import type { Log } from "../core/capabilities.js";
import { EnsembleMember, type EnsembleMemberHost, type EnsembleMemberOptions } from "../core/ensemble-member.js";
import { fourLetterWord } from "../core/four-letter-word.js";
import { openReplica } from "../core/replica/open-replica.js";
import type { ServerCore } from "../core/server-core.js";
import type { RecoveryProgress } from "../core/storage/recovery.js";
import { DataTree } from "../core/tree/data-tree.js";
import { answerFourLetterWord } from "./admin/four-letter-words.js";
import type { EnsembleConfig, QuollConfig } from "./config/quoll-config.js";
import { Connections } from "./connections.js";
import { aclChecker, coreOptions, random } from "./core-options.js";
import {
  dataTreeOptions,
  type HeldDirectories,
  holdDirectories,
  recoverDatabase,
  snapshotOptions,
} from "./database.js";
import { NodeDisk } from "./disk/node-disk.js";
import { ReplicaDisk } from "./disk/replica-disk.js";
import { logOptions, logWarnings } from "./log-options.js";
import { MembershipFiles } from "./membership-files.js";
import { PeerQuorumView } from "./peer-quorum-view.js";
import { RunningServerView } from "./running-server-view.js";
import type { RunningServer } from "./server.js";
import { SnapshotTaker } from "./snapshot-taker.js";

const TICK_MAX_MS = 500;
const TICK_MIN_MS = 20;
const HOUR_MS = 3_600_000;

/**
 * Recovers the database, takes part in the ensemble and serves clients whenever there is a leader.
 * @throws DataDirectoryError, FormatError, DiskError for the data; Error with `code` for the ports
 */
export async function startQuorumServer(
  config: QuollConfig,
  ensemble: EnsembleConfig,
  log: Log,
  progress: RecoveryProgress,
): Promise<RunningServer> {
  const directories = holdDirectories(config);
  let server: QuorumServer;
  try {
    server = new QuorumServer(config, ensemble, directories, log, progress);
  } catch (error) {
    directories.release();
    throw error;
  }
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A member of an ensemble on this machine: its ports, its threads, its timers, and a turn of the event loop for each event. */
class QuorumServer implements RunningServer, EnsembleMemberHost {
  readonly failure: Promise<Error>;
  readonly random = random;
  readonly dialer: TcpDialer;
  private readonly startedAtMs = performance.now();
  private readonly disk: ReplicaDisk;
  private readonly member: EnsembleMember;
  private readonly links: TcpLinks;
  private readonly quorumPort: LinkServer;
  private readonly electionPort: LinkServer;
  /** Where observers are fed while this server follows, or null. */
  private readonly observerPort: LinkServer | null;
  private readonly connections: Connections;
  private readonly view: RunningServerView;
  private readonly quorumView: PeerQuorumView;
  private readonly snapshots: SnapshotTaker;
  private readonly membershipFiles: MembershipFiles | null;
  private readonly endTurn = () => this.finishTurn();
  private fail!: (error: Error) => void;
  private inTurn = false;
  private stopped = false;
  private peerTimer: NodeJS.Timeout | null = null;
  private peerDeadlineMs = Number.POSITIVE_INFINITY;
  private tickTimer: NodeJS.Timeout | null = null;
  private purgeTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly config: QuollConfig,
    private readonly ensemble: EnsembleConfig,
    private readonly directories: HeldDirectories,
    readonly log: Log,
    progress: RecoveryProgress,
  ) {
    this.failure = new Promise((resolve) => (this.fail = resolve));
    const seed = random.int32();
    const verifier = membershipOf(config.quorum);
    const turn = () => this.beginTurn();
    this.links = new TcpLinks(turn);
    this.dialer = new TcpDialer(this.links);
    const { configFile } = config;
    this.membershipFiles = configFile === null ? null : new MembershipFiles(resolve(configFile));
    this.snapshots = new SnapshotTaker(config, directories, log);
    const opened = openReplica(
      new NodeDisk(),
      {
        directories,
        commitLogCount: ensemble.commitLogCount,
        hasPeers: verifier.votingMembers.size > 1,
        recover: (kept) => recoverDatabase(config, directories, seed, kept, log),
        emptyTree: () => new DataTree(dataTreeOptions(config, seed)),
      },
      progress,
      log,
    );
    this.disk = this.openDisk(opened.tree.lastProcessedZxid, seed);
    const nowMs = performance.now();
    this.member = new EnsembleMember(
      memberOptions(config, ensemble, seed),
      this,
      this.disk,
      opened,
      verifier,
      this.proposedMembership(),
      nowMs,
      Date.now(),
    );
    const self = verifier.members.get(ensemble.myid)!;
    const { member } = this;
    this.quorumPort = this.makePort("quorum port", self.quorumAddresses, (link) => member.quorumLinkAccepted(link));
    this.electionPort = this.makePort("election port", self.electionAddresses, (link) =>
      member.electionLinkAccepted(link),
    );
    this.observerPort = this.makeObserverPort(self);
    const { host, port } = config.clientAddress;
    this.connections = new Connections(
      null,
      { host, port, backlog: config.clientPortListenBacklog, keepAlive: config.clientTcpKeepAlive },
      turn,
      (word) => answerFourLetterWord(word, this.view),
    );
    this.view = new RunningServerView(config, member.core, this.connections, directories, this.startedAtMs);
    this.quorumView = new PeerQuorumView(member.peer, ensemble, () => member.core);
    this.view.quorum = this.quorumView;
  }

  get clientPort(): number {
    return this.connections.port;
  }

  async start(): Promise<void> {
    await this.connections.listen();
    await this.electionPort.listen();
    await this.quorumPort.listen();
    await this.observerPort?.listen();
    const tickMs = Math.min(Math.max(this.config.tickTimeMs / 4, TICK_MIN_MS), TICK_MAX_MS);
    this.tickTimer = setInterval(() => this.tick(), tickMs);
    const { purgeIntervalHours } = this.config.autopurge;
    if (purgeIntervalHours > 0) {
      this.purgeTimer = setInterval(() => this.snapshots.purge(), purgeIntervalHours * HOUR_MS);
      this.snapshots.purge();
    }
    this.beginTurn();
    this.member.start();
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.view.serving = false;
    for (const timer of [this.tickTimer, this.purgeTimer]) if (timer !== null) clearInterval(timer);
    this.beginTurn();
    this.member.stop();
    this.finishTurn();
    this.stopped = true;
    if (this.peerTimer !== null) clearTimeout(this.peerTimer);
    this.links.close();
    await this.disk.close();
    const ports = [this.quorumPort, this.electionPort, this.observerPort];
    await Promise.all([this.connections.close(), ...ports.map((port) => port?.close())]);
    this.directories.release();
  }

  private openDisk(lastZxid: number, seed: number): ReplicaDisk {
    const { config, directories, log } = this;
    const { snapDirectory, logDirectory } = directories;
    const options = {
      directories: { snapDirectory, logDirectory },
      lastZxid,
      snapshot: snapshotOptions(config),
      log: logOptions(config, logDirectory),
    };
    return new ReplicaDisk(options, {
      ...logWarnings(log, logDirectory),
      turn: () => this.beginTurn(),
      recover: () => recoverDatabase(config, directories, seed, NO_PROGRESS, log).state,
      onSynced: (zxid) => this.synced(zxid),
      onFailure: (error) => this.failed(error),
    });
  }

  private makePort(name: string, addresses: readonly HostPort[], accepted: (link: Link) => LinkHandler): LinkServer {
    const { quorumListenOnAllIPs, electionPortBindRetry } = this.ensemble;
    const options = {
      name,
      addresses,
      listenOnAllIps: quorumListenOnAllIPs,
      bindAttempts: electionPortBindRetry,
      upgrade: null,
      upgradeTimeoutMs: 0,
      upgradesMax: 0,
    };
    return new LinkServer(options, this.links, this.log, accepted);
  }

  private makeObserverPort(self: Member): LinkServer | null {
    const { observerMasterPort, isObserver } = this.ensemble;
    if (observerMasterPort <= 0 || isObserver) return null;
    const addresses = self.quorumAddresses.map(({ host }) => ({ host, port: observerMasterPort }));
    return this.makePort("observer port", addresses, (link) => {
      const handler = this.member.observerLinkAccepted(link);
      if (handler === null) link.close("now");
      return handler ?? NOBODY;
    });
  }

  // --- what the member asks for

  aclChecker(tree: DataTree): AclChecker {
    return aclChecker(this.config, tree);
  }

  serve(core: ServerCore | null): void {
    this.view.serving = this.member.isServing;
    this.quorumView.servingSinceMs = performance.now();
    this.view.core = this.member.core;
    this.connections.serve(core);
  }

  membershipProposed(text: string): void {
    this.membershipFiles?.propose(text);
  }

  membershipActivated(verifier: QuorumVerifier): void {
    const self = verifier.members.get(this.ensemble.myid);
    this.membershipFiles?.activate(verifier.toText(), verifier.version, (self?.clientAddress ?? null) !== null);
  }

  /** A change that was under way when this server stopped. */
  private proposedMembership(): QuorumVerifier | null {
    const text = this.config.reconfigEnabled ? (this.membershipFiles?.readProposed() ?? null) : null;
    return text === null ? null : parseConfigText(text, this.ensemble.multiAddress);
  }

  // --- turns

  /** Something happens: tells the time, once per turn, and sees to it that the turn ends. */
  private beginTurn(): void {
    if (this.inTurn) return;
    this.inTurn = true;
    setImmediate(this.endTurn);
    this.member.clock(performance.now(), Date.now());
  }

  private finishTurn(): void {
    this.inTurn = false;
    if (this.stopped) return;
    // The log first: its thread syncs while packets and replies leave.
    this.disk.flush();
    this.links.flush();
    const { core } = this.member;
    const { effects } = core;
    if (effects.words.length > 0) this.answerWords();
    this.connections.flush();
    if (effects.snapshotDue) this.snapshots.take(core);
    this.armPeerTimer();
  }

  private armPeerTimer(): void {
    const deadlineMs = this.member.nextDeadlineMs;
    if (deadlineMs === this.peerDeadlineMs) return;
    this.peerDeadlineMs = deadlineMs;
    if (this.peerTimer !== null) clearTimeout(this.peerTimer);
    this.peerTimer = null;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.peerTimer = setTimeout(() => this.peerDue(), Math.max(0, deadlineMs - performance.now()));
  }

  private peerDue(): void {
    this.peerTimer = null;
    this.peerDeadlineMs = Number.POSITIVE_INFINITY;
    this.beginTurn();
    this.member.peerTick();
  }

  private tick(): void {
    this.beginTurn();
    this.member.serverTick();
    this.connections.reap(performance.now());
  }

  private synced(zxid: number): void {
    if (this.stopped) return;
    this.beginTurn();
    this.member.core.stats.fsyncTime.add(Math.round(this.disk.times.lastMs));
    this.member.logSynced(zxid);
  }

  /** Rule D33: nothing is served from here on, and nothing that is not durable is acknowledged. */
  private failed(error: Error): void {
    this.stopped = true;
    this.view.serving = false;
    this.fail(error);
  }

  private answerWords(): void {
    const { core } = this.member;
    const { words } = core.effects;
    for (const { connection, word, rest } of words) {
      const operand = rest.length >= 8 ? rest.subarray(0, 8) : null;
      core.stats.packetsSent++;
      this.connections.answer(connection, answerFourLetterWord(fourLetterWord(word)!, this.view, operand));
    }
    words.length = 0;
  }
}

function memberOptions(config: QuollConfig, ensemble: EnsembleConfig, seed: number): EnsembleMemberOptions {
  const { multiAddress } = ensemble;
  return {
    peer: {
      ...DEFAULT_PEER_OPTIONS,
      sid: ensemble.myid,
      tickTimeMs: config.tickTimeMs,
      initLimit: ensemble.initLimit,
      syncLimit: ensemble.syncLimit,
      connectToLearnerMasterLimit: ensemble.connectToLearnerMasterLimit,
      packetBytesMax: config.juteMaxBufferBytes + config.juteMaxBufferExtraBytes,
      maxConcurrentSnapSyncs: ensemble.maxConcurrentSnapSyncs,
      maxConcurrentDiffSyncs: ensemble.maxConcurrentDiffSyncs,
      snapshotSizeFactor: ensemble.snapshotSizeFactor,
      forceSnapshotSync: ensemble.forceSnapshotSync,
      reconfigEnabled: config.reconfigEnabled,
      multiAddress,
      observerMasterPort: ensemble.observerMasterPort,
    },
    election: {
      ...defaultElectionOptions(ensemble.myid),
      multiAddress,
      cnxTimeoutMs: ensemble.cnxTimeoutMs,
      minNotificationIntervalMs: ensemble.minNotificationIntervalMs,
      maxNotificationIntervalMs: ensemble.maxNotificationIntervalMs,
      reconfigEnabled: config.reconfigEnabled,
    },
    core: coreOptions(config),
    tree: dataTreeOptions(config, seed),
    snapCount: config.snapshot.snapCount,
    snapSizeBytes: config.snapshot.snapSizeBytes ?? 0,
    leaderServes: ensemble.leaderServes,
    readOnlyModeEnabled: config.readOnlyModeEnabled,
    standaloneEnabled: ensemble.standaloneEnabled,
  };
}

/** Owns a link that is closed already. */
const NOBODY: LinkHandler = { received: () => {}, drained: () => {}, closed: () => {} };

const NO_PROGRESS: RecoveryProgress = { snapshot: () => {}, log: () => {} };
