import { Writer } from "@quoll/jute";
import {
  type Dialer,
  defaultElectionOptions,
  type Elected,
  Election,
  type ElectionOptions,
  type HostPort,
  type Link,
  type LinkHandler,
  type Log,
  type QuorumVerifier,
} from "../../src/core/index.js";

/** Random numbers of one seed. */
export type RandomInts = (below: number) => number;

export function randomInts(seed: number): RandomInts {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Servers, their election ports and the network between them, in simulated time. One seed decides everything. */
export class World {
  nowMs = 0;
  readonly servers = new Map<number, SimServer>();
  readonly random: RandomInts;
  /** Largest one-way delay. */
  delayMaxMs = 5;
  /** Pairs that can't reach each other: connections stay silent, attempts time out. */
  readonly cuts = new Set<string>();
  private readonly events: Array<{ atMs: number; order: number; run: () => void }> = [];
  private order = 0;

  constructor(seed: number) {
    this.random = randomInts(seed);
  }

  at(atMs: number, run: () => void): void {
    const event = { atMs: Math.max(atMs, this.nowMs), order: this.order++, run };
    let i = this.events.length;
    while (i > 0 && this.events[i - 1].atMs > event.atMs) i--;
    this.events.splice(i, 0, event);
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run);
  }

  delay(): number {
    return 0.1 + (this.random(1000) / 1000) * this.delayMaxMs;
  }

  isCut(a: number, b: number): boolean {
    return this.cuts.has(`${Math.min(a, b)}-${Math.max(a, b)}`);
  }

  cut(a: number, b: number): void {
    this.cuts.add(`${Math.min(a, b)}-${Math.max(a, b)}`);
  }

  add(sid: number, verifier: QuorumVerifier, options: Partial<ElectionOptions> = {}): SimServer {
    const server = new SimServer(this, sid, verifier, options);
    this.servers.set(sid, server);
    return server;
  }

  /** Runs until nothing happens before `untilMs`, or until `done` holds. @returns whether `done` held */
  run(untilMs: number, done: () => boolean = () => false): boolean {
    while (!done()) {
      let next = this.events.length > 0 ? this.events[0].atMs : Number.POSITIVE_INFINITY;
      let ticking: SimServer | null = null;
      for (const server of this.servers.values()) {
        const deadlineMs = server.isUp ? server.election.nextDeadlineMs() : Number.POSITIVE_INFINITY;
        if (deadlineMs < next) {
          next = deadlineMs;
          ticking = server;
        }
      }
      if (next > untilMs) {
        this.nowMs = untilMs;
        return done();
      }
      this.nowMs = Math.max(this.nowMs, next);
      if (ticking !== null) ticking.turn(() => ticking.election.tick());
      else this.events.shift()!.run();
    }
    return true;
  }

  up(): SimServer[] {
    return [...this.servers.values()].filter((server) => server.isUp);
  }
}

/** One server: its election, and links that send at the end of each turn. */
export class SimServer implements Dialer {
  election!: Election;
  isUp = false;
  zxid = 0;
  epoch = 0;
  canVote = true;
  result: Elected | null = null;
  /** When {@link result} came. */
  electedMs = 0;
  elections = 0;
  readonly lookers: number[] = [];
  readonly links = new Set<SimLink>();
  readonly dialed: HostPort[] = [];
  onElected: (result: Elected) => void = () => {};

  constructor(
    readonly world: World,
    readonly sid: number,
    public verifier: QuorumVerifier,
    private readonly options: Partial<ElectionOptions>,
  ) {}

  start(): void {
    this.isUp = true;
    this.result = null;
    this.election = new Election(
      { ...defaultElectionOptions(this.sid), ...this.options },
      this.verifier,
      this,
      { int32: () => this.world.random(0x7fffffff) },
      SILENT,
      {
        elected: (result) => {
          this.result = result;
          this.electedMs = this.world.nowMs;
          this.elections++;
          this.onElected(result);
        },
        newerConfig: (verifier) => {
          this.verifier = verifier;
          this.election.setVerifiers(verifier);
          this.look();
        },
        looking: (sid) => this.lookers.push(sid),
      },
    );
    this.turn(() => this.look());
  }

  look(): void {
    this.result = null;
    this.election.look({ zxid: this.zxid, epoch: this.epoch, canVote: this.canVote });
  }

  kill(): void {
    this.isUp = false;
    this.result = null;
    for (const link of [...this.links]) link.cutOff();
  }

  turn(run: () => void): void {
    if (!this.isUp) return;
    this.election.clock(this.world.nowMs);
    run();
    for (const link of this.links) link.flush();
  }

  dial(
    addresses: readonly HostPort[],
    timeoutMs: number,
    connected: (link: Link) => LinkHandler,
    failed: (reason: string) => void,
  ): () => void {
    const { world } = this;
    this.dialed.push(...addresses);
    const target = world.servers.get(Number(addresses[0].host.slice(1)));
    const self = this.election;
    let isOver = false;
    const finish = (run: () => void) => () => {
      if (isOver || this.election !== self) return;
      isOver = true;
      this.turn(run);
    };
    if (target === undefined || world.isCut(this.sid, target.sid)) {
      world.after(
        timeoutMs,
        finish(() => failed("timeout")),
      );
    } else {
      world.after(world.delay() * 2, () => {
        if (isOver || !this.isUp || this.election !== self) return;
        if (!target.isUp) {
          finish(() => failed("refused"))();
          return;
        }
        const [near, far] = SimLink.pair(this, target);
        finish(() => near.owned(connected(near)))();
        target.turn(() => far.owned(target.election.accepted(far)));
      });
    }
    return () => {
      isOver = true;
    };
  }
}

/** One end of a connection. */
export class SimLink implements Link {
  out = new Writer();
  unsentBytes = 0;
  readonly remoteAddress: string;
  other!: SimLink;
  handler: LinkHandler | null = null;
  private isOpen = true;
  private arrivesMs = 0;
  private early: Uint8Array[] = [];

  constructor(
    readonly server: SimServer,
    remote: SimServer,
  ) {
    this.remoteAddress = `n${remote.sid}`;
  }

  static pair(a: SimServer, b: SimServer): [SimLink, SimLink] {
    const near = new SimLink(a, b);
    const far = new SimLink(b, a);
    near.other = far;
    far.other = near;
    a.links.add(near);
    b.links.add(far);
    return [near, far];
  }

  owned(handler: LinkHandler): void {
    this.handler = handler;
    for (const bytes of this.early) if (this.isOpen) handler.received(bytes);
    this.early = [];
  }

  touch(): void {}

  flush(): void {
    if (this.out.at === 0) return;
    const { world } = this.server;
    const bytes = this.out.take();
    this.out.reset();
    let at = 0;
    while (at < bytes.length) {
      const end = world.random(3) === 0 ? Math.min(bytes.length, at + 1 + world.random(30)) : bytes.length;
      const chunk = bytes.slice(at, end);
      this.later(() => {
        const { other } = this;
        if (world.isCut(this.server.sid, other.server.sid)) return;
        other.server.turn(() => {
          if (!other.isOpen) return;
          if (other.handler === null) other.early.push(chunk);
          else other.handler.received(chunk);
        });
      });
      at = end;
    }
  }

  close(): void {
    if (!this.isOpen) return;
    this.flush();
    this.isOpen = false;
    this.server.links.delete(this);
    this.later(() => this.other.lost());
  }

  /** The process is gone. */
  cutOff(): void {
    this.isOpen = false;
    this.server.links.delete(this);
    this.later(() => this.other.lost());
  }

  private lost(): void {
    if (!this.isOpen || this.server.world.isCut(this.server.sid, this.other.server.sid)) return;
    this.isOpen = false;
    this.server.links.delete(this);
    this.server.turn(() => this.handler?.closed("reset"));
  }

  /** In order, after a delay. */
  private later(run: () => void): void {
    const { world } = this.server;
    this.arrivesMs = Math.max(this.arrivesMs, world.nowMs + world.delay());
    world.at(this.arrivesMs, run);
  }
}
