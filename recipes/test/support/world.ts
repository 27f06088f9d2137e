import { type ClientOptions, isKeeperError, type Platform, ZooKeeper } from "@quoll/client";
import { AclChecker } from "../../../server/src/core/acl/acl-checker.js";
import {
  DEFAULT_ENFORCED_AUTHENTICATION,
  EnforcedAuthentication,
} from "../../../server/src/core/acl/enforced-authentication.js";
import { type Connection, ConnectionState } from "../../../server/src/core/connection.js";
import { ServerCore } from "../../../server/src/core/server-core.js";
import { SnapshotPolicy } from "../../../server/src/core/storage/snapshot-policy.js";
import { providers } from "../../../server/test/acl/scene.js";
import { FakeLog, newTree, OPTIONS, SeededRandom } from "../../../server/test/core/scene.js";

export const WALL_MS = 1_700_000_000_000;
const TICK_MS = 250;

interface Timer {
  readonly atMs: number;
  readonly seq: number;
  /** Whose it is: what belongs to a process that is paused waits until it goes on. */
  readonly owner: Process | null;
  readonly run: () => void;
  isCancelled: boolean;
}

interface Link {
  readonly process: Process;
  connection: Connection | null;
  /** Nothing gets through any more, and nobody is told. */
  isCut: boolean;
  isClosed: boolean;
  toServerMs: number;
  toClientMs: number;
  readonly handler: Parameters<Platform["connect"]>[1];
}

/** A process with a client of its own, that can be paused. */
export class Process {
  readonly client: ZooKeeper;
  pausedUntilMs = 0;
  cutUntilMs = 0;
  readonly links = new Set<Link>();

  constructor(
    private readonly world: World,
    readonly name: string,
    options: ClientOptions,
  ) {
    this.client = new ZooKeeper("server:2181", options, world.platform(this));
  }

  get isPaused(): boolean {
    return this.world.nowMs < this.pausedUntilMs;
  }

  /** Its connection breaks, and both sides see it. */
  disconnect(): void {
    for (const link of [...this.links]) this.world.breakLink(link, "connection reset");
  }

  /** Nothing gets through in either direction for a while, and nobody is told. */
  cut(ms: number): void {
    this.cutUntilMs = Math.max(this.cutUntilMs, this.world.nowMs + ms);
    for (const link of this.links) link.isCut = true;
  }

  /** It stands still for a while, as by SIGSTOP. */
  pause(ms: number): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.world.nowMs + ms);
  }

  /** Waits on the simulated clock. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.after(ms, resolve, this));
  }
}

/**
 * A real server core and real clients under simulated time: latencies, faults and their order come from a seed, so that
 * whatever happens can happen again.
 */
export class World {
  nowMs = 0;
  readonly random: SeededRandom;
  readonly processes: Process[] = [];
  /** Called after each event. */
  check: () => void = () => {};
  isDown = false;
  private readonly log = new FakeLog();
  private readonly core: ServerCore;
  private readonly links = new Map<Connection, Link>();
  private readonly timers: Timer[] = [];
  events = 0;
  private seq = 0;
  private syncedMs = 0;
  private uuids = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const tree = newTree();
    const enforced = new EnforcedAuthentication(DEFAULT_ENFORCED_AUTHENTICATION);
    const acls = new AclChecker(providers({ superDigest: null }), enforced, tree.acls, false);
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    this.core = new ServerCore(
      tree,
      this.log,
      acls,
      new SnapshotPolicy(1_000_000, 0, this.random),
      this.random,
      { ...OPTIONS, tickTimeMs: 500, minSessionTimeoutMs: 1000, containerCheckIntervalMs: 2000 },
      silent,
      0,
      WALL_MS,
    );
    this.tick();
  }

  /** Starts a process whose client has a session of 4 s, unless told otherwise. */
  process(name: string, options: ClientOptions = {}): Process {
    const process = new Process(this, name, {
      sessionTimeoutMs: 4000,
      backoff: { minMs: 20, maxMs: 200 },
      ...options,
    });
    this.processes.push(process);
    return process;
  }

  after(delayMs: number, run: () => void, owner: Process | null = null): () => void {
    // The server's clock has whole ms.
    const atMs = Math.ceil(this.nowMs + Math.max(0, delayMs));
    const timer: Timer = { atMs, seq: this.seq++, owner, run, isCancelled: false };
    this.insert(timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  /** Lets time pass, event by event, until the promise is settled. Fails if that takes longer than `limitMs`. */
  async until<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    const endMs = this.nowMs + limitMs;
    await flush();
    while (!isSettled) {
      if (this.nowMs > endMs) throw new Error(`nothing after ${limitMs} ms of simulated time`);
      await this.step();
    }
    return promise;
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(new Promise<void>((resolve) => void this.after(ms, resolve)), ms + 1000);
  }

  /** The server is away for a while: connections end, and nobody can connect. Its state, and its sessions, stay. */
  restart(ms: number): void {
    this.isDown = true;
    for (const link of [...this.links.values()]) this.breakLink(link, "server is away");
    this.after(ms, () => {
      this.isDown = false;
    });
  }

  /** The children of a znode as the server has them. */
  async children(path: string): Promise<string[]> {
    const observer = this.process(`observer-${this.uuids}`);
    try {
      return await this.until(observer.client.getChildren(path));
    } catch (error) {
      if (isKeeperError(error, "NoNode")) return [];
      throw error;
    } finally {
      await this.until(observer.client.close());
    }
  }

  platform(process: Process): Platform {
    return {
      now: () => this.nowMs,
      setTimer: (delayMs, callback) => this.after(delayMs, callback, process),
      defer: (callback) => void this.after(0, callback, process),
      random: () => this.random.below(1_000_000) / 1_000_000,
      uuid: () => `00000000-0000-4000-8000-${String(this.uuids++).padStart(12, "0")}`,
      connect: (_server, handler) => this.connect(process, handler),
    };
  }

  breakLink(link: Link, reason: string): void {
    if (link.isClosed) return;
    link.isClosed = true;
    link.process.links.delete(link);
    this.forget(link);
    this.after(this.latencyMs(), () => link.handler.closed(reason), link.process);
  }

  private async step(): Promise<void> {
    const timer = this.timers.shift();
    if (timer === undefined) throw new Error("the simulated world stands still");
    if (timer.isCancelled) return;
    this.nowMs = Math.max(this.nowMs, timer.atMs);
    if (timer.owner?.isPaused) {
      // In the order in which they were due.
      this.insert({ ...timer, atMs: timer.owner.pausedUntilMs });
      return;
    }
    this.events++;
    timer.run();
    await flush();
    this.check();
  }

  private insert(timer: Timer): void {
    let low = 0;
    let high = this.timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.timers[middle]!;
      if (other.atMs < timer.atMs || (other.atMs === timer.atMs && other.seq < timer.seq)) low = middle + 1;
      else high = middle;
    }
    this.timers.splice(low, 0, timer);
  }

  private tick(): void {
    if (!this.isDown) {
      this.core.clock(this.nowMs, WALL_MS + this.nowMs);
      this.core.tick();
      this.endTurn();
    }
    this.after(TICK_MS, () => this.tick());
  }

  private latencyMs(): number {
    return 1 + this.random.below(8);
  }

  private connect(process: Process, handler: Link["handler"]): ReturnType<Platform["connect"]> {
    const isCut = this.nowMs < process.cutUntilMs;
    const link: Link = {
      process,
      connection: null,
      isCut,
      isClosed: false,
      toServerMs: this.nowMs,
      toClientMs: this.nowMs,
      handler,
    };
    process.links.add(link);
    this.after(this.latencyMs(), () => this.accept(link), process);
    return {
      write: (bytes) => {
        this.carry(link, "toServerMs", null, () => this.receive(link, bytes));
        return true;
      },
      close: () => {
        link.isClosed = true;
        process.links.delete(link);
        this.carry(link, "toServerMs", null, () => this.forget(link));
      },
    };
  }

  private accept(link: Link): void {
    if (link.isClosed || link.isCut) return;
    link.connection = this.isDown ? null : this.core.connected("127.0.0.1", 40_000);
    if (link.connection === null) {
      link.isClosed = true;
      link.process.links.delete(link);
      link.handler.closed("connection refused");
      return;
    }
    this.links.set(link.connection, link);
    link.handler.opened();
  }

  /** Delivers after a latency, in order. */
  private carry(link: Link, direction: "toServerMs" | "toClientMs", owner: Process | null, deliver: () => void): void {
    if (link.isCut) return;
    link[direction] = Math.max(link[direction], this.nowMs + this.latencyMs());
    this.after(link[direction] - this.nowMs, () => !link.isCut && deliver(), owner);
  }

  private receive(link: Link, bytes: Uint8Array): void {
    if (link.connection === null || !this.links.has(link.connection)) return;
    this.core.clock(this.nowMs, WALL_MS + this.nowMs);
    this.core.received(link.connection, bytes.slice());
    this.endTurn();
  }

  private forget(link: Link): void {
    if (link.connection === null || !this.links.delete(link.connection)) return;
    this.core.disconnected(link.connection);
    this.endTurn();
  }

  private endTurn(): void {
    const { dirty } = this.core.effects;
    for (const connection of [...dirty]) {
      connection.dirty = false;
      const link = this.links.get(connection);
      const bytes = connection.out.view().slice();
      connection.out.reset();
      const isEnding = connection.state === ConnectionState.closing;
      if (link !== undefined && bytes.length > 0) {
        this.carry(link, "toClientMs", link.process, () => !link.isClosed && link.handler.received(bytes));
      }
      if (!isEnding || link === undefined) continue;
      this.links.delete(connection);
      this.core.disconnected(connection);
      this.carry(link, "toClientMs", link.process, () => {
        if (link.isClosed) return;
        link.isClosed = true;
        link.process.links.delete(link);
        link.handler.closed("closed by the server");
      });
    }
    dirty.length = 0;
    const zxid = this.log.lastZxid;
    if (zxid === 0 || zxid === this.pendingZxid) return;
    this.pendingZxid = zxid;
    this.syncedMs = Math.max(this.syncedMs, this.nowMs + this.random.below(5));
    this.after(this.syncedMs - this.nowMs, () => {
      this.core.synced(zxid);
      this.endTurn();
    });
  }

  private pendingZxid = 0;
}

/** Lets all promises that can go on go on. */
export function flush(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
