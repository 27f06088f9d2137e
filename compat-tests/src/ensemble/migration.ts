// A live ensemble of ZooKeeper servers moves to Quoll, server by server under load, and back, while clients of kazoo and of
// Curator keep their locks, ephemeral znodes and sessions: `node compat-tests/dist/ensemble/migration.js`. The last line
// printed is `N passed, N failed`.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "@quoll/client";
import { REPOSITORY, skipUnlessCi } from "../peers/cache.js";
import { Ensemble, type MemberKind } from "../peers/ensemble.js";
import { compileJava } from "../peers/java-zookeeper.js";
import { curatorClasspath, kazooPython } from "../recipes/peer-process.js";
import { summaryOf } from "../suite.js";
import { Load } from "./load.js";
import { differences, treeOf } from "./trees.js";

/** A client that holds what must not be lost. */
class Holder {
  private readonly child: ChildProcess;
  private readonly lines: Interface;
  private session = "";

  constructor(
    readonly name: string,
    [program, ...args]: readonly string[],
  ) {
    this.child = spawn(program!, args, { stdio: ["pipe", "pipe", "ignore"] });
    process.on("exit", () => this.child.kill("SIGKILL"));
    this.lines = createInterface({ input: this.child.stdout! });
  }

  private line(): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} says nothing for 60 s`)), 60_000);
      this.lines.once("line", (line) => {
        clearTimeout(timer);
        resolve(line);
      });
    });
  }

  async begin(): Promise<void> {
    this.session = (await this.line()).replace("holds ", "");
  }

  async check(): Promise<void> {
    const answer = this.line();
    this.child.stdin!.write("check\n");
    const text = await answer;
    if (text !== `ok ${this.session}`) throw new Error(`${this.name}: ${text}; its session was ${this.session}`);
  }

  end(): void {
    this.child.stdin!.end("end\n");
  }
}

let kazoo: readonly string[];
let curator: readonly string[];
try {
  kazoo = [kazooPython(), join(REPOSITORY, "compat-tests", "kazoo", "migration", "holder.py")];
  curator = [
    "java",
    "-Xmx96m",
    "-XX:+UseSerialGC",
    "-cp",
    compileJava("migration", curatorClasspath()),
    "quoll.Holder",
  ];
} catch (error) {
  skipUnlessCi(error);
}

let failed = 0;
const java: MemberKind = "java-3.9.5";
const dir = mkdtempSync(join(tmpdir(), "quoll-migration-"));
const ensemble = await Ensemble.prepare({ dir, kinds: [java, java, java] });
try {
  await ensemble.start();
  const load = await Load.start(ensemble.connectString, 4, "/load");
  const holders = [
    new Holder("kazoo", [...kazoo!, ensemble.connectString, "/kazoo"]),
    new Holder("curator", [...curator!, ensemble.connectString, "/curator"]),
  ];
  await Promise.all(holders.map((holder) => holder.begin()));
  for (const kind of ["quoll", java] as const) {
    await replaceAll(kind);
    for (const holder of holders) await holder.check();
  }
  await load.stop(false);
  const zk = await connect(ensemble.connectString);
  await load.check(zk);
  await zk.close();
  const trees = await Promise.all(ensemble.members.map((member) => treeOf(member.address)));
  for (const tree of trees) {
    const found = differences(trees[0]!, tree);
    if (found.length > 0) throw new Error(`the trees differ:\n${found.join("\n")}`);
  }
  if (load.expired > 0) throw new Error(`${load.expired} sessions of the load expired`);
  console.log(
    `ok      ZooKeeper to Quoll and back: ${load.writes} writes acknowledged, none lost, ${load.unknown} with unknown outcome; ` +
      "locks, ephemeral znodes and sessions of kazoo and Curator kept",
  );
  for (const holder of holders) holder.end();
  await load.stop();
} catch (error) {
  failed++;
  console.log(`FAILED  ZooKeeper to Quoll and back: ${error instanceof Error ? error.stack : error}\n        ${dir}`);
} finally {
  await Promise.all(ensemble.members.map((member) => ensemble.stopMember(member.sid, "kill")));
}
if (failed === 0) ensemble.remove();
console.log(summaryOf(1 - failed, failed, 0));
process.exit(failed === 0 ? 0 : 1);

/** Replaces each server, the leader last, by one of this kind on the same directory. */
async function replaceAll(kind: MemberKind): Promise<void> {
  const leader = await ensemble.leader();
  const order = [...ensemble.members.filter((member) => member !== leader), leader];
  for (const { sid } of order) {
    await ensemble.stopMember(sid);
    await ensemble.startMember(sid, kind);
    await sleep(2000);
  }
}
