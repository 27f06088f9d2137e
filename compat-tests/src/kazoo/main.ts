// kazoo 2.11.0's own test suite from PyPI, unmodified, in kazoo's own harness: it starts "java", which for Quoll is
// compat-tests/kazoo/bin/java. compat-tests/kazoo/not-run.txt names each test that is left out, with the reason.
// KAZOO_SERVERS is how many servers the harness starts (1), KAZOO_OBSERVERS how many of them are observers (0); with more
// than one, what needs an ensemble is run, too. KAZOO_TESTS names tests to run instead of all.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cacheFolder, PeerUnavailableError, REPOSITORY } from "../peers/cache.js";
import { logbackFile, zookeeperClasspath } from "../peers/java-zookeeper.js";
import { runSuite, type Suite } from "../suite.js";

const VERSION = "2.11.0";
const HOME = join(REPOSITORY, "compat-tests", "kazoo");
const TIMEOUT_MS = 900_000;
const TEST_TIMEOUT_S = 120;
/** The harness wants fixed ports: this one and the four after it. */
const PORT = 25_300;
const SERVERS = Number(process.env["KAZOO_SERVERS"] ?? 1);
const OBSERVERS = Number(process.env["KAZOO_OBSERVERS"] ?? 0);

await runSuite(SERVERS === 1 ? "kazoo" : OBSERVERS === 0 ? "kazoo-ensemble" : "kazoo-observer", async (suite) => {
  const { python, sources } = fetch();
  const notRun = readNotRun();
  const options = ["-v", "--color=no", "-p", "no:warnings", "-p", "no:cacheprovider", "-o", "log_cli=false"];
  const deselected = [...notRun.keys()].map((test) => `--deselect=${test}`);
  await runPytest(suite, python, sources, [
    ...["-m", "pytest", ...options, "-rfE", `--timeout=${TEST_TIMEOUT_S}`, ...deselected],
    ...(process.env["KAZOO_TESTS"]?.split(" ") ?? ["kazoo/tests"]),
  ]);
  for (const [test, reason] of notRun) suite.skip(test, reason);
});

/** Runs the tests and counts each by the line that pytest prints for it; the whole report follows if one failed. */
async function runPytest(suite: Suite, python: string, cwd: string, args: string[]): Promise<void> {
  const temporary = join(suite.dir, "tmp");
  mkdirSync(temporary, { recursive: true });
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    TMPDIR: temporary,
    ZOOKEEPER_CLASSPATH: zookeeperClasspath(),
    ZOOKEEPER_VERSION: "3.9.5",
    ZOOKEEPER_CLUSTER_SIZE: String(SERVERS),
    ...(OBSERVERS === 0 ? {} : { ZOOKEEPER_OBSERVER_START_ID: String(SERVERS - OBSERVERS + 1) }),
    ZOOKEEPER_PORT_OFFSET: String(suite.kind === "java" ? PORT : PORT + 10),
    // Outside CI kazoo skips the test of the server's version.
    CI: "true",
  };
  if (suite.kind === "java") env["JAVA_TOOL_OPTIONS"] = quickJavaOptions();
  else env["PATH"] = `${join(HOME, "bin")}:${process.env["PATH"]}`;

  const child = spawn(python, args, { cwd, env, stdio: ["ignore", "pipe", "inherit"], detached: true });
  let isLate = false;
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, "SIGKILL");
  };
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, TIMEOUT_MS);
  process.on("exit", kill);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });

  const report: string[] = [];
  const seen = new Set<string>();
  for await (const line of createInterface({ input: child.stdout! })) {
    const [, test, outcome] = /^(\S+::\S+).* (PASSED|FAILED|ERROR|SKIPPED)\b/.exec(line) ?? [];
    if (test === undefined) report.push(line);
    else if (outcome === "SKIPPED") suite.skip(test, "by kazoo itself, see its source");
    else if (outcome === "PASSED") suite.pass(test);
    else if (!seen.has(test)) suite.fail(test, outcome);
    seen.add(test ?? "");
  }
  const end = await ended;
  clearTimeout(timer);
  process.off("exit", kill);
  if (suite.failed > 0) console.log(report.join("\n"));
  if (isLate) suite.fail("kazoo's tests end in time", `killed after ${TIMEOUT_MS} ms`);
  else if (end !== "exit code 0" && suite.failed === 0)
    suite.fail("kazoo's tests run to their end", `${end}\n${report.join("\n")}`);
}

/** Some tests give a server that restarts 5 s to serve again, which Java on a busy machine needs help for. */
function quickJavaOptions(): string {
  const quick = "-Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto";
  return `${quick} -Dzookeeper.admin.enableServer=false -Dlogback.configurationFile=${logbackFile("WARN")}`;
}

function readNotRun(): Map<string, string> {
  const notRun = new Map<string, string>();
  for (const line of readFileSync(join(HOME, "not-run.txt"), "utf8").split("\n")) {
    const [, test, reason] = /^(kazoo\S+)\s+(.+)$/.exec(line) ?? [];
    if (test !== undefined && (SERVERS === 1 || !reason!.startsWith("needs "))) notRun.set(test, reason!);
  }
  return notRun;
}

/** kazoo's source distribution, which holds its tests, and a virtual environment with what they need. */
function fetch(): { python: string; sources: string } {
  const folder = cacheFolder("kazoo");
  const sources = join(folder, `kazoo-${VERSION}`);
  const environment = join(folder, "venv");
  const python = join(environment, "bin", "python");
  const requirements = readFileSync(join(HOME, "requirements.txt"), "utf8");
  const stamp = join(folder, "stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === requirements) return { python, sources };

  rmSync(sources, { recursive: true, force: true });
  rmSync(environment, { recursive: true, force: true });
  const run = (command: string, args: string[]) =>
    execFileSync(command, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  try {
    run("python3", ["-m", "venv", environment]);
    run(python, ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:", `kazoo==${VERSION}`]);
    run("tar", ["xf", `kazoo-${VERSION}.tar.gz`]);
    // Only its tests read the package's metadata; they import kazoo from the folder in which they run.
    run(python, ["-m", "pip", "install", "--quiet", "-r", join(HOME, "requirements.txt"), sources]);
  } catch (error) {
    throw new PeerUnavailableError(`kazoo ${VERSION} could not be installed from PyPI: ${error}`);
  }
  writeFileSync(`${stamp}.new`, requirements);
  renameSync(`${stamp}.new`, stamp);
  return { python, sources };
}
