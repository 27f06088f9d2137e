import { decodeUtf8, ProtocolError, Reader } from "@quoll/jute";
import { Fifo } from "../fifo.js";
import type { LearnerHandler } from "../leader/learner-handler.js";
import { OutstandingProposals } from "../leader/outstanding-proposals.js";
import type { Dialer, HostPort, Link, LinkHandler } from "../link.js";
import { MembershipError, parseConfigText, type QuorumVerifier } from "../membership/index.js";
import { PacketParser } from "../quorum-packet/packet-parser.js";
import { PacketType, packetName } from "../quorum-packet/packet-type.js";
import {
  PROTOCOL_VERSION,
  SNAPSHOT_SIGNATURE,
  writeAckEpoch,
  writeLearnerInfo,
  writePlain,
  writeRequest,
  writeRevalidate,
} from "../quorum-packet/packet-writers.js";
import { checkTxn, configOfReconfig, isReconfig } from "../quorum-packet/txn-bytes.js";
import type { SnapshotReceiver } from "../replica.js";
import type { Forward, LearnerService } from "../service.js";
import type { Phase, Term, TermHost } from "../term.js";
import { epochOf, firstZxidOf } from "../zxid.js";
import { AppendedTxns } from "./appended-txns.js";
import { CommittedProposals } from "./committed-proposals.js";
import { LeaderDialer } from "./leader-dialer.js";
import { ObserverMaster } from "./observer-master.js";

/** Bytes that may come while a snapshot is being stored, or an epoch. */
const HELD_BACK_BYTES_MAX = 256 * 1024 * 1024;

const OP_SYNC = 9;
/** A SyncRequest for "/": leaders do not look at it. */
const SYNC_REQUEST = new Uint8Array([0, 0, 0, 1, 0x2f]);
const NO_AUTHINFO = new Uint8Array(0);

/** A sync that the leader has not answered: it answers them in order. */
interface PendingSync {
  readonly hi: number;
  readonly lo: number;
  readonly cxid: number;
  /** Whose client asks; null for one of this server's. */
  readonly observer: LearnerHandler | null;
}

const enum Step {
  CONNECTING = 0,
  /** FOLLOWERINFO was sent; LEADERINFO must come. */
  INTRODUCED = 1,
  /** The epoch is on its way to the disk (rule D11). */
  STORING_ACCEPTED_EPOCH = 2,
  /** ACKEPOCH was sent; DIFF, TRUNC or SNAP must come. */
  EPOCH_ACKED = 3,
  /** The bytes of a snapshot come. */
  RECEIVING_SNAPSHOT = 4,
  STORING_SNAPSHOT = 5,
  TRUNCATING = 6,
  /** Txns come, then NEWLEADER. */
  SYNCHRONIZING = 7,
  /** NEWLEADER has come: the log, then the epoch are on their way to the disk (rule D20). */
  MAKING_DURABLE = 8,
  STORING_CURRENT_EPOCH = 9,
  /** NEWLEADER was acknowledged; UPTODATE must come. */
  NEWLEADER_ACKED = 10,
  SERVING = 11,
  OVER = 12,
}

/** A term as follower or observer: takes the leader's state, then its txns as they come. */
export class Learner implements Term, LinkHandler, Forward {
  epoch = 0;
  private step = Step.CONNECTING;
  private link: Link | null = null;
  private readonly dialer: LeaderDialer;
  private readonly parser: PacketParser;
  private readonly reader = new Reader(new Uint8Array(0));
  private learnerService: LearnerService | null = null;

  private readonly appended: AppendedTxns;
  /** The last txn that the leader has called committed; applied as far as it is durable, until clients are served. */
  private committedZxid = 0;
  /** Of an observer: proposals whose commit has not come, which is all that it may log. */
  private readonly proposals = new CommittedProposals();
  private snapshot: SnapshotReceiver | null = null;
  private snapshotZxid = 0;
  private isSnapshotStored = false;
  private newLeaderVerifier: QuorumVerifier | null = null;
  private reconfig: { readonly zxid: number; readonly verifier: QuorumVerifier } | null = null;
  private readonly pendingSyncs = new Fifo<PendingSync>();
  /** What is not committed, for the observers that this follower may serve; null if it may not. */
  private readonly outstanding: OutstandingProposals | null;
  private observerMaster: ObserverMaster | null = null;

  private lastHeardMs: number;
  /** When the leader last took something of what waits for it. */
  private lastReadMs: number;

  constructor(
    private readonly host: TermHost,
    readonly leaderSid: number,
    private readonly isObserver: boolean,
    addresses: readonly HostPort[],
    dialer: Dialer,
  ) {
    const { options, nowMs } = host;
    this.lastHeardMs = this.lastReadMs = nowMs;
    this.parser = new PacketParser(options.packetBytesMax);
    this.appended = new AppendedTxns(host.replica.lastLoggedZxid, !isObserver);
    const ticks = options.connectToLearnerMasterLimit > 0 ? options.connectToLearnerMasterLimit : options.initLimit;
    this.outstanding = !isObserver && options.observerMasterPort > 0 ? new OutstandingProposals() : null;
    this.dialer = new LeaderDialer(
      dialer,
      addresses,
      nowMs + ticks * options.tickTimeMs,
      (link) => this.connected(link),
      (reason) => this.end(`the leader can't be reached: ${reason}`),
    );
  }

  get phase(): Phase {
    if (this.step < Step.EPOCH_ACKED) return "DISCOVERY";
    return this.step < Step.SERVING ? "SYNCHRONIZATION" : "BROADCAST";
  }

  start(): void {
    this.dialer.dial(this.host.nowMs);
  }

  close(): void {
    this.step = Step.OVER;
    this.dialer.stop();
    this.observerMaster?.close();
    this.snapshot?.abandon();
    this.snapshot = null;
    this.link?.close("now");
    this.link = null;
  }

  private end(reason: string): void {
    if (this.step !== Step.OVER) this.host.end(this, reason);
  }

  // --- the link

  private connected(link: Link): LinkHandler {
    const { host } = this;
    this.link = link;
    this.lastHeardMs = this.lastReadMs = host.nowMs;
    this.step = Step.INTRODUCED;
    const type = this.isObserver ? PacketType.OBSERVERINFO : PacketType.FOLLOWERINFO;
    const accepted = firstZxidOf(host.replica.acceptedEpoch);
    writeLearnerInfo(link.out, type, accepted, host.options.sid, host.verifier.version);
    link.touch();
    return this;
  }

  received(bytes: Uint8Array): void {
    if (this.step === Step.OVER) return;
    this.lastHeardMs = this.host.nowMs;
    this.parser.push(bytes);
    this.parse();
  }

  drained(): void {
    this.lastReadMs = this.host.nowMs;
  }

  closed(reason: string): void {
    this.link = null;
    this.end(`the leader is gone: ${reason}`);
  }

  /** What comes behind something that must be on the disk first. */
  private get isHeldBack(): boolean {
    const { step } = this;
    return step === Step.STORING_ACCEPTED_EPOCH || step === Step.STORING_SNAPSHOT || step === Step.TRUNCATING;
  }

  private parse(): void {
    const { parser } = this;
    try {
      while (!this.isHeldBack && this.step !== Step.OVER) {
        if (this.step === Step.RECEIVING_SNAPSHOT) {
          if (!this.takeSnapshotBytes()) break;
        } else {
          if (!parser.next()) break;
          this.packet();
        }
      }
      if (this.step === Step.OVER) return;
      parser.keep();
      if (parser.unparsed > HELD_BACK_BYTES_MAX) this.end("too much came while the disk was busy");
    } catch (error) {
      if (!(error instanceof ProtocolError) && !(error instanceof MembershipError)) throw error;
      this.end(`the leader has sent what it must not: ${error.message}`);
    }
  }

  /** The disk has done what was waited for. */
  private goOn(step: Step): void {
    this.step = step;
    this.lastHeardMs = this.lastReadMs = this.host.nowMs;
    this.parse();
  }

  private flush(): void {
    const { link } = this;
    if (link === null) return;
    link.touch();
    if (link.unsentBytes === 0) this.lastReadMs = this.host.nowMs;
    if (link.out.at + link.unsentBytes > this.host.options.learnerQueueBytesMax) this.end("the leader does not read");
  }

  private packet(): void {
    switch (this.step) {
      case Step.INTRODUCED:
        this.leaderInfo();
        break;
      case Step.EPOCH_ACKED:
        this.beginSynchronization();
        break;
      case Step.SERVING:
        this.message();
        break;
      default:
        this.synchronizing();
    }
  }

  private unexpected(expected: string): never {
    throw new ProtocolError("packet", 0, expected, packetName(this.parser.type));
  }

  // --- discovery

  private leaderInfo(): void {
    const { parser, reader, host } = this;
    if (parser.type !== PacketType.LEADERINFO) this.unexpected("LEADERINFO");
    reader.reset(parser.bytes, parser.dataStart, parser.dataEnd);
    const version = reader.int();
    if (version < PROTOCOL_VERSION) throw new ProtocolError("protocol version", 0, "0x10000", String(version));
    const epoch = epochOf(parser.zxid);
    const { acceptedEpoch } = host.replica;
    if (epoch < acceptedEpoch) {
      throw new ProtocolError("epoch", 4, `at least ${acceptedEpoch}, which was accepted before`, String(epoch));
    }
    this.epoch = epoch;
    if (epoch === acceptedEpoch) {
      this.ackEpoch(-1);
    } else {
      this.step = Step.STORING_ACCEPTED_EPOCH;
      host.replica.storeAcceptedEpoch(epoch);
    }
  }

  private ackEpoch(currentEpoch: number): void {
    const { host, link } = this;
    if (link === null) return;
    this.step = Step.EPOCH_ACKED;
    writeAckEpoch(link.out, host.isDamaged ? -1 : host.replica.lastLoggedZxid, currentEpoch);
    this.flush();
  }

  // --- synchronization

  private beginSynchronization(): void {
    const { parser, host } = this;
    host.log.info(
      {
        leader: this.leaderSid,
        epoch: this.epoch,
        way: packetName(parser.type),
        zxid: hex(parser.zxid),
        lastZxid: hex(this.appended.lastZxid),
      },
      "the leader's state is coming",
    );
    switch (parser.type) {
      case PacketType.DIFF:
        if (host.isDamaged) this.unexpected("SNAP, as the data here is damaged");
        this.step = Step.SYNCHRONIZING;
        break;
      case PacketType.TRUNC:
        if (host.isDamaged) this.unexpected("SNAP, as the data here is damaged");
        this.step = Step.TRUNCATING;
        this.snapshotZxid = parser.zxid;
        host.replica.truncate(parser.zxid);
        break;
      case PacketType.SNAP:
        this.step = Step.RECEIVING_SNAPSHOT;
        this.snapshotZxid = parser.zxid;
        this.snapshot = host.replica.receiveSnapshot(parser.zxid);
        break;
      default:
        this.unexpected("DIFF, TRUNC or SNAP");
    }
  }

  /** @returns false when more must come first */
  private takeSnapshotBytes(): boolean {
    const { parser, snapshot } = this;
    if (snapshot === null) return false;
    if (!snapshot.isComplete) {
      parser.skip(snapshot.write(parser.bytes, parser.at, parser.end));
      if (!snapshot.isComplete) return false;
    }
    return this.takeSignature();
  }

  private takeSignature(): boolean {
    const { parser, reader } = this;
    const length = 4 + SNAPSHOT_SIGNATURE.length;
    if (parser.unparsed < length) return false;
    reader.reset(parser.bytes, parser.at, parser.at + length);
    const signature = reader.string();
    if (signature !== SNAPSHOT_SIGNATURE) {
      throw new ProtocolError("signature of a snapshot", 0, SNAPSHOT_SIGNATURE, String(signature));
    }
    parser.skip(length);
    this.step = Step.STORING_SNAPSHOT;
    if (this.isSnapshotStored) this.snapshotStored(this.snapshotZxid);
    return true;
  }

  truncated(zxid: number): void {
    if (this.step !== Step.TRUNCATING) return;
    if (zxid !== this.snapshotZxid) {
      this.host.historiesDisagree();
      this.end(`the log has no txn ${hex(this.snapshotZxid)} to be cut at, only ${hex(zxid)}`);
      return;
    }
    this.restartAt(zxid);
  }

  snapshotStored(zxid: number): void {
    this.isSnapshotStored = zxid === this.snapshotZxid;
    if (this.step !== Step.STORING_SNAPSHOT) return;
    this.snapshot = null;
    this.restartAt(zxid);
  }

  private restartAt(zxid: number): void {
    this.appended.restart(zxid);
    this.committedZxid = zxid;
    this.goOn(Step.SYNCHRONIZING);
  }

  private synchronizing(): void {
    switch (this.parser.type) {
      case PacketType.PROPOSAL:
        if (this.isObserver) this.holdProposal();
        else this.append();
        break;
      case PacketType.COMMIT:
        this.commitBeforeServing(this.parser.zxid);
        break;
      case PacketType.COMMITANDACTIVATE:
        this.withMembership((zxid) => this.commitBeforeServing(zxid));
        break;
      case PacketType.INFORM:
        this.append();
        this.commitBeforeServing(this.parser.zxid);
        break;
      case PacketType.INFORMANDACTIVATE:
        this.appendFrom(this.parser.dataStart + 8);
        this.withMembership((zxid) => this.commitBeforeServing(zxid));
        break;
      case PacketType.NEWLEADER:
        this.newLeader();
        break;
      case PacketType.UPTODATE:
        this.upToDate();
        break;
      case PacketType.PING:
        // As ZooKeeper's learners, it answers none before it is up to date.
        break;
      default:
        this.unexpected("a packet of the synchronization");
    }
  }

  private append(): void {
    this.appendFrom(this.parser.dataStart);
  }

  private appendFrom(start: number): void {
    const { bytes, dataEnd, zxid } = this.parser;
    checkTxn(bytes, start, dataEnd, zxid);
    this.appendTxn(bytes, start, dataEnd, zxid);
  }

  private appendTxn(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    if (!this.appended.isNew(zxid)) return;
    if (isReconfig(bytes, start)) this.sawReconfig(configOfReconfig(bytes, start, end), zxid);
    this.appended.appended(zxid);
    this.outstanding?.add(bytes, start, end, zxid);
    this.host.replica.append(bytes, start, end, zxid);
  }

  /** An observer logs only what is committed, but learns of it as followers do while it is synchronized. */
  private holdProposal(): void {
    const { bytes, dataStart, dataEnd, zxid } = this.parser;
    checkTxn(bytes, dataStart, dataEnd, zxid);
    this.proposals.add(bytes, dataStart, dataEnd, zxid);
  }

  private commitBeforeServing(zxid: number): void {
    if (zxid <= this.committedZxid || zxid <= this.host.replica.lastCommittedZxid) return;
    if (this.isObserver) {
      const txn = this.proposals.take(zxid);
      if (txn !== null) this.appendTxn(txn, 0, txn.length, zxid);
    }
    if (zxid > this.appended.lastZxid) {
      throw new ProtocolError("COMMIT", 4, `at most ${hex(this.appended.lastZxid)}, the last proposal`, hex(zxid));
    }
    this.committedZxid = zxid;
    this.outstanding?.shiftUpTo(zxid);
    this.applyWhatIsDurable();
  }

  private applyWhatIsDurable(): void {
    const zxid = Math.min(this.committedZxid, this.appended.syncedZxid);
    if (zxid > this.host.replica.lastCommittedZxid) this.host.replica.commit(zxid);
  }

  private newLeader(): void {
    const { parser, host } = this;
    if (this.step !== Step.SYNCHRONIZING) this.unexpected("no second NEWLEADER");
    if (parser.zxid !== firstZxidOf(this.epoch)) {
      throw new ProtocolError("zxid of NEWLEADER", 4, hex(firstZxidOf(this.epoch)), hex(parser.zxid));
    }
    if (host.options.reconfigEnabled && parser.dataEnd - parser.dataStart > 1) {
      const text = decodeUtf8(parser.bytes, parser.dataStart, parser.dataEnd);
      this.newLeaderVerifier = parseConfigText(text, host.options.multiAddress);
      host.sawMembership(this.newLeaderVerifier);
    }
    this.appended.skipAcks(this.committedZxid);
    this.step = Step.MAKING_DURABLE;
    this.storeCurrentEpochWhenDurable();
  }

  /** First the txns, then the epoch that vouches for them, and only then the leader hears of it (rule D20). */
  private storeCurrentEpochWhenDurable(): void {
    if (this.step !== Step.MAKING_DURABLE || !this.appended.isAllSynced) return;
    this.step = Step.STORING_CURRENT_EPOCH;
    this.host.replica.storeCurrentEpoch(this.epoch);
  }

  epochStored(kind: "accepted" | "current", epoch: number): void {
    if (epoch !== this.epoch) return;
    if (kind === "accepted" && this.step === Step.STORING_ACCEPTED_EPOCH) {
      this.ackEpoch(this.host.replica.currentEpoch);
      this.goOn(Step.EPOCH_ACKED);
    } else if (kind === "current" && this.step === Step.STORING_CURRENT_EPOCH) {
      this.ackNewLeader();
    }
  }

  private ackNewLeader(): void {
    const { link } = this;
    if (link === null) return;
    this.step = Step.NEWLEADER_ACKED;
    writePlain(link.out, PacketType.ACK, firstZxidOf(this.epoch));
    this.appended.writeAcks(link.out);
    this.flush();
  }

  logSynced(zxid: number): void {
    if (this.step === Step.OVER) return;
    this.appended.synced(zxid);
    if (this.step < Step.SERVING) this.applyWhatIsDurable();
    this.storeCurrentEpochWhenDurable();
    if (this.step < Step.NEWLEADER_ACKED || this.link === null) return;
    if (this.appended.writeAcks(this.link.out)) this.flush();
  }

  private upToDate(): void {
    const { host, link } = this;
    if (this.step !== Step.NEWLEADER_ACKED || link === null)
      this.unexpected("no UPTODATE before NEWLEADER is acknowledged");
    if (this.newLeaderVerifier !== null && host.activateMembership(this.newLeaderVerifier, null)) {
      this.end("the membership has changed");
      return;
    }
    writePlain(link.out, PacketType.ACK, firstZxidOf(this.epoch));
    this.flush();
    // What was committed meanwhile is on the disks of a quorum, if not yet on this one.
    if (this.committedZxid > host.replica.lastCommittedZxid) host.replica.commit(this.committedZxid);
    this.committedZxid = host.replica.lastCommittedZxid;
    this.step = Step.SERVING;
    if (this.outstanding !== null) this.observerMaster = new ObserverMaster(host, this, this.epoch, this.outstanding);
    host.serving(this);
    const { events } = host;
    this.learnerService = this.isObserver
      ? events.observing(this, this.leaderSid, this.epoch)
      : events.following(this, this.leaderSid, this.epoch);
  }

  // --- broadcast

  private message(): void {
    const { parser } = this;
    switch (parser.type) {
      case PacketType.PROPOSAL:
        if (!this.isObserver) this.append();
        break;
      case PacketType.COMMIT:
        if (!this.isObserver) this.commit(parser.zxid);
        break;
      case PacketType.INFORM:
        this.append();
        this.commit(parser.zxid);
        break;
      case PacketType.COMMITANDACTIVATE:
        this.withMembership((zxid) => this.commit(zxid));
        break;
      case PacketType.INFORMANDACTIVATE:
        this.appendFrom(parser.dataStart + 8);
        this.withMembership((zxid) => this.commit(zxid));
        break;
      case PacketType.PING:
        this.answerPing();
        break;
      case PacketType.REVALIDATE:
        this.revalidated();
        break;
      case PacketType.SYNC:
        this.answeredSync();
        break;
      default:
        this.host.log.warn({ type: parser.type }, "the leader has sent a packet that is not expected");
    }
  }

  private commit(zxid: number): void {
    if (zxid <= this.committedZxid) return;
    if (zxid > this.appended.lastZxid) {
      throw new ProtocolError("COMMIT", 4, `at most ${hex(this.appended.lastZxid)}, the last proposal`, hex(zxid));
    }
    this.committedZxid = zxid;
    this.learnerService?.committed(zxid);
    this.observerMaster?.committed(zxid);
  }

  private answerPing(): void {
    const { parser, link } = this;
    if (link === null || this.learnerService === null) return;
    const { out } = link;
    out.int(PacketType.PING);
    out.long(parser.zxid);
    const lengthAt = out.at;
    out.int(0);
    this.learnerService.writeTouched(out);
    this.observerMaster?.writeTouched(out);
    out.patchInt(lengthAt, out.at - lengthAt - 4);
    out.raw(parser.bytes, parser.authStart, parser.authEnd);
    this.flush();
  }

  private revalidated(): void {
    const { parser, reader } = this;
    reader.reset(parser.bytes, parser.dataStart, parser.dataEnd);
    const hi = reader.int();
    const lo = reader.int();
    const isValid = reader.bool();
    if (this.observerMaster?.revalidated(hi, lo, isValid)) return;
    this.learnerService?.revalidated(hi, lo, isValid);
  }

  private answeredSync(): void {
    const sync = this.pendingSyncs.shift();
    if (sync === null) return;
    if (sync.observer === null) this.learnerService?.synced(sync.hi, sync.lo, sync.cxid);
    else sync.observer.sendSync();
  }

  // --- changes of membership

  private sawReconfig(text: string, zxid: number): void {
    if (!this.host.options.reconfigEnabled) return;
    const verifier = parseConfigText(text, this.host.options.multiAddress);
    this.reconfig = { zxid, verifier };
    this.host.sawMembership(verifier);
  }

  /**
   * A change of membership is committed: it is in force when its txn is applied. The term ends after that if it changes
   * who leads or what this server is.
   */
  private withMembership(commit: (zxid: number) => void): void {
    const { parser, reader, reconfig } = this;
    const { zxid } = parser;
    reader.reset(parser.bytes, parser.dataStart, parser.dataEnd);
    const leaderSid = reader.long();
    let mustEnd = false;
    if (reconfig !== null && reconfig.zxid === zxid) {
      this.reconfig = null;
      mustEnd = this.host.activateMembership(reconfig.verifier, leaderSid);
      this.observerMaster?.membershipChanges(zxid, leaderSid);
    }
    commit(zxid);
    if (mustEnd) this.end("the membership has changed");
  }

  // --- Forward

  request(
    sessionHi: number,
    sessionLo: number,
    cxid: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    authInfo: Uint8Array,
  ): void {
    if (this.step !== Step.SERVING || this.link === null) return;
    writeRequest(this.link.out, sessionHi, sessionLo, cxid, type, bytes, start, end, authInfo);
    this.flush();
  }

  sync(sessionHi: number, sessionLo: number, cxid: number, observer: LearnerHandler | null = null): void {
    if (this.step !== Step.SERVING || this.link === null) return;
    this.pendingSyncs.push({ hi: sessionHi, lo: sessionLo, cxid, observer });
    const { out } = this.link;
    writeRequest(out, sessionHi, sessionLo, cxid, OP_SYNC, SYNC_REQUEST, 0, SYNC_REQUEST.length, NO_AUTHINFO);
    this.flush();
  }

  revalidate(sessionHi: number, sessionLo: number, timeoutMs: number): void {
    if (this.step !== Step.SERVING || this.link === null) return;
    writeRevalidate(this.link.out, sessionHi, sessionLo, timeoutMs);
    this.flush();
  }

  // --- time

  private get silenceLimitMs(): number {
    const { tickTimeMs, initLimit, syncLimit } = this.host.options;
    return (this.step < Step.NEWLEADER_ACKED ? initLimit : syncLimit) * tickTimeMs;
  }

  get nextDeadlineMs(): number {
    if (this.step === Step.CONNECTING) return this.dialer.nextDeadlineMs;
    if (this.isHeldBack || this.step === Step.OVER) return Number.POSITIVE_INFINITY;
    return Math.min(this.deadlineMs, this.observerMaster?.nextDeadlineMs ?? Number.POSITIVE_INFINITY);
  }

  private get deadlineMs(): number {
    const isUnread = this.link !== null && this.link.unsentBytes > 0;
    const sinceMs = isUnread ? Math.min(this.lastHeardMs, this.lastReadMs) : this.lastHeardMs;
    return sinceMs + this.silenceLimitMs + 1;
  }

  /** A leader that was not heard for so long has another quorum now, or none: also when it was this process that stood still. */
  clock(): void {
    if (this.step !== Step.CONNECTING && !this.isHeldBack && this.host.nowMs >= this.deadlineMs) {
      this.end(`the leader was silent for ${this.silenceLimitMs} ms`);
    }
  }

  tick(): void {
    if (this.step === Step.CONNECTING) this.dialer.tick(this.host.nowMs);
    else this.clock();
    this.observerMaster?.tick();
  }

  /** An observer has connected. @returns null when none can be served */
  observerAccepted(link: Link): LinkHandler | null {
    return this.observerMaster?.accepted(link) ?? null;
  }
}

function hex(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}
