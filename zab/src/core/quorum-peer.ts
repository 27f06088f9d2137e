import { invariant } from "@quoll/jute";
import type { Log } from "./capabilities.js";
import type { Elected, Election, ElectionEvents, Role } from "./election/index.js";
import { HeldLinks } from "./held-links.js";
import { Leader } from "./leader/leader.js";
import { Learner } from "./learner/learner.js";
import type { Dialer, HostPort, Link, LinkHandler } from "./link.js";
import { type QuorumVerifier, sameMember, typeOf } from "./membership/index.js";
import type { PeerEvents } from "./peer-events.js";
import type { PeerOptions } from "./peer-options.js";
import type { Replica, ReplicaEvents } from "./replica.js";
import type { Phase, Term, TermHost } from "./term.js";

/** What a peer needs of its election. */
export type PeerElection = Pick<
  Election,
  | "accepted"
  | "look"
  | "formed"
  | "leading"
  | "following"
  | "observing"
  | "setVerifiers"
  | "clock"
  | "tick"
  | "nextDeadlineMs"
  | "stop"
>;

/** The memberships that a peer begins with. */
export interface PeerVerifiers {
  /** The one in force. */
  readonly current: QuorumVerifier;
  /** A newer one that was proposed, if there is one on the disk. */
  readonly lastSeen: QuorumVerifier | null;
}

export type PeerState = "LOOKING" | "LEADING" | "FOLLOWING" | "OBSERVING";

/**
 * A server of an ensemble: looks for a leader, leads, follows or observes, one term after the other. A pure machine: time
 * comes in by {@link clock}, bytes by links, what the disk has done by {@link ReplicaEvents}.
 *
 *     looking ── elected ──> term (leader or learner) ── end ──> settling ── settled ──> looking
 *
 * Between terms the replica is settled: its log and its state are equal, and no answer to a question of an earlier term
 * can come any more.
 */
export class QuorumPeer implements ReplicaEvents, TermHost {
  nowMs = 0;
  verifier: QuorumVerifier;
  lastSeenVerifier: QuorumVerifier;

  private readonly election: PeerElection;
  private readonly held: HeldLinks;
  private role: Role | null = null;
  private term: Term | null = null;
  private leader: Leader | null = null;
  private learner: Learner | null = null;
  private observerTerms = 0;
  /** Whether the shell serves in the name of the term. */
  private isServing = false;
  private isSettling = false;
  private isStopped = false;
  /** The log was cut at another place than the leader asked for: it takes a snapshot before it is trusted again. */
  private isDistrusted = false;
  /** Who leads after a change of membership, without an election. */
  private designatedLeader: number | null = null;

  constructor(
    readonly options: PeerOptions,
    verifiers: PeerVerifiers,
    readonly replica: Replica,
    makeElection: (events: ElectionEvents) => PeerElection,
    private readonly dialer: Dialer,
    readonly log: Log,
    readonly events: PeerEvents,
  ) {
    this.verifier = verifiers.current;
    this.lastSeenVerifier = verifiers.lastSeen ?? verifiers.current;
    this.held = new HeldLinks(options.unprovenLinksMax);
    this.election = makeElection({
      elected: (result) => this.elected(result),
      newerConfig: (verifier) => this.learnedMembership(verifier),
      looking: (sid) => this.leader?.voterLooks(sid),
    });
    if (verifiers.lastSeen !== null) this.election.setVerifiers(verifiers.current, verifiers.lastSeen);
  }

  // --- what the shell asks

  get state(): PeerState {
    switch (this.term === null ? null : this.role) {
      case "leading":
        return "LEADING";
      case "following":
        return "FOLLOWING";
      case "observing":
        return "OBSERVING";
      default:
        return "LOOKING";
    }
  }

  get phase(): Phase | "ELECTION" {
    return this.term?.phase ?? "ELECTION";
  }

  /** Whom it leads or follows; null while it looks. */
  get leaderSid(): number | null {
    return this.term?.leaderSid ?? null;
  }

  /** The epoch of the term; 0 while it is not decided. */
  get epoch(): number {
    return this.term?.epoch ?? 0;
  }

  /** The term as leader, for what is told about its learners; null if it does not lead. */
  get leading(): Leader | null {
    return this.leader;
  }

  get isDamaged(): boolean {
    return this.isDistrusted || this.replica.isDamaged;
  }

  // --- the shell's events

  /** Begins. The replica is loaded, and all that it has read is durable (rule D5). */
  start(): void {
    this.look();
  }

  /** Ends everything for good. */
  stop(): void {
    this.isStopped = true;
    this.held.dropAll();
    this.election.stop();
    this.closeTerm("the server stops");
  }

  /** Tells the time, before anything else of a turn: it may end a term that a pause of this process has outlived. */
  clock(nowMs: number): void {
    this.nowMs = nowMs;
    this.election.clock(nowMs);
    this.term?.clock();
  }

  get nextDeadlineMs(): number {
    return Math.min(
      this.election.nextDeadlineMs(),
      this.held.nextDeadlineMs,
      this.term?.nextDeadlineMs ?? Number.POSITIVE_INFINITY,
    );
  }

  tick(): void {
    this.election.tick();
    this.held.tick(this.nowMs);
    this.term?.tick();
  }

  electionLinkAccepted(link: Link): LinkHandler {
    return this.election.accepted(link);
  }

  quorumLinkAccepted(link: Link): LinkHandler {
    if (this.leader !== null) return this.leader.accepted(link);
    return this.held.hold(link, this.nowMs);
  }

  /** A connection to this server's `observerMasterPort`. @returns null when it is to be closed: this server does not follow */
  observerLinkAccepted(link: Link): LinkHandler | null {
    return this.learner?.observerAccepted(link) ?? null;
  }

  // --- ReplicaEvents

  synced(zxid: number): void {
    if (!this.isSettling) this.term?.logSynced(zxid);
  }

  epochStored(kind: "accepted" | "current", epoch: number): void {
    if (!this.isSettling) this.term?.epochStored(kind, epoch);
  }

  truncated(zxid: number): void {
    if (!this.isSettling) this.term?.truncated(zxid);
  }

  snapshotStored(zxid: number): void {
    this.isDistrusted = false;
    if (!this.isSettling) this.term?.snapshotStored(zxid);
  }

  settled(): void {
    if (!this.isSettling || this.isStopped) return;
    this.isSettling = false;
    if (this.designatedLeader === null) this.look();
    else this.takeDesignatedRole(this.designatedLeader);
  }

  // --- terms

  private look(): void {
    const { replica } = this;
    this.role = null;
    this.events.looking();
    this.election.look({
      zxid: replica.lastLoggedZxid,
      epoch: replica.currentEpoch,
      canVote: !this.isDamaged,
    });
  }

  private elected(result: Elected): void {
    if (this.isStopped || this.isSettling) return;
    this.beginTerm(result.role, result.leader);
  }

  private beginTerm(role: Role, leaderSid: number): void {
    invariant(this.term === null, "one term at a time");
    this.log.info({ role, leader: leaderSid, acceptedEpoch: this.replica.acceptedEpoch }, "a term begins");
    this.role = role;
    if (role === "leading") {
      const leader = new Leader(this);
      this.term = this.leader = leader;
      leader.start();
      if (this.leader === leader) this.held.adopt((link) => leader.accepted(link));
    } else {
      this.held.dropAll();
      const isObserver = role === "observing";
      const addresses =
        isObserver && this.options.observerMasterPort > 0
          ? this.nextObserverMaster(leaderSid)
          : this.addressesOf(leaderSid);
      const learner = new Learner(this, leaderSid, isObserver, addresses, this.dialer);
      this.term = this.learner = learner;
      learner.start();
    }
  }

  private addressesOf(sid: number): readonly HostPort[] {
    const member = this.verifier.members.get(sid) ?? this.lastSeenVerifier.members.get(sid);
    return member?.quorumAddresses ?? [];
  }

  /** The followers that serve observers, one after the other. */
  private nextObserverMaster(leaderSid: number): readonly HostPort[] {
    const followers = [...this.verifier.votingMembers.values()].filter(({ sid }) => sid !== leaderSid);
    if (followers.length === 0) return this.addressesOf(leaderSid);
    const { sid, quorumAddresses } = followers[(this.options.sid + this.observerTerms++) % followers.length];
    this.log.info({ sid }, "observing by way of a follower");
    return quorumAddresses.map(({ host }) => ({ host, port: this.options.observerMasterPort }));
  }

  serving(term: Term): void {
    this.isServing = true;
    this.election.formed(term.epoch);
  }

  end(term: Term, reason: string): void {
    if (this.term !== term) return;
    this.log.warn({ role: this.role, leader: term.leaderSid, epoch: term.epoch, reason }, "the term is over");
    this.closeTerm(reason);
    if (this.isStopped) return;
    this.isSettling = true;
    this.replica.settle();
  }

  private closeTerm(reason: string): void {
    const { term, isServing } = this;
    if (term === null) return;
    this.term = this.leader = this.learner = null;
    this.isServing = false;
    term.close();
    if (isServing) this.events.ended(reason);
  }

  historiesDisagree(): void {
    this.isDistrusted = true;
  }

  // --- membership

  sawMembership(verifier: QuorumVerifier): void {
    if (verifier.version <= this.lastSeenVerifier.version) return;
    this.lastSeenVerifier = verifier;
    this.events.membershipProposed(verifier.toText());
    this.tellElection();
  }

  activateMembership(verifier: QuorumVerifier, designatedLeader: number | null): boolean {
    const before = this.verifier;
    if (!this.options.reconfigEnabled || verifier.version <= before.version) return false;
    this.verifier = verifier;
    if (verifier.version > this.lastSeenVerifier.version) this.lastSeenVerifier = verifier;
    this.events.membershipActivated(verifier.toText());
    this.tellElection();
    if (before.sameMembers(verifier)) return false;
    const { sid } = this.options;
    const isRoleChanged = typeOf(before, sid) !== typeOf(verifier, sid);
    const isLeaderChanged = this.isLeaderChanged(before, verifier, designatedLeader);
    if (isLeaderChanged) this.designatedLeader = designatedLeader;
    return isRoleChanged || isLeaderChanged;
  }

  private isLeaderChanged(before: QuorumVerifier, after: QuorumVerifier, designatedLeader: number | null): boolean {
    const leader = this.leaderSid ?? -1;
    if (designatedLeader !== null) return designatedLeader !== leader;
    const old = before.votingMembers.get(leader);
    const now = after.votingMembers.get(leader);
    return old === undefined || now === undefined || !sameMember(old, now);
  }

  /** Another server has shown a newer membership while this one looks. */
  private learnedMembership(verifier: QuorumVerifier): void {
    if (this.term !== null || this.isSettling || !this.options.reconfigEnabled) return;
    if (verifier.version <= this.verifier.version) return;
    this.activateMembership(verifier, null);
    this.look();
  }

  private tellElection(): void {
    const isNewer = this.lastSeenVerifier.version > this.verifier.version;
    this.election.setVerifiers(this.verifier, isNewer ? this.lastSeenVerifier : null);
  }

  private takeDesignatedRole(leader: number): void {
    this.designatedLeader = null;
    const { options, replica, verifier, election } = this;
    const vote = { leader, zxid: replica.lastLoggedZxid, peerEpoch: replica.currentEpoch };
    this.events.looking();
    const type = typeOf(verifier, options.sid);
    if (type === "participant" && leader === options.sid) {
      election.leading(vote);
      this.beginTerm("leading", leader);
    } else if (type === "participant") {
      election.following(vote);
      this.beginTerm("following", leader);
    } else {
      election.observing(vote);
      this.beginTerm("observing", leader);
    }
  }
}
