import { ProtocolError, Reader, Writer } from "@quoll/jute";
import type { Log } from "../capabilities.js";
import type { Link, LinkHandler } from "../link.js";
import type { PeerOptions } from "../peer-options.js";
import { PacketParser } from "../quorum-packet/packet-parser.js";
import { PacketType, packetName } from "../quorum-packet/packet-type.js";
import {
  PROTOCOL_VERSION,
  QUOLL_MARK,
  writeLeaderInfo,
  writeNewLeader,
  writePlain,
  writeRevalidated,
} from "../quorum-packet/packet-writers.js";
import type { Replica } from "../replica.js";
import { counterOf, epochOf, firstZxidOf } from "../zxid.js";
import { LearnerSync } from "./learner-sync.js";

/** Bytes of the first packet of a learner. */
const FIRST_PACKET_BYTES_MAX = 4096;
/** How long a connection may take to say who it is. */
const INTRODUCTION_MS = 5000;
/** The opcode of `sync`. */
const OP_SYNC = 9;

/** Where a learner stands. Each step follows the one before. */
export const enum LearnerStage {
  /** It has said nothing yet. */
  UNPROVEN = 0,
  /** FOLLOWERINFO or OBSERVERINFO has come; the new epoch is not decided or not durable. */
  INTRODUCED = 1,
  /** LEADERINFO was sent. */
  EPOCH_SENT = 2,
  /** ACKEPOCH has come; a quorum of them has not, yet. */
  EPOCH_ACKED = 3,
  /** DIFF, TRUNC or SNAP with its data is being sent. */
  SYNCING = 4,
  /** All of it was sent, with NEWLEADER behind; it is not acknowledged yet. */
  NEWLEADER_SENT = 5,
  /** It has the leader's history on its disk. The leader is not established yet. */
  NEWLEADER_ACKED = 6,
  /** UPTODATE was sent. */
  UP_TO_DATE = 7,
  GONE = 8,
}

/** Whom learners follow, as their handlers see it: the leader, or a follower that serves observers. */
export interface LearnerMaster {
  readonly options: PeerOptions;
  readonly replica: Replica;
  readonly log: Log;
  readonly nowMs: number;
  /** Of the term; known from {@link LearnerStage.EPOCH_SENT} on. */
  readonly epoch: number;
  readonly lastProposedZxid: number;
  readonly isEstablished: boolean;
  /** The text that NEWLEADER carries. */
  readonly newLeaderConfig: Uint8Array;
  /** Gives a learner without a number one. */
  anonymousSid(): number;
  /** A learner has said who it is. @throws ProtocolError when it is not welcome */
  introduced(learner: LearnerHandler): void;
  epochAcked(learner: LearnerHandler): void;
  /** Writes the proposals that are not committed yet. */
  writeOutstanding(out: Writer): void;
  /** @returns false when too many are synchronized at a time */
  beginSync(learner: LearnerHandler): boolean;
  newLeaderAcked(learner: LearnerHandler): void;
  acked(learner: LearnerHandler, zxid: number): void;
  left(learner: LearnerHandler, reason: string): void;

  // What its clients ask for; as in LeaderService, with the packet's bytes.
  pinged(learner: LearnerHandler): void;
  touched(sessionHi: number, sessionLo: number, timeoutMs: number): void;
  revalidate(learner: LearnerHandler, sessionHi: number, sessionLo: number, timeoutMs: number): void;
  sync(learner: LearnerHandler, sessionHi: number, sessionLo: number, cxid: number): void;
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
  ): void;
}

/** The leader's end of one link: takes a learner from its first packet to being up to date, and hears it from then on. */
export class LearnerHandler implements LinkHandler {
  stage = LearnerStage.UNPROVEN;
  /** Its number; NaN before it has introduced itself. */
  sid = Number.NaN;
  isObserver = false;
  isQuoll = false;
  acceptedEpoch = 0;
  configVersion = 0;
  /** As in its ACKEPOCH: -1 if it is not to be counted. */
  currentEpoch = -1;
  lastZxid = -1;
  pingsSent = 0;
  pingsAnswered = 0;
  lastHeardMs: number;
  readonly sinceMs: number;

  private protocolVersion = 1;
  private readonly parser = new PacketParser(FIRST_PACKET_BYTES_MAX);
  private readonly reader = new Reader(new Uint8Array(0));
  private sync: LearnerSync | null = null;
  /** What must follow the data that is being sent; null when nothing is. */
  private queue: Writer | null = null;
  /** What its synchronization put into the link, which is not held against it. */
  private syncBytes = 0;
  /** An ACK for a proposal that came before the one for NEWLEADER, as followers before 3.9.3 may send it; 0: none. */
  private earlyAck = 0;
  private ackedZxid = 0;
  private lastSentZxid = 0;
  /** Since when a proposal waits for its ACK; Infinity when none does. */
  private ackDueSinceMs = Number.POSITIVE_INFINITY;

  constructor(
    readonly link: Link,
    private readonly master: LearnerMaster,
  ) {
    this.lastHeardMs = this.sinceMs = master.nowMs;
  }

  /** Where packets for it go: into the link, or behind what is being synchronized. A link may change its writer. */
  get out(): Writer {
    return this.queue ?? this.link.out;
  }

  /** Whether it is followed: gets all proposals and commits from now on. */
  get isForwarding(): boolean {
    return this.stage >= LearnerStage.SYNCING && this.stage <= LearnerStage.UP_TO_DATE;
  }

  /** Whether it counts towards the quorum that the leader must hear of. */
  isAlive(nowMs: number): boolean {
    if (!this.isForwarding) return false;
    const { tickTimeMs, initLimit, syncLimit } = this.master.options;
    const limit = this.stage < LearnerStage.NEWLEADER_ACKED ? initLimit : syncLimit;
    return nowMs - this.lastHeardMs <= limit * tickTimeMs;
  }

  // --- LinkHandler

  received(bytes: Uint8Array): void {
    this.lastHeardMs = this.master.nowMs;
    const { parser } = this;
    try {
      parser.push(bytes);
      while (this.stage !== LearnerStage.GONE && parser.next()) this.packet();
      parser.keep();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.leave(error.message);
    }
  }

  drained(): void {
    // That its kernel takes bytes does not mean that a learner lives; but while it takes its state it says nothing else.
    if (this.sync === null) return;
    this.lastHeardMs = this.master.nowMs;
    this.sync.drained();
  }

  closed(reason: string): void {
    if (this.stage === LearnerStage.GONE) return;
    this.end();
    this.master.left(this, reason);
  }

  /** Closes the link, as the learner does not behave or can't be served. */
  leave(reason: string): void {
    if (this.stage === LearnerStage.GONE) return;
    this.link.close("now");
    this.end();
    this.master.left(this, reason);
  }

  /** The term is over. */
  close(): void {
    if (this.stage === LearnerStage.GONE) return;
    this.link.close("now");
    this.end();
  }

  private end(): void {
    this.stage = LearnerStage.GONE;
    this.sync?.stop();
    this.sync = null;
  }

  // --- what it says

  private packet(): void {
    const { parser } = this;
    switch (this.stage) {
      case LearnerStage.UNPROVEN:
        this.introduction();
        return;
      case LearnerStage.EPOCH_SENT:
        if (parser.type === PacketType.ACKEPOCH) return this.ackEpoch();
        break;
      case LearnerStage.NEWLEADER_SENT:
        if (parser.type === PacketType.ACK) return this.ackNewLeader();
        break;
      case LearnerStage.SYNCING:
        if (parser.type === PacketType.ACK) return this.ackEarly();
        break;
      case LearnerStage.NEWLEADER_ACKED:
        if (parser.type === PacketType.ACK) return this.ack();
        break;
      case LearnerStage.UP_TO_DATE:
        this.message();
        return;
      default:
        break;
    }
    throw new ProtocolError("packet", 0, `none like it at stage ${this.stage}`, packetName(parser.type));
  }

  private introduction(): void {
    const { parser, reader } = this;
    if (parser.type !== PacketType.FOLLOWERINFO && parser.type !== PacketType.OBSERVERINFO) {
      throw new ProtocolError("first packet", 0, "FOLLOWERINFO or OBSERVERINFO", packetName(parser.type));
    }
    if (parser.zxid < 0) throw new ProtocolError("accepted epoch", 4, "0 or more", String(parser.zxid));
    this.isObserver = parser.type === PacketType.OBSERVERINFO;
    this.acceptedEpoch = epochOf(parser.zxid);
    this.lastZxid = parser.zxid;
    reader.reset(parser.bytes, parser.dataStart, parser.dataEnd);
    this.sid = reader.remaining >= 8 ? reader.long() : this.master.anonymousSid();
    if (reader.remaining >= 4) this.protocolVersion = reader.int();
    if (reader.remaining >= 8) this.configVersion = reader.long();
    if (reader.remaining >= 4) this.isQuoll = reader.int() === QUOLL_MARK;
    this.stage = LearnerStage.INTRODUCED;
    this.parser.dataMax = this.master.options.packetBytesMax;
    this.master.introduced(this);
  }

  /** The epoch is decided and durable here. */
  sendEpoch(): void {
    this.lastHeardMs = this.master.nowMs;
    if (this.protocolVersion < PROTOCOL_VERSION) {
      // A learner from before epochs were agreed on: its last zxid has told all that there is to know.
      this.stage = LearnerStage.EPOCH_ACKED;
      this.currentEpoch = this.acceptedEpoch;
      this.master.epochAcked(this);
      return;
    }
    this.stage = LearnerStage.EPOCH_SENT;
    writeLeaderInfo(this.out, firstZxidOf(this.master.epoch));
    this.link.touch();
  }

  private ackEpoch(): void {
    const { parser, reader } = this;
    reader.reset(parser.bytes, parser.dataStart, parser.dataEnd);
    this.currentEpoch = reader.int();
    this.lastZxid = parser.zxid;
    this.stage = LearnerStage.EPOCH_ACKED;
    this.master.epochAcked(this);
  }

  /** A quorum has accepted the epoch: brings the learner to the leader's state. */
  synchronize(): void {
    const { master, link } = this;
    if (!master.beginSync(this)) {
      this.leave("too many learners are being synchronized");
      return;
    }
    this.stage = LearnerStage.SYNCING;
    const queue = new Writer();
    const { lastZxid, isQuoll } = this;
    const snapshotZxidMin = master.isEstablished ? firstZxidOf(master.epoch) : 0;
    this.sync = new LearnerSync(link, master.replica, { lastZxid, isQuoll }, master.options, snapshotZxidMin, {
      pointTaken: () => {
        queue.reset();
        this.queue = queue;
        if (!this.isObserver) master.writeOutstanding(queue);
        const config = this.protocolVersion < PROTOCOL_VERSION ? null : master.newLeaderConfig;
        writeNewLeader(queue, firstZxidOf(master.epoch), config);
      },
      done: () => this.synchronized(queue),
      failed: (reason) => this.leave(reason),
    });
    const way = this.sync.start();
    const { sid, sync } = this;
    master.log.info(
      {
        sid,
        lastZxid: hex(lastZxid),
        committedZxid: hex(master.replica.lastCommittedZxid),
        way,
        isSnapshot: sync?.isSnapshot,
      },
      "a learner is being synchronized",
    );
  }

  private synchronized(queue: Writer): void {
    const { link } = this;
    link.out.raw(queue.bytes, 0, queue.at);
    this.queue = null;
    this.sync = null;
    this.syncBytes = link.out.at + link.unsentBytes;
    this.stage = LearnerStage.NEWLEADER_SENT;
    this.lastHeardMs = this.master.nowMs;
    link.touch();
  }

  private ackEarly(): void {
    const { zxid } = this.parser;
    if (counterOf(zxid) === 0) throw new ProtocolError("ACK", 0, "none of NEWLEADER before it was sent", hex(zxid));
    this.earlyAck = this.checkedAck(zxid);
  }

  private ackNewLeader(): void {
    const { zxid } = this.parser;
    if (counterOf(zxid) !== 0) {
      this.earlyAck = this.checkedAck(zxid);
      return;
    }
    if (zxid !== firstZxidOf(this.master.epoch)) {
      throw new ProtocolError("ACK of NEWLEADER", 0, hex(firstZxidOf(this.master.epoch)), hex(zxid));
    }
    this.stage = LearnerStage.NEWLEADER_ACKED;
    this.lastSentZxid = this.master.lastProposedZxid;
    this.master.newLeaderAcked(this);
    if (this.earlyAck !== 0 && this.stageIs(LearnerStage.NEWLEADER_ACKED, LearnerStage.UP_TO_DATE)) {
      this.tookAck(this.earlyAck);
    }
  }

  private stageIs(...stages: LearnerStage[]): boolean {
    return stages.includes(this.stage);
  }

  sendUpToDate(): void {
    this.stage = LearnerStage.UP_TO_DATE;
    this.lastHeardMs = this.master.nowMs;
    writePlain(this.out, PacketType.UPTODATE, -1);
    this.link.touch();
  }

  private message(): void {
    switch (this.parser.type) {
      case PacketType.ACK:
        this.ack();
        break;
      case PacketType.PING:
        this.pingAnswer();
        break;
      case PacketType.REQUEST:
        this.request();
        break;
      case PacketType.REVALIDATE:
        this.revalidate();
        break;
      default:
        this.master.log.warn(
          { sid: this.sid, type: this.parser.type },
          "a learner has sent a packet that is not known",
        );
    }
  }

  private ack(): void {
    const { zxid } = this.parser;
    // Learners acknowledge UPTODATE, too, with the zxid of NEWLEADER.
    if (counterOf(zxid) === 0) return;
    this.tookAck(this.checkedAck(zxid));
  }

  private checkedAck(zxid: number): number {
    if (zxid > this.master.lastProposedZxid) {
      throw new ProtocolError("ACK", 0, `at most ${hex(this.master.lastProposedZxid)}`, hex(zxid));
    }
    return zxid;
  }

  private tookAck(zxid: number): void {
    if (zxid <= this.ackedZxid) return;
    this.ackedZxid = zxid;
    this.ackDueSinceMs = zxid >= this.lastSentZxid ? Number.POSITIVE_INFINITY : this.master.nowMs;
    if (!this.isObserver) this.master.acked(this, zxid);
  }

  private pingAnswer(): void {
    const { parser, reader, master } = this;
    reader.reset(parser.bytes, parser.dataStart, parser.dataEnd);
    this.pingsAnswered++;
    while (reader.remaining > 0) {
      const hi = reader.int();
      const lo = reader.int();
      master.touched(hi, lo, reader.int());
    }
    master.pinged(this);
  }

  private request(): void {
    const { parser, reader, master } = this;
    const { bytes, dataEnd } = parser;
    reader.reset(bytes, parser.dataStart, dataEnd);
    const hi = reader.int();
    const lo = reader.int();
    const cxid = reader.int();
    const opcode = reader.int();
    if (opcode === OP_SYNC) master.sync(this, hi, lo, cxid);
    else master.request(this, hi, lo, cxid, opcode, bytes, reader.at, dataEnd, parser.authStart, parser.authEnd);
  }

  private revalidate(): void {
    const { parser, reader, master } = this;
    reader.reset(parser.bytes, parser.dataStart, parser.dataEnd);
    const hi = reader.int();
    const lo = reader.int();
    master.revalidate(this, hi, lo, reader.int());
  }

  sendRevalidated(sessionHi: number, sessionLo: number, isValid: boolean): void {
    if (this.stage === LearnerStage.GONE) return;
    writeRevalidated(this.out, sessionHi, sessionLo, isValid);
    this.link.touch();
  }

  // --- what it is told while it follows

  /** Bytes `start` to `end` are a whole packet. */
  send(bytes: Uint8Array, start: number, end: number): void {
    this.out.raw(bytes, start, end);
    this.sent();
  }

  proposed(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    this.lastSentZxid = zxid;
    if (this.ackDueSinceMs === Number.POSITIVE_INFINITY && this.stage === LearnerStage.UP_TO_DATE) {
      this.ackDueSinceMs = this.master.nowMs;
    }
    this.send(bytes, start, end);
  }

  sendSync(): void {
    if (this.stage !== LearnerStage.UP_TO_DATE) return;
    writePlain(this.out, PacketType.SYNC, 0);
    this.sent();
  }

  ping(): void {
    this.pingsSent++;
    writePlain(this.out, PacketType.PING, this.master.lastProposedZxid);
    this.sent();
  }

  /** Something was written to {@link out}. */
  sent(): void {
    if (this.queue !== null) {
      if (this.queue.at > this.master.options.learnerQueueBytesMax) this.leave("it takes its state too slowly");
      return;
    }
    this.link.touch();
    const waiting = this.link.out.at + this.link.unsentBytes;
    if (waiting < this.syncBytes) this.syncBytes = waiting;
    else if (waiting - this.syncBytes > this.master.options.learnerQueueBytesMax) this.leave("it reads too slowly");
  }

  // --- time

  /** @returns why it must go, or null */
  overdue(nowMs: number): string | null {
    const { tickTimeMs, initLimit, syncLimit } = this.master.options;
    const silentMs = nowMs - this.lastHeardMs;
    switch (this.stage) {
      case LearnerStage.UNPROVEN:
        return nowMs - this.sinceMs >= INTRODUCTION_MS ? "it has not said who it is" : null;
      case LearnerStage.EPOCH_SENT:
      case LearnerStage.SYNCING:
      case LearnerStage.NEWLEADER_SENT:
        return silentMs > initLimit * tickTimeMs ? "it was silent for initLimit ticks" : null;
      case LearnerStage.UP_TO_DATE:
        if (silentMs > syncLimit * tickTimeMs) return "it was silent for syncLimit ticks";
        if (this.isObserver || nowMs - this.ackDueSinceMs <= syncLimit * tickTimeMs) return null;
        return "it has not acknowledged a proposal for syncLimit ticks";
      default:
        return null;
    }
  }
}

function hex(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}
