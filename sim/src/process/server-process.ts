import { InvariantError } from "@quoll/jute";
import { AclChecker } from "@quoll/server/core/acl/acl-checker";
import { AuthenticationProviders, DEFAULT_AUTHENTICATION } from "@quoll/server/core/acl/authentication-providers";
import {
  DEFAULT_ENFORCED_AUTHENTICATION,
  EnforcedAuthentication,
} from "@quoll/server/core/acl/enforced-authentication";
import {
  EnsembleMember,
  type EnsembleMemberHost,
  type EnsembleMemberOptions,
} from "@quoll/server/core/ensemble-member";
import { openReplica } from "@quoll/server/core/replica/open-replica";
import type { ServerCore } from "@quoll/server/core/server-core";
import { DEFAULT_CONNECTION_THROTTLE } from "@quoll/server/core/session/connection-throttle";
import type { Directories } from "@quoll/server/core/storage/data-directory";
import { prepareDirectories } from "@quoll/server/core/storage/data-directory";
import { purge } from "@quoll/server/core/storage/purge";
import { type Recovered, type RecoveryProgress, recover } from "@quoll/server/core/storage/recovery";
import { DamagedError, DiskError } from "@quoll/server/core/storage/storage-error";
import { Crash } from "@quoll/server/core/storage/testing/fake-disk";
import { type TreeSnapshotOptions, writeTreeSnapshot } from "@quoll/server/core/storage/tree-snapshot";
import { DataTree, type DataTreeOptions } from "@quoll/server/core/tree/data-tree";
import { DEFAULT_PEER_OPTIONS, defaultElectionOptions, type Log, type QuorumVerifier } from "@quoll/zab";
import { type EnsembleModel, hashOf, type NodeModel } from "../checker/ensemble-model.js";
import { Violation, violated } from "../checker/violation.js";
import { NO_CODECS } from "../disk/no-codecs.js";
import type { SimDisk } from "../disk/sim-disk.js";
import { SimStorage } from "../disk/sim-storage.js";
import type { Kernel } from "../kernel/kernel.js";
import type { RandomStream } from "../kernel/random.js";
import type { Network } from "../network/network.js";
import { ClientPort } from "./client-port.js";
import { type LinkHost, SimDialer, SimLinks } from "./sim-link.js";
import { readPackets } from "./wire-tap.js";

/** Settings that all servers of a world share. Limits are small, so that they are met. */
export interface ServerSettings {
  readonly tickTimeMs: number;
  readonly initLimit: number;
  readonly syncLimit: number;
  readonly snapCount: number;
  readonly commitLogCount: number;
  readonly preAllocBytes: number;
  readonly logSizeLimitBytes: number;
  readonly snapshotSizeFactor: number;
  readonly forceSnapshotSync: boolean;
  readonly leaderServes: boolean;
  readonly readOnlyModeEnabled: boolean;
  readonly localSessionsEnabled: boolean;
  readonly globalOutstandingLimit: number;
  readonly snapRetainCount: number;
}

/** The world as a server process has it. */
export interface ProcessHost {
  readonly kernel: Kernel;
  readonly network: Network;
  readonly model: EnsembleModel;
  readonly settings: ServerSettings;
  readonly verifier: QuorumVerifier;
  readonly counters: Map<string, number>;
  /** The process has ended by itself. */
  ended(process: ServerProcess, how: "failed" | "lost power", reason: string): void;
}

export const QUORUM_PORT = 2888;
export const ELECTION_PORT = 3888;
export const CLIENT_PORT = 2181;

const WALL_START_MS = 1_700_000_000_000;
const DIRECTORIES: Directories = { snapDirectory: "/data/version-2", logDirectory: "/log/version-2" };
const SNAPSHOT: TreeSnapshotOptions = { compression: "", digestEnabled: true, lastProcessedZxid: true };
const NO_PROGRESS: RecoveryProgress = { snapshot: () => {}, log: () => {} };

/** A node's clock: it may run fast or slow, and the wall's may jump. */
export interface NodeClock {
  readonly drift: number;
  wallOffsetMs: number;
}

/** One life of a server: from its start on a disk to its end. Everything that happens to it comes through {@link event}. */
export class ServerProcess implements LinkHost, EnsembleMemberHost {
  readonly name: string;
  readonly dialer: SimDialer;
  readonly log: Log;
  member!: EnsembleMember;
  isAlive = true;
  private readonly links: SimLinks;
  private readonly clients: ClientPort;
  private storage!: SimStorage;
  private isStopped = false;
  private readonly queue: { readonly what: string; readonly run: () => void }[] = [];
  private inTurn = false;
  private peerDeadlineMs = Number.POSITIVE_INFINITY;
  private cancelPeerTimer: () => void = () => {};
  private isWritingSnapshot = false;
  private readonly seed: number;
  /** Of the turn, on this node's clock. */
  private turnMs = 0;

  constructor(
    private readonly host: ProcessHost,
    readonly sid: number,
    readonly disk: SimDisk,
    readonly random: RandomStream,
    readonly clock: NodeClock,
    readonly model: NodeModel,
  ) {
    this.name = `s${sid}`;
    this.seed = random.int32();
    this.log = this.makeLog();
    this.links = new SimLinks(this);
    this.dialer = new SimDialer(this.links, ({ port }) => (port === QUORUM_PORT ? "quorum" : "election"));
    this.clients = new ClientPort(this);
  }

  get network(): Network {
    return this.host.network;
  }

  private makeLog(): Log {
    const line = (level: string) => (fields: object, message: string) => {
      if (this.host.kernel.trace === null) return;
      this.host.kernel.note(`${this.name} ${level} ${message} ${JSON.stringify(fields)}`);
    };
    return { debug: () => {}, info: line("info"), warn: line("WARN"), error: line("ERROR") };
  }

  private count(what: string): void {
    const { counters } = this.host;
    counters.set(what, (counters.get(what) ?? 0) + 1);
  }

  // --- life

  /** Recovers what is on the disk and takes part in the ensemble. */
  start(): void {
    this.guard(() => {
      this.boot();
      if (!this.isAlive) return;
      this.listen();
      this.beginTurn();
      this.member.start();
    });
  }

  private boot(): void {
    const { host, disk, model, sid, log } = this;
    const { settings, verifier } = host;
    prepareDirectories(disk, DIRECTORIES, true);
    const replayed = new Map<number, number>();
    const opened = openReplica(
      disk,
      {
        directories: DIRECTORIES,
        commitLogCount: settings.commitLogCount,
        hasPeers: verifier.votingMembers.size > 1,
        recover: (kept) =>
          this.recover({
            ...kept,
            txn: (bytes, start, end, zxid) => {
              replayed.set(zxid, hashOf(bytes, start, end));
              kept.txn?.(bytes, start, end, zxid);
            },
          }),
        emptyTree: () => new DataTree(this.treeOptions),
      },
      NO_PROGRESS,
      log,
    );
    if (opened.isDamaged) {
      this.count("DAMAGED");
      if (!model.isExcused) violated("CutEquivalence", `server ${sid} says that it is damaged, but its disk is not`);
      model.last = model.durable = null;
    } else {
      host.model.recovered(model, opened.tree, replayed);
      host.model.recoveredEpochs(model, opened.acceptedEpoch, opened.currentEpoch);
    }
    this.storage = new SimStorage(
      {
        disk,
        random: this.random,
        later: (delayMs, what, run) => this.later(delayMs, what, run),
        recover: () => this.recover(NO_PROGRESS).state,
        synced: (zxid) => {
          host.model.synced(model, zxid);
          this.member.logSynced(zxid);
        },
        appended: (bytes, start, end, zxid) => host.model.appended(model, bytes, start, end, zxid),
        truncating: (zxid) => {
          this.count("TRUNC");
          host.model.truncating(model, zxid);
        },
        truncated: (zxid) => host.model.truncated(model, zxid),
        replaced: () => host.model.replaced(model),
        replacing: (zxid) => {
          this.count("SNAP");
          const leader = this.member.peer.leaderSid;
          host.model.replacing(model, zxid, leader === null ? null : host.model.node(leader));
        },
      },
      {
        directories: DIRECTORIES,
        log: {
          preAllocBytes: settings.preAllocBytes,
          sizeLimitBytes: settings.logSizeLimitBytes,
          forceSync: true,
        },
        snapshot: SNAPSHOT,
      },
      opened.tree.lastProcessedZxid,
    );
    this.member = new EnsembleMember(
      this.memberOptions(),
      this,
      this.storage,
      opened,
      verifier,
      null,
      this.monotonicMs,
      this.wallMs,
    );
    this.watchMember();
    this.log.info(
      {
        zxid: opened.tree.lastProcessedZxid.toString(16),
        accepted: opened.acceptedEpoch,
        current: opened.currentEpoch,
      },
      "starts",
    );
  }

  /** Tells the model what is committed and who leads. */
  private watchMember(): void {
    const { member, host, model } = this;
    const { replica } = member;
    const committed = replica.committed.bind(replica);
    replica.committed = (bytes, start, end, zxid) => {
      committed(bytes, start, end, zxid);
      host.model.committedAt(model, zxid, replica.tree);
    };
    const leading = member.leading.bind(member);
    member.leading = (leadership, epoch) => {
      this.count("terms led");
      host.model.leading(model, epoch, replica.isDamaged);
      return leading(leadership, epoch);
    };
    const following = member.following.bind(member);
    member.following = (forward, leader, epoch) => {
      this.count("terms followed");
      host.model.serving(model, replica.tree);
      return following(forward, leader, epoch);
    };
    const observing = member.observing.bind(member);
    member.observing = (forward, leader, epoch) => {
      this.count("terms observed");
      host.model.serving(model, replica.tree);
      return observing(forward, leader, epoch);
    };
  }

  private listen(): void {
    const { host, name, links, member } = this;
    host.network.listen(name, `${name}:${QUORUM_PORT}`, (connection) =>
      this.event("quorum link", () => links.attach(connection, 1, "quorum", (link) => member.quorumLinkAccepted(link))),
    );
    host.network.listen(name, `${name}:${ELECTION_PORT}`, (connection) =>
      this.event("election link", () =>
        links.attach(connection, 1, "election", (link) => member.electionLinkAccepted(link)),
      ),
    );
    host.network.listen(name, `${name}:${CLIENT_PORT}`, (connection) =>
      this.event("client", () => this.clients.accept(connection)),
    );
    const tickMs = Math.min(Math.max(host.settings.tickTimeMs / 4, 20), 500);
    const tick = (): void => {
      this.event("tick", () => this.member.serverTick());
      if (this.isAlive) host.kernel.after(tickMs / this.clock.drift, `${name} tick`, tick);
    };
    host.kernel.after(tickMs, `${name} tick`, tick);
  }

  /** `kill -9`: what it wrote is in the page cache, and its kernel ends the connections. */
  kill(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.disk.kill();
    this.host.network.setStopped(this.name, false);
    this.host.network.processEnded(this.name);
  }

  /** The machine loses power. */
  losePower(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.disk.losePower();
    this.host.network.setStopped(this.name, false);
    this.host.network.powerLost(this.name);
  }

  /** SIGSTOP and SIGCONT. */
  setStopped(isStopped: boolean): void {
    if (!this.isAlive || isStopped === this.isStopped) return;
    this.isStopped = isStopped;
    this.host.network.setStopped(this.name, isStopped);
    if (isStopped) return;
    const queued = this.queue.splice(0);
    for (const { what, run } of queued) this.event(what, run);
  }

  /** Runs something of the process, which may end in it. */
  private guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.broke(error as Error);
    }
  }

  private broke(error: Error): void {
    if (error instanceof Violation) throw error;
    if (error instanceof Crash) {
      this.losePower();
      this.host.ended(this, "lost power", error.message);
    } else if (error instanceof DiskError) {
      // Rule D33: the process ends.
      this.count(`failed on ${error.errno}`);
      this.kill();
      this.host.ended(this, "failed", error.message);
    } else if (error instanceof DamagedError && this.model.isExcused) {
      this.count("refused to start");
      this.kill();
      this.host.ended(this, "failed", error.message);
    } else {
      const name = error instanceof InvariantError ? "an invariant of the server" : "an exception";
      violated("Crash", `${name} ends server ${this.sid}: ${error.stack ?? error.message}`);
    }
  }

  // --- turns

  event(what: string, run: () => void): void {
    if (!this.isAlive) return;
    if (this.isStopped) {
      this.queue.push({ what, run });
      return;
    }
    this.guard(() => {
      this.beginTurn();
      run();
    });
  }

  private later(delayMs: number, what: string, run: () => void): void {
    this.host.kernel.after(delayMs, `${this.name} ${what}`, () => this.event(what, run));
  }

  private get monotonicMs(): number {
    return this.host.kernel.nowMs * this.clock.drift;
  }

  private get wallMs(): number {
    return Math.floor(WALL_START_MS + this.host.kernel.nowMs + this.clock.wallOffsetMs);
  }

  private beginTurn(): void {
    if (this.inTurn) return;
    this.inTurn = true;
    // Several things may happen in one turn.
    this.host.kernel.after(this.random.chance(0.5) ? 0 : this.random.fraction() * 0.3, `${this.name} turn`, () => {
      if (!this.isAlive) return;
      if (this.isStopped) this.queue.unshift({ what: "turn", run: () => this.endTurn() });
      else this.guard(() => this.endTurn());
    });
    this.turnMs = this.monotonicMs;
    this.member.clock(this.turnMs, this.wallMs);
  }

  private endTurn(): void {
    this.inTurn = false;
    const { member, disk } = this;
    this.storage.flush();
    this.links.flush();
    this.clients.flush();
    member.core.effects.words.length = 0;
    if (member.core.effects.snapshotDue) this.takeSnapshot();
    if (disk.trace.length > 1000) disk.trace.length = 0;
    this.armPeerTimer();
  }

  private armPeerTimer(): void {
    const deadlineMs = this.member.nextDeadlineMs;
    if (deadlineMs === this.peerDeadlineMs) return;
    this.cancelPeerTimer();
    this.peerDeadlineMs = deadlineMs;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, (deadlineMs - this.monotonicMs) / this.clock.drift) + 0.01;
    this.cancelPeerTimer = this.host.kernel.after(delayMs, `${this.name} peer timer`, () =>
      this.event("peer timer", () => {
        this.peerDeadlineMs = Number.POSITIVE_INFINITY;
        this.member.peerTick();
      }),
    );
  }

  private takeSnapshot(): void {
    const { core } = this.member;
    core.effects.snapshotDue = false;
    if (this.isWritingSnapshot) return;
    this.isWritingSnapshot = true;
    this.count("snapshots");
    const { tree } = core;
    const frozen = tree.freeze();
    this.later(this.disk.delayMs() * 3, "snapshot", () => {
      try {
        writeTreeSnapshot(this.disk, DIRECTORIES.snapDirectory, NO_CODECS, frozen, SNAPSHOT, () => {});
        if (this.random.chance(0.5)) {
          purge(this.disk, NO_CODECS, DIRECTORIES, this.host.settings.snapRetainCount);
          this.count("purges");
        }
      } catch (error) {
        // The log keeps everything.
        if (!(error instanceof DiskError)) throw error;
        this.count("failed snapshots");
      }
      tree.release();
      this.isWritingSnapshot = false;
    });
  }

  // --- what the member asks for

  aclChecker(tree: DataTree): AclChecker {
    const hashes = { digest: (_algorithm: string, bytes: Uint8Array) => bytes };
    const providers = new AuthenticationProviders(DEFAULT_AUTHENTICATION, hashes);
    return new AclChecker(providers, new EnforcedAuthentication(DEFAULT_ENFORCED_AUTHENTICATION), tree.acls, false);
  }

  serve(core: ServerCore | null): void {
    this.clients.serve(core);
  }

  membershipProposed(): void {}

  membershipActivated(): void {}

  // --- what it says

  sending(bytes: Uint8Array, port: "quorum" | "election"): void {
    if (port !== "quorum" || this.member.peer.leading !== null) return;
    const { model, host } = this;
    readPackets(bytes, {
      ack: (zxid) => host.model.acked(model, zxid),
      ackNewLeader: (epoch) => host.model.ackedNewLeader(model, epoch),
      ackEpoch: () => host.model.toldAccepted(model, this.member.replica.acceptedEpoch),
    });
  }

  // --- settings

  private get treeOptions(): DataTreeOptions {
    return { seed: this.seed, digestEnabled: true, extendedTypesEnabled: true, emulate353TTLNodes: false };
  }

  private recover(progress: RecoveryProgress): Recovered<DataTree> {
    const { disk, treeOptions } = this;
    const recovered = recover(
      disk,
      NO_CODECS,
      { create: () => new DataTree(treeOptions), load: (source) => DataTree.deserialize(source, treeOptions) },
      {
        ...DIRECTORIES,
        autocreateDirectories: true,
        autocreateDatabase: true,
        trustEmptySnapshot: false,
        initialZxid: 0,
        acceptDigestMismatch: false,
      },
      progress,
      this.log,
    );
    recovered.state.addConfigNode();
    if (recovered.isNew) {
      const frozen = recovered.state.freeze();
      writeTreeSnapshot(disk, DIRECTORIES.snapDirectory, NO_CODECS, frozen, SNAPSHOT, () => {});
      recovered.state.release();
    }
    return recovered;
  }

  private memberOptions(): EnsembleMemberOptions {
    const { settings } = this.host;
    const { sid, treeOptions } = this;
    return {
      peer: {
        ...DEFAULT_PEER_OPTIONS,
        sid,
        tickTimeMs: settings.tickTimeMs,
        initLimit: settings.initLimit,
        syncLimit: settings.syncLimit,
        snapshotSizeFactor: settings.snapshotSizeFactor,
        forceSnapshotSync: settings.forceSnapshotSync,
      },
      election: { ...defaultElectionOptions(sid), cnxTimeoutMs: settings.tickTimeMs * 2 },
      core: {
        serverId: sid,
        tickTimeMs: settings.tickTimeMs,
        minSessionTimeoutMs: settings.tickTimeMs * 2,
        maxSessionTimeoutMs: settings.tickTimeMs * 20,
        maxClientCnxns: 0,
        maxCnxns: 0,
        globalOutstandingLimit: settings.globalOutstandingLimit,
        juteMaxBuffer: 0xfffff,
        txnBytesMax: 0xfffff * 2,
        sessionlessTimeoutMs: settings.tickTimeMs * 5,
        containerCheckIntervalMs: 60_000,
        containerMaxPerMinute: 10_000,
        containerMaxNeverUsedMs: 0,
        connectionThrottle: DEFAULT_CONNECTION_THROTTLE,
        localSessionsEnabled: settings.localSessionsEnabled,
        localSessionsUpgradingEnabled: settings.localSessionsEnabled,
        digestEnabled: true,
        extendedTypesEnabled: true,
        enforceQuota: false,
        reconfigEnabled: false,
        closeSessionTxnEnabled: true,
      },
      tree: treeOptions,
      snapCount: settings.snapCount,
      snapSizeBytes: 0,
      leaderServes: settings.leaderServes,
      readOnlyModeEnabled: settings.readOnlyModeEnabled,
      standaloneEnabled: false,
    };
  }
}
