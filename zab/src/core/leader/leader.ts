import { encodeUtf8, invariant, ProtocolError, utf8Length, type Writer } from "@quoll/jute";
import type { Log } from "../capabilities.js";
import type { Link } from "../link.js";
import {
  type Member,
  parseConfigText,
  type QuorumVerifier,
  SyncedLearnerTracker,
  textOfAddress,
} from "../membership/index.js";
import type { Leadership } from "../peer-events.js";
import type { PeerOptions } from "../peer-options.js";
import { PacketType } from "../quorum-packet/packet-type.js";
import { writeCommitAndActivate, writeInformAndActivate, writePlain } from "../quorum-packet/packet-writers.js";
import { configOfReconfig, isReconfig } from "../quorum-packet/txn-bytes.js";
import type { Replica } from "../replica.js";
import type { LeaderService, Origin } from "../service.js";
import { areQuorum, type Phase, type Term, type TermHost, verifiersInForce } from "../term.js";
import { counterOf, epochOf, firstZxidOf } from "../zxid.js";
import { LearnerHandler, type LearnerMaster, LearnerStage } from "./learner-handler.js";
import { OutstandingProposals } from "./outstanding-proposals.js";
import { QuorumAcks } from "./quorum-acks.js";
import { QuorumConfirmation } from "./quorum-confirmation.js";

/** How far above its own a voting server's accepted epoch may be: no ensemble fails so many elections. */
const EPOCH_JUMP_MAX = 0x10000;

/** After this long, a voter that still looks for a leader has left this one, or was never won (ZooKeeper bug 3109). */
const VOTER_PATIENCE_MS = 1000;

/** From this count of an epoch on, a leader gives up as soon as nothing is outstanding, so that a new epoch begins. */
const ROLLOVER_COUNTER = 0xffff_0000;
/** And from this on, at once. */
const ROLLOVER_COUNTER_MAX = 0xffff_fff0;

const enum Step {
  /** Waits for a quorum to tell which epochs they have accepted. */
  EPOCH = 0,
  /** The new epoch is on its way to the disk. */
  STORING_EPOCH = 1,
  /** Waits for a quorum to accept the new epoch. */
  EPOCH_ACKS = 2,
  /** Waits for a quorum to have its history. */
  NEWLEADER_ACKS = 3,
  ESTABLISHED = 4,
  OVER = 5,
}

/** A term as leader: discovery, the synchronization of its learners, broadcast. */
export class Leader implements Term, Leadership, LearnerMaster {
  epoch = 0;
  readonly leaderSid: number;
  newLeaderConfig: Uint8Array = new Uint8Array(0);

  private step = Step.EPOCH;
  private stepSinceMs: number;
  private learnerService: LeaderService | null = null;
  /** All links, proven or not. */
  private readonly links = new Set<LearnerHandler>();
  private readonly bySid = new Map<number, LearnerHandler>();
  /** Those that get proposals, and those that get what is committed; replaced, never changed. */
  private followers: readonly LearnerHandler[] = [];
  private observers: readonly LearnerHandler[] = [];
  private anonymousCount = 0;

  /** Who has told its accepted epoch, and who has accepted the new one. */
  private readonly connecting = new Set<number>();
  private readonly electing = new Set<number>();
  /** Voters that look for a leader though this one was elected. */
  private readonly looking = new Set<number>();
  private readonly ownEpoch: number;
  private readonly ownZxid: number;
  private newLeaderAcks: SyncedLearnerTracker | null = null;

  private readonly outstanding = new OutstandingProposals();
  private readonly acks = new QuorumAcks();
  private verifiers: readonly QuorumVerifier[];
  private committedZxid: number;
  lastProposedZxid = 0;
  private reconfig: { readonly zxid: number; readonly verifier: QuorumVerifier } | null = null;
  /** Another server leads from a committed reconfig on: nothing is committed here any more. */
  private isResigning = false;
  private readonly confirmation: QuorumConfirmation;
  private readonly syncing = new Set<LearnerHandler>();
  /** Syncs of ZooKeeper's learners that are not answered: their place between the commits matters. */
  private orderedSyncs = 0;

  private clockMs: number;
  private nextHalfTickMs: number;
  private isWholeTick = false;

  constructor(private readonly host: TermHost) {
    const { replica, options } = host;
    this.leaderSid = options.sid;
    this.ownEpoch = replica.currentEpoch;
    this.ownZxid = replica.lastLoggedZxid;
    this.committedZxid = replica.lastCommittedZxid;
    this.verifiers = [host.verifier];
    this.clockMs = this.stepSinceMs = host.nowMs;
    this.nextHalfTickMs = host.nowMs + this.halfTickMs;
    this.confirmation = new QuorumConfirmation(
      options.sid,
      () => this.followers.filter((learner) => learner.stage === LearnerStage.UP_TO_DATE),
      () => this.pingFollowers(),
      (sids) => areQuorum(this.verifiers, sids),
    );
  }

  /** Those that have introduced themselves, for status and for changes of the membership. */
  get learners(): Iterable<LearnerHandler> {
    return this.bySid.values();
  }

  get phase(): Phase {
    if (this.step < Step.NEWLEADER_ACKS) return "DISCOVERY";
    return this.step === Step.NEWLEADER_ACKS ? "SYNCHRONIZATION" : "BROADCAST";
  }

  get options(): PeerOptions {
    return this.host.options;
  }

  get replica(): Replica {
    return this.host.replica;
  }

  get log(): Log {
    return this.host.log;
  }

  get nowMs(): number {
    return this.host.nowMs;
  }

  get isEstablished(): boolean {
    return this.step === Step.ESTABLISHED;
  }

  private get service(): LeaderService {
    invariant(this.learnerService !== null, "the leader serves");
    return this.learnerService;
  }

  private get sid(): number {
    return this.host.options.sid;
  }

  private get halfTickMs(): number {
    return this.host.options.tickTimeMs / 2;
  }

  // --- links

  /** A connection to the quorum port. */
  accepted(link: Link): LearnerHandler {
    this.dropOldestUnproven();
    const learner = new LearnerHandler(link, this);
    this.links.add(learner);
    return learner;
  }

  private dropOldestUnproven(): void {
    let count = 0;
    let oldest: LearnerHandler | null = null;
    for (const learner of this.links) {
      if (learner.stage !== LearnerStage.UNPROVEN) continue;
      oldest ??= learner;
      count++;
    }
    if (count >= this.options.unprovenLinksMax) oldest?.leave("too many connections have not said who they are");
  }

  left(learner: LearnerHandler, reason: string): void {
    const { sid, link } = learner;
    this.links.delete(learner);
    this.syncing.delete(learner);
    if (Number.isNaN(sid)) {
      this.log.debug({ address: link.remoteAddress, reason }, "a connection to the quorum port is gone");
      return;
    }
    this.log.warn({ sid, address: link.remoteAddress, reason }, "a learner is gone");
    if (this.bySid.get(sid) !== learner) return;
    this.bySid.delete(sid);
    this.followers = this.followers.filter((other) => other !== learner);
    this.observers = this.observers.filter((other) => other !== learner);
    if (this.step === Step.EPOCH) this.connecting.delete(sid);
    this.learnerService?.left(learner);
    if (this.isResigning && !this.isQuorumAlive()) this.end("the followers have gone to the new leader");
  }

  close(): void {
    this.step = Step.OVER;
    for (const learner of this.links) learner.close();
    this.links.clear();
    this.bySid.clear();
    this.followers = this.observers = [];
  }

  private end(reason: string): void {
    if (this.step !== Step.OVER) this.host.end(this, reason);
  }

  // --- discovery

  start(): void {
    this.connecting.add(this.sid);
    this.chooseEpoch();
  }

  anonymousSid(): number {
    return -1 - this.anonymousCount++;
  }

  introduced(learner: LearnerHandler): void {
    this.checkWelcome(learner);
    const { sid } = learner;
    this.bySid.get(sid)?.leave("the learner has come back on another connection");
    this.bySid.set(sid, learner);
    this.looking.delete(sid);
    this.log.info(
      {
        sid,
        address: learner.link.remoteAddress,
        isObserver: learner.isObserver,
        acceptedEpoch: learner.acceptedEpoch,
      },
      "a learner has introduced itself",
    );
    if (this.step === Step.EPOCH) {
      if (this.isVoter(sid)) this.connecting.add(sid);
      this.chooseEpoch();
    } else if (this.step > Step.STORING_EPOCH) {
      learner.sendEpoch();
    }
  }

  private checkWelcome(learner: LearnerHandler): void {
    const { sid } = learner;
    const refuse = (expected: string, got: string): never => {
      throw new ProtocolError(`learner ${sid}`, 0, expected, got);
    };
    if (sid === this.sid) refuse("another server", "this server's own number");
    if (learner.configVersion > this.host.verifier.version) {
      refuse(`membership ${this.host.verifier.version.toString(16)}`, `later ${learner.configVersion.toString(16)}`);
    }
    if (!this.isListed(sid)) {
      let unlisted = 0;
      for (const other of this.bySid.keys()) if (!this.isListed(other)) unlisted++;
      if (unlisted >= this.unlistedMax) refuse("a server of the configuration", "an unknown one");
    }
    const other = this.bySid.get(sid);
    if (other !== undefined && this.nowMs - other.lastHeardMs <= this.options.tickTimeMs) {
      refuse("one connection", `another one, from ${other.link.remoteAddress}, that is alive`);
    }
    if (this.isVoter(sid) && learner.acceptedEpoch > this.replica.acceptedEpoch + EPOCH_JUMP_MAX) {
      refuse(`an epoch near ${this.replica.acceptedEpoch}`, String(learner.acceptedEpoch));
    }
  }

  /** Whoever is to join an ensemble follows its leader before; where nobody can join, there are no strangers. */
  private get unlistedMax(): number {
    return this.options.reconfigEnabled ? this.options.unlistedLearnersMax : 0;
  }

  private isListed(sid: number): boolean {
    return this.host.verifier.members.has(sid) || this.host.lastSeenVerifier.members.has(sid);
  }

  private isVoter(sid: number): boolean {
    return this.host.verifier.votingMembers.has(sid);
  }

  /** The new epoch is above all that a quorum has accepted. It is durable here before anybody hears of it (rule D10). */
  private chooseEpoch(): void {
    if (this.step !== Step.EPOCH || !this.host.verifier.containsQuorum(this.connecting)) return;
    let accepted = this.replica.acceptedEpoch;
    for (const sid of this.connecting) accepted = Math.max(accepted, this.bySid.get(sid)?.acceptedEpoch ?? 0);
    this.epoch = accepted + 1;
    this.goTo(Step.STORING_EPOCH);
    this.replica.storeAcceptedEpoch(this.epoch);
  }

  private goTo(step: Step): void {
    this.step = step;
    this.stepSinceMs = this.nowMs;
  }

  epochStored(kind: "accepted" | "current", epoch: number): void {
    if (epoch !== this.epoch || this.step === Step.OVER) return;
    if (kind === "accepted" && this.step === Step.STORING_EPOCH) this.epochAccepted();
    // Rule D12: only now it counts itself.
    else if (kind === "current" && this.step === Step.NEWLEADER_ACKS) this.countNewLeaderAck(this.sid);
  }

  private epochAccepted(): void {
    this.goTo(Step.EPOCH_ACKS);
    this.lastProposedZxid = firstZxidOf(this.epoch);
    this.proposeFirstMembership();
    this.electing.add(this.sid);
    for (const learner of [...this.bySid.values()]) {
      if (learner.stage === LearnerStage.INTRODUCED) learner.sendEpoch();
    }
    this.beginSynchronization();
  }

  epochAcked(learner: LearnerHandler): void {
    if (this.step > Step.EPOCH_ACKS) {
      learner.synchronize();
      return;
    }
    const { sid, currentEpoch, lastZxid } = learner;
    if (currentEpoch !== -1) {
      if (this.isAheadOfUs(currentEpoch, lastZxid)) {
        this.refuseAhead(learner);
        return;
      }
      // A damaged server has no last zxid (rule D7).
      if (lastZxid !== -1 && this.isVoter(sid)) this.electing.add(sid);
    }
    this.beginSynchronization();
  }

  /** A voter has told the election that it looks for a leader: without those, this server may wait in vain. */
  voterLooks(sid: number): void {
    if (this.step !== Step.EPOCH || this.bySid.has(sid) || this.nowMs - this.stepSinceMs < VOTER_PATIENCE_MS) return;
    this.looking.add(sid);
    const others = [...this.host.verifier.votingMembers.keys()].filter((other) => !this.looking.has(other));
    if (!this.host.verifier.containsQuorum(new Set(others))) this.end("its voters look for another leader");
  }

  private isAheadOfUs(currentEpoch: number, lastZxid: number): boolean {
    if (currentEpoch !== this.ownEpoch) return currentEpoch > this.ownEpoch;
    return lastZxid > this.ownZxid;
  }

  /** A voter that has more than this server should have won. Without it, others may still be enough. */
  private refuseAhead(learner: LearnerHandler): void {
    const { sid } = learner;
    learner.leave("it is ahead of this leader");
    const others = new Set([...this.bySid.keys()].filter((other) => this.isVoter(other)));
    others.add(this.sid);
    if (this.isVoter(sid) && !this.host.verifier.containsQuorum(others)) {
      this.end(`server ${sid} is ahead, and without it there is no quorum`);
    }
  }

  // --- synchronization

  private beginSynchronization(): void {
    if (this.step !== Step.EPOCH_ACKS || !this.host.verifier.containsQuorum(this.electing)) return;
    this.goTo(Step.NEWLEADER_ACKS);
    this.verifiers = verifiersInForce(this.host);
    this.newLeaderAcks = new SyncedLearnerTracker(this.verifiers);
    for (const learner of [...this.bySid.values()]) {
      if (learner.stage === LearnerStage.EPOCH_ACKED) learner.synchronize();
    }
    this.replica.storeCurrentEpoch(this.epoch);
  }

  /**
   * A membership that never changed has version 0. It gets this epoch's first zxid as its version when a quorum takes it
   * over, so that it outranks those of servers that only think that they belong to the ensemble.
   */
  private proposeFirstMembership(): void {
    const { host } = this;
    if (host.options.reconfigEnabled && host.verifier.version === 0 && host.lastSeenVerifier.version === 0) {
      host.sawMembership(host.verifier.withVersion(firstZxidOf(this.epoch)));
    }
    const text = host.lastSeenVerifier.toText();
    const bytes = new Uint8Array(utf8Length(text));
    encodeUtf8(text, bytes, 0);
    this.newLeaderConfig = bytes;
  }

  beginSync(learner: LearnerHandler): boolean {
    const { maxConcurrentSnapSyncs, maxConcurrentDiffSyncs } = this.options;
    if (learner.isObserver && this.syncing.size >= Math.min(maxConcurrentSnapSyncs, maxConcurrentDiffSyncs))
      return false;
    this.syncing.add(learner);
    this.acks.forget(learner.sid);
    invariant(this.replica.lastCommittedZxid === this.committedZxid, "what is committed is applied at once");
    if (learner.isObserver) this.observers = [...this.observers, learner];
    else this.followers = [...this.followers, learner];
    return true;
  }

  writeOutstanding(out: Writer): void {
    const { outstanding } = this;
    if (outstanding.length > 0) out.raw(outstanding.bytes, outstanding.start, outstanding.allEnd);
  }

  newLeaderAcked(learner: LearnerHandler): void {
    this.syncing.delete(learner);
    if (this.step === Step.ESTABLISHED) learner.sendUpToDate();
    else if (!learner.isObserver) this.countNewLeaderAck(learner.sid);
  }

  private countNewLeaderAck(sid: number): void {
    const acks = this.newLeaderAcks;
    if (acks === null) return;
    acks.add(sid);
    if (this.step === Step.NEWLEADER_ACKS && acks.has(this.sid) && acks.hasAllQuorums()) this.establish();
  }

  /** A quorum has the leader's history: all of it is committed, and new txns may be proposed. */
  private establish(): void {
    const { host } = this;
    this.goTo(Step.ESTABLISHED);
    this.nextHalfTickMs = this.nowMs + this.halfTickMs;
    this.acks.ack(this.sid, this.ownZxid);
    if (host.options.reconfigEnabled) this.activateFirstMembership();
    if (this.stepIs(Step.OVER)) return;
    this.log.info({ epoch: this.epoch, acked: [...(this.newLeaderAcks?.sids ?? [])] }, "leading: a quorum follows");
    for (const learner of this.bySid.values()) {
      if (learner.stage === LearnerStage.NEWLEADER_ACKED) learner.sendUpToDate();
    }
    host.serving(this);
    this.learnerService = host.events.leading(this, this.epoch);
  }

  private stepIs(step: Step): boolean {
    return this.step === step;
  }

  private activateFirstMembership(): void {
    const { host } = this;
    const verifier = host.lastSeenVerifier;
    const leader = this.designatedLeader(verifier, this.newLeaderAcks?.sids ?? new Set());
    host.activateMembership(verifier, leader);
    this.verifiers = verifiersInForce(host);
    if (leader !== this.sid) this.isResigning = true;
  }

  // --- broadcast

  propose(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    if (this.step !== Step.ESTABLISHED) return;
    this.checkSuccessor(zxid);
    if (isReconfig(bytes, start)) this.proposeMembership(bytes, start, end, zxid);
    this.lastProposedZxid = zxid;
    const { outstanding } = this;
    const at = outstanding.add(bytes, start, end, zxid);
    const { followers } = this;
    for (let i = 0; i < followers.length; i++) followers[i].proposed(outstanding.bytes, at, outstanding.allEnd, zxid);
    if (counterOf(zxid) >= ROLLOVER_COUNTER) this.nextHalfTickMs = this.nowMs;
    if (this.acks.ackedBy(this.sid) >= zxid) this.commitWhatIsAcked();
  }

  private checkSuccessor(zxid: number): void {
    const isNext = zxid === this.lastProposedZxid + 1;
    // ZooKeeper's `testingonly.initialZxid` begins an epoch later.
    const isLaterStart = counterOf(this.lastProposedZxid) === 0 && zxid > this.lastProposedZxid;
    invariant((isNext || isLaterStart) && epochOf(zxid) === this.epoch, "proposals follow each other within the epoch");
  }

  acked(learner: LearnerHandler, zxid: number): void {
    if (this.acks.ack(learner.sid, zxid)) this.commitWhatIsAcked();
  }

  /** The leader's own acknowledgement, by the same rule as everybody's: only what is durable (rule D30). */
  logSynced(zxid: number): void {
    if (this.step === Step.ESTABLISHED && this.acks.ack(this.sid, zxid)) this.commitWhatIsAcked();
  }

  private commitWhatIsAcked(): void {
    if (this.step !== Step.ESTABLISHED || this.isResigning) return;
    const from = this.committedZxid;
    let limit = this.lastProposedZxid;
    if (this.reconfig !== null && from < this.reconfig.zxid) limit = this.reconfig.zxid;
    const zxid = this.acks.committable(from, limit, this.verifiers);
    if (zxid > from) this.commit(zxid);
  }

  private commit(zxid: number): void {
    const { outstanding, reconfig } = this;
    const isMembershipCommitted = reconfig !== null && reconfig.zxid === zxid;
    while (outstanding.length > 0 && outstanding.firstZxid <= zxid) {
      const first = outstanding.firstZxid;
      if (isMembershipCommitted && first === zxid) this.commitMembership(reconfig.verifier, zxid);
      else this.tellCommitted(first);
      outstanding.shift();
      if (first === zxid || this.orderedSyncs > 0) this.applyCommitted(first);
      if (this.step !== Step.ESTABLISHED) return;
    }
    if (isMembershipCommitted) this.commitWhatIsAcked();
    if (outstanding.length === 0 && counterOf(zxid) >= ROLLOVER_COUNTER) this.nextHalfTickMs = this.nowMs;
  }

  private applyCommitted(zxid: number): void {
    this.committedZxid = zxid;
    this.service.committed(zxid);
  }

  private tellCommitted(zxid: number): void {
    const { followers, observers, outstanding } = this;
    for (let i = 0; i < followers.length; i++) {
      writePlain(followers[i].out, PacketType.COMMIT, zxid);
      followers[i].sent();
    }
    for (let i = 0; i < observers.length; i++) {
      // An INFORM is the proposal under another name.
      const { out } = observers[i];
      const at = out.at;
      out.raw(outstanding.bytes, outstanding.start, outstanding.end);
      out.patchInt(at, PacketType.INFORM);
      observers[i].sent();
    }
  }

  // --- changes of membership

  private proposeMembership(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    invariant(this.reconfig === null, "one change of membership at a time");
    const verifier = parseConfigText(configOfReconfig(bytes, start, end), this.options.multiAddress);
    this.reconfig = { zxid, verifier };
    this.host.sawMembership(verifier);
    this.verifiers = verifiersInForce(this.host);
  }

  private commitMembership(verifier: QuorumVerifier, zxid: number): void {
    const { outstanding, followers, observers, host } = this;
    const leader = this.designatedLeader(verifier, new Set(this.acks.holders(zxid)));
    this.reconfig = null;
    host.activateMembership(verifier, leader);
    this.verifiers = verifiersInForce(host);
    if (leader !== this.sid) this.isResigning = true;
    for (const learner of followers) {
      writeCommitAndActivate(learner.out, zxid, leader);
      learner.sent();
    }
    for (const learner of observers) {
      writeInformAndActivate(learner.out, zxid, leader, outstanding.bytes, outstanding.txnStart, outstanding.txnEnd);
      learner.sent();
    }
  }

  /** This server, if the new membership still has it where it is; else the voter that has most of what is proposed. */
  private designatedLeader(verifier: QuorumVerifier, having: ReadonlySet<number>): number {
    const own = verifier.votingMembers.get(this.sid);
    const before = this.host.verifier.members.get(this.sid);
    if (own !== undefined && (before === undefined || sameQuorumAddresses(own, before))) return this.sid;
    let best = -1;
    for (const sid of having) {
      if (sid === this.sid || !verifier.votingMembers.has(sid)) continue;
      if (best === -1 || this.acks.ackedBy(sid) > this.acks.ackedBy(best)) best = sid;
    }
    return best === -1 ? this.sid : best;
  }

  // --- sync

  /**
   * A learner's sync is answered when a quorum has shown that it still follows: then nothing newer can be elsewhere. Not
   * so ZooKeeper's learners: they would take the commit of a later request of theirs for the answer's, so they get it at
   * once, as from their own leaders.
   */
  synced(origin: Origin): void {
    if (!(origin instanceof LearnerHandler)) return;
    if (origin.isQuoll) {
      this.confirm(() => origin.sendSync());
    } else {
      this.orderedSyncs--;
      origin.sendSync();
    }
  }

  sync(learner: LearnerHandler, sessionHi: number, sessionLo: number, cxid: number): void {
    if (!learner.isQuoll) this.orderedSyncs++;
    this.service.sync(learner, sessionHi, sessionLo, cxid);
  }

  confirm(then: () => void): void {
    if (this.step === Step.ESTABLISHED) this.confirmation.ask(then);
  }

  touched(sessionHi: number, sessionLo: number, timeoutMs: number): void {
    this.service.touched(sessionHi, sessionLo, timeoutMs);
  }

  revalidate(learner: LearnerHandler, sessionHi: number, sessionLo: number, timeoutMs: number): void {
    learner.sendRevalidated(sessionHi, sessionLo, this.service.revalidate(learner, sessionHi, sessionLo, timeoutMs));
  }

  request(
    learner: LearnerHandler,
    sessionHi: number,
    sessionLo: number,
    cxid: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    authStart: number,
    authEnd: number,
  ): void {
    this.service.request(learner, sessionHi, sessionLo, cxid, type, bytes, start, end, authStart, authEnd);
  }

  pinged(learner: LearnerHandler): void {
    if (!learner.isObserver) this.confirmation.answered(learner);
  }

  private pingFollowers(): void {
    for (const learner of this.followers) if (learner.stage === LearnerStage.UP_TO_DATE) learner.ping();
  }

  // --- time

  get nextDeadlineMs(): number {
    return this.nextHalfTickMs;
  }

  /** After the process stood still, nothing may be done in the name of a term that others have left. */
  clock(): void {
    const stoodStillMs = this.nowMs - this.clockMs;
    this.clockMs = this.nowMs;
    if (stoodStillMs <= this.options.tickTimeMs || this.step !== Step.ESTABLISHED) return;
    if (!this.isQuorumAlive()) this.end(`stood still for ${stoodStillMs} ms, and no quorum was heard since`);
  }

  tick(): void {
    if (this.nowMs < this.nextHalfTickMs) return;
    this.nextHalfTickMs = this.nowMs + this.halfTickMs;
    this.isWholeTick = !this.isWholeTick;
    for (const learner of [...this.links]) {
      const reason = learner.overdue(this.nowMs);
      if (reason !== null) learner.leave(reason);
    }
    if (this.step === Step.ESTABLISHED) this.tickEstablished();
    else this.tickBefore();
  }

  private tickBefore(): void {
    const { initLimit, tickTimeMs } = this.options;
    if (this.nowMs - this.stepSinceMs < initLimit * tickTimeMs) return;
    const wait = ["an epoch", "the disk", "the epoch to be accepted", "NEWLEADER to be acknowledged"][this.step];
    this.end(`no quorum in initLimit ticks: waited for ${wait}`);
  }

  private tickEstablished(): void {
    if (this.hasRolledOver()) {
      this.end("the zxids of this epoch are used up");
      return;
    }
    // An oracle may stand in for the other of two servers; then what waits for its acknowledgement waits no more.
    if (this.host.verifier.updateNeedOracle(this.followers.length > 0)) this.commitWhatIsAcked();
    if (this.isWholeTick && !this.isQuorumAlive()) {
      const alive = this.followers.filter((learner) => learner.isAlive(this.nowMs)).map((learner) => learner.sid);
      this.end(`no quorum was heard for syncLimit ticks, only of ${JSON.stringify(alive)}`);
      return;
    }
    for (const learner of [...this.followers, ...this.observers]) {
      if (learner.stage === LearnerStage.UP_TO_DATE) learner.ping();
    }
  }

  private hasRolledOver(): boolean {
    const counter = counterOf(this.lastProposedZxid);
    return counter >= ROLLOVER_COUNTER_MAX || (counter >= ROLLOVER_COUNTER && this.outstanding.length === 0);
  }

  private isQuorumAlive(): boolean {
    const alive = new Set([this.sid]);
    for (const learner of this.followers) if (learner.isAlive(this.nowMs)) alive.add(learner.sid);
    return areQuorum(this.verifiers, alive);
  }

  // --- what a leader is never told

  truncated(): void {}

  snapshotStored(): void {}
}

function sameQuorumAddresses(a: Member, b: Member): boolean {
  return a.quorumAddresses.map(textOfAddress).join() === b.quorumAddresses.map(textOfAddress).join();
}
