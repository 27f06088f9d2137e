// Elections between ZooKeeper 3.9.5 and the election port of @quoll/zab, which votes, and neither leads nor follows anybody
// afterwards: `node compat-tests/dist/ensemble/election.js [FIRST-PORT]`. The last line printed is `N passed, N failed`.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defaultElectionOptions,
  type Elected,
  Election,
  type LearnerType,
  type Log,
  type Member,
  type Proposal,
  type QuorumVerifier,
  verifierOf,
} from "@quoll/zab";
import { LinkServer, TcpDialer, TcpLinks } from "@quoll/zab/node";
import { PeerUnavailableError, skipUnlessCi } from "../peers/cache.js";
import { logbackFile, zookeeperClasspath } from "../peers/java-zookeeper.js";
import { Suite } from "../suite.js";

const HOST = "127.0.0.1";
const EPOCH = 0x1_0000_0000;
const firstPort = Number(process.argv[2] ?? 23500);

function member(sid: number, type: LearnerType = "participant"): Member {
  return {
    sid,
    quorumAddresses: [{ host: HOST, port: firstPort + sid }],
    electionAddresses: [{ host: HOST, port: firstPort + 20 + sid }],
    clientAddress: { host: HOST, port: firstPort + 40 + sid },
    type,
  };
}

const THREE: QuorumVerifier = verifierOf({
  version: 0,
  members: [1, 2, 3].map((sid) => member(sid)),
  groups: new Map(),
  weights: new Map(),
});

/** A server of ZooKeeper. */
class JavaServer {
  private child: ChildProcess | null = null;
  private readFrom = 0;

  constructor(
    private readonly sid: number,
    private readonly dir: string,
    verifier: QuorumVerifier = THREE,
  ) {
    mkdirSync(join(dir, "data"), { recursive: true });
    writeFileSync(join(dir, "data", "myid"), String(sid));
    const serverLines = verifier
      .toText()
      .split("\n")
      .filter((line) => line.startsWith("server."));
    const isObserver = verifier.observers.has(sid);
    const lines = [
      "tickTime=500",
      "initLimit=4",
      "syncLimit=4",
      `dataDir=${join(dir, "data")}`,
      "admin.enableServer=false",
      "4lw.commands.whitelist=*",
      ...(isObserver ? ["peerType=observer"] : []),
      ...serverLines,
    ];
    writeFileSync(join(dir, "zoo.cfg"), `${lines.join("\n")}\n`);
  }

  private get logFile(): string {
    return join(this.dir, "server.log");
  }

  start(): void {
    this.readFrom = existsSync(this.logFile) ? readFileSync(this.logFile, "utf8").length : 0;
    const log = openSync(this.logFile, "a");
    this.child = spawn(
      "java",
      [
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xshare:auto",
        `-Dlogback.configurationFile=${logbackFile("INFO")}`,
        "-cp",
        zookeeperClasspath(),
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        join(this.dir, "zoo.cfg"),
      ],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    running.add(this.child);
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
    running.delete(child);
  }

  /** What it has logged since it was started last. */
  get log(): string {
    return readFileSync(this.logFile, "utf8").slice(this.readFrom);
  }

  async says(pattern: RegExp, timeoutMs = 30_000): Promise<void> {
    await until(
      () => pattern.test(this.log),
      timeoutMs,
      () => `server ${this.sid} has not logged ${pattern}`,
    );
  }
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** Our election port: no more of a server than that. */
class Voter {
  result: Elected | null = null;
  readonly lookers: number[] = [];
  readonly warnings: string[] = [];
  private readonly election: Election;
  private readonly links = new TcpLinks(() => this.beginTurn());
  private readonly server: LinkServer;
  private isTurning = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    readonly sid: number,
    verifier: QuorumVerifier = THREE,
  ) {
    const log: Log = {
      debug() {},
      info() {},
      warn: (_, message) => this.warnings.push(message),
      error: (_, message) => this.warnings.push(message),
    };
    this.election = new Election(
      defaultElectionOptions(sid),
      verifier,
      new TcpDialer(this.links),
      { int32: () => Math.floor(Math.random() * 0x7fffffff) },
      log,
      {
        elected: (result) => {
          this.result = result;
        },
        newerConfig() {},
        looking: (other) => this.lookers.push(other),
      },
    );
    const options = {
      name: "election port",
      addresses: verifier.members.get(sid)!.electionAddresses,
      listenOnAllIps: false,
      bindAttempts: 3,
      upgrade: null,
      upgradeTimeoutMs: 5000,
      upgradesMax: 100,
    };
    this.server = new LinkServer(options, this.links, log, (link) => this.election.accepted(link));
  }

  async start(): Promise<void> {
    await this.server.listen();
  }

  look(proposal: Proposal): void {
    this.beginTurn();
    this.result = null;
    this.election.look(proposal);
  }

  get roundOfElection(): number {
    return this.election.logicalClock;
  }

  /** Waits for the end of the election. */
  async elected(timeoutMs = 30_000): Promise<Elected> {
    await until(
      () => this.result !== null,
      timeoutMs,
      () => `server ${this.sid} (ours) has elected nobody`,
    );
    return this.result!;
  }

  async stop(): Promise<void> {
    this.election.stop();
    if (this.timer !== null) clearTimeout(this.timer);
    this.links.close();
    await this.server.close();
  }

  private beginTurn(): void {
    this.election.clock(performance.now());
    if (this.isTurning) return;
    this.isTurning = true;
    setImmediate(() => {
      this.isTurning = false;
      this.links.flush();
      if (this.timer !== null) clearTimeout(this.timer);
      const delayMs = this.election.nextDeadlineMs() - performance.now();
      if (delayMs === Number.POSITIVE_INFINITY) return;
      this.timer = setTimeout(
        () => {
          this.beginTurn();
          this.election.tick();
        },
        Math.max(0, delayMs),
      );
    });
  }
}

async function until(holds: () => boolean, timeoutMs: number, problem: () => string): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`${problem()} within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function equal(what: string, got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`${what} is ${got}; expected ${wanted}`);
}

const dir = mkdtempSync(join(tmpdir(), "quoll-election-"));
const suite = new Suite("election", "java", dir);
let folders = 0;

/** Runs one test with servers of its own. */
async function withServers(
  name: string,
  body: (
    java: (sid: number, verifier?: QuorumVerifier) => JavaServer,
    ours: (sid: number) => Promise<Voter>,
  ) => Promise<void>,
): Promise<void> {
  const started: Array<{ stop(): Promise<void> }> = [];
  await suite.test(name, async () => {
    const java = (sid: number, verifier = THREE): JavaServer => {
      const server = new JavaServer(sid, join(dir, String(++folders)), verifier);
      started.push(server);
      server.start();
      return server;
    };
    const ours = async (sid: number): Promise<Voter> => {
      const voter = new Voter(sid);
      started.push(voter);
      await voter.start();
      return voter;
    };
    await body(java, ours);
  });
  await Promise.all(started.map((server) => server.stop()));
}

const NEW = { zxid: 0, epoch: 0, canVote: true };

try {
  zookeeperClasspath();
} catch (error) {
  if (error instanceof PeerUnavailableError) skipUnlessCi(error);
  throw error;
}

await withServers("the smallest sid joins two ZooKeeper servers that have a leader", async (java, ours) => {
  const two = java(2);
  const three = java(3);
  await three.says(/leading - broadcast/);
  await two.says(/following - broadcast/);
  const one = await ours(1);
  one.look(NEW);
  const result = await one.elected();
  equal("the leader", result.leader, 3);
  // The epoch may be the one before: ZooKeeper sends what it had wanted to tell us while it was still looking.
  equal("the role", result.role, "following");
});

await withServers(
  "the largest sid joins two ZooKeeper servers that have a leader, though it has more",
  async (java, ours) => {
    const one = java(1);
    const two = java(2);
    await two.says(/LEADING - LEADER ELECTION TOOK/);
    await one.says(/following - broadcast/);
    const three = await ours(3);
    three.look({ zxid: 5 * EPOCH + 9, epoch: 5, canVote: true });
    const result = await three.elected();
    equal("the leader", result.leader, 2);
    equal("the role", result.role, "following");
  },
);

await withServers("the smallest sid's vote makes a ZooKeeper server lead", async (java, ours) => {
  const one = await ours(1);
  one.look(NEW);
  const two = java(2);
  const result = await one.elected();
  equal("the leader", result.leader, 2);
  await two.says(/LEADING - LEADER ELECTION TOOK/);
  // Nobody follows it, so that it gives up and looks again; so do we, in the same round.
  await two.says(/LOOKING[\s\S]*New election[\s\S]*New election/);
  one.look(NEW);
  equal("the leader", (await one.elected()).leader, 2);
});

await withServers("a ZooKeeper server follows the smallest sid, which has more", async (java, ours) => {
  const one = await ours(1);
  one.look({ zxid: 2 * EPOCH + 3, epoch: 2, canVote: true });
  const two = java(2);
  const result = await one.elected();
  equal("the role", result.role, "leading");
  await two.says(/FOLLOWING - LEADER ELECTION TOOK/);
});

await withServers("a ZooKeeper server follows the largest sid, which looked for it long before", async (java, ours) => {
  const three = await ours(3);
  three.look(NEW);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const one = java(1);
  const result = await three.elected();
  equal("the role", result.role, "leading");
  await one.says(/FOLLOWING - LEADER ELECTION TOOK/);
  // It can't connect to a quorum port that is not there, looks again and asks us: we say that we lead.
  await one.says(/New election[\s\S]*New election/);
  await until(
    () => three.lookers.includes(1),
    10_000,
    () => "server 1 has not asked again",
  );
});

await withServers("three voters that start together agree on the one with the largest sid", async (java, ours) => {
  const one = java(1);
  const two = java(2);
  const three = await ours(3);
  three.look(NEW);
  equal("the role", (await three.elected()).role, "leading");
  await one.says(/FOLLOWING - LEADER ELECTION TOOK/);
  await two.says(/FOLLOWING - LEADER ELECTION TOOK/);
  // We go away without a word: the two elect 2.
  await three.stop();
  await two.says(/LEADING - LEADER ELECTION TOOK/);
  await one.says(/following - broadcast/);
});

await withServers("ZooKeeper servers do not count a damaged replica, and tell it who leads", async (java, ours) => {
  const three = await ours(3);
  three.look({ zxid: 0, epoch: 0, canVote: false });
  const one = java(1);
  await one.says(/Ignoring notification for non-cluster member sid -9223372036854775808 from sid 3/);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  if (/LEADER ELECTION TOOK/.test(one.log)) throw new Error("server 1 has counted a damaged replica");
  equal("our result", three.result, null);
  java(2);
  const result = await three.elected();
  equal("the leader", result.leader, 2);
  equal("the role", result.role, "following");
});

await withServers("a ZooKeeper observer is told who leads", async (java, ours) => {
  const verifier = verifierOf({
    version: 0,
    members: [member(1), member(2), member(3), member(4, "observer")],
    groups: new Map(),
    weights: new Map(),
  });
  const one = java(1, verifier);
  const two = java(2, verifier);
  await one.says(/following - broadcast/);
  // It is not in our configuration: a server that wants to know is told all the same.
  const three = await ours(3);
  three.look({ zxid: EPOCH, epoch: 1, canVote: true });
  equal("the leader", (await three.elected()).leader, 2);
  const four = java(4, verifier);
  await four.says(/n.sid:3, n.state:FOLLOWING, n.leader:2/);
  await four.says(/observing - broadcast/);
  await two.stop();
  await until(
    () => three.lookers.includes(1),
    10_000,
    () => "server 1 has not asked",
  );
  equal("warnings", three.warnings.join(), "");
});

console.log(suite.summary);
if (suite.failed === 0) rmSync(dir, { recursive: true, force: true });
else console.log(`# files of this run are kept in ${dir}`);
console.log(suite.summary);
process.exit(suite.failed === 0 ? 0 : 1);
