import { encodeUtf8, ProtocolError, utf8Length, Writer } from "@quoll/jute";
import type { Log } from "../capabilities.js";
import { Fifo } from "../fifo.js";
import { LearnerHandler, type LearnerMaster, LearnerStage } from "../leader/learner-handler.js";
import type { OutstandingProposals } from "../leader/outstanding-proposals.js";
import type { Link } from "../link.js";
import type { PeerOptions } from "../peer-options.js";
import { PacketType } from "../quorum-packet/packet-type.js";
import { writeInformAndActivate } from "../quorum-packet/packet-writers.js";
import type { Replica } from "../replica.js";
import type { TermHost } from "../term.js";

/** Bytes of sessions that are remembered until the leader's next ping. */
const TOUCHED_BYTES_MAX = 1 << 20;

/** What observers ask for goes to the leader by way of this follower's link. */
export interface Upstream {
  request(
    sessionHi: number,
    sessionLo: number,
    cxid: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    authInfo: Uint8Array,
  ): void;
  sync(sessionHi: number, sessionLo: number, cxid: number, observer: LearnerHandler): void;
  revalidate(sessionHi: number, sessionLo: number, timeoutMs: number): void;
}

interface Revalidation {
  readonly hi: number;
  readonly lo: number;
  readonly observer: LearnerHandler;
}

/**
 * A follower's service to observers, which spares the leader their number: it brings them to the follower's state,
 * informs them of what is committed, and hands on what their clients ask for. It ends with the follower's term.
 */
export class ObserverMaster implements LearnerMaster {
  readonly newLeaderConfig: Uint8Array;
  readonly isEstablished = true;
  private readonly links = new Set<LearnerHandler>();
  private observers: readonly LearnerHandler[] = [];
  private anonymousCount = 0;
  private readonly revalidations = new Fifo<Revalidation>();
  private readonly touchedSessions = new Writer();
  /** The change of membership that is committed next. */
  private activating: { readonly zxid: number; readonly leaderSid: number } | null = null;
  private nextPingMs: number;

  /** @param outstanding - what this follower has logged and not heard to be committed */
  constructor(
    private readonly host: TermHost,
    private readonly upstream: Upstream,
    readonly epoch: number,
    private readonly outstanding: OutstandingProposals,
  ) {
    this.nextPingMs = host.nowMs + host.options.tickTimeMs / 2;
    const text = host.lastSeenVerifier.toText();
    this.newLeaderConfig = new Uint8Array(utf8Length(text));
    encodeUtf8(text, this.newLeaderConfig, 0);
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
  get lastProposedZxid(): number {
    return this.host.replica.lastCommittedZxid;
  }

  accepted(link: Link): LearnerHandler {
    const unproven = [...this.links].filter(({ stage }) => stage === LearnerStage.UNPROVEN);
    if (unproven.length >= this.options.unprovenLinksMax)
      unproven[0].leave("too many connections have not said who they are");
    const observer = new LearnerHandler(link, this);
    this.links.add(observer);
    return observer;
  }

  close(): void {
    for (const observer of this.links) observer.close();
    this.links.clear();
    this.observers = [];
  }

  // --- the handshake: everything is decided already

  anonymousSid(): number {
    return -1 - this.anonymousCount++;
  }

  introduced(observer: LearnerHandler): void {
    if (!observer.isObserver) throw new ProtocolError("first packet", 0, "OBSERVERINFO", "FOLLOWERINFO");
    if (observer.configVersion > this.host.verifier.version) {
      throw new ProtocolError("membership", 0, `at most ${this.host.verifier.version}`, String(observer.configVersion));
    }
    observer.sendEpoch();
  }

  epochAcked(observer: LearnerHandler): void {
    observer.synchronize();
  }

  writeOutstanding(): void {}

  beginSync(observer: LearnerHandler): boolean {
    const { maxConcurrentSnapSyncs, maxConcurrentDiffSyncs } = this.options;
    const syncing = this.observers.filter(({ stage }) => stage < LearnerStage.NEWLEADER_ACKED).length;
    if (syncing >= Math.min(maxConcurrentSnapSyncs, maxConcurrentDiffSyncs)) return false;
    this.observers = [...this.observers, observer];
    return true;
  }

  newLeaderAcked(observer: LearnerHandler): void {
    observer.sendUpToDate();
  }

  acked(): void {}

  left(observer: LearnerHandler, reason: string): void {
    this.links.delete(observer);
    this.observers = this.observers.filter((other) => other !== observer);
    this.log.info({ sid: observer.sid, address: observer.link.remoteAddress, reason }, "an observer is gone");
  }

  // --- what the leader says

  /** All txns up to `zxid` are committed and applied here. */
  committed(zxid: number): void {
    const { outstanding, observers } = this;
    while (outstanding.length > 0 && outstanding.firstZxid <= zxid) {
      for (let i = 0; i < observers.length; i++) this.inform(observers[i]);
      outstanding.shift();
    }
  }

  private inform(observer: LearnerHandler): void {
    const { outstanding, activating } = this;
    const { out } = observer;
    if (activating !== null && activating.zxid === outstanding.firstZxid) {
      const { bytes, txnStart, txnEnd } = outstanding;
      writeInformAndActivate(out, activating.zxid, activating.leaderSid, bytes, txnStart, txnEnd);
    } else {
      const at = out.at;
      out.raw(outstanding.bytes, outstanding.start, outstanding.end);
      out.patchInt(at, PacketType.INFORM);
    }
    observer.sent();
  }

  /** The txn of `zxid`, which is committed next, changes the membership. */
  membershipChanges(zxid: number, leaderSid: number): void {
    this.activating = { zxid, leaderSid };
  }

  /** @returns whether it was an observer that had asked */
  revalidated(sessionHi: number, sessionLo: number, isValid: boolean): boolean {
    const first = this.revalidations.peek();
    if (first === null || first.hi !== sessionHi || first.lo !== sessionLo) return false;
    this.revalidations.shift();
    first.observer.sendRevalidated(sessionHi, sessionLo, isValid);
    return true;
  }

  /** Writes the sessions that observers have heard of since the last call. */
  writeTouched(out: Writer): void {
    const { touchedSessions } = this;
    out.raw(touchedSessions.bytes, 0, touchedSessions.at);
    touchedSessions.reset();
  }

  // --- what observers say

  pinged(): void {}

  touched(sessionHi: number, sessionLo: number, timeoutMs: number): void {
    const { touchedSessions } = this;
    if (touchedSessions.at >= TOUCHED_BYTES_MAX) return;
    touchedSessions.int(sessionHi);
    touchedSessions.int(sessionLo);
    touchedSessions.int(timeoutMs);
  }

  revalidate(observer: LearnerHandler, sessionHi: number, sessionLo: number, timeoutMs: number): void {
    this.revalidations.push({ hi: sessionHi, lo: sessionLo, observer });
    this.upstream.revalidate(sessionHi, sessionLo, timeoutMs);
  }

  sync(observer: LearnerHandler, sessionHi: number, sessionLo: number, cxid: number): void {
    this.upstream.sync(sessionHi, sessionLo, cxid, observer);
  }

  request(
    _observer: LearnerHandler,
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
    this.upstream.request(sessionHi, sessionLo, cxid, type, bytes, start, end, bytes.subarray(authStart, authEnd));
  }

  // --- time

  get nextDeadlineMs(): number {
    return this.nextPingMs;
  }

  tick(): void {
    if (this.nowMs < this.nextPingMs) return;
    this.nextPingMs = this.nowMs + this.options.tickTimeMs / 2;
    for (const observer of [...this.links]) {
      const reason = observer.overdue(this.nowMs);
      if (reason !== null) observer.leave(reason);
      else if (observer.stage === LearnerStage.UP_TO_DATE) observer.ping();
    }
  }
}
