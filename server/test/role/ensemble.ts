import { Reader, Writer } from "@quoll/jute";
import type { Forward, Origin } from "@quoll/zab";
import { AclChecker } from "../../src/core/acl/acl-checker.js";
import { DEFAULT_ENFORCED_AUTHENTICATION, EnforcedAuthentication } from "../../src/core/acl/enforced-authentication.js";
import { ConnectionState } from "../../src/core/connection.js";
import type { Reconfiguration } from "../../src/core/role/reconfiguration.js";
import type { Leadership, RoleStart } from "../../src/core/role/role.js";
import { ServerCore, type ServerCoreOptions } from "../../src/core/server-core.js";
import { SnapshotPolicy } from "../../src/core/storage/snapshot-policy.js";
import type { DataTree } from "../../src/core/tree/data-tree.js";
import { providers } from "../acl/scene.js";
import { Client, type ClientHost, FakeLog, newTree, OPTIONS, SeededRandom, WALL_MS } from "../core/scene.js";

export const LEADER = 0;
const EPOCH = 1;
const TICK_MS = 2000;

/** One server: a core, a tree, a log, and the clients that are connected to it. */
export class Server implements ClientHost {
  readonly log = new FakeLog();
  readonly core: ServerCore;
  readonly clients: Client[] = [];
  /** The tree's digest by zxid, as each txn was applied. */
  readonly digests = new Map<number, string>();
  /** Paths of ephemerals by zxid. */
  readonly ephemerals = new Map<number, number>();
  lines: string[] = [];

  constructor(
    readonly name: string,
    readonly tree: DataTree,
    options: Partial<ServerCoreOptions>,
    start: RoleStart,
    skipAcl = false,
  ) {
    const random = new SeededRandom(name.length + 3);
    const enforced = new EnforcedAuthentication({ ...DEFAULT_ENFORCED_AUTHENTICATION });
    const acls = new AclChecker(providers({ superDigest: null }), enforced, tree.acls, skipAcl);
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const policy = new SnapshotPolicy(1_000_000, 0, random);
    this.core = new ServerCore(
      tree,
      this.log,
      acls,
      policy,
      random,
      { ...OPTIONS, ...options },
      silent,
      0,
      WALL_MS,
      start,
    );
  }

  /** The sink of what is applied. */
  committed(zxid: number): void {
    this.digests.set(zxid, `${this.tree.digest.hi} ${this.tree.digest.lo}`);
    this.ephemerals.set(zxid, this.tree.ephemeralCount);
  }

  client(name: string): Client {
    const connection = this.core.connected("127.0.0.1", 40_000 + this.clients.length);
    if (connection === null) throw new Error("the connection was refused");
    const client = new Client(this, name, connection);
    this.clients.push(client);
    return client;
  }

  tell(line: string): void {
    this.lines.push(line);
  }

  /** What its clients were told since the last call. */
  told(): string[] {
    const { lines } = this;
    this.lines = [];
    return lines;
  }

  endTurn(): void {
    const { dirty } = this.core.effects;
    for (const connection of dirty) {
      connection.dirty = false;
      const client = this.clients.find((candidate) => candidate.connection === connection);
      client?.take();
      if (connection.state === ConnectionState.closing) {
        if (client !== undefined) this.tell(`${client.name}: connection closed`);
        this.core.disconnected(connection);
      }
    }
    dirty.length = 0;
  }
}

/** A link's one direction: what was sent and has not arrived, in order. */
class Pipe {
  readonly messages: (() => void)[] = [];

  send(message: () => void): void {
    this.messages.push(message);
  }

  deliver(): void {
    this.messages.shift()?.();
  }
}

interface Outstanding {
  readonly zxid: number;
  readonly bytes: Uint8Array;
  readonly acks: Set<number>;
}

/**
 * A leader, followers and observers, wired by queues in the place of zab: proposals are acknowledged once they are synced,
 * committed in order by a majority, and observers are told what was committed. What arrives and what is synced happens one
 * by one, when it is asked for.
 */
export class Ensemble {
  readonly servers: Server[] = [];
  readonly voters: number;
  nowMs = 0;
  /** The zxid that a majority has. */
  committedZxid = 0;
  private readonly toLearner: Pipe[] = [];
  private readonly toLeader: Pipe[] = [];
  private readonly origins: Origin[] = [];
  private readonly outstanding: Outstanding[] = [];
  /** Zxids that were appended and are not durable yet, by server. */
  private readonly unsynced: number[][] = [];
  private readonly confirmations: (() => void)[] = [];
  /** A learner whose messages are left where they are. */
  private held = -1;

  constructor(
    followers: number,
    observers: number,
    options: Partial<ServerCoreOptions> = {},
    tree = newTree,
    reconfiguration: Reconfiguration | null = null,
    skipAcl = false,
  ) {
    this.voters = followers + 1;
    const count = followers + observers + 1;
    for (let sid = 0; sid < count; sid++) {
      this.toLearner.push(new Pipe());
      this.toLeader.push(new Pipe());
      this.origins.push({});
      this.unsynced.push([]);
    }
    for (let sid = 0; sid < count; sid++) {
      const committed = {
        committed: (_b: Uint8Array, _s: number, _e: number, zxid: number) => this.servers[sid]!.committed(zxid),
      };
      const start: RoleStart =
        sid === LEADER
          ? { kind: "leader", epoch: EPOCH, leadership: this.leadership(), committed, reconfiguration }
          : {
              kind: sid < this.voters ? "follower" : "observer",
              epoch: EPOCH,
              forward: this.forwardOf(sid),
              committed,
            };
      this.servers.push(new Server(`server ${sid}`, tree(), { serverId: sid + 1, ...options }, start, skipAcl));
    }
  }

  get leader(): Server {
    return this.servers[LEADER]!;
  }

  get learners(): Server[] {
    return this.servers.slice(1);
  }

  private leadership(): Leadership {
    return {
      propose: (bytes, start, end, zxid) => {
        const copy = bytes.slice(start, end);
        this.outstanding.push({ zxid, bytes: copy, acks: new Set() });
        this.unsynced[LEADER]!.push(zxid);
        for (let sid = 1; sid < this.voters; sid++) {
          this.toLearner[sid]!.send(() => {
            const server = this.servers[sid]!;
            server.log.append(copy, 0, copy.length, zxid);
            server.core.proposed(copy, 0, copy.length, zxid);
            this.unsynced[sid]!.push(zxid);
          });
        }
      },
      synced: (origin, hi, lo, cxid) => {
        const sid = this.origins.indexOf(origin);
        this.toLearner[sid]!.send(() => this.servers[sid]!.core.learnerService.synced(hi, lo, cxid));
      },
      confirm: (then) => this.confirmations.push(then),
    };
  }

  private forwardOf(sid: number): Forward {
    const pipe = this.toLeader[sid]!;
    const origin = this.origins[sid]!;
    return {
      request: (hi, lo, cxid, type, bytes, start, end, authInfo) => {
        const packet = new Writer();
        packet.raw(bytes, start, end);
        const { at } = packet;
        packet.raw(authInfo, 0, authInfo.length);
        const copy = packet.take();
        pipe.send(() =>
          this.leader.core.leaderService.request(origin, hi, lo, cxid, type, copy, 0, at, at, copy.length),
        );
      },
      sync: (hi, lo, cxid) => pipe.send(() => this.leader.core.leaderService.sync(origin, hi, lo, cxid)),
      revalidate: (hi, lo, timeoutMs) =>
        pipe.send(() => {
          const isValid = this.leader.core.leaderService.revalidate(origin, hi, lo, timeoutMs);
          this.toLearner[sid]!.send(() => this.servers[sid]!.core.learnerService.revalidated(hi, lo, isValid));
        }),
    };
  }

  private acknowledged(sid: number, zxid: number): void {
    for (const proposal of this.outstanding) if (proposal.zxid <= zxid) proposal.acks.add(sid);
    for (let head = this.outstanding[0]; head !== undefined; head = this.outstanding[0]) {
      if (head.acks.size * 2 <= this.voters) return;
      this.outstanding.shift();
      this.commit(head);
    }
  }

  private commit({ zxid, bytes }: Outstanding): void {
    this.committedZxid = zxid;
    for (let sid = 1; sid < this.servers.length; sid++) {
      const isObserver = sid >= this.voters;
      this.toLearner[sid]!.send(() => {
        const server = this.servers[sid]!;
        if (isObserver) {
          server.log.append(bytes, 0, bytes.length, zxid);
          server.core.proposed(bytes, 0, bytes.length, zxid);
        }
        server.core.learnerService.committed(zxid);
      });
    }
    this.leader.core.leaderService.committed(zxid);
  }

  // --- what can happen

  /** Everything that can happen now, one function each. */
  possibilities(): (() => void)[] {
    const list: (() => void)[] = [];
    for (let sid = 0; sid < this.servers.length; sid++) {
      if (this.toLearner[sid]!.messages.length > 0 && sid !== this.held)
        list.push(() => this.toLearner[sid]!.deliver());
      if (this.toLeader[sid]!.messages.length > 0) list.push(() => this.toLeader[sid]!.deliver());
      if (this.unsynced[sid]!.length > 0) list.push(() => this.sync(sid));
    }
    if (this.confirmations.length > 0) list.push(() => this.confirmations.shift()!());
    return list;
  }

  /** The server's log is durable: it acknowledges. */
  private sync(sid: number): void {
    const zxids = this.unsynced[sid]!;
    const zxid = zxids[zxids.length - 1]!;
    zxids.length = 0;
    if (sid === LEADER) this.acknowledged(LEADER, zxid);
    else if (sid < this.voters) this.toLeader[sid]!.send(() => this.acknowledged(sid, zxid));
  }

  /** One of the possibilities happens. @returns false if there was none */
  step(random: SeededRandom): boolean {
    const list = this.possibilities();
    if (list.length === 0) return false;
    random.pick(list)();
    this.endTurns();
    return true;
  }

  /** Everything happens that is under way. */
  settle(random = new SeededRandom(1)): void {
    while (this.step(random));
  }

  /** The messages to one learner are left where they are meanwhile. */
  settleBut(sid: number): void {
    this.held = sid;
    this.settle();
    this.held = -1;
  }

  /** What a learner has sent arrives. */
  arrive(sid: number): void {
    const pipe = this.toLeader[sid]!;
    while (pipe.messages.length > 0) pipe.deliver();
  }

  /** What was sent to a learner arrives. */
  hear(sid: number): void {
    const pipe = this.toLearner[sid]!;
    while (pipe.messages.length > 0) pipe.deliver();
  }

  /** Time passes in steps of half a tick, with a ping to every learner at each; what is under way happens. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= TICK_MS / 2) {
      this.nowMs += Math.min(left, TICK_MS / 2);
      for (const { core } of this.servers) {
        core.clock(this.nowMs, WALL_MS + this.nowMs);
        core.tick();
      }
      for (const server of this.learners) this.ping(server);
      this.endTurns();
      this.settle();
    }
  }

  private ping({ core }: Server): void {
    const to = new Writer();
    core.learnerService.writeTouched(to);
    const reader = new Reader(to.take());
    while (reader.remaining > 0) {
      const hi = reader.int();
      const lo = reader.int();
      this.leader.core.leaderService.touched(hi, lo, reader.int());
    }
  }

  endTurns(): void {
    for (const server of this.servers) server.endTurn();
  }

  /** A client with a session, of which nothing is told. */
  session(sid: number, name: string, timeoutMs = 10_000): Client {
    const server = this.servers[sid]!;
    const client = server.client(name);
    client.connect({ timeoutMs });
    this.settle();
    server.told();
    return client;
  }
}
