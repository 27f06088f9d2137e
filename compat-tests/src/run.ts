// Runs all compat suites, or those named: `node compat-tests/dist/run.js [--require-peers] [--server java|quoll] [SUITE …]`.
// What each prints is in .cache/compat/SUITE.log. The last line is the sum: `N passed, N failed[, N skipped]`.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cacheFolder } from "./peers/cache.js";
import { summaryOf } from "./suite.js";

interface SuiteCommand {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** It takes `--server` and runs the control itself; the others always compare Quoll with Java. */
  readonly hasControl: boolean;
  readonly timeoutMs: number;
}

const MINUTE_MS = 60_000;

/** These wait most of the time, so that they run beside the others. */
const BESIDE: readonly SuiteCommand[] = [
  client("kazoo", "kazoo/main.js", 20),
  comparison("election", "ensemble/election.js", [], 3),
  comparison("mixed-ensembles", "ensemble/mixed.js", ["--kind", "java-3.9.5", "--mix", "JJQ,JQQ,QQJ,QJJ"], 10),
  comparison("mixed-ensembles-3.8", "ensemble/mixed.js", ["--kind", "java-3.8.6", "--mix", "JJQ,QQJ"], 5),
  comparison("observers", "ensemble/mixed.js", ["--kind", "java-3.9.5", "--mix", "JJQQ,QQQJ", "--observer"], 5),
  comparison("migration", "ensemble/migration.js", [], 5),
  comparison("ensemble-sessions", "ensemble/sessions.js", [], 8),
];

const ONE_BY_ONE: readonly SuiteCommand[] = [
  client("client", "client/main.js", 8),
  client("node-zookeeper-client", "node-zookeeper-client/main.js", 4),
  client("c-client", "c-client/main.js", 5),
  client("old-java-clients", "java-clients/old.js", 6),
  client("zkcli", "java-clients/zkcli.js", 4),
  client("shell", "shell/main.js", 12),
  client("curator", "java-clients/curator.js", 8),
  client("kafka", "kafka/main.js", 8),
  client("tools", "tools/main.js", 12),
];

/** These keep both cores busy and have the machine to themselves. */
const ALONE: readonly SuiteCommand[] = [
  client("recipes", "recipes/main.js", 15),
  comparison("storage", "../storage/check.mjs", [], 5),
  comparison("data-directory", "data-directory/main.js", [], 8),
  comparison("differential", "differential/main.js", ["--ops", "200000"], 12),
];

const { values, positionals } = parseArgs({
  options: { server: { type: "string", multiple: true }, "require-peers": { type: "boolean" } },
  allowPositionals: true,
});
if (values["require-peers"]) process.env["CI"] = "true";
const all = [...BESIDE, ...ONE_BY_ONE, ...ALONE];
for (const name of positionals) {
  if (!all.some((suite) => suite.name === name)) {
    throw new Error(`there is no suite ${name}; there are ${all.map((suite) => suite.name).join(", ")}`);
  }
}

interface Result {
  readonly suite: string;
  readonly server: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

const running = new Set<ChildProcess>();
const results: Result[] = [];
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

await Promise.all([runAll(BESIDE), runAll(ONE_BY_ONE)]);
await runAll(ALONE);
printTable();
const failed = sum("failed");
console.log(summaryOf(sum("passed"), failed, sum("skipped")));
process.exitCode = failed === 0 ? 0 : 1;

function client(name: string, program: string, minutes: number): SuiteCommand {
  return { name, program, args: [], hasControl: true, timeoutMs: minutes * MINUTE_MS };
}

function comparison(name: string, program: string, args: readonly string[], minutes: number): SuiteCommand {
  return { name, program, args, hasControl: false, timeoutMs: minutes * MINUTE_MS };
}

async function runAll(suites: readonly SuiteCommand[]): Promise<void> {
  for (const suite of suites) if (positionals.length === 0 || positionals.includes(suite.name)) await run(suite);
}

async function run(suite: SuiteCommand): Promise<void> {
  const program = fileURLToPath(new URL(suite.program, import.meta.url));
  if (!existsSync(program)) throw new Error(`${program} is missing: build first`);
  const logFile = join(cacheFolder("compat"), `${suite.name}.log`);
  const servers = suite.hasControl ? (values.server ?? []).flatMap((server) => ["--server", server]) : [];
  const startedMs = Date.now();
  const log = createWriteStream(logFile);
  const child = spawn(process.execPath, [program, ...suite.args, ...servers], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  // First so that the suite stops its servers; then for good.
  const timers = [
    setTimeout(() => child.kill("SIGTERM"), suite.timeoutMs),
    setTimeout(() => child.kill("SIGKILL"), suite.timeoutMs + 15_000),
  ];
  const end = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  for (const timer of timers) clearTimeout(timer);
  running.delete(child);
  log.end();
  await finished(log);

  const seconds = Math.round((Date.now() - startedMs) / 1000);
  const text = readFileSync(logFile, "utf8");
  const found = readResults(suite, text, seconds);
  const hasFailed = found.some((result) => result.failed > 0);
  if (end !== "exit code 0" && !hasFailed) {
    found.push({ suite: suite.name, server: `ended by ${end}`, passed: 0, failed: 1, skipped: 0, seconds });
  }
  results.push(...found);
  const isBad = hasFailed || end !== "exit code 0";
  const isSkipped = found.every((result) => result.passed === 0);
  console.log(`${isBad ? "FAILED" : isSkipped ? "skipped" : "passed"}  ${suite.name} (${seconds} s)`);
  if (isSkipped && !isBad) console.log(text.trimEnd().replace(/^/gm, "  "));
  if (isBad) console.log(`${tail(text)}\n(all of it: ${logFile})`);
}

/** A suite with a control prints a line for each server; the others have only their last line. */
function readResults(suite: SuiteCommand, text: string, seconds: number): Result[] {
  const found: Result[] = [];
  const counts = String.raw`(\d+) passed, (\d+) failed(?:, (\d+) skipped)?`;
  for (const [, server, passed, failed, skipped, time] of text.matchAll(
    new RegExp(`^# ${suite.name} against (java|quoll): ${counts} \\((\\d+) s\\)$`, "gm"),
  )) {
    found.push(resultOf(suite.name, server!, passed!, failed!, skipped, Number(time)));
  }
  if (found.length > 0) return found;
  const last = new RegExp(`^${counts}$`).exec(text.trimEnd().split("\n").at(-1) ?? "");
  return last === null
    ? []
    : [resultOf(suite.name, suite.hasControl ? "" : "both", last[1]!, last[2]!, last[3], seconds)];
}

function resultOf(
  suite: string,
  server: string,
  passed: string,
  failed: string,
  skipped: string | undefined,
  seconds: number,
): Result {
  return { suite, server, passed: Number(passed), failed: Number(failed), skipped: Number(skipped ?? 0), seconds };
}

function sum(column: "passed" | "failed" | "skipped"): number {
  return results.reduce((total, result) => total + result[column], 0);
}

function printTable(): void {
  const rows = [
    ["suite", "server", "passed", "failed", "skipped", "seconds"],
    ...results.map((r) => [r.suite, r.server, r.passed, r.failed, r.skipped, r.seconds].map(String)),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  console.log();
  for (const row of rows) {
    console.log(row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "));
  }
  console.log();
}

function tail(text: string): string {
  return text.trimEnd().split("\n").slice(-200).join("\n");
}
