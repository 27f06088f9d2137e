import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OpCode } from "../differential/op-code.js";
import type { Random } from "../differential/random.js";
import { compileJava, zookeeperClasspath } from "../peers/java-zookeeper.js";
import { fourLetterWord, type RunningServer, type ServerKind, startServer } from "../peers/server.js";
import { Client, type Reply, readRequests, readZnode, Times } from "./client.js";
import { describeZnode, Model, newZnode } from "./model.js";
import { type Operation, requestOf } from "./operation.js";
import { COUNTED, nextOperation, ROOT } from "./workload.js";

const SESSIONS = 3;
const OPEN = { perms: 31, scheme: "world", id: "anyone" };
const SYSTEM_PATHS = ["/zookeeper", "/zookeeper/config", "/zookeeper/quota"];
const QUOTA = `/zookeeper/quota${COUNTED}`;

/** A fact about one data directory that does not hold after a switch of servers. */
export class BrokenHistoryError extends Error {}

/**
 * One data directory, written by several servers in turn. A model says what must be in it: everything acknowledged, and
 * of what was under way when a server was killed the first so many writes, as its newest zxid tells.
 */
export class History {
  private readonly model = new Model();
  private readonly times = new Times();
  private zxid = 0;
  private sessions: string[] = [];
  private readonly ended: string[] = [];
  private clients: Client[] = [];
  /** Sent to the last server and not acknowledged when it was killed, in order, with their session. */
  private unacknowledged: { operation: Operation; session: string }[] = [];
  private system = "";
  /** How much there was to check, for the report. */
  readonly counts = { writes: 0, underWay: 0, kept: 0 };
  /** Who wrote each snapshot, by file name. */
  private readonly authors = new Map<string, ServerKind>();

  constructor(
    private readonly dir: string,
    private readonly cfg: Readonly<Record<string, string | number>>,
    private readonly random: Random,
  ) {}

  /** Starts a server on the directory, checks all that it found there, lets it write for a while, and ends it. */
  async round(kind: ServerKind): Promise<void> {
    const { dir, cfg, random } = this;
    const properties = { "znode.container.checkIntervalMs": 3_600_000 };
    const logBefore = logText(dir).length;
    const server = await startServer({ kind, dir, cfg, properties, env: { LC_ALL: "C.UTF-8" } });
    try {
      await this.checkAfterStart(server);
      for (let batches = 3 + random.below(25); batches > 0; batches--) await this.batch();
      if (random.chance(40)) await this.endSession(server);
      if (kind === "java") this.checkDigests(await countDigestMismatches(server), logText(dir).slice(logBefore));
      await this.end(server);
    } finally {
      await server.kill();
      await Promise.all(this.clients.map((client) => client.close()));
      this.clients = [];
    }
    for (const name of snapshotNames(dir)) if (!this.authors.has(name)) this.authors.set(name, kind);
    if (kind === "java") checkLog(logText(dir).slice(logBefore));
  }

  /** Lets ZooKeeper's own tools read all files. */
  checkFiles(): void {
    const classpath = compileJava("data-directory", zookeeperClasspath());
    const output = execFileSync(
      "java",
      ["-Xmx256m", "-cp", classpath, "ReadAll", join(this.dir, "data", "version-2")],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    const complaints = output
      .split("\n")
      .filter((line) => line !== "" && !line.endsWith(" ok") && !this.isExcused(line));
    if (complaints.length > 0) throw new BrokenHistoryError(`ZooKeeper's tools complain:\n${complaints.join("\n")}`);
  }

  /**
   * A killed server may leave its last transaction half written, and ZooKeeper its last snapshot (it writes that under
   * its final name). Another file then has what counts. A snapshot of Quoll is whole or not there.
   */
  private isExcused(complaint: string): boolean {
    const name = complaint.split(" ", 1)[0];
    if (name.startsWith("snapshot.")) return this.authors.get(name) === "java";
    return /transaction was partial|EOFException/.test(complaint);
  }

  private async checkAfterStart(server: RunningServer): Promise<void> {
    await this.settleUnacknowledged(server);
    const { host, port } = server;
    if (this.sessions.length === 0) {
      for (let i = 0; i < SESSIONS; i++) await this.newSession(server);
      await this.makeRoots(this.clients[0]);
    } else {
      for (const session of this.sessions) this.clients.push(await attach(host, port, session));
      for (const session of this.ended) {
        if ((await Client.connect(host, port, session)) !== null)
          throw new BrokenHistoryError(`session ${session} is back`);
      }
    }
    await this.checkTree();
  }

  /**
   * ZooKeeper compares the digest of its tree with the one in each transaction, and once with the one in the snapshot
   * that it loaded. Its own snapshots are written while the tree changes, and the digest in them is not always exact, so
   * that a mismatch or two come up between ZooKeeper servers as well: those are excused, and only there.
   */
  private checkDigests(mismatches: number, log: string): void {
    if (mismatches === 0) return;
    const loaded = [...log.matchAll(/Reading snapshot \S*(snapshot\.\S+)/g)].at(-1)?.[1] ?? "none";
    if (mismatches <= 2 && this.authors.get(loaded) === "java") return;
    const author = this.authors.get(loaded) ?? "nobody";
    throw new BrokenHistoryError(`ZooKeeper counts ${mismatches} digest mismatches; it loaded ${loaded} by ${author}`);
  }

  /** The znodes that are never deleted, and a quota on one of them, which the server keeps count for. */
  private async makeRoots(client: Client): Promise<void> {
    const create = (path: string, data: string): Operation => ({ type: 1, path, data, acl: [OPEN], flags: 0, ttl: 0 });
    const operations = [create(ROOT, ""), create(COUNTED, "q")];
    operations.push(create(`/zookeeper/quota${ROOT}`, ""), create(QUOTA, ""));
    operations.push(create(`${QUOTA}/zookeeper_limits`, "count=1000000,bytes=1000000000"));
    operations.push(create(`${QUOTA}/zookeeper_stats`, "count=0,bytes=0"));
    const replies = await client.call(operations.map(requestOf));
    for (const { err } of replies)
      if (err !== 0) throw new BrokenHistoryError(`error ${err} for a znode of a new tree`);
    this.model.nodes.set(ROOT, newZnode("", [OPEN], replies[0].zxid, null));
    this.model.apply(operations[1], replies[1].zxid, client.session);
    this.zxid = replies[replies.length - 1].zxid;
  }

  private async settleUnacknowledged(server: RunningServer): Promise<void> {
    const text = await fourLetterWord(server.host, server.port, "srvr");
    const found = Number.parseInt(/Zxid: 0x([0-9a-f]+)/.exec(text)?.[1] ?? "", 16);
    const newer = found - this.zxid;
    if (!(newer >= 0 && newer <= this.unacknowledged.length)) {
      const sent = `zxid ${this.zxid} was acknowledged, and ${this.unacknowledged.length} more writes were sent`;
      throw new BrokenHistoryError(`the server came up with zxid ${found}; ${sent}`);
    }
    for (const { operation, session } of this.unacknowledged.slice(0, newer)) this.applied(operation, session);
    this.counts.underWay += this.unacknowledged.length;
    this.counts.kept += newer;
    this.unacknowledged = [];
  }

  /** A write that took place: the model follows. */
  private applied(operation: Operation, session: string): number {
    this.counts.writes++;
    const code = this.model.apply(operation, ++this.zxid, session);
    if (operation.type === OpCode.closeSession) {
      this.sessions = this.sessions.filter((each) => each !== session);
      this.ended.push(session);
    }
    return code;
  }

  private async checkTree(): Promise<void> {
    const [client] = this.clients;
    const seen = new Map<string, string>();
    let level = [ROOT];
    while (level.length > 0) {
      const replies = await client.call(level.flatMap(readRequests));
      const next: string[] = [];
      for (const [index, path] of level.entries()) {
        const [data, acl, children] = replies.slice(3 * index, 3 * index + 3);
        if (data.err !== 0) throw new BrokenHistoryError(`${path}: error ${data.err}`);
        const { node, names } = readZnode(data, acl, children, this.times);
        seen.set(path, describeZnode(node));
        for (const name of names) next.push(`${path}/${name}`);
      }
      level = next;
    }
    const wrong: string[] = [];
    for (const [path, node] of this.model.nodes) {
      const [must, is] = [describeZnode(node), seen.get(path)];
      if (must !== is) wrong.push(`${path}\n  must be: ${must}\n  is:      ${is ?? "missing"}`);
    }
    for (const path of seen.keys()) if (!this.model.nodes.has(path)) wrong.push(`${path}: must not be there`);
    if (wrong.length > 0) {
      throw new BrokenHistoryError(
        `${wrong.length} znodes are wrong:\n${wrong.slice(0, 5).join("\n").slice(0, 3_000)}`,
      );
    }
    await this.checkSystemTree(client);
    await this.checkQuota(client);
  }

  private async checkQuota(client: Client): Promise<void> {
    const counted = [...this.model.nodes].filter(([path]) => path === COUNTED || path.startsWith(`${COUNTED}/`));
    const bytes = counted.reduce((sum, [, node]) => sum + (node.data?.length ?? 0), 0);
    const [reply] = await client.call(readRequests(`${QUOTA}/zookeeper_stats`).slice(0, 1));
    const [must, is] = [`count=${counted.length},bytes=${bytes}`, Buffer.from(reply.body.buffer() ?? []).toString()];
    if (must !== is) throw new BrokenHistoryError(`the quota's count must be ${must}, and is ${is}`);
  }

  private async checkSystemTree(client: Client): Promise<void> {
    const replies = await client.call(["/", ...SYSTEM_PATHS].flatMap(readRequests));
    const system = replies
      .filter((_, index) => index % 3 !== 2)
      .map((reply) => Buffer.from(reply.body.bytes.subarray(12)).toString("hex"))
      .join();
    if (this.system === "") this.system = system;
    else if (this.system !== system)
      throw new BrokenHistoryError(`the system nodes changed:\n${this.system}\n${system}`);
  }

  /** Writes of one session, sent at once; all of them are answered. */
  private async batch(): Promise<void> {
    const client = this.random.pick(this.clients);
    const operations = this.operations();
    const replies = await client.call(operations.map(requestOf));
    for (const [index, reply] of replies.entries()) this.acknowledged(operations[index], client.session, reply);
  }

  private operations(): Operation[] {
    return Array.from({ length: 1 + this.random.below(30) }, () => nextOperation(this.random, this.model));
  }

  /** A reply: the model must agree with it. */
  private acknowledged(operation: Operation, session: string, reply: Reply): void {
    const code = this.applied(operation, session);
    const got = operation.type === OpCode.multi && reply.err === 0 ? firstError(reply) : reply.err;
    if (got !== code || reply.zxid !== this.zxid) {
      const what = `answered ${got} at zxid ${reply.zxid}, where ${code} at ${this.zxid} is right`;
      throw new BrokenHistoryError(`${JSON.stringify(operation).slice(0, 500)} was ${what}`);
    }
  }

  private async newSession(server: RunningServer): Promise<void> {
    const client = await Client.connect(server.host, server.port, null);
    if (client === null) throw new BrokenHistoryError("no new session was granted");
    this.clients.push(client);
    this.sessions.push(client.session);
    this.zxid++;
  }

  /** A session is closed, with its ephemeral znodes, and a new one takes its place. */
  private async endSession(server: RunningServer): Promise<void> {
    const [client] = this.clients.splice(this.random.below(this.clients.length), 1);
    const operation = { type: OpCode.closeSession };
    const [reply] = await client.call([requestOf(operation)]);
    this.acknowledged(operation, client.session, reply);
    await client.close();
    await this.newSession(server);
  }

  /** Ends the server: mostly killed while it works. */
  private async end(server: RunningServer): Promise<void> {
    if (this.random.chance(15)) return server.stop();
    if (this.random.chance(15)) return server.kill();
    const client = this.random.pick(this.clients);
    const operations = [...this.operations(), ...this.operations(), ...this.operations()];
    if (this.random.chance(20)) operations.push({ type: OpCode.closeSession });
    client.send(operations.map(requestOf));
    await new Promise((resolve) => setTimeout(resolve, this.random.below(12)));
    await server.kill();
    const replies = await client.replies(operations.length);
    for (const [index, reply] of replies.entries()) this.acknowledged(operations[index], client.session, reply);
    this.unacknowledged = operations.slice(replies.length).map((operation) => ({ operation, session: client.session }));
  }
}

async function attach(host: string, port: number, session: string): Promise<Client> {
  const client = await Client.connect(host, port, session);
  if (client === null) throw new BrokenHistoryError(`session ${session} was refused`);
  return client;
}

/** The error of the part that made a multi fail, or 0. */
function firstError(reply: Reply): number {
  const { body } = reply;
  for (;;) {
    const type = body.int();
    if (body.bool() || type !== -1) return 0;
    body.int();
    const code = body.int();
    if (code !== 0) return code;
  }
}

/** What `mntr` says. */
export async function countDigestMismatches(server: RunningServer): Promise<number> {
  const text = await fourLetterWord(server.host, server.port, "mntr");
  return Number(/zk_digest_mismatches_count\s+(\d+)/.exec(text)?.[1]);
}

function snapshotNames(dir: string): string[] {
  const folder = join(dir, "data", "version-2");
  return readdirSync(folder).filter((name) => name.startsWith("snapshot."));
}

/** What ZooKeeper says when files are not as it would have written them. */
function checkLog(text: string): void {
  // A log that was begun and not written to when its server was killed is nothing to complain about.
  const lines = text
    .split("\n")
    .filter((line) => !line.includes("Delete empty tail log") && /CRC|corrupt|Severe/i.test(line));
  if (lines.length > 0) throw new BrokenHistoryError(`ZooKeeper's log says:\n${lines.slice(0, 5).join("\n")}`);
}

function logText(dir: string): string {
  const file = join(dir, "server.log");
  return existsSync(file) ? readFileSync(file, "latin1") : "";
}
