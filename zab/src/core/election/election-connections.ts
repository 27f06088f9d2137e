import { ProtocolError } from "@quoll/jute";
import type { Log, Random } from "../capabilities.js";
import type { Dialer, HostPort, Link, LinkHandler } from "../link.js";
import type { QuorumVerifier } from "../membership/index.js";
import type { ElectionOptions } from "./election.js";
import { HELLO_MAX, readHello, writeHello } from "./hello.js";
import {
  DIAL_BACK_INTERVAL_MS,
  HELLO_TIMEOUT_MS,
  MESSAGE_MAX,
  REDIAL_MAX_MS,
  REDIAL_MIN_MS,
  RENEW_SILENT_LINK_MS,
  UNPROVEN_LINKS_MAX,
  UNPROVEN_LINKS_PER_ADDRESS_MAX,
  WARNINGS_INTERVAL_MS,
  WARNINGS_MAX,
} from "./limits.js";
import { ANONYMOUS_SID } from "./vote.js";

/** Who uses the connections. */
export interface ElectionConnectionsEvents {
  /**
   * A message has come. An unlisted server has a negative sid, which is ours for its link.
   * @throws ProtocolError when it is none: the link is closed
   */
  received(sid: number, bytes: Uint8Array, start: number, end: number): void;
  /** There is a new link to that server, and nothing waits for it. What is sent now goes out on it. */
  connected(sid: number): void;
  /** The link to that server is gone, or it can't be reached. */
  disconnected(sid: number): void;
}

/**
 * One connection to each server of the configuration, for the messages of elections.
 *
 * Of two servers, the one with the larger sid connects. The smaller one connects only to say that it is there: the
 * larger hangs up and dials back, to the address in the configuration, whatever the hello says. A connection that exists
 * is replaced only by one that was dialed to a configured address, or on which a configured sid has said its hello in
 * full. There is one message waiting for each server, the newest.
 */
export class ElectionConnections {
  private verifiers: readonly QuorumVerifier[];
  private nowMs = 0;
  private isStopped = false;
  private readonly peers = new Map<number, Peer>();
  /** Links that have not said who they are, oldest first. */
  private readonly unproven = new Set<ElectionLink>();
  private readonly unprovenByAddress = new Map<string, number>();
  /** Links on which a smaller server (we) has said hello to a larger one, which dials back. Oldest first. */
  private readonly calling = new Set<ElectionLink>();
  /** Links of servers that are in no configuration, by the number that we gave them. */
  private readonly unlisted = new Map<number, ElectionLink>();
  private nextUnlistedSid = -1;
  private warnings = 0;
  private warningsSinceMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly options: ElectionOptions,
    verifier: QuorumVerifier,
    private readonly dialer: Dialer,
    private readonly random: Random,
    private readonly log: Log,
    private readonly events: ElectionConnectionsEvents,
  ) {
    this.verifiers = [verifier];
  }

  setVerifiers(committed: QuorumVerifier, lastSeen: QuorumVerifier | null): void {
    this.verifiers = lastSeen === null ? [committed] : [committed, lastSeen];
    for (const peer of [...this.peers.values()]) {
      if (this.isListed(peer.sid)) continue;
      this.peers.delete(peer.sid);
      this.forget(peer);
    }
    for (const link of [...this.unlisted.values()]) {
      // It is listed now: let it come again by the rules for those.
      if (link.claimedSid !== ANONYMOUS_SID && this.isListed(link.claimedSid)) this.drop(link);
    }
  }

  accepted(link: Link): LinkHandler {
    const electionLink = new ElectionLink(this, link);
    if (this.isStopped) {
      electionLink.isClosed = true;
      link.close("now");
      return electionLink;
    }
    this.makeRoomForUnproven(link.remoteAddress);
    electionLink.deadlineMs = this.nowMs + HELLO_TIMEOUT_MS;
    this.unproven.add(electionLink);
    this.unprovenByAddress.set(link.remoteAddress, (this.unprovenByAddress.get(link.remoteAddress) ?? 0) + 1);
    return electionLink;
  }

  /** Sends a message, in place of one that still waits; connects first if need be. The bytes are kept. */
  send(sid: number, message: Uint8Array): void {
    if (this.isStopped) return;
    if (sid < 0) {
      const link = this.unlisted.get(sid);
      if (link !== undefined) {
        link.waiting = message;
        link.sendWaiting();
      }
      return;
    }
    const peer = this.peer(sid);
    if (peer.link !== null) {
      peer.link.waiting = message;
      peer.link.sendWaiting();
    } else {
      peer.waiting = message;
      this.dialWhenAllowed(peer);
    }
  }

  /** An election begins: whoever could not be reached is tried again at once. */
  forgetFailures(): void {
    for (const peer of this.peers.values()) {
      peer.isUnreachable = false;
      peer.backOffMs = REDIAL_MIN_MS;
      peer.mayDialAtMs = 0;
    }
  }

  /** Replaces the link to that server if nothing has come on it for {@link RENEW_SILENT_LINK_MS}; it may be dead. */
  renewIfSilent(sid: number): void {
    const peer = this.peers.get(sid);
    if (peer === undefined || peer.link === null || peer.stopDialing !== null) return;
    if (this.nowMs - peer.heardMs >= RENEW_SILENT_LINK_MS) this.dial(peer);
  }

  /** An election is over: nobody is dialed any more for the sake of a vote that waits. */
  forgetWaiting(): void {
    for (const peer of this.peers.values()) {
      peer.waiting = null;
      peer.dialDueMs = Number.POSITIVE_INFINITY;
    }
  }

  isConnected(sid: number): boolean {
    return (this.peers.get(sid)?.link ?? null) !== null;
  }

  /** Whether there is no link, and the last attempt to get one has failed since {@link forgetFailures}. */
  isUnreachable(sid: number): boolean {
    return this.peers.get(sid)?.isUnreachable ?? false;
  }

  clock(nowMs: number): void {
    this.nowMs = nowMs;
  }

  tick(): void {
    for (const link of this.unproven) {
      if (link.deadlineMs > this.nowMs) break;
      this.warn(link, `no hello within ${HELLO_TIMEOUT_MS} ms`);
      this.drop(link);
    }
    for (const link of this.calling) {
      if (link.deadlineMs > this.nowMs) break;
      this.drop(link);
    }
    for (const peer of this.peers.values()) {
      if (peer.dialDueMs <= this.nowMs) this.dial(peer);
    }
  }

  nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const link of this.unproven) {
      next = link.deadlineMs;
      break;
    }
    for (const link of this.calling) {
      next = Math.min(next, link.deadlineMs);
      break;
    }
    for (const peer of this.peers.values()) next = Math.min(next, peer.dialDueMs);
    return next;
  }

  stop(): void {
    this.isStopped = true;
    for (const peer of this.peers.values()) this.forget(peer);
    this.peers.clear();
    for (const link of [...this.unproven, ...this.calling, ...this.unlisted.values()]) this.drop(link);
  }

  // --- what the links tell

  /** The hello of a link is complete. */
  proven(link: ElectionLink, sid: number): void {
    this.removeUnproven(link);
    link.claimedSid = sid;
    if (sid === this.options.sid) {
      this.warn(link, "a server with our own number has called: two servers are configured as the same");
      link.close("now");
    } else if (!this.isListed(sid)) {
      this.takeUnlisted(link);
    } else if (sid < this.options.sid) {
      link.close("now");
      this.dialBack(this.peer(sid));
    } else {
      this.establish(this.peer(sid), link);
    }
  }

  received(link: ElectionLink, bytes: Uint8Array, start: number, end: number): void {
    if (this.calling.has(link)) {
      // It does not dial back, but answers here: it does not have us in its configuration.
      this.calling.delete(link);
      const peer = this.peer(link.sid);
      if (peer.link !== null) {
        this.drop(link);
        return;
      }
      this.establish(peer, link);
    }
    const peer = this.peers.get(link.sid);
    if (peer !== undefined) {
      peer.backOffMs = REDIAL_MIN_MS;
      peer.heardMs = this.nowMs;
    }
    this.events.received(link.sid, bytes, start, end);
  }

  /** The other side is gone, or we have hung up because of what it sent. */
  closed(link: ElectionLink): void {
    this.removeUnproven(link);
    this.unlisted.delete(link.sid);
    const peer = this.peers.get(link.sid);
    if (peer === undefined) return;
    // It dials back now, if it lives: a process that is just ending may have taken the call.
    if (this.calling.delete(link) && peer.link === null && peer.waiting !== null) this.dialWhenAllowed(peer);
    if (peer.link !== link) return;
    peer.link = null;
    peer.waiting = link.waiting;
    this.events.disconnected(peer.sid);
  }

  hostile(link: ElectionLink, error: ProtocolError): void {
    this.warn(link, error.message);
    link.close("now");
    this.closed(link);
  }

  // --- dialing

  private dialWhenAllowed(peer: Peer): void {
    if (peer.stopDialing !== null) return;
    if (this.nowMs >= peer.mayDialAtMs) this.dial(peer);
    else peer.dialDueMs = peer.mayDialAtMs;
  }

  /** A smaller server is there and waits for our call. */
  private dialBack(peer: Peer): void {
    if (peer.stopDialing !== null) return;
    if (peer.link !== null && this.nowMs - peer.dialedMs < DIAL_BACK_INTERVAL_MS) return;
    peer.backOffMs = REDIAL_MIN_MS;
    const allowedMs = peer.dialedMs + REDIAL_MIN_MS;
    if (this.nowMs >= allowedMs) this.dial(peer);
    else peer.dialDueMs = allowedMs;
  }

  private dial(peer: Peer): void {
    peer.dialDueMs = Number.POSITIVE_INFINITY;
    const addresses = this.addressesOf(peer.sid);
    if (addresses.length === 0 || peer.stopDialing !== null) return;
    peer.dialedMs = this.nowMs;
    // Some of it by chance, so that two servers do not go on missing each other.
    const jitterMs = (Math.abs(this.random.int32()) % 1000) * 0.0005 * peer.backOffMs;
    peer.mayDialAtMs = this.nowMs + peer.backOffMs + jitterMs;
    peer.backOffMs = Math.min(peer.backOffMs * 2, REDIAL_MAX_MS);
    let isDone = false;
    let isDialing = true;
    const stop = this.dialer.dial(
      addresses,
      this.options.cnxTimeoutMs,
      (link) => {
        isDone = true;
        peer.stopDialing = null;
        return this.dialed(peer, link);
      },
      (reason) => {
        isDone = true;
        peer.stopDialing = null;
        this.notReached(peer, reason, isDialing);
      },
    );
    isDialing = false;
    if (!isDone) peer.stopDialing = stop;
  }

  private dialed(peer: Peer, link: Link): LinkHandler {
    const electionLink = new ElectionLink(this, link);
    electionLink.sid = peer.sid;
    electionLink.claimedSid = peer.sid;
    electionLink.isProven = true;
    peer.isUnreachable = false;
    writeHello(link.out, this.options.sid, this.addressesOf(this.options.sid), this.options.multiAddress);
    link.touch();
    if (peer.sid > this.options.sid) {
      electionLink.deadlineMs = this.nowMs + HELLO_TIMEOUT_MS;
      this.calling.add(electionLink);
      electionLink.waiting = peer.waiting;
      electionLink.sendWaiting();
    } else {
      this.establish(peer, electionLink);
    }
    return electionLink;
  }

  /** @param isAtOnce - the caller asks for a link just now: it is not told in between */
  private notReached(peer: Peer, reason: string, isAtOnce: boolean): void {
    this.log.debug({ sid: peer.sid }, `election port of server ${peer.sid}: ${reason}`);
    if (peer.link !== null) return;
    peer.isUnreachable = true;
    // Whatever waits for it is tried again, without asking too often.
    if (peer.waiting !== null) peer.dialDueMs = peer.mayDialAtMs;
    if (!isAtOnce) this.events.disconnected(peer.sid);
  }

  // --- links

  private establish(peer: Peer, link: ElectionLink): void {
    link.sid = peer.sid;
    peer.isUnreachable = false;
    peer.dialDueMs = Number.POSITIVE_INFINITY;
    if (peer.stopDialing !== null) {
      peer.stopDialing();
      peer.stopDialing = null;
    }
    for (const other of this.calling) if (other.sid === peer.sid && other !== link) this.drop(other);
    const waiting = peer.link?.waiting ?? peer.waiting;
    peer.link?.close("now");
    peer.link = link;
    peer.heardMs = this.nowMs;
    peer.waiting = null;
    link.waiting ??= waiting;
    if (link.waiting === null) this.events.connected(peer.sid);
    else link.sendWaiting();
  }

  private takeUnlisted(link: ElectionLink): void {
    if (this.unlisted.size >= this.options.unlistedLinksMax) {
      this.warn(link, `it is not in the configuration, and ${this.unlisted.size} such are connected already`);
      link.close("now");
      return;
    }
    link.sid = this.nextUnlistedSid--;
    this.unlisted.set(link.sid, link);
    this.log.debug(
      { address: link.remoteAddress, sid: link.claimedSid },
      "election port: a server that is not in the configuration has called; it is told who leads",
    );
  }

  private makeRoomForUnproven(address: string): void {
    if (this.unproven.size >= UNPROVEN_LINKS_MAX) {
      for (const oldest of this.unproven) {
        this.drop(oldest);
        break;
      }
    }
    if ((this.unprovenByAddress.get(address) ?? 0) < UNPROVEN_LINKS_PER_ADDRESS_MAX) return;
    for (const link of this.unproven) {
      if (link.remoteAddress !== address) continue;
      this.drop(link);
      break;
    }
  }

  private removeUnproven(link: ElectionLink): void {
    if (!this.unproven.delete(link)) return;
    const left = this.unprovenByAddress.get(link.remoteAddress)! - 1;
    if (left === 0) this.unprovenByAddress.delete(link.remoteAddress);
    else this.unprovenByAddress.set(link.remoteAddress, left);
  }

  /** Says why a connection is closed; whoever floods the port does not flood the log as well. */
  private warn(link: ElectionLink, problem: string): void {
    if (this.nowMs - this.warningsSinceMs >= WARNINGS_INTERVAL_MS) {
      this.warningsSinceMs = this.nowMs;
      this.warnings = 0;
    }
    const fields = { address: link.remoteAddress, sid: link.claimedSid };
    const message = `election port: ${problem}; the connection is closed`;
    if (this.warnings++ < WARNINGS_MAX) this.log.warn(fields, message);
    else this.log.debug(fields, message);
  }

  private drop(link: ElectionLink): void {
    link.close("now");
    this.removeUnproven(link);
    this.calling.delete(link);
    this.unlisted.delete(link.sid);
  }

  private forget(peer: Peer): void {
    peer.stopDialing?.();
    peer.stopDialing = null;
    peer.link?.close("now");
    peer.link = null;
  }

  // --- the configuration

  private peer(sid: number): Peer {
    let peer = this.peers.get(sid);
    if (peer === undefined) this.peers.set(sid, (peer = new Peer(sid)));
    return peer;
  }

  private isListed(sid: number): boolean {
    for (const verifier of this.verifiers) if (verifier.members.has(sid)) return true;
    return false;
  }

  private addressesOf(sid: number): readonly HostPort[] {
    const lists = this.verifiers.map((verifier) => verifier.members.get(sid)?.electionAddresses ?? []);
    return lists.flat().filter((address, i, all) => {
      return all.findIndex((other) => other.host === address.host && other.port === address.port) === i;
    });
  }
}

/** What is known of one server of the configuration. */
class Peer {
  link: ElectionLink | null = null;
  stopDialing: (() => void) | null = null;
  /** The message to be sent once there is a link. */
  waiting: Uint8Array | null = null;
  isUnreachable = false;
  /** When a message came from it, or a link was made. */
  heardMs = 0;
  /** When it was dialed last. */
  dialedMs = Number.NEGATIVE_INFINITY;
  mayDialAtMs = 0;
  /** When it is to be dialed without anybody asking. */
  dialDueMs = Number.POSITIVE_INFINITY;
  backOffMs = REDIAL_MIN_MS;

  constructor(readonly sid: number) {}
}

const EMPTY = new Uint8Array(0);

/** The bytes of one connection: a hello, if it was accepted, then messages behind their lengths. */
class ElectionLink implements LinkHandler {
  /** The server that it is to, or our own negative number for an unlisted one; NaN until its hello. */
  sid = Number.NaN;
  claimedSid = Number.NaN;
  isProven = false;
  isClosed = false;
  deadlineMs = 0;
  /** The message that waits for the other side to read. */
  waiting: Uint8Array | null = null;
  /** What has come and is not complete: the first `length` bytes. */
  private pending = EMPTY;
  private length = 0;

  constructor(
    private readonly owner: ElectionConnections,
    private readonly link: Link,
  ) {}

  get remoteAddress(): string {
    return this.link.remoteAddress;
  }

  close(after: "sent" | "now"): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.link.close(after);
  }

  sendWaiting(): void {
    const message = this.waiting;
    if (message === null || this.isClosed || this.link.unsentBytes > 0) return;
    this.waiting = null;
    this.link.out.span(message, 0, message.length);
    this.link.touch();
  }

  drained(): void {
    if (!this.isClosed) this.sendWaiting();
  }

  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.owner.closed(this);
  }

  received(bytes: Uint8Array): void {
    if (this.isClosed) return;
    try {
      if (this.length === 0) {
        this.keep(bytes, this.consume(bytes, bytes.length), bytes.length);
      } else {
        this.append(bytes);
        const used = this.consume(this.pending, this.length);
        if (used > 0) {
          this.pending.copyWithin(0, used, this.length);
          this.length -= used;
        }
      }
      if (this.length === 0) this.pending = EMPTY;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.owner.hostile(this, error);
    }
  }

  /** @returns how many bytes are done with */
  private consume(bytes: Uint8Array, end: number): number {
    let at = 0;
    if (!this.isProven) {
      const hello = readHello(bytes, 0, Math.min(end, HELLO_MAX));
      if (hello === null) return 0;
      at = hello.length;
      this.isProven = true;
      this.owner.proven(this, hello.sid);
    }
    while (!this.isClosed && end - at >= 4) {
      const length = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
      if (length <= 0 || length > MESSAGE_MAX) {
        throw new ProtocolError("message length", at, `1 to ${MESSAGE_MAX}`, String(length));
      }
      if (end - at - 4 < length) break;
      at += 4 + length;
      this.owner.received(this, bytes, at - length, at);
    }
    return this.isClosed ? end : at;
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.pending = bytes.slice(start, end);
    this.length = end - start;
  }

  private append(bytes: Uint8Array): void {
    const length = this.length + bytes.length;
    if (length > this.pending.length) {
      // It grows with what has come, not with the length that was announced.
      const grown = new Uint8Array(Math.max(length, this.pending.length * 2));
      grown.set(this.pending.subarray(0, this.length));
      this.pending = grown;
    }
    this.pending.set(bytes, this.length);
    this.length = length;
  }
}
