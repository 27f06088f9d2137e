// Curator 5.9, kazoo 2.11 and @quoll/recipes contend for the same recipes, in processes that are killed and paused while
// a server is restarted or a leader is lost. What they did stands in a ledger, which is then checked.
//
// In the environment: RECIPES_SECONDS, the length of each scenario (4); RECIPES_ONLY, a part of the names of those to run
// (or "formats");
// RECIPES_SEED, for who is disturbed when; RECIPES_SERVERS, a connect string of servers to use instead of our own, which are
// then not disturbed; RECIPES_ALL=1 for all scenarios with ensembles too.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "@quoll/client";
import { Random } from "../differential/random.js";
import { Ensemble } from "../peers/ensemble.js";
import { type RunningServer, startServer } from "../peers/server.js";
import { runSuite, type Suite } from "../suite.js";
import { Crew, type Part } from "./crew.js";
import { checkFormatsWithCurator, checkFormatsWithKazoo } from "./formats.js";
import { checkLocks, checkQueue, parseLedger } from "./ledger.js";
import type { Language } from "./peer-process.js";

const SECONDS = Number(process.env["RECIPES_SECONDS"] ?? 4);
const ONLY = process.env["RECIPES_ONLY"] ?? "";
const ALL_SCENARIOS = process.env["RECIPES_ALL"] !== undefined;
const SEED = Number(process.env["RECIPES_SEED"] ?? Date.now() % 100_000);
const EACH = 4;
const LEASES = 3;

/** Servers that scenarios run against, and what can be done to them. */
interface Servers {
  readonly connectString: string;
  /** Takes a server away in the middle of it, and brings it back. */
  readonly disturb: (() => Promise<void>) | null;
}

const ENSEMBLE = "ensemble: ";
/** What is run with an ensemble in the normal run. */
const WITH_ENSEMBLE = new Set(["one lock", "one semaphore", "election by selector"]);
let scenarios = 0;
const ALL: readonly Language[] = ["curator", "kazoo", "quoll"];

await runSuite("recipes", async (suite) => {
  checkTheChecker(suite);
  const given = process.env["RECIPES_SERVERS"];
  if (given !== undefined) return runScenarios(suite, { connectString: given, disturb: null }, "");
  const options = {
    kind: suite.kind,
    dir: suite.dir,
    cfg: { tickTime: 500, maxClientCnxns: 0, extendedTypesEnabled: "true" },
    // Containers disappear under the feet of those who use them.
    properties: { "znode.container.checkIntervalMs": 1000 },
  };
  let server: RunningServer = await startServer(options);
  const disturb = async () => {
    await server.kill();
    server = await startServer({ ...options, cfg: { ...options.cfg, clientPort: server.port } });
  };
  const connectString = `${server.host}:${server.port}`;
  if (ONLY === "" || ONLY === "formats") {
    await checkFormatsWithCurator(suite, connectString);
    await checkFormatsWithKazoo(suite, connectString);
  }
  await runScenarios(suite, { connectString, disturb }, "");
  await server.stop();
  await runWithEnsemble(suite);
});

/** The same with three servers, whose leader is killed in the middle. */
async function runWithEnsemble(suite: Suite): Promise<void> {
  const kind = suite.kind === "java" ? "java-3.9.5" : "quoll";
  const ensemble = await Ensemble.prepare({
    dir: join(suite.dir, "ensemble"),
    kinds: [kind, kind, kind],
    tickTimeMs: 500,
    cfg: { maxClientCnxns: 0, extendedTypesEnabled: "true" },
  });
  await ensemble.start();
  const disturb = async () => {
    const { sid } = await ensemble.leader();
    await ensemble.stopMember(sid, "kill");
    await ensemble.startMember(sid);
  };
  await runScenarios(suite, { connectString: ensemble.connectString, disturb }, ENSEMBLE);
  await ensemble.stop();
}

async function runScenarios(suite: Suite, servers: Servers, prefix: string): Promise<void> {
  const locks = (name: string, scenario: string, leases: number) =>
    runScenario(suite, servers, `${prefix}${name}`, languagesFor(scenario), async (ledger) => {
      const report = checkLocks(parseLedger(ledger), leases);
      return {
        violations: report.violations,
        perPeer: report.sections,
        text: `counter ${report.counter}, ${report.fenced} fenced`,
      };
    });
  await locks("one lock", "mutex", 1);
  await locks("one read-write lock", "read-write", 1);
  await locks("one semaphore", "semaphore", LEASES);
  await locks("election by selector", "selector", 1);
  await locks("election by latch", "latch", 1);
  await queue(suite, servers, `${prefix}queue of Curator's`, ["curator", "quoll"], "", "items", itemText);
  await queue(suite, servers, `${prefix}queue of kazoo's`, ["kazoo", "quoll"], "-kazoo", "entries", plainText);
}

function languagesFor(scenario: string): Part[] {
  return ALL.map((language) => ({ language, count: EACH, scenario }));
}

function queue(
  suite: Suite,
  servers: Servers,
  name: string,
  languages: readonly Language[],
  suffix: string,
  folder: string,
  decode: (data: Uint8Array) => string,
): Promise<void> {
  const parts = languages.flatMap((language) =>
    ["produce", "consume"].map((step) => ({
      language,
      count: 2,
      scenario: language === "quoll" ? `${step}${suffix}` : step,
    })),
  );
  return runScenario(suite, servers, name, parts, async (ledger, path) => {
    const left = await itemsLeft(servers.connectString, `${path}/${folder}`, decode);
    const report = checkQueue(parseLedger(ledger), left);
    const text = `${report.put} put, ${left.length} left, ${report.repeated} repeated`;
    return { violations: report.violations, perPeer: report.got, text };
  });
}

interface Outcome {
  readonly violations: readonly string[];
  readonly perPeer: ReadonlyMap<string, number>;
  readonly text: string;
}

async function runScenario(
  suite: Suite,
  servers: Servers,
  name: string,
  parts: readonly Part[],
  check: (ledger: string, path: string) => Promise<Outcome>,
): Promise<void> {
  if (!name.includes(ONLY)) return;
  if (name.startsWith(ENSEMBLE) && !ALL_SCENARIOS && !WITH_ENSEMBLE.has(name.slice(ENSEMBLE.length))) return;
  const number = ++scenarios;
  const path = `/recipes-${number}`;
  const ledger = join(suite.dir, `ledger-${number}.txt`);
  writeFileSync(ledger, "");
  await suite.test(
    name,
    async () => {
      const crew = new Crew(servers.connectString, path, ledger, new Random(SEED + number));
      try {
        await crew.start(parts);
        await Promise.all([crew.disturb(SECONDS * 1000), disturbServers(servers, ledger)]);
        await untilAllCame(ledger, parts);
        await crew.stop();
      } finally {
        await crew.end();
      }
      const { violations, perPeer, text } = await check(readFileSync(ledger, "utf8"), path);
      const byLanguage = sumByLanguage(perPeer);
      const counts = [...byLanguage].map(([language, count]) => `${language} ${count}`).join(", ");
      console.log(`# ${name}: ${counts}; ${text}; ${crew.told}`);
      if (violations.length > 0) throw new Error(`seed ${SEED}, ${ledger}\n${violations.slice(0, 20).join("\n")}`);
      for (const { language } of parts) {
        if ((byLanguage.get(language) ?? 0) === 0) throw new Error(`${language} never came to it; ${ledger}`);
      }
    },
    SECONDS * 1000 + 210_000,
  );
}

/** On a busy machine a Java process may need longer to start than the scenario takes: each language must have its turn. */
async function untilAllCame(ledger: string, parts: readonly Part[]): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const came = new Set<string>();
    for (const { who, step } of parseLedger(readFileSync(ledger, "utf8"))) {
      if (step === "begin" || step === "got") came.add(who.split("-")[0]!);
    }
    if (parts.every(({ language }) => came.has(language)) || Date.now() > deadline) return;
    await sleep(100);
  }
}

async function disturbServers(servers: Servers, ledger: string): Promise<void> {
  if (servers.disturb === null) return;
  await sleep(SECONDS * 400);
  appendFileSync(ledger, "- disturbed\n");
  await servers.disturb();
  appendFileSync(ledger, "- disturbed\n");
}

function sumByLanguage(perPeer: ReadonlyMap<string, number>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of perPeer) {
    const language = name.split("-")[0]!;
    sums.set(language, (sums.get(language) ?? 0) + count);
  }
  return sums;
}

async function itemsLeft(servers: string, path: string, decode: (data: Uint8Array) => string): Promise<string[]> {
  await using client = await connect(servers);
  const names = await client.getChildren(path);
  return Promise.all(names.map(async (name) => decode((await client.getData(`${path}/${name}`)).data!)));
}

function plainText(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** An item of Curator's queues with one entry. */
function itemText(data: Uint8Array): string {
  return plainText(data.subarray(9, data.length - 1));
}

/** A checker that finds nothing proves nothing: broken histories must be found. */
function checkTheChecker(suite: Suite): void {
  const broken = [
    "a begin W 1\nb begin W 2",
    "a begin R 1\nb begin W 2",
    "a begin W 2\na end W 2 1\nb begin W 1",
    "a begin W 1\na end W 1 1\nb begin W 2\nb end W 2 1",
    "a paused\nb begin W 1\na begin W 2",
  ];
  const missed = broken.filter((text) => checkLocks(parseLedger(text)).violations.length === 0);
  const sound = checkLocks(parseLedger("a begin W 1\na paused\nb begin W 2\nb end W 2 1\na resumed\na end W 1 1"));
  const queues = ["a offer x\na put x", "a offer x\na put x\nb got x\nc got x", "b got x"];
  const missedQueues = queues.filter((text) => checkQueue(parseLedger(text), []).violations.length === 0);
  const isRight =
    missed.length === 0 && missedQueues.length === 0 && sound.violations.length === 0 && sound.fenced === 1;
  if (isRight) suite.pass("the checker finds broken histories");
  else
    suite.fail("the checker finds broken histories", [...missed, ...missedQueues, ...sound.violations].join("\n---\n"));
}
