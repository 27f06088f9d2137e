import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import {
  DEFAULT_PEER_OPTIONS,
  defaultElectionOptions,
  Election,
  type Forward,
  type HostPort,
  type LeaderService,
  type Leadership,
  type LearnerService,
  type Link,
  type LinkHandler,
  membershipOf,
  type PeerEvents,
  parseConfigText,
  QuorumPeer,
  type QuorumVerifier,
} from "@quoll/zab";
import { LinkServer, TcpDialer, TcpLinks } from "@quoll/zab/node";
import type { Log } from "../core/capabilities.js";
import { fourLetterWord } from "../core/four-letter-word.js";
import { CommittedLog } from "../core/replica/committed-log.js";
import { ServerReplica } from "../core/replica/server-replica.js";
import { type Membership, Reconfiguration } from "../core/role/reconfiguration.js";
import type { RoleStart } from "../core/role/role.js";
import { ServerCore } from "../core/server-core.js";
import { readEpochs } from "../core/storage/number-file.js";
import type { RecoveryProgress } from "../core/storage/recovery.js";
import { finishReplacement, isMarkedDamaged, markDamaged } from "../core/storage/replace-state.js";
import { SnapshotPolicy } from "../core/storage/snapshot-policy.js";
import { DamagedError } from "../core/storage/storage-error.js";
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
const READ_ONLY_WAIT_MS = 2000;

/** What is on this server's disk. */
interface Opened {
  readonly tree: DataTree;
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  readonly isDamaged: boolean;
  readonly txnsReplayed: number;
  readonly logBytes: number;
  readonly committedLog: CommittedLog;
}

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

/**
 * One server of an ensemble: gives the peer, the replica and the server of the term their events and carries out their
 * effects, once per turn of the event loop. There is a {@link ServerCore} for each term, which ends with it; tree and log
 * stay.
 */
class QuorumServer implements RunningServer, PeerEvents {
  readonly failure: Promise<Error>;
  private core: ServerCore;
  private readonly startedAtMs = performance.now();
  private readonly seed = randomBytes(4).readInt32BE();
  private readonly disk: ReplicaDisk;
  private readonly replica: ServerReplica;
  private readonly peer: QuorumPeer;
  private readonly links: TcpLinks;
  private readonly dialer: TcpDialer;
  private readonly quorumPort: LinkServer;
  private readonly electionPort: LinkServer;
  private readonly connections: Connections;
  private readonly view: RunningServerView;
  private readonly quorumView: PeerQuorumView;
  private readonly snapshots: SnapshotTaker;
  private readonly endTurn = () => this.finishTurn();
  private fail!: (error: Error) => void;
  private inTurn = false;
  private stopped = false;
  private peerTimer: NodeJS.Timeout | null = null;
  private peerDeadlineMs = Number.POSITIVE_INFINITY;
  private readOnlyTimer: NodeJS.Timeout | null = null;
  private readonly membershipFiles: MembershipFiles | null;
  private tickTimer: NodeJS.Timeout | null = null;
  private purgeTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly config: QuollConfig,
    private readonly ensemble: EnsembleConfig,
    private readonly directories: HeldDirectories,
    private readonly log: Log,
    progress: RecoveryProgress,
  ) {
    this.failure = new Promise((resolve) => (this.fail = resolve));
    const verifier = membershipOf(config.quorum);
    const opened = this.open(verifier, progress);
    this.disk = this.openDisk(opened.tree.lastProcessedZxid);
    this.replica = new ServerReplica(
      this.disk,
      opened,
      dataTreeOptions(config, this.seed),
      opened.committedLog,
      (tree) => tree.initConfig(Buffer.from(verifier.toText()), verifier.version, Date.now()),
      {
        synced: (zxid) => this.peer.synced(zxid),
        epochStored: (kind, epoch) => this.peer.epochStored(kind, epoch),
        truncated: (zxid) => this.peer.truncated(zxid),
        snapshotStored: (zxid) => this.peer.snapshotStored(zxid),
        settled: () => this.peer.settled(),
      },
      log,
    );
    const { configFile } = config;
    this.membershipFiles = configFile === null ? null : new MembershipFiles(resolve(configFile));
    this.snapshots = new SnapshotTaker(config, directories, log);
    const turn = () => this.beginTurn();
    this.links = new TcpLinks(turn);
    this.dialer = new TcpDialer(this.links);
    this.peer = this.makePeer(verifier);
    const self = verifier.members.get(ensemble.myid)!;
    this.quorumPort = this.makePort("quorum port", self.quorumAddresses, (link) => this.peer.quorumLinkAccepted(link));
    this.electionPort = this.makePort("election port", self.electionAddresses, (link) =>
      this.peer.electionLinkAccepted(link),
    );
    this.core = this.makeCore({ kind: "read-only" }, opened.txnsReplayed, opened.logBytes);
    const { host, port } = config.clientAddress;
    this.connections = new Connections(
      null,
      { host, port, backlog: config.clientPortListenBacklog, keepAlive: config.clientTcpKeepAlive },
      turn,
      (word) => answerFourLetterWord(word, this.view),
    );
    this.view = new RunningServerView(config, this.core, this.connections, directories, this.startedAtMs);
    this.quorumView = new PeerQuorumView(this.peer, ensemble, () => this.core);
    this.view.quorum = this.quorumView;
  }

  get clientPort(): number {
    return this.connections.port;
  }

  async start(): Promise<void> {
    await this.connections.listen();
    await this.electionPort.listen();
    await this.quorumPort.listen();
    const tickMs = Math.min(Math.max(this.config.tickTimeMs / 4, TICK_MIN_MS), TICK_MAX_MS);
    this.tickTimer = setInterval(() => this.tick(), tickMs);
    const { purgeIntervalHours } = this.config.autopurge;
    if (purgeIntervalHours > 0) {
      this.purgeTimer = setInterval(() => this.snapshots.purge(), purgeIntervalHours * HOUR_MS);
      this.snapshots.purge();
    }
    this.beginTurn();
    this.peer.start();
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.view.serving = false;
    for (const timer of [this.tickTimer, this.purgeTimer, this.readOnlyTimer]) if (timer !== null) clearInterval(timer);
    this.core.stop();
    this.beginTurn();
    this.peer.stop();
    this.finishTurn();
    this.stopped = true;
    if (this.peerTimer !== null) clearTimeout(this.peerTimer);
    this.links.close();
    await this.disk.close();
    await Promise.all([this.connections.close(), this.quorumPort.close(), this.electionPort.close()]);
    this.directories.release();
  }

  // --- building

  private open(verifier: QuorumVerifier, progress: RecoveryProgress): Opened {
    const { config, directories, log } = this;
    const disk = new NodeDisk();
    const { snapDirectory } = directories;
    const committedLog = new CommittedLog(this.ensemble.commitLogCount);
    const kept: RecoveryProgress = {
      snapshot: (...args) => progress.snapshot(...args),
      log: (...args) => progress.log(...args),
      txn: (bytes, start, end, zxid) => committedLog.add(bytes, start, end, zxid),
    };
    finishReplacement(disk, directories);
    let problem: string;
    if (isMarkedDamaged(disk, snapDirectory)) {
      problem = "found damaged by an earlier start";
    } else {
      try {
        const { state: tree, txnsReplayed, logBytes } = recoverDatabase(config, directories, this.seed, kept, log);
        const epochs = readEpochs(disk, snapDirectory, tree.lastProcessedZxid);
        const { accepted: acceptedEpoch, current: currentEpoch } = epochs;
        return { tree, acceptedEpoch, currentEpoch, isDamaged: false, txnsReplayed, logBytes, committedLog };
      } catch (error) {
        if (!(error instanceof DamagedError) || verifier.votingMembers.size < 2) throw error;
        problem = error.message;
        markDamaged(disk, snapDirectory);
      }
    }
    log.error({ problem }, "DAMAGED: this server does not vote, and takes its data back from the leader of a quorum");
    const tree = new DataTree(dataTreeOptions(config, this.seed));
    committedLog.clear();
    const { accepted: acceptedEpoch, current: currentEpoch } = readEpochs(disk, snapDirectory, 0);
    return { tree, acceptedEpoch, currentEpoch, isDamaged: true, txnsReplayed: 0, logBytes: 0, committedLog };
  }

  private openDisk(lastZxid: number): ReplicaDisk {
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
      recover: () => recoverDatabase(config, directories, this.seed, NO_PROGRESS, log).state,
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

  private makePeer(verifier: QuorumVerifier): QuorumPeer {
    const { config, ensemble, log } = this;
    const options = {
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
      multiAddress: ensemble.multiAddress,
    };
    const electionOptions = {
      ...defaultElectionOptions(ensemble.myid),
      multiAddress: ensemble.multiAddress,
      cnxTimeoutMs: ensemble.cnxTimeoutMs,
      minNotificationIntervalMs: ensemble.minNotificationIntervalMs,
      maxNotificationIntervalMs: ensemble.maxNotificationIntervalMs,
      reconfigEnabled: config.reconfigEnabled,
    };
    return new QuorumPeer(
      options,
      { current: verifier, lastSeen: this.proposedMembership() },
      this.replica,
      (events) => new Election(electionOptions, verifier, this.dialer, random, log, events),
      this.dialer,
      log,
      this,
    );
  }

  private makeCore(role: RoleStart, txnsSinceSnapshot = 0, bytesSinceSnapshot = 0): ServerCore {
    const { config, replica, log } = this;
    const { snapCount, snapSizeBytes } = config.snapshot;
    const policy = new SnapshotPolicy(snapCount, snapSizeBytes ?? 0, random, txnsSinceSnapshot, bytesSinceSnapshot);
    return new ServerCore(
      replica.tree,
      replica.log,
      aclChecker(config, replica.tree),
      policy,
      random,
      coreOptions(config),
      log,
      performance.now(),
      Date.now(),
      role,
    );
  }

  // --- terms

  looking(): void {
    if (!this.config.readOnlyModeEnabled || this.replica.isDamaged) return;
    // As ZooKeeper, only when the election takes its time: clients should rather find a server with a leader.
    const waitMs = Math.max(READ_ONLY_WAIT_MS, this.config.tickTimeMs);
    this.readOnlyTimer = setTimeout(() => this.serveReadOnly(), waitMs);
  }

  leading(leadership: Leadership, epoch: number): LeaderService {
    const { standaloneEnabled, multiAddress } = this.ensemble;
    const core = this.makeCore({
      kind: "leader",
      epoch,
      leadership,
      committed: this.replica,
      reconfiguration: new Reconfiguration(this.membership, { standaloneEnabled, multiAddress }),
    });
    this.begin(core, { leading: epoch }, this.ensemble.leaderServes);
    this.replica.attach(core);
    return core.leaderService;
  }

  following(forward: Forward, leaderSid: number, epoch: number): LearnerService {
    return this.learning("follower", forward, leaderSid, epoch);
  }

  observing(forward: Forward, leaderSid: number, epoch: number): LearnerService {
    return this.learning("observer", forward, leaderSid, epoch);
  }

  private learning(kind: "follower" | "observer", forward: Forward, leaderSid: number, epoch: number): LearnerService {
    const core = this.makeCore({ kind, forward, committed: this.replica });
    this.begin(core, { [kind]: epoch, leader: leaderSid }, true);
    this.replica.attach(core);
    return core.learnerService;
  }

  private serveReadOnly(): void {
    this.readOnlyTimer = null;
    this.beginTurn();
    this.begin(this.makeCore({ kind: "read-only" }), { readOnly: true }, true);
  }

  private begin(core: ServerCore, fields: object, serves: boolean): void {
    if (this.readOnlyTimer !== null) clearTimeout(this.readOnlyTimer);
    this.readOnlyTimer = null;
    this.core = core;
    this.view.core = core;
    this.view.serving = true;
    this.quorumView.servingSinceMs = performance.now();
    this.connections.serve(serves ? core : null);
    this.log.info({ ...fields, zxid: hex(this.replica.lastCommittedZxid) }, "serving");
  }

  ended(reason: string): void {
    this.log.warn({ reason }, "the term is over; clients are sent away until there is a leader");
    this.core.stop();
    this.view.serving = false;
    this.connections.serve(null);
  }

  // --- members

  membershipProposed(text: string): void {
    this.log.info({ members: text }, "the members are being changed");
    this.membershipFiles?.propose(text);
  }

  membershipActivated(text: string): void {
    const { verifier } = this.peer;
    const self = verifier.members.get(this.ensemble.myid);
    this.log.info({ members: text, isMember: self !== undefined }, "the members have changed");
    this.membershipFiles?.activate(text, verifier.version, (self?.clientAddress ?? null) !== null);
    this.replica.tree.initConfig(Buffer.from(text), verifier.version, Date.now());
  }

  /** A change that was under way when this server stopped. */
  private proposedMembership(): QuorumVerifier | null {
    const text = this.config.reconfigEnabled ? (this.membershipFiles?.readProposed() ?? null) : null;
    return text === null ? null : parseConfigText(text, this.ensemble.multiAddress);
  }

  /** The members as the leader's request path needs them. */
  private get membership(): Membership {
    const { peer, ensemble } = this;
    return {
      get verifier() {
        return peer.verifier;
      },
      get lastSeenVerifier() {
        return peer.lastSeenVerifier;
      },
      isQuorumSynced: (verifier) => {
        const synced = new Set([ensemble.myid]);
        for (const learner of peer.leading?.learners ?? []) if (learner.isForwarding) synced.add(learner.sid);
        return verifier.containsQuorum(synced);
      },
    };
  }

  // --- turns

  /** Something happens: tells everybody the time, once per turn, and sees to it that the turn ends. */
  private beginTurn(): void {
    if (this.inTurn) return;
    this.inTurn = true;
    setImmediate(this.endTurn);
    const nowMs = performance.now();
    this.peer.clock(nowMs);
    this.core.clock(nowMs, Date.now());
  }

  private finishTurn(): void {
    this.inTurn = false;
    if (this.stopped) return;
    // The log first: its thread syncs while packets and replies leave.
    this.disk.flush();
    this.links.flush();
    const { effects } = this.core;
    if (effects.words.length > 0) this.answerWords();
    this.connections.flush();
    if (effects.snapshotDue) this.snapshots.take(this.core);
    this.armPeerTimer();
  }

  private armPeerTimer(): void {
    const deadlineMs = this.peer.nextDeadlineMs;
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
    this.peer.tick();
  }

  private tick(): void {
    this.beginTurn();
    if (this.view.serving) this.core.tick();
    this.connections.reap(performance.now());
  }

  private synced(zxid: number): void {
    if (this.stopped) return;
    this.beginTurn();
    this.core.stats.fsyncTime.add(Math.round(this.disk.times.lastMs));
    this.replica.logSynced(zxid);
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
      const operand = rest.length >= 8 ? rest.subarray(0, 8) : null;
      this.core.stats.packetsSent++;
      this.connections.answer(connection, answerFourLetterWord(fourLetterWord(word)!, this.view, operand));
    }
    words.length = 0;
  }
}

const NO_PROGRESS: RecoveryProgress = { snapshot: () => {}, log: () => {} };

function hex(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}
