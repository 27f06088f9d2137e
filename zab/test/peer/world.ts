import { Writer } from "@quoll/jute";
import {
  DEFAULT_PEER_OPTIONS,
  type Dialer,
  defaultElectionOptions,
  Election,
  type Forward,
  firstZxidOf,
  type HostPort,
  type LeaderService,
  type Leadership,
  type LearnerService,
  type Link,
  type LinkHandler,
  type Log,
  membershipOf,
  type Origin,
  type PeerOptions,
  QuorumPeer,
  type QuorumVerifier,
} from "../../src/core/index.js";
import { type Disk, type Entry, emptyDisk, entryOf, MemoryReplica, txnBytes } from "./memory-replica.js";

/** Random numbers from a seed. */
export class Seeded {
  constructor(private state: number) {}

  int32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) | 0;
  }

  below(n: number): number {
    return (this.int32() >>> 0) % n;
  }
}

type Port = "quorum" | "election" | "observer";

interface Task {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** One direction of a connection. */
class SimLink implements Link {
  out = new Writer();
  readonly unsentBytes = 0;
  handler: LinkHandler | null = null;
  other!: SimLink;
  isClosed = false;
  private lastAtMs = 0;

  constructor(
    private readonly world: World,
    readonly node: Node,
    readonly incarnation: number,
    readonly remoteAddress: string,
  ) {}

  touch(): void {
    this.node.dirty.add(this);
  }

  close(after: "sent" | "now" = "now"): void {
    if (this.isClosed) return;
    if (after === "sent") this.flush();
    this.isClosed = true;
    this.node.links.delete(this);
    this.deliver(() => this.other.remoteClosed("closed by the other side"));
  }

  remoteClosed(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.node.links.delete(this);
    this.handler?.closed(reason);
  }

  flush(): void {
    if (this.isClosed || this.out.at === 0) return;
    const bytes = this.out.view();
    this.out = new Writer();
    const { world } = this;
    let at = 0;
    while (at < bytes.length) {
      const end =
        world.chunkMax === 0 ? bytes.length : Math.min(bytes.length, at + 1 + world.random.below(world.chunkMax));
      const chunk = bytes.slice(at, end);
      this.deliver(() => {
        if (!this.other.isClosed) this.other.handler?.received(chunk);
      });
      at = end;
    }
  }

  /** Runs something at the other side after what was sent before. */
  private deliver(run: () => void): void {
    const { world, other } = this;
    this.lastAtMs = Math.max(this.lastAtMs, world.nowMs + world.latencyMs());
    world.at(this.lastAtMs, () =>
      world.arrive(this.node.sid, other.node.sid, () => other.node.turn(run, other.incarnation)),
    );
  }
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** One server of the ensemble: its disk, and its process while it lives. */
export class Node {
  disk: Disk = emptyDisk();
  incarnation = 0;
  isUp = false;
  isPaused = false;
  replica!: MemoryReplica;
  peer!: QuorumPeer;
  readonly dirty = new Set<SimLink>();
  readonly links = new Set<SimLink>();
  leadership: Leadership | null = null;
  forward: Forward | null = null;
  nextZxid = 0;
  /** What its clients were told of, in order. */
  readonly answers: string[] = [];
  readonly told: string[] = [];
  private timerAtMs = Number.POSITIVE_INFINITY;
  private pausedTurns: (() => void)[] = [];
  log: Log = silent;

  constructor(
    private readonly world: World,
    readonly sid: number,
  ) {}

  boot(): void {
    this.incarnation++;
    this.isUp = true;
    this.isPaused = false;
    const { world, incarnation } = this;
    this.replica = new MemoryReplica(this.disk, {
      later: (task) => world.at(world.nowMs + world.diskMs(), () => this.turn(task, incarnation)),
      below: (n) => world.random.below(n),
    });
    this.replica.historyMax = world.historyMax;
    this.replica.snapshotSize = world.snapshotSize;
    const options = { ...world.options, sid: this.sid };
    this.peer = new QuorumPeer(
      options,
      { current: world.verifier, lastSeen: null },
      this.replica,
      (events) =>
        new Election(
          { ...defaultElectionOptions(this.sid) },
          world.verifier,
          world.dialer(this, "election"),
          world.random,
          this.log,
          events,
        ),
      world.dialer(this, "quorum"),
      this.log,
      {
        looking: () => this.told.push("looking"),
        leading: (leadership, epoch) => this.lead(leadership, epoch),
        following: (forward, leader) => this.follow(forward, leader),
        observing: (forward, leader) => this.follow(forward, leader),
        ended: () => {
          this.told.push("ended");
          this.leadership = null;
          this.forward = null;
        },
        membershipProposed: () => {},
        membershipActivated: () => {},
      },
    );
    this.replica.events = this.peer;
    this.turn(() => this.peer.start(), incarnation);
  }

  linkAccepted(port: Port, link: Link): LinkHandler | null {
    if (port === "quorum") return this.peer.quorumLinkAccepted(link);
    return port === "observer" ? this.peer.observerLinkAccepted(link) : this.peer.electionLinkAccepted(link);
  }

  crash(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.incarnation++;
    this.replica.crash();
    this.leadership = null;
    this.forward = null;
    this.dirty.clear();
    this.timerAtMs = Number.POSITIVE_INFINITY;
    this.pausedTurns = [];
    const links = [...this.links];
    this.links.clear();
    for (const link of links) {
      link.isClosed = true;
      const { other } = link;
      this.world.at(this.world.nowMs + this.world.latencyMs(), () =>
        this.world.arrive(this.sid, other.node.sid, () =>
          other.node.turn(() => other.remoteClosed("reset"), other.incarnation),
        ),
      );
    }
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    const turns = this.pausedTurns;
    this.pausedTurns = [];
    for (const turn of turns) turn();
  }

  /** Runs one event of the process, then sends what it wrote. */
  turn(run: () => void, incarnation: number): void {
    if (!this.isUp || incarnation !== this.incarnation) return;
    if (this.isPaused) {
      this.pausedTurns.push(() => this.turn(run, incarnation));
      return;
    }
    this.peer.clock(this.world.nowMs);
    run();
    for (const link of this.dirty) link.flush();
    this.dirty.clear();
    this.arm();
    this.world.check(this);
  }

  private arm(): void {
    const atMs = Math.max(this.peer.nextDeadlineMs, this.world.nowMs);
    if (atMs >= this.timerAtMs && this.timerAtMs > this.world.nowMs) return;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.timerAtMs = atMs;
    const { incarnation } = this;
    this.world.at(Math.max(atMs, this.world.nowMs + 0.01), () => {
      if (this.timerAtMs === atMs) this.timerAtMs = Number.POSITIVE_INFINITY;
      this.turn(() => this.peer.tick(), incarnation);
    });
  }

  // --- the server in it

  private lead(leadership: Leadership, epoch: number): LeaderService {
    this.told.push(`leading ${epoch}`);
    this.world.established(this, epoch);
    this.leadership = leadership;
    this.nextZxid = firstZxidOf(epoch) + 1;
    const waitingSyncs: { zxid: number; origin: Origin; cxid: number }[] = [];
    const answerSyncs = (): void => {
      while (waitingSyncs.length > 0 && waitingSyncs[0].zxid <= this.replica.lastCommittedZxid) {
        const { origin, cxid } = waitingSyncs.shift()!;
        leadership.synced(origin, 0, 0, cxid);
      }
    };
    return {
      request: (_origin, _hi, _lo, _cxid, _type, bytes, start, end) => {
        this.write(entryOf(bytes, start, end).value);
      },
      sync: (origin, _hi, _lo, cxid) => {
        const zxid = this.nextZxid - 1 === firstZxidOf(epoch) ? 0 : this.nextZxid - 1;
        waitingSyncs.push({ zxid, origin, cxid });
        answerSyncs();
      },
      touched: (hi, lo, timeoutMs) => this.told.push(`touched ${hi}.${lo} ${timeoutMs}`),
      revalidate: (_origin, _hi, lo) => lo % 2 === 0,
      committed: (zxid) => {
        const before = this.replica.applied;
        this.replica.commit(zxid);
        this.world.committed(this);
        for (const { value } of this.replica.entries.slice(before, this.replica.applied))
          this.world.acknowledged.push(value);
        answerSyncs();
      },
      left: () => {},
    };
  }

  /** A client's write at the leader. */
  write(value: string): number {
    if (this.leadership === null) throw new Error("it does not lead");
    const zxid = this.nextZxid++;
    const bytes = txnBytes(zxid, value);
    this.replica.append(bytes, 0, bytes.length, zxid);
    this.leadership.propose(bytes, 0, bytes.length, zxid);
    return zxid;
  }

  private follow(forward: Forward, leader: number): LearnerService {
    this.told.push(`following ${leader}`);
    this.forward = forward;
    this.world.committed(this);
    return {
      committed: (zxid) => {
        this.replica.commit(zxid);
        this.world.committed(this);
      },
      revalidated: (hi, lo, isValid) => this.answers.push(`revalidated ${hi}.${lo} ${isValid}`),
      synced: (hi, lo, cxid) => this.answers.push(`synced ${hi}.${lo} ${cxid} at ${this.replica.applied}`),
      writeTouched: (to) => {
        to.int(7);
        to.int(this.sid);
        to.int(4000);
      },
    };
  }

  /** A client's write at a learner. */
  forwardWrite(value: string): void {
    const bytes = txnBytes(0, value);
    this.forward?.request(0, 1, 1, 1, bytes, 0, bytes.length, new Uint8Array(0));
  }

  /** Something of a client, within a turn of its own. */
  act(run: () => void): void {
    this.turn(run, this.incarnation);
  }

  get isServing(): boolean {
    return this.isUp && (this.leadership !== null || this.forward !== null);
  }
}

export interface WorldOptions {
  readonly voters: number;
  readonly observers?: number;
  readonly seed?: number;
  readonly peer?: Partial<PeerOptions>;
}

/**
 * An ensemble in one process with a clock of its own: links with delays, disks with delays, crashes, cuts and pauses, all
 * from one seed. After every event it checks what must always hold.
 */
export class World {
  nowMs = 0;
  readonly random: Seeded;
  readonly nodes = new Map<number, Node>();
  readonly verifier: QuorumVerifier;
  readonly options: Omit<PeerOptions, "sid">;
  /** Bytes of a chunk at most; 0: as they were written. */
  chunkMax = 0;
  latencyMaxMs = 2;
  diskMaxMs = 3;
  historyMax = 5;
  snapshotSize = 1000;
  /** What was committed by anybody, in order. */
  readonly chosen: Entry[] = [];
  /** The values of what clients were told that it is written. */
  readonly acknowledged: string[] = [];
  readonly leaders = new Map<number, number>();
  private tasks: Task[] = [];
  private order = 0;
  private readonly cuts = new Set<string>();
  private held: { from: number; to: number; run: () => void }[] = [];

  constructor({ voters, observers = 0, seed = 1, peer = {} }: WorldOptions) {
    this.random = new Seeded(seed);
    this.options = { ...DEFAULT_PEER_OPTIONS, tickTimeMs: 100, ...peer };
    const members = Array.from({ length: voters + observers }, (_, i) => ({
      id: i + 1,
      addresses: [{ host: `server${i + 1}`, quorumPort: 2888, electionPort: 3888 }],
      type: i < voters ? ("participant" as const) : ("observer" as const),
      clientAddress: null,
    }));
    this.verifier = membershipOf({ version: 0, members, groups: new Map(), weights: new Map() });
    for (const { id } of members) this.nodes.set(id, new Node(this, id));
  }

  node(sid: number): Node {
    return this.nodes.get(sid)!;
  }

  latencyMs(): number {
    return 0.1 + this.random.below(1000 * this.latencyMaxMs) / 1000;
  }

  diskMs(): number {
    return 0.1 + this.random.below(1000 * this.diskMaxMs) / 1000;
  }

  // --- time

  at(atMs: number, run: () => void): void {
    const { tasks } = this;
    const task = { atMs, order: this.order++, run };
    tasks.push(task);
    let i = tasks.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(task, tasks[parent])) break;
      tasks[i] = tasks[parent];
      i = parent;
    }
    tasks[i] = task;
  }

  private take(): Task | null {
    const { tasks } = this;
    const first = tasks[0];
    if (first === undefined) return null;
    const last = tasks.pop()!;
    if (tasks.length > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= tasks.length) break;
        if (child + 1 < tasks.length && isBefore(tasks[child + 1], tasks[child])) child++;
        if (!isBefore(tasks[child], last)) break;
        tasks[i] = tasks[child];
        i = child;
      }
      tasks[i] = last;
    }
    return first;
  }

  /** Lets time go on. */
  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    while (this.tasks.length > 0 && this.tasks[0].atMs <= endMs) {
      const task = this.take()!;
      this.nowMs = Math.max(this.nowMs, task.atMs);
      task.run();
    }
    this.nowMs = endMs;
  }

  /** Lets time go on until something holds. @returns after how many ms */
  runUntil(holds: () => boolean, withinMs = 20_000): number {
    const startMs = this.nowMs;
    while (!holds()) {
      const task = this.take();
      if (task === null || task.atMs > startMs + withinMs) {
        const states = [...this.nodes.values()].map(
          (n) => `${n.sid}: ${n.isUp ? `${n.peer.state} ${n.peer.phase}` : "down"}`,
        );
        throw new Error(`nothing came of it within ${withinMs} ms: ${states.join(", ")}`);
      }
      this.nowMs = Math.max(this.nowMs, task.atMs);
      task.run();
    }
    return this.nowMs - startMs;
  }

  // --- the network

  dialer(from: Node, port: "quorum" | "election"): Dialer {
    return {
      dial: (addresses: readonly HostPort[], timeoutMs, connected, failed) => {
        let isOver = false;
        const { incarnation } = from;
        const to = this.node(Number(addresses[0]?.host.slice("server".length)));
        const fail = (reason: string, afterMs: number): void =>
          this.at(this.nowMs + afterMs, () =>
            from.turn(() => {
              if (isOver) return;
              isOver = true;
              failed(reason);
            }, incarnation),
          );
        if (to === undefined) fail("no address", 0);
        else if (this.isCut(from.sid, to.sid) || this.isCut(to.sid, from.sid)) fail("timeout", timeoutMs);
        else if (!to.isUp) fail("refused", this.latencyMs());
        else {
          const at = addresses[0].port === this.options.observerMasterPort ? "observer" : port;
          this.at(this.nowMs + this.latencyMs(), () => {
            if (isOver || !from.isUp || from.incarnation !== incarnation) return;
            if (!to.isUp) return fail("refused", 0);
            isOver = true;
            this.connect(from, to, at, connected);
          });
        }
        return () => {
          isOver = true;
        };
      },
    };
  }

  private connect(from: Node, to: Node, port: Port, connected: (link: Link) => LinkHandler): void {
    const a = new SimLink(this, from, from.incarnation, `server${to.sid}`);
    const b = new SimLink(this, to, to.incarnation, `server${from.sid}`);
    a.other = b;
    b.other = a;
    from.links.add(a);
    to.links.add(b);
    to.turn(() => {
      if (!b.isClosed) b.handler = to.linkAccepted(port, b);
      if (b.handler === null) b.close();
    }, to.incarnation);
    from.turn(() => {
      if (!a.isClosed) a.handler = connected(a);
    }, from.incarnation);
  }

  cut(from: number, to: number): void {
    this.cuts.add(`${from}-${to}`);
  }

  isolate(sid: number): void {
    for (const other of this.nodes.keys()) {
      if (other === sid) continue;
      this.cut(sid, other);
      this.cut(other, sid);
    }
  }

  heal(): void {
    this.cuts.clear();
    const { held } = this;
    this.held = [];
    for (const { run } of held) run();
  }

  private isCut(from: number, to: number): boolean {
    return this.cuts.has(`${from}-${to}`);
  }

  /** What arrives over a cut waits until it is healed, as TCP sends it again. */
  arrive(from: number, to: number, run: () => void): void {
    if (this.isCut(from, to)) this.held.push({ from, to, run });
    else run();
  }

  // --- the ensemble

  boot(...sids: number[]): void {
    for (const sid of sids.length > 0 ? sids : this.nodes.keys()) this.node(sid).boot();
  }

  get leader(): Node | null {
    let best: Node | null = null;
    for (const node of this.nodes.values()) {
      if (node.isUp && node.leadership !== null && (best === null || node.peer.epoch > best.peer.epoch)) best = node;
    }
    return best;
  }

  /** Until all servers that are up serve, under one leader. */
  untilServing(withinMs = 60_000): Node {
    this.runUntil(() => {
      const up = [...this.nodes.values()].filter((node) => node.isUp);
      const leader = this.leader;
      return leader !== null && up.every((node) => node.isServing && node.peer.epoch === leader.peer.epoch);
    }, withinMs);
    return this.leader!;
  }

  /** Until every server that is up has applied all that the leader has. */
  untilEqual(withinMs = 60_000): void {
    this.runUntil(() => {
      const leader = this.leader;
      if (leader === null || leader.replica.applied !== leader.replica.entries.length) return false;
      for (const node of this.nodes.values()) {
        if (!node.isUp) continue;
        if (!node.isServing || node.replica.applied !== leader.replica.applied) return false;
      }
      return true;
    }, withinMs);
  }

  write(value: string): void {
    const { leader } = this;
    leader?.act(() => {
      if (leader.leadership !== null) leader.write(value);
    });
  }

  values(sid: number): string[] {
    const { replica } = this.node(sid);
    return replica.entries.slice(0, replica.applied).map((entry) => entry.value);
  }

  // --- what must always hold

  /** A leader has a quorum: no other one has had this epoch, and it has everything that was ever committed. */
  established(node: Node, epoch: number): void {
    const other = this.leaders.get(epoch);
    if (other !== undefined) throw new Error(`epoch ${epoch} was led by ${other} and is led by ${node.sid}`);
    this.leaders.set(epoch, node.sid);
    if (node.replica.entries.length < this.chosen.length) throw new Error(`leader ${node.sid} lacks committed txns`);
    this.committed(node);
  }

  /** Everything that a server has applied while it serves is committed: it must agree with what the others have. */
  committed(node: Node): void {
    const { entries, applied } = node.replica;
    for (let i = 0; i < applied; i++) {
      const entry = entries[i];
      const chosen = this.chosen[i];
      if (chosen === undefined) this.chosen.push(entry);
      else if (chosen.zxid !== entry.zxid || chosen.value !== entry.value) {
        throw new Error(`server ${node.sid} has ${entry.value} where ${chosen.value} was committed`);
      }
    }
  }

  check(node: Node): void {
    const { disk, replica } = node;
    if (disk.acceptedEpoch < disk.currentEpoch)
      throw new Error(`server ${node.sid}: accepted epoch below the current one`);
    if (replica.applied > replica.entries.length) throw new Error(`server ${node.sid} has applied what it did not log`);
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
