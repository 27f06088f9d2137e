import { encodeUtf8, utf8Length } from "@quoll/jute";
import {
  type Dialer,
  Election,
  type ElectionOptions,
  type Forward,
  type LeaderService,
  type Leadership,
  type LearnerService,
  type Link,
  type LinkHandler,
  type PeerEvents,
  type PeerOptions,
  QuorumPeer,
  type QuorumVerifier,
} from "@quoll/zab";
import type { AclChecker } from "./acl/acl-checker.js";
import type { Log, Random } from "./capabilities.js";
import type { OpenedReplica } from "./replica/open-replica.js";
import type { ReplicaStorage } from "./replica/replica-storage.js";
import { ServerReplica } from "./replica/server-replica.js";
import { type Membership, Reconfiguration } from "./role/reconfiguration.js";
import type { RoleStart } from "./role/role.js";
import { ServerCore, type ServerCoreOptions } from "./server-core.js";
import { SnapshotPolicy } from "./storage/snapshot-policy.js";
import type { DataTree, DataTreeOptions } from "./tree/data-tree.js";

export interface EnsembleMemberOptions {
  readonly peer: PeerOptions;
  readonly election: ElectionOptions;
  readonly core: ServerCoreOptions;
  readonly tree: DataTreeOptions;
  readonly snapCount: number;
  /** 0: no limit. */
  readonly snapSizeBytes: number;
  /** `leaderServes`: whether clients are served while this server leads. */
  readonly leaderServes: boolean;
  readonly readOnlyModeEnabled: boolean;
  readonly standaloneEnabled: boolean;
}

/** What a member needs of the machine beside its disk. */
export interface EnsembleMemberHost {
  readonly dialer: Dialer;
  readonly random: Random;
  readonly log: Log;
  /** Who may do what in this tree. */
  aclChecker(tree: DataTree): AclChecker;
  /** From now on this one serves the clients, or nobody does. Those that are there lose their connections. */
  serve(core: ServerCore | null): void;
  /** A change of the members is under way, as text of `/zookeeper/config`: durable when this returns (rule D42). */
  membershipProposed(text: string): void;
  /** The members have changed: durable when this returns. */
  membershipActivated(verifier: QuorumVerifier): void;
}

/** As ZooKeeper, a server becomes read-only only when the election takes its time. */
const READ_ONLY_WAIT_MS = 2000;

/**
 * One server of an ensemble: the peer, which elects, follows and leads; the replica, which lasts; and a {@link ServerCore} for
 * each term, which serves clients and ends with it. Like its parts it is a deterministic machine: events come in, and it is
 * told the time by {@link clock} before each.
 */
export class EnsembleMember implements PeerEvents {
  readonly replica: ServerReplica;
  readonly peer: QuorumPeer;
  /** Who serves, or has served last. */
  core: ServerCore;
  /** Whether there is a leader, or this server is read-only. */
  isServing = false;
  private readOnlyAtMs = Number.POSITIVE_INFINITY;
  private nowMs: number;
  private wallMs: number;

  /** @param lastSeen - a membership that was being changed to when this server stopped, or null */
  constructor(
    private readonly options: EnsembleMemberOptions,
    private readonly host: EnsembleMemberHost,
    storage: ReplicaStorage,
    opened: OpenedReplica,
    verifier: QuorumVerifier,
    lastSeen: QuorumVerifier | null,
    nowMs: number,
    wallMs: number,
  ) {
    this.nowMs = nowMs;
    this.wallMs = wallMs;
    const { dialer, random, log } = host;
    this.replica = new ServerReplica(
      storage,
      opened,
      options.tree,
      opened.committedLog,
      (tree) => this.initConfig(tree, this.peer?.verifier ?? verifier),
      {
        synced: (zxid) => this.peer.synced(zxid),
        epochStored: (kind, epoch) => this.peer.epochStored(kind, epoch),
        truncated: (zxid) => this.peer.truncated(zxid),
        snapshotStored: (zxid) => this.peer.snapshotStored(zxid),
        settled: () => this.peer.settled(),
      },
      log,
    );
    this.peer = new QuorumPeer(
      options.peer,
      { current: verifier, lastSeen },
      this.replica,
      (events) => new Election(options.election, verifier, dialer, random, log, events),
      dialer,
      log,
      this,
    );
    this.core = this.makeCore({ kind: "read-only" }, opened.txnsReplayed, opened.logBytes);
  }

  /** Begins to look for a leader. Its ports should be open. */
  start(): void {
    this.peer.start();
  }

  /** Ends the term and answers nothing more. */
  stop(): void {
    this.core.stop();
    this.peer.stop();
    this.isServing = false;
  }

  // --- events

  /** Tells the time. The first thing in every turn: a server that stood still for too long ends its term here. */
  clock(nowMs: number, wallMs: number): void {
    this.nowMs = nowMs;
    this.wallMs = wallMs;
    this.peer.clock(nowMs);
    this.core.clock(nowMs, wallMs);
  }

  /** When {@link peerTick} wants to be called; Infinity for never. */
  get nextDeadlineMs(): number {
    return Math.min(this.peer.nextDeadlineMs, this.readOnlyAtMs);
  }

  /** Does what the peer is due to do. */
  peerTick(): void {
    if (this.nowMs >= this.readOnlyAtMs) {
      this.readOnlyAtMs = Number.POSITIVE_INFINITY;
      this.begin(this.makeCore({ kind: "read-only" }), { readOnly: true }, true);
    }
    this.peer.tick();
  }

  /** Does what the server is due to do; to be called several times a tick. */
  serverTick(): void {
    if (this.isServing) this.core.tick();
  }

  /** Everything in the log up to `zxid` is durable. */
  logSynced(zxid: number): void {
    this.replica.logSynced(zxid);
  }

  quorumLinkAccepted(link: Link): LinkHandler {
    return this.peer.quorumLinkAccepted(link);
  }

  electionLinkAccepted(link: Link): LinkHandler {
    return this.peer.electionLinkAccepted(link);
  }

  /** A connection to `observerMasterPort`. @returns null when it is to be closed: this server does not follow */
  observerLinkAccepted(link: Link): LinkHandler | null {
    return this.peer.observerLinkAccepted(link);
  }

  // --- terms

  looking(): void {
    if (!this.options.readOnlyModeEnabled || this.replica.isDamaged) return;
    this.readOnlyAtMs = this.nowMs + Math.max(READ_ONLY_WAIT_MS, this.options.peer.tickTimeMs);
  }

  leading(leadership: Leadership, epoch: number): LeaderService {
    const { standaloneEnabled, peer } = this.options;
    const core = this.makeCore({
      kind: "leader",
      epoch,
      leadership,
      committed: this.replica,
      reconfiguration: new Reconfiguration(this.membership, { standaloneEnabled, multiAddress: peer.multiAddress }),
    });
    this.begin(core, { leading: epoch }, this.options.leaderServes);
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
    const core = this.makeCore({ kind, epoch, forward, committed: this.replica });
    this.begin(core, { [kind]: epoch, leader: leaderSid }, true);
    this.replica.attach(core);
    return core.learnerService;
  }

  ended(reason: string): void {
    this.host.log.warn({ reason }, "the term is over; clients are sent away until there is a leader");
    this.core.stop();
    this.isServing = false;
    this.host.serve(null);
  }

  private begin(core: ServerCore, fields: object, serves: boolean): void {
    this.readOnlyAtMs = Number.POSITIVE_INFINITY;
    this.core.stop();
    this.core = core;
    this.isServing = true;
    this.host.serve(serves ? core : null);
    this.host.log.info({ ...fields, zxid: `0x${this.replica.lastCommittedZxid.toString(16)}` }, "serving");
  }

  private makeCore(role: RoleStart, txnsSinceSnapshot = 0, bytesSinceSnapshot = 0): ServerCore {
    const { options, host, replica } = this;
    const { snapCount, snapSizeBytes } = options;
    const policy = new SnapshotPolicy(snapCount, snapSizeBytes, host.random, txnsSinceSnapshot, bytesSinceSnapshot);
    return new ServerCore(
      replica.tree,
      replica.log,
      host.aclChecker(replica.tree),
      policy,
      host.random,
      options.core,
      host.log,
      this.nowMs,
      this.wallMs,
      role,
    );
  }

  // --- members

  membershipProposed(text: string): void {
    this.host.log.info({ members: text }, "the members are being changed");
    this.host.membershipProposed(text);
  }

  membershipActivated(text: string): void {
    const { verifier } = this.peer;
    this.host.log.info({ members: text }, "the members have changed");
    this.host.membershipActivated(verifier);
    this.initConfig(this.replica.tree, verifier);
  }

  private initConfig(tree: DataTree, verifier: QuorumVerifier): void {
    tree.initConfig(utf8(verifier.toText()), verifier.version, this.wallMs);
  }

  /** The members as the leader's request path needs them. */
  private get membership(): Membership {
    const { peer, options } = this;
    return {
      get verifier() {
        return peer.verifier;
      },
      get lastSeenVerifier() {
        return peer.lastSeenVerifier;
      },
      isQuorumSynced: (verifier) => {
        const synced = new Set([options.peer.sid]);
        for (const learner of peer.leading?.learners ?? []) if (learner.isAlive(this.nowMs)) synced.add(learner.sid);
        return verifier.containsQuorum(synced);
      },
    };
  }
}

function utf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  encodeUtf8(text, bytes, 0);
  return bytes;
}
