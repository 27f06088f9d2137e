import { Writer } from "@quoll/jute";
import {
  DEFAULT_PEER_OPTIONS,
  type Elected,
  type ElectionEvents,
  type Forward,
  firstZxidOf,
  type Leadership,
  type Link,
  type LinkHandler,
  membershipOf,
  type Origin,
  type PeerElection,
  type PeerOptions,
  type Proposal,
  QuorumPeer,
  type QuorumVerifier,
} from "../../src/core/index.js";
import { type Disk, emptyDisk, entryOf, MemoryReplica, txnBytes } from "./memory-replica.js";
import { linesOf } from "./packets.js";

/** A link whose other side is the test. */
export class TestLink implements Link {
  out = new Writer();
  unsentBytes = 0;
  handler: LinkHandler | null = null;
  isClosed = false;
  /** Whether the other side reads what comes. */
  isReading = true;
  private readonly received = new Writer();

  constructor(
    private readonly solo: Solo,
    readonly remoteAddress: string,
  ) {}

  touch(): void {}

  close(): void {
    this.isClosed = true;
  }

  /** What has come since this was asked last, a line for each packet. */
  lines(): string[] {
    const lines = linesOf(this.received.take());
    this.received.reset();
    return lines;
  }

  /** The server's turn has ended: its bytes leave. */
  take(): void {
    if (this.out.at === 0 && (this.unsentBytes === 0 || !this.isReading)) return;
    if (!this.isReading) {
      this.unsentBytes += this.out.at;
      this.out = new Writer();
      return;
    }
    this.received.raw(this.out.bytes, 0, this.out.at);
    this.out = new Writer();
    this.unsentBytes = 0;
    if (!this.isClosed) this.handler?.drained();
  }

  send(...packets: Uint8Array[]): void {
    for (const bytes of packets) this.solo.turn(() => this.isClosed || this.handler?.received(bytes));
  }

  /** Everything in chunks of one byte. */
  sendSlowly(...packets: Uint8Array[]): void {
    for (const bytes of packets) {
      for (let i = 0; i < bytes.length; i++) this.send(bytes.slice(i, i + 1));
    }
  }

  hangUp(): void {
    this.solo.turn(() => {
      if (this.isClosed) return;
      this.isClosed = true;
      this.handler?.closed("hung up");
    });
  }
}

export interface SoloOptions {
  readonly sid?: number;
  readonly voters?: number;
  readonly observers?: number;
  readonly disk?: Disk;
  readonly peer?: Partial<PeerOptions>;
}

export function membership(voters: number, observers: number, version = 0): QuorumVerifier {
  const members = Array.from({ length: voters + observers }, (_, i) => ({
    id: i + 1,
    addresses: [{ host: `server${i + 1}`, quorumPort: 2888, electionPort: 3888 }],
    type: i < voters ? ("participant" as const) : ("observer" as const),
    clientAddress: null,
  }));
  return membershipOf({ version, members, groups: new Map(), weights: new Map() });
}

/** A disk that holds txns from (epoch, 1) on, all durable. */
export function diskWith(epoch: number, ...values: string[]): Disk {
  const log = values.map((value, i) => ({ zxid: firstZxidOf(epoch) + 1 + i, value }));
  return { ...emptyDisk(), acceptedEpoch: epoch, currentEpoch: epoch, log };
}

/**
 * One peer alone with a test that plays the others: links, elections, the disk, which works when it is told to, and the
 * clock.
 */
export class Solo {
  nowMs = 1000;
  readonly peer: QuorumPeer;
  readonly replica: MemoryReplica;
  readonly disk: Disk;
  /** What was asked of the disk and is not done. */
  readonly tasks: (() => void)[] = [];
  /** What the peer has told its shell, and its election. */
  readonly told: string[] = [];
  readonly looked: Proposal[] = [];
  readonly warnings: string[] = [];
  /** The connections that it has made. */
  readonly dialed: TestLink[] = [];
  readonly dialedAddresses: string[] = [];
  refuses = 0;
  leadership: Leadership | null = null;
  forward: Forward | null = null;
  readonly syncs: { origin: Origin; cxid: number }[] = [];
  private readonly links: TestLink[] = [];
  private electionEvents!: ElectionEvents;
  private nextZxid = 0;

  constructor({ sid = 1, voters = 3, observers = 0, disk = emptyDisk(), peer = {} }: SoloOptions = {}) {
    this.disk = disk;
    this.replica = new MemoryReplica(disk, { later: (task) => this.tasks.push(task), below: () => 0 });
    const options: PeerOptions = {
      ...DEFAULT_PEER_OPTIONS,
      tickTimeMs: 100,
      initLimit: 10,
      syncLimit: 5,
      ...peer,
      sid,
    };
    const warn = (fields: object, message: string): void => {
      this.warnings.push(`${message} ${JSON.stringify(fields)}`);
    };
    this.peer = new QuorumPeer(
      options,
      { current: membership(voters, observers), lastSeen: null },
      this.replica,
      (events) => this.election(events),
      {
        dial: (addresses, _timeoutMs, connected, failed) => {
          this.dialedAddresses.push(...addresses.map(({ host, port }) => `${host}:${port}`));
          if (this.refuses-- > 0) {
            failed("refused");
          } else {
            const link = this.link("leader");
            this.dialed.push(link);
            link.handler = connected(link);
          }
          return () => {};
        },
      },
      { debug() {}, info() {}, warn, error: warn },
      {
        looking: () => this.told.push("looking"),
        leading: (leadership, epoch) => {
          this.told.push(`leading ${epoch}`);
          this.leadership = leadership;
          this.nextZxid = firstZxidOf(epoch) + 1;
          return {
            request: (_origin, hi, lo, cxid, type, bytes, start, end) => {
              this.told.push(`request ${hi}.${lo} ${cxid} ${type} ${[...bytes.slice(start, end)]}`);
            },
            sync: (origin, hi, lo, cxid) => {
              this.told.push(`sync ${hi}.${lo} ${cxid}`);
              this.syncs.push({ origin, cxid });
            },
            touched: (hi, lo, timeoutMs) => this.told.push(`touched ${hi}.${lo} ${timeoutMs}`),
            revalidate: (_origin, _hi, lo) => lo === 5,
            committed: (zxid) => {
              this.told.push(`committed ${zxid.toString(16)}`);
              this.replica.commit(zxid);
            },
            left: () => this.told.push("left"),
          };
        },
        following: (forward, leader) => this.serve("following", forward, leader),
        observing: (forward, leader) => this.serve("observing", forward, leader),
        ended: () => this.told.push("ended"),
        membershipProposed: (config) => this.told.push(`proposed membership ${versionOf(config)}`),
        membershipActivated: (config) => this.told.push(`active membership ${versionOf(config)}`),
      },
    );
    this.replica.events = this.peer;
    this.turn(() => this.peer.start());
  }

  private serve(role: string, forward: Forward, leader: number) {
    this.told.push(`${role} ${leader}`);
    this.forward = forward;
    return {
      committed: (zxid: number) => {
        this.told.push(`committed ${zxid.toString(16)}`);
        this.replica.commit(zxid);
      },
      revalidated: (hi: number, lo: number, isValid: boolean) => this.told.push(`revalidated ${hi}.${lo} ${isValid}`),
      synced: (hi: number, lo: number, cxid: number) => this.told.push(`synced ${hi}.${lo} ${cxid}`),
      writeTouched: (to: Writer) => {
        to.int(1);
        to.int(2);
        to.int(4000);
      },
    };
  }

  private election(events: ElectionEvents): PeerElection {
    this.electionEvents = events;
    return {
      accepted: () => {
        throw new Error("nobody comes to the election port");
      },
      look: (proposal) => this.looked.push(proposal),
      formed: (epoch) => this.told.push(`formed ${epoch}`),
      leading: () => this.told.push("takes the lead"),
      following: (vote) => this.told.push(`goes over to ${vote.leader}`),
      observing: (vote) => this.told.push(`observes ${vote.leader}`),
      setVerifiers: () => {},
      clock: () => {},
      tick: () => {},
      nextDeadlineMs: () => Number.POSITIVE_INFINITY,
      stop: () => {},
    };
  }

  /** A voter tells the election that it looks for a leader. */
  voterLooks(sid: number): void {
    this.turn(() => this.electionEvents.looking(sid));
  }

  private link(address: string): TestLink {
    const link = new TestLink(this, address);
    this.links.push(link);
    return link;
  }

  /** One event, after which everything that was written leaves. */
  turn(run: () => void): void {
    this.peer.clock(this.nowMs);
    run();
    for (const link of this.links) link.take();
  }

  elect(role: Elected["role"], leader: number): void {
    const result: Elected = { leader, zxid: 0, peerEpoch: 0, electionEpoch: 1, role, voters: new Set() };
    this.turn(() => this.electionEvents.elected(result));
  }

  /** The link to the leader, made last. */
  get leader(): TestLink {
    return this.dialed[this.dialed.length - 1];
  }

  /** Somebody connects to the quorum port. */
  accept(address = "10.0.0.1"): TestLink {
    const link = this.link(address);
    this.turn(() => {
      link.handler = this.peer.quorumLinkAccepted(link);
    });
    return link;
  }

  /** Somebody connects to the port for observers. */
  acceptObserver(): TestLink {
    const link = this.link("10.0.0.2");
    this.turn(() => {
      link.handler = this.peer.observerLinkAccepted(link);
      if (link.handler === null) link.close();
    });
    return link;
  }

  /** The disk does what was asked of it next. */
  diskOne(): void {
    const task = this.tasks.shift();
    if (task !== undefined) this.turn(task);
  }

  diskAll(): void {
    while (this.tasks.length > 0) this.diskOne();
  }

  /** Time goes on, the peer being called when it wants to be. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const nextMs = Math.max(this.peer.nextDeadlineMs, this.nowMs);
      if (nextMs > endMs) break;
      this.nowMs = nextMs === this.nowMs ? nextMs + 0.01 : nextMs;
      this.turn(() => this.peer.tick());
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  /** Time goes on while the process stands still. */
  standStill(ms: number): void {
    this.nowMs += ms;
  }

  /** What happened since this was asked last. */
  news(): string[] {
    return this.told.splice(0);
  }

  /** A client's write at this leader. */
  write(value: string): number {
    const zxid = this.nextZxid++;
    this.turn(() => {
      const bytes = txnBytes(zxid, value);
      this.replica.append(bytes, 0, bytes.length, zxid);
      this.leadership?.propose(bytes, 0, bytes.length, zxid);
    });
    return zxid;
  }

  writeBytes(bytes: Uint8Array): void {
    this.turn(() => {
      const { zxid } = entryOf(bytes, 0, bytes.length);
      this.nextZxid = zxid + 1;
      this.replica.append(bytes, 0, bytes.length, zxid);
      this.leadership?.propose(bytes, 0, bytes.length, zxid);
    });
  }

  get values(): string[] {
    return this.replica.entries.slice(0, this.replica.applied).map((entry) => entry.value);
  }

  get durable(): string[] {
    return [...this.disk.snapshot.entries, ...this.disk.log].map((entry) => entry.value);
  }
}

function versionOf(config: string): string {
  return /version=(\w+)/.exec(config)?.[1] ?? "?";
}
