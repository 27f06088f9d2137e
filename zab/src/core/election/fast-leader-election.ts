import { decodeUtf8, invariant } from "@quoll/jute";
import type { Log } from "../capabilities.js";
import {
  MembershipError,
  parseConfigText,
  type QuorumVerifier,
  SyncedLearnerTracker,
  typeOf,
} from "../membership/index.js";
import type { ElectionEvents, ElectionOptions, Proposal, Role } from "./election.js";
import type { ElectionConnections } from "./election-connections.js";
import { FINALIZE_WAIT_MS, FINALIZE_WAIT_SHORT_MS, RENEW_SILENT_LINK_MS } from "./limits.js";
import { decodeNotification, encodeNotification, type Notification, ROUND_MAX, utf8 } from "./notification.js";
import { type Candidate, isAhead, NO_ZXID, NOBODY, ServerState, type Vote } from "./vote.js";

/** What the election needs of its connections. */
type Connections = Pick<
  ElectionConnections,
  "send" | "isUnreachable" | "forgetFailures" | "forgetWaiting" | "renewIfSilent"
>;

/** What another server has told: its vote in this round, or its leader. */
interface Told extends Vote {
  readonly state: ServerState;
  /** Of the message's format; servers of ZooKeeper before 3.4.6 tell 0, and epochs that others do not. */
  readonly version: number;
}

const STATE_OF_ROLE = {
  leading: ServerState.leading,
  following: ServerState.following,
  observing: ServerState.observing,
} as const;

/**
 * Fast leader election, as ZooKeeper's FastLeaderElection decides.
 *
 * A server that looks tells all voting servers its vote, at first for itself, and takes over any vote that is ahead of
 * its own. When a quorum has the same vote in the same round, and no better one comes for a while, that is the result.
 * A server that comes late finds a quorum that follows already: it believes it once the leader itself says that it leads.
 *
 * Against ZooKeeper, one thing is different: how long a better vote is waited for. It is there 200 ms always. Here there
 * is no wait when all voting servers have the same vote, since there is nobody left to change it. And it is
 * {@link FINALIZE_WAIT_SHORT_MS} when those that agree are all Quoll servers, and every other one could not be reached a
 * moment ago (its connection is gone, and a new one was refused): nobody who is up has anything better. In all other cases,
 * and in the first election of a process, when others may be about to start as well, it is 200 ms: a ZooKeeper server waits that long itself and changes its mind meanwhile, and would leave a leader alone
 * that was decided on too early; a server that can be reached and says nothing may be about to speak. To decide early is
 * never unsafe, since a leader leads only with a quorum that has no later history than its own. It costs another election.
 */
export class FastLeaderElection {
  private committed: QuorumVerifier;
  private lastSeen: QuorumVerifier | null = null;
  private config: Uint8Array;
  private nowMs = 0;

  /** How many elections there were, as far as this server knows: the round. */
  logicalClock = 0;
  /** "idle": not yet asked to look. */
  private state: "idle" | "looking" | Role = "idle";
  private initial: Candidate = NOBODY;
  /** Whether this server votes: it is a voting member, and its data is whole. */
  private hasVote = false;
  /** Whether its data is damaged: then it does not count votes either, and waits for a formed quorum (rule D7). */
  private isDamaged = false;
  private proposed: Candidate = NOBODY;
  /** Whom this server leads, follows or observes; in force while it does. */
  private settled: Vote | null = null;

  /** The votes of this round, by sid; among them those of servers that have decided in it. */
  private readonly votes = new Map<number, Told>();
  /** What servers have told that do not look: who leads them, in whatever round. */
  private readonly outOfElection = new Map<number, Told>();
  /** Servers whose last message had our mark. */
  private readonly quollServers = new Set<number>();
  private hasSettledBefore = false;
  /** Changes with every {@link look}, so that what an event has begun anew is not gone on with. */
  private looks = 0;

  private notifyIntervalMs = 0;
  private notifyDueMs = Number.POSITIVE_INFINITY;
  private renewDueMs = Number.POSITIVE_INFINITY;
  /** Since when a quorum agrees on {@link proposed}; NaN while there is none. */
  private agreedMs = Number.NaN;
  /** When that ends the election, as far as is known. */
  private decideDueMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly options: ElectionOptions,
    verifier: QuorumVerifier,
    private readonly connections: Connections,
    private readonly log: Log,
    private readonly events: ElectionEvents,
  ) {
    this.committed = verifier;
    this.config = utf8(verifier.toText());
  }

  get isLooking(): boolean {
    return this.state === "looking";
  }

  get vote(): Vote | null {
    return this.isLooking ? { ...this.proposed, electionEpoch: this.logicalClock } : this.settled;
  }

  look(proposal: Proposal): void {
    this.looks++;
    this.state = "looking";
    this.settled = null;
    this.isDamaged = !proposal.canVote;
    this.hasVote = proposal.canVote && this.committed.votingMembers.has(this.options.sid);
    this.initial = this.hasVote ? { leader: this.options.sid, zxid: proposal.zxid, peerEpoch: proposal.epoch } : NOBODY;
    this.enterRound(Math.min(this.logicalClock + 1, ROUND_MAX));
    this.outOfElection.clear();
    this.connections.forgetFailures();
    this.notifyIntervalMs = this.options.minNotificationIntervalMs;
    this.renewDueMs = this.nowMs + RENEW_SILENT_LINK_MS;
    this.log.info(
      { round: this.logicalClock, zxid: hex(proposal.zxid), epoch: proposal.epoch, canVote: proposal.canVote },
      "looking for a leader",
    );
    this.propose(this.initial);
    this.decideIfAgreed();
  }

  become(role: Role, vote: Candidate): void {
    const electionEpoch = this.settled?.electionEpoch ?? this.logicalClock;
    this.leaveRound(role, { ...vote, electionEpoch });
  }

  formed(epoch: number): void {
    if (this.settled !== null) this.settled = { ...this.settled, peerEpoch: epoch };
  }

  setVerifiers(committed: QuorumVerifier, lastSeen: QuorumVerifier | null): void {
    this.committed = committed;
    this.lastSeen = lastSeen !== null && lastSeen.version > committed.version ? lastSeen : null;
    this.config = utf8(committed.toText());
  }

  clock(nowMs: number): void {
    this.nowMs = nowMs;
  }

  tick(): void {
    if (!this.isLooking) return;
    if (this.nowMs >= this.notifyDueMs) {
      this.notifyIntervalMs = Math.min(this.notifyIntervalMs * 2, this.options.maxNotificationIntervalMs);
      this.notifyAll();
    }
    if (this.nowMs >= this.renewDueMs) {
      this.renewDueMs = this.nowMs + RENEW_SILENT_LINK_MS;
      for (const sid of this.voters()) this.connections.renewIfSilent(sid);
    }
    // Here the oracle is asked again, too, if there is one.
    this.decideIfAgreed();
  }

  nextDeadlineMs(): number {
    if (!this.isLooking) return Number.POSITIVE_INFINITY;
    return Math.min(this.notifyDueMs, this.renewDueMs, this.decideDueMs);
  }

  stop(): void {
    this.looks++;
    this.state = "idle";
  }

  // --- what the connections tell

  /** @throws ProtocolError no notification */
  messageReceived(sid: number, bytes: Uint8Array, start: number, end: number): void {
    const n = decodeNotification(bytes, start, end);
    if (this.state === "idle") return;
    if (!this.isVoter(sid)) {
      // Who does not vote only wants to know.
      if (n.state === ServerState.looking) this.answer(sid);
      return;
    }
    if (n.isQuoll) this.quollServers.add(sid);
    else this.quollServers.delete(sid);
    if (!this.isLooking) {
      if (n.state !== ServerState.looking) return;
      this.answer(sid);
      this.events.looking(sid);
      return;
    }
    if (this.isInterruptedByConfig(sid, n, bytes)) return;
    if (n.state === ServerState.looking && n.electionEpoch < this.logicalClock) this.answer(sid);
    if (!this.isVoter(n.leader)) return;
    if (n.state === ServerState.looking) this.voteReceived(sid, n);
    else if (n.state !== ServerState.observing) this.decisionReceived(sid, n);
  }

  connected(sid: number): void {
    if (this.isLooking && this.isVoter(sid)) this.connections.send(sid, this.message());
  }

  disconnected(sid: number): void {
    if (!this.isLooking || !this.isVoter(sid)) return;
    if (!this.connections.isUnreachable(sid)) this.connections.send(sid, this.message());
    this.decideIfAgreed();
  }

  // --- the votes of those who look

  private voteReceived(sid: number, n: Notification): void {
    if (this.isDamaged || n.zxid === NO_ZXID || n.electionEpoch < this.logicalClock) return;
    if (n.electionEpoch > this.logicalClock) {
      this.enterRound(n.electionEpoch);
      this.propose(this.replaces(n, this.initial) ? candidateOf(n) : this.initial);
    } else if (this.replaces(n, this.proposed)) {
      this.propose(candidateOf(n));
    } else if (!this.votes.has(sid) && this.hasVote) {
      // Its first vote in this round: it may not have been looking yet when it was told ours, and not have counted it.
      this.answer(sid);
    }
    this.votes.set(sid, toldBy(n, n.version));
    this.decideIfAgreed();
  }

  /** Whether a vote is better than another one. A server that weighs nothing is never voted for. */
  private replaces(candidate: Candidate, other: Candidate): boolean {
    return this.committed.weight(candidate.leader) !== 0 && isAhead(candidate, other);
  }

  private enterRound(round: number): void {
    this.logicalClock = round;
    this.votes.clear();
    this.decideDueMs = Number.POSITIVE_INFINITY;
    this.agreedMs = Number.NaN;
  }

  private propose(candidate: Candidate): void {
    this.proposed = candidate;
    this.agreedMs = Number.NaN;
    if (this.hasVote) {
      const own = { ...candidate, electionEpoch: this.logicalClock, state: ServerState.looking, version: 0 };
      this.votes.set(this.options.sid, own);
    }
    this.notifyAll();
  }

  /** Ends the election if a quorum has this server's vote, and has had it long enough. */
  private decideIfAgreed(): void {
    if (!this.isLooking || this.isDamaged) return;
    const vote = { ...this.proposed, electionEpoch: this.logicalClock };
    const tracker = this.tally(this.votes, { ...vote, state: ServerState.looking, version: 0 });
    if (!tracker.hasAllQuorums()) {
      this.agreedMs = Number.NaN;
      this.decideDueMs = Number.POSITIVE_INFINITY;
      return;
    }
    if (Number.isNaN(this.agreedMs)) this.agreedMs = this.nowMs;
    this.decideDueMs = this.agreedMs + this.finalizeWaitMs(tracker);
    if (this.nowMs >= this.decideDueMs) this.elected(vote, tracker);
  }

  /** How long a better vote is waited for once a quorum agrees; see the head of this class. */
  private finalizeWaitMs(tracker: SyncedLearnerTracker): number {
    let isEverybodyIn = true;
    let isEverybodyKnown = true;
    for (const sid of this.voters()) {
      if (sid === this.options.sid) continue;
      if (!tracker.has(sid)) {
        isEverybodyIn = false;
        if (!this.connections.isUnreachable(sid)) isEverybodyKnown = false;
      } else if (!this.quollServers.has(sid)) {
        isEverybodyKnown = false;
      }
    }
    if (isEverybodyIn) return 0;
    return isEverybodyKnown && this.hasSettledBefore ? FINALIZE_WAIT_SHORT_MS : FINALIZE_WAIT_MS;
  }

  // --- what those tell who have decided

  private decisionReceived(sid: number, n: Notification): void {
    const told = toldBy(n, n.version);
    if (n.electionEpoch === this.logicalClock) {
      // ZooKeeper, too, keeps no version here; its comparison then looks at the leader only.
      this.votes.set(sid, toldBy(n, 0));
      const tracker = this.tally(this.votes, told);
      if (tracker.hasAllQuorums() && this.isLeaderSure(this.votes, n)) {
        this.elected(voteOf(n), tracker);
        return;
      }
    }
    this.outOfElection.set(sid, told);
    const tracker = this.tally(this.outOfElection, told);
    if (tracker.hasAllQuorums() && this.isLeaderSure(this.outOfElection, n)) {
      this.logicalClock = n.electionEpoch;
      this.elected(voteOf(n), tracker);
    } else if (n.state === ServerState.leading && this.isLeaderByOracle(n)) {
      this.elected(voteOf(n), tracker);
    } else {
      this.decideIfAgreed();
    }
  }

  /** Whether the leader that a quorum follows says so itself: else servers would go on electing one that has crashed. */
  private isLeaderSure(told: ReadonlyMap<number, Told>, n: Notification): boolean {
    if (n.leader === this.options.sid) return this.hasVote && this.logicalClock === n.electionEpoch;
    return told.get(n.leader)?.state === ServerState.leading;
  }

  /** Of two servers, the one that the oracle does not name follows the one that leads. */
  private isLeaderByOracle(n: Notification): boolean {
    return n.leader !== this.options.sid && this.committed.needOracle && !this.committed.askOracle();
  }

  /** The servers whose vote this is, against all configurations in force. */
  private tally(votes: ReadonlyMap<number, Told>, vote: Told): SyncedLearnerTracker {
    const tracker = new SyncedLearnerTracker(
      this.lastSeen === null ? [this.committed] : [this.committed, this.lastSeen],
    );
    for (const [sid, told] of votes) if (isSameVote(vote, told)) tracker.add(sid);
    return tracker;
  }

  private elected(vote: Vote, tracker: SyncedLearnerTracker): void {
    const role = this.roleUnder(vote.leader);
    this.leaveRound(role, vote);
    this.log.info(
      { leader: vote.leader, zxid: hex(vote.zxid), epoch: vote.peerEpoch, round: vote.electionEpoch },
      `elected: ${role}`,
    );
    this.events.elected({ ...vote, role, voters: new Set(tracker.sids) });
  }

  private leaveRound(role: Role, vote: Vote): void {
    this.looks++;
    this.state = role;
    this.settled = vote;
    this.hasSettledBefore = true;
    this.votes.clear();
    this.outOfElection.clear();
    this.notifyDueMs = Number.POSITIVE_INFINITY;
    this.decideDueMs = Number.POSITIVE_INFINITY;
    this.agreedMs = Number.NaN;
    this.connections.forgetWaiting();
  }

  private roleUnder(leader: number): Role {
    const { sid } = this.options;
    if (leader === sid) return "leading";
    return (typeOf(this.committed, sid) ?? this.options.peerType) === "observer" ? "observing" : "following";
  }

  // --- telling

  private notifyAll(): void {
    const message = this.message();
    for (const sid of this.voters()) if (sid !== this.options.sid) this.connections.send(sid, message);
    this.notifyDueMs = this.nowMs + this.notifyIntervalMs;
  }

  private answer(sid: number): void {
    this.connections.send(sid, this.message());
  }

  /** What this server tells at the moment. */
  private message(): Uint8Array {
    const vote = this.vote;
    invariant(vote !== null && this.state !== "idle", "a server tells its vote only after it was asked to look");
    const state = this.state === "looking" ? ServerState.looking : STATE_OF_ROLE[this.state];
    return encodeNotification(state, vote, this.config);
  }

  // --- the configuration

  private voters(): Set<number> {
    const voters = new Set(this.committed.votingMembers.keys());
    if (this.lastSeen !== null) for (const sid of this.lastSeen.votingMembers.keys()) voters.add(sid);
    return voters;
  }

  private isVoter(sid: number): boolean {
    return this.committed.votingMembers.has(sid) || (this.lastSeen?.votingMembers.has(sid) ?? false);
  }

  /** Shows a newer configuration. @returns whether the election has begun anew because of it */
  private isInterruptedByConfig(sid: number, n: Notification, bytes: Uint8Array): boolean {
    if (!this.options.reconfigEnabled || n.configStart === n.configEnd) return false;
    let verifier: QuorumVerifier;
    try {
      const text = decodeUtf8(bytes, n.configStart, n.configEnd);
      verifier = parseConfigText(text, this.options.multiAddress, this.options.oracle);
    } catch (error) {
      if (!(error instanceof MembershipError)) throw error;
      this.log.warn({ sid }, `the configuration that server ${sid} has sent is left alone: ${error.message}`);
      return false;
    }
    if (verifier.version <= this.committed.version) return false;
    const { looks } = this;
    this.events.newerConfig(verifier, sid);
    return this.looks !== looks;
  }
}

/**
 * Whether two votes count for the same leader. Among votes of servers that have decided, only leader and epoch count: the
 * rest may differ between those that were in the election and those that came later; and servers before 3.4.6 (version 0)
 * may tell another epoch, too.
 */
function isSameVote(a: Told, b: Told): boolean {
  if (a.leader !== b.leader) return false;
  if (a.state === ServerState.looking || b.state === ServerState.looking) {
    return a.zxid === b.zxid && a.electionEpoch === b.electionEpoch && a.peerEpoch === b.peerEpoch;
  }
  return a.version > 0 !== b.version > 0 || a.peerEpoch === b.peerEpoch;
}

function candidateOf(n: Notification): Candidate {
  return { leader: n.leader, zxid: n.zxid, peerEpoch: n.peerEpoch };
}

function voteOf(n: Notification): Vote {
  return { leader: n.leader, zxid: n.zxid, peerEpoch: n.peerEpoch, electionEpoch: n.electionEpoch };
}

function toldBy(n: Notification, version: number): Told {
  return { ...voteOf(n), state: n.state, version };
}

function hex(zxid: number): string {
  return zxid < 0 ? String(zxid) : `0x${zxid.toString(16)}`;
}
