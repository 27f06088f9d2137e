// Sessions in ensembles of ZooKeeper's servers and ours: a session moves from every server to every other one and keeps its
// ephemerals, the connection that it leaves does nothing any more, requests of one connection keep their order through any
// server, and a client that falls silent loses its session: `node compat-tests/dist/ensemble/sessions.js [--mix NAME]`.
// The last line printed is `N passed, N failed`.
import { strict as assert } from "node:assert";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Reader, Writer } from "@quoll/jute";
import { RawConnection } from "../differential/raw-connection.js";
import { skipUnlessCi } from "../peers/cache.js";
import { Ensemble, type Member, type MemberKind } from "../peers/ensemble.js";
import { zookeeperClasspath } from "../peers/java-zookeeper.js";
import { summaryOf } from "../suite.js";

const { values: options } = parseArgs({ options: { mix: { type: "string" } } });
try {
  zookeeperClasspath("3.9.5");
} catch (error) {
  skipUnlessCi(error);
}

/** By sid, the last one an observer: of the voters that start at once, two of one kind with the larger sids lead. */
const MIXES = new Map<string, readonly MemberKind[]>([
  ["ours", ["quoll", "quoll", "quoll", "quoll"]],
  ["we follow", ["quoll", "java-3.9.5", "java-3.9.5", "quoll"]],
  ["we lead", ["java-3.9.5", "quoll", "quoll", "java-3.9.5"]],
]);
const LOCAL = { localSessionsEnabled: "true", localSessionsUpgradingEnabled: "true" };
const ANSWER_MS = 10_000;
const EPHEMERAL = 1;

const OP = { create: 1, exists: 3, getData: 4, setData: 5, sync: 9, ping: 11, closeSession: -11 };
const NODE_EXISTS = -110;
const NO_NODE = -101;
const MARSHALLING_ERROR = -5;

interface Answer {
  readonly err: number;
  readonly body: Reader;
}

/** A session of a client, over one connection. */
class Client {
  private xid = 1;

  private constructor(
    readonly connection: RawConnection,
    readonly timeoutMs: number,
    readonly id: readonly [hi: number, lo: number],
    readonly password: Uint8Array,
  ) {}

  /** @returns null when the session is refused */
  static async connect(to: Member, session: Client | null = null, timeoutMs = 6000): Promise<Client | null> {
    const connection = await RawConnection.open("127.0.0.1", to.clientPort);
    const request = new Writer();
    request.int(0);
    request.int(0);
    request.long(0);
    request.int(timeoutMs);
    for (const half of session?.id ?? [0, 0]) request.int(half);
    request.buffer(session?.password ?? new Uint8Array(16));
    request.bool(false);
    request.patchInt(0, request.at - 4);
    connection.send(request.take());
    const frame = await nextFrame(connection);
    assert(frame !== null, `server ${to.sid} answers a connect request`);
    const reader = new Reader(frame);
    reader.int();
    const granted = reader.int();
    const id = [reader.int(), reader.int()] as const;
    return granted === 0 ? null : new Client(connection, granted, id, reader.buffer()!);
  }

  send(type: number, writeBody: (to: Writer) => void): void {
    const request = new Writer();
    request.int(0);
    request.int(this.xid++);
    request.int(type);
    writeBody(request);
    request.patchInt(0, request.at - 4);
    this.connection.send(request.take());
  }

  /** @returns null when the connection is closed instead */
  async answer(): Promise<Answer | null> {
    const frame = await nextFrame(this.connection);
    if (frame === null) return null;
    const body = new Reader(frame);
    body.int();
    body.long();
    return { err: body.int(), body };
  }

  async ask(type: number, writeBody: (to: Writer) => void): Promise<number | "closed"> {
    this.send(type, writeBody);
    return (await this.answer())?.err ?? "closed";
  }

  create(path: string, flags = 0): Promise<number | "closed"> {
    return this.ask(OP.create, (to) => {
      to.string(path);
      to.buffer(new Uint8Array(1));
      to.int(1);
      to.int(31);
      to.string("world");
      to.string("anyone");
      to.int(flags);
    });
  }

  async exists(path: string): Promise<number | "closed"> {
    await this.ask(OP.sync, (to) => to.string("/"));
    return this.ask(OP.exists, (to) => {
      to.string(path);
      to.bool(false);
    });
  }
}

async function nextFrame(connection: RawConnection): Promise<Uint8Array | null> {
  const arrived = await connection.until(() => connection.frames.length > 0 || connection.isClosed, ANSWER_MS);
  assert(arrived, `no answer within ${ANSWER_MS} ms`);
  return connection.frames.shift() ?? null;
}

async function moves(a: Member, b: Member, leader: Member, path: string): Promise<void> {
  const old = (await Client.connect(a))!;
  assert.equal(await old.create(path), 0);
  assert.equal(await old.create(`${path}/e`, EPHEMERAL), 0);
  assert.equal(await old.create(path), NODE_EXISTS);
  // One that ZooKeeper's followers would break over is held back by ours.
  if (a.kind === "quoll" && a !== leader) assert.equal(await old.ask(OP.setData, (to) => to.int(7)), MARSHALLING_ERROR);
  await keepsOrder(old, path);

  const again = await Client.connect(b, old);
  assert(again !== null, "the session comes back");
  assert.deepEqual(again.id, old.id);
  assert.equal(await again.exists(`${path}/e`), 0);
  assert.equal(await again.create(`${path}/f`, EPHEMERAL), 0);
  if (a !== b) assert.equal(await old.create(`${path}/late`), "closed");
  assert.equal(await again.exists(`${path}/late`), NO_NODE);
  assert.equal(await again.ask(OP.closeSession, () => {}), 0);

  const other = (await Client.connect(b))!;
  for (const name of ["e", "f"]) assert.equal(await other.exists(`${path}/${name}`), NO_NODE);
  assert.equal(await Client.connect(a, again), null);
  await other.ask(OP.closeSession, () => {});
}

/** Writes, reads and syncs in one go: every answer in its turn, every read with the write before it. */
async function keepsOrder(client: Client, path: string): Promise<void> {
  const expected: (string | null)[] = [];
  for (let i = 0; i < 20; i++) {
    client.send(OP.setData, (to) => {
      to.string(path);
      to.buffer(Buffer.from(`v${i}`));
      to.int(-1);
    });
    client.send(OP.getData, (to) => {
      to.string(path);
      to.bool(false);
    });
    expected.push(null, `v${i}`);
    if (i % 5 !== 0) continue;
    client.send(OP.sync, (to) => to.string(path));
    expected.push(null);
  }
  for (const data of expected) {
    const answer = await client.answer();
    assert.equal(answer?.err, 0);
    if (data !== null) assert.equal(Buffer.from(answer!.body.buffer()!).toString(), data);
  }
}

/** A client that pings keeps its session at any server; one that is gone loses it. */
async function expires(at: Member, leader: Member, path: string): Promise<void> {
  const client = (await Client.connect(at, null, 1500))!;
  const watcher = (await Client.connect(leader, null, 10_000))!;
  assert.equal(await client.create(path, EPHEMERAL), 0);
  for (let i = 0; i < 2 * (client.timeoutMs / 400); i++) {
    await client.ask(OP.ping, () => {});
    await sleep(400);
  }
  assert.equal(await watcher.exists(path), 0);
  await client.connection.close();
  const deadlineMs = Date.now() + 5 * client.timeoutMs;
  while ((await watcher.exists(path)) === 0) {
    assert(Date.now() < deadlineMs, "the session ends");
    await sleep(100);
  }
  await watcher.ask(OP.closeSession, () => {});
}

let passed = 0;
let failed = 0;

async function test(name: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
    passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.stack : error}`);
  }
}

async function run(mix: string, kinds: readonly MemberKind[], cfg: Readonly<Record<string, string>>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "quoll-sessions-"));
  const ensemble = await Ensemble.prepare({ dir, kinds, observers: [kinds.length], cfg });
  const title = cfg === LOCAL ? `${mix}, local sessions` : mix;
  try {
    await ensemble.start();
    const leader = await ensemble.leader();
    for (const a of ensemble.members) {
      for (const b of ensemble.members) {
        const name = `${title}: ${a.sid} (${a.kind}) to ${b.sid} (${b.kind}), ${leader.sid} leads`;
        await test(name, () => moves(a, b, leader, `/from-${a.sid}-to-${b.sid}`));
      }
    }
    const silent = ensemble.members.map((at) =>
      test(`${title}: silent at ${at.sid} (${at.kind})`, () => expires(at, leader, `/silent-${at.sid}`)),
    );
    await Promise.all(silent);
  } finally {
    await Promise.all(ensemble.members.map((member) => ensemble.stopMember(member.sid, "kill")));
    ensemble.remove();
  }
}

for (const [mix, kinds] of MIXES) {
  if (options.mix !== undefined && options.mix !== mix) continue;
  for (const cfg of [{}, LOCAL]) await run(mix, kinds, cfg);
}
console.log(summaryOf(passed, failed, 0));
process.exit(failed === 0 ? 0 : 1);
