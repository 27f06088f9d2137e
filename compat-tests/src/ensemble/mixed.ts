// Ensembles in which some servers are ZooKeeper's and some are ours, in every mix of roles, with servers that are killed,
// paused and replaced under load: `node compat-tests/dist/ensemble/mixed.js [--kind java-3.8.6] [--mix N] [--rounds N]`. With
// `--observer` the last server is an observer, with `--observer-master` one that server 1 feeds.
// The last line printed is `N passed, N failed`.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect } from "@quoll/client";
import { skipUnlessCi } from "../peers/cache.js";
import { Ensemble, type MemberKind } from "../peers/ensemble.js";
import { zookeeperClasspath } from "../peers/java-zookeeper.js";
import { freePort } from "../peers/server.js";
import { summaryOf } from "../suite.js";
import { Load } from "./load.js";
import { differences, treeOf } from "./trees.js";

const { values: options } = parseArgs({
  options: {
    kind: { type: "string", multiple: true, default: ["java-3.9.5", "java-3.8.6"] },
    mix: { type: "string" },
    rounds: { type: "string", default: "1" },
    clients: { type: "string", default: "6" },
    observer: { type: "boolean", default: false },
    "observer-master": { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
try {
  for (const kind of options.kind) zookeeperClasspath(kind.slice("java-".length));
} catch (error) {
  skipUnlessCi(error);
}

/** Who is what, by sid: of servers with the same data the one with the largest sid leads. J is ZooKeeper's, Q is ours. */
const MIXES = ["JJQ", "JQQ", "QQJ", "QJJ", "JQJ", "QJQ"];

let passed = 0;
let failed = 0;
for (const java of options.kind as MemberKind[]) {
  for (const mix of options.mix === undefined ? MIXES : options.mix.split(",")) {
    const name = `${mix} with ${java}`;
    const startedMs = performance.now();
    try {
      const told = await run(mix, java);
      passed++;
      console.log(`ok      ${name}: ${told} (${Math.round((performance.now() - startedMs) / 1000)} s)`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}: ${error instanceof Error ? error.stack : error}`);
    }
  }
}
console.log(summaryOf(passed, failed, 0));
process.exit(failed === 0 ? 0 : 1);

async function run(mix: string, java: MemberKind): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), `quoll-mixed-${mix}-`));
  const kinds = [...mix].map((letter): MemberKind => (letter === "Q" ? "quoll" : java));
  const isObserved = options.observer || options["observer-master"];
  // The observer is fed by server 1 while that follows, else it looks on.
  const feeding = options["observer-master"] ? { observerMasterPort: await freePort() } : {};
  const ensemble = await Ensemble.prepare({
    dir,
    kinds,
    observers: isObserved ? [kinds.length] : [],
    memberCfg: (sid) => (sid === 1 || sid === kinds.length ? feeding : {}),
  });
  try {
    await ensemble.start();
    const first = await ensemble.leader();
    const load = await Load.start(ensemble.connectString, Number(options.clients), "/load");
    await sleep(1000);
    for (let round = 0; round < Number(options.rounds); round++) await disturb(ensemble);
    await load.stop(false);
    const last = await ensemble.leader();
    const zk = await connect(last.address, { sessionTimeoutMs: 10_000 });
    await load.check(zk);
    await zk.close();
    await sameTrees(ensemble);
    await load.stop();
    await sameTrees(ensemble);
    return (
      `leader ${first.sid} (${first.kind}), then ${last.sid} (${last.kind}); ${load.writes} writes, ${load.unknown} unknown, ` +
      `${load.expired} sessions expired, longest gap ${Math.round(load.longestGapMs)} ms`
    );
  } finally {
    await Promise.all(ensemble.members.map((member) => ensemble.stopMember(member.sid, "kill")));
    if (!options.keep) ensemble.remove();
    else console.log(`        ${dir}`);
  }
}

/** Kills each server in turn and starts it again, then pauses each for a while. */
async function disturb(ensemble: Ensemble): Promise<void> {
  for (const { sid } of ensemble.members) {
    await ensemble.stopMember(sid, "kill");
    await sleep(1500);
    await ensemble.startMember(sid);
    await sleep(1000);
  }
  for (const { server } of ensemble.members) {
    server?.pause();
    await sleep(1500);
    server?.resume();
    await sleep(1000);
  }
}

async function sameTrees(ensemble: Ensemble): Promise<void> {
  const trees = await Promise.all(ensemble.members.map((member) => treeOf(member.address)));
  for (const [i, tree] of trees.entries()) {
    const found = differences(trees[0]!, tree);
    if (found.length > 0) throw new Error(`the trees of servers 1 and ${i + 1} differ:\n${found.join("\n")}`);
  }
}
