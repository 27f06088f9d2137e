import { Reader, ReplyHeader } from "@quoll/jute";
import { describe, expect, test } from "vitest";
import { ConnectionState } from "../../src/core/connection.js";
import { KeeperCode } from "../../src/core/keeper-code.js";
import { OpCode } from "../../src/core/op-code.js";
import { NO_ROW } from "../../src/core/tree/tree.js";
import {
  check,
  create,
  Flag,
  getChildren,
  getData,
  multi,
  PING,
  type Request,
  remove,
  setData,
  sync,
  utf8,
} from "../core/requests.js";
import { type Client, newTree, SeededRandom } from "../core/scene.js";
import { Ensemble, type Server } from "./ensemble.js";

const PATHS = ["/a", "/b", "/c", "/a/x", "/a/y", "/b/x"];

/** What a client has sent, and what it must know of its answer. */
interface Sent {
  readonly request: Request;
  /** What a majority had when it was sent. */
  readonly committedZxid: number;
}

/** One program: it has a session, and a connection to some server, which it may leave for another one. */
class Program {
  client: Client | null = null;
  server: Server | null = null;
  sent: Sent[] = [];
  answered = 0;
  lastZxid = 0;
  /** Connections that it has left and that are still open. */
  readonly left: Client[] = [];

  constructor(readonly name: string) {}
}

interface Version {
  readonly zxid: number;
  /** null: no such znode. */
  readonly mzxid: number | null;
}

/** What every path was after every txn, by applying the leader's log to another tree. */
function replay(server: Server): Map<string, Version[]> {
  const tree = newTree();
  const history = new Map<string, Version[]>(PATHS.map((path) => [path, [{ zxid: 0, mzxid: null }]]));
  for (const { zxid, bytes } of server.log.records) {
    tree.apply(bytes, 0, bytes.length, null);
    for (const path of PATHS) {
      const at = utf8(path);
      const row = tree.tree.find(at, 0, at.length);
      const mzxid = row === NO_ROW ? null : tree.tree.mzxid(row);
      const versions = history.get(path)!;
      if (versions[versions.length - 1]!.mzxid !== mzxid) versions.push({ zxid, mzxid });
    }
  }
  return history;
}

function versionAt(versions: readonly Version[], zxid: number): number | null {
  let found: number | null = null;
  for (const version of versions) if (version.zxid <= zxid) found = version.mzxid;
  return found;
}

function anyRequest(random: SeededRandom): Request {
  const path = random.pick(PATHS);
  const flags = random.below(3) === 0 ? Flag.ephemeral : Flag.persistent;
  switch (random.below(10)) {
    case 0:
    case 1:
      return create(path, { data: `${random.below(1000)}`, flags });
    case 2:
      return setData(path, `${random.below(1000)}`, random.below(4) - 1);
    case 3:
      return remove(path);
    case 4:
      return multi(create(path, { flags }), check(random.pick(PATHS), random.below(2)), setData(path, "m"));
    case 5:
      return sync(path);
    case 6:
      return getChildren("/");
    case 7:
      return PING;
    default:
      return getData(path);
  }
}

class World {
  readonly ensemble: Ensemble;
  readonly programs: Program[] = [];
  readonly random: SeededRandom;
  private connections = 0;
  reads: { path: string; zxid: number; mzxid: number | null }[] = [];
  syncs = 0;
  moves = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.ensemble = new Ensemble(2, 1);
    for (let i = 0; i < 5; i++) this.programs.push(new Program(`p${i}`));
  }

  run(steps: number): void {
    const { random, ensemble } = this;
    for (let i = 0; i < steps; i++) {
      const program = random.pick(this.programs);
      const choice = random.below(100);
      if (choice < 85) ensemble.step(random);
      else if (choice < 96) this.act(program);
      else if (choice < 98) this.move(program);
      else if (choice < 99) this.lateWrite(program);
      else if (random.below(2) === 0) this.letGo(program);
      this.observe();
    }
    ensemble.settle(random);
    this.observe();
  }

  private act(program: Program): void {
    const { random, ensemble } = this;
    if (program.client === null) {
      this.connect(program, null);
      return;
    }
    if (program.client.timeoutMs <= 0) return;
    const requests = Array.from({ length: 1 + random.below(4) }, () => anyRequest(random));
    for (const request of requests) program.sent.push({ request, committedZxid: ensemble.committedZxid });
    program.client.send(...requests);
  }

  private connect(program: Program, session: Client | null): void {
    const server = this.random.pick(this.ensemble.servers);
    program.server = server;
    program.client = server.client(`${program.name}-${this.connections++}`);
    program.sent = [];
    program.answered = 0;
    if (session === null) program.client.connect();
    else {
      program.client.connect({
        sessionId: session.sessionId,
        password: session.password,
        lastZxid: Math.min(session.lastZxid, server.tree.lastProcessedZxid),
      });
      program.lastZxid = 0;
    }
  }

  /** The program goes to another server with its session; the server that it leaves may not notice. */
  private move(program: Program): void {
    const { client } = program;
    if (client === null || client.timeoutMs <= 0) return;
    this.moves++;
    if (this.random.below(2) === 0) client.vanish();
    else program.left.push(client);
    this.connect(program, client);
  }

  private letGo(program: Program): void {
    if (program.client === null) return;
    program.client.vanish();
    program.client = null;
  }

  /** Bytes that were on their way arrive where the program no longer is. */
  private lateWrite(program: Program): void {
    const client = program.left.pop();
    if (client === undefined || program.client === null || program.client.timeoutMs <= 0) return;
    client.send(create("/late"));
  }

  /** Reads what the clients were told. */
  private observe(): void {
    for (const program of this.programs) {
      const { client } = program;
      if (client === null) continue;
      // Behind the connect response.
      while (program.answered + 1 < client.frames.length) this.answer(program, client.frames[1 + program.answered]!);
      if (client.connection.state === ConnectionState.closed) program.client = null;
    }
  }

  private answer(program: Program, frame: Uint8Array): void {
    const { request, committedZxid } = program.sent[program.answered++]!;
    const reader = new Reader(frame);
    const { xid, zxid, err } = ReplyHeader.decode(reader);
    // In the order of the requests, and never back in time.
    expect(zxid, `${program.name} ${request.text}`).toBeGreaterThanOrEqual(program.lastZxid);
    program.lastZxid = zxid!;
    switch (request.type) {
      case OpCode.getData: {
        const path = request.text.slice("getData ".length);
        if (err === KeeperCode.NoNode) this.reads.push({ path, zxid: zxid!, mzxid: null });
        else {
          reader.buffer();
          reader.bits();
          this.reads.push({ path, zxid: zxid!, mzxid: reader.long() });
        }
        return;
      }
      case OpCode.sync:
        this.syncs++;
        expect(zxid, "a sync sees what was committed when it was asked for").toBeGreaterThanOrEqual(committedZxid);
        return;
      case OpCode.create:
      case OpCode.delete:
      case OpCode.setData:
      case OpCode.multi: {
        const { records } = this.ensemble.leader.log;
        const record = records[zxid! - records[0]!.zxid]!;
        const header = new Reader(record.bytes);
        const id = header.bits();
        expect([id.toString(), header.int()], request.text).toEqual([program.client!.sessionId.toString(), xid]);
        return;
      }
    }
  }

  verify(): void {
    const { ensemble } = this;
    const { leader } = ensemble;
    const last = leader.log.lastZxid;
    for (const server of ensemble.servers) {
      expect(server.core.inProcess, server.name).toBe(0);
      expect(server.tree.lastProcessedZxid, server.name).toBe(last);
      // The same history, and at every step of it the same tree: ephemerals of a session go at one zxid.
      expect([...server.digests], server.name).toEqual([...leader.digests]);
      expect([...server.ephemerals], server.name).toEqual([...leader.ephemerals]);
      expect(sessions(server), server.name).toEqual(sessions(leader));
      expect(server.tree.digestMismatches).toBe(0);
    }
    const history = replay(leader);
    for (const { path, zxid, mzxid } of this.reads) {
      expect(versionAt(history.get(path)!, zxid), `${path} @${zxid}`).toBe(mzxid);
    }
    // What came late from a connection that its client had left was not done, unless the leader had it before the move.
    for (const program of this.programs) {
      const { client } = program;
      if (client === null || client.timeoutMs <= 0) continue;
      const open = program.sent.length - program.answered;
      expect(open === 0 || client.connection.state > 2, `${program.name} has ${open} requests without an answer`).toBe(
        true,
      );
    }
  }
}

function sessions(server: Server): string[] {
  const list: string[] = [];
  server.tree.sessions.forEach((timeoutMs, hi, lo) => void list.push(`${hi} ${lo} ${timeoutMs}`));
  return list.sort();
}

const SEEDS = 30;
const total = { reads: 0, syncs: 0, moves: 0 };

describe("an ensemble with clients that read, write, sync, and move between servers", () => {
  test(`keeps one history, answers in order, and forgets nothing (${SEEDS} seeds)`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World(seed);
      try {
        world.run(1500);
        world.verify();
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
      total.reads += world.reads.length;
      total.syncs += world.syncs;
      total.moves += world.moves;
    }
    expect(total.reads).toBeGreaterThan(500);
    expect(total.syncs).toBeGreaterThan(200);
    expect(total.moves).toBeGreaterThan(200);
  });
});
