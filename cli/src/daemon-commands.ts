import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadConfig, type QuollConfig } from "@quoll/server/internal";
import { ask } from "./ask.js";

const ANSWER_TIMEOUT_MS = 5000;
/**
 * zkServer.sh looks after one second whether the process is still there. A start that fails should be seen on a busy machine,
 * too; a server that recovers much is up later.
 */
const START_WAIT_MS = 5000;
/** While starting, a server that does not answer at once is asked again. */
const PROBE_TIMEOUT_MS = 200;
const STOP_WAIT_MS = 30_000;
const POLL_MS = 20;

/** The commands of zkServer.sh. Each returns the exit code; what scripts read stands on standard output. */
export async function start(file: string | undefined, configDir: string | undefined): Promise<number> {
  const { words, config } = configuration(file, configDir);
  const pidFile = pidFileOf(config);
  process.stdout.write("Starting zookeeper ... ");
  const other = readPid(pidFile);
  if (other !== null && isRunning(other)) {
    process.stdout.write(`already running as process ${other}.\n`);
    return 1;
  }
  const isTaken = await answers(config);
  const child = spawnServer(words);
  try {
    mkdirSync(dirname(pidFile), { recursive: true });
    writeFileSync(pidFile, String(child.pid));
  } catch {
    child.kill();
    process.stdout.write("FAILED TO WRITE PID\n");
    return 1;
  }
  const up = await waitForStart(child, config, isTaken);
  child.unref();
  process.stdout.write(up ? "STARTED\n" : "FAILED TO START\n");
  return up ? 0 : 1;
}

export async function stop(file: string | undefined, configDir: string | undefined): Promise<number> {
  const pidFile = pidFileOf(configuration(file, configDir).config);
  process.stdout.write("Stopping zookeeper ... ");
  const pid = readPid(pidFile);
  if (pid === null) {
    process.stdout.write(`no zookeeper to stop (could not find file ${pidFile})\n`);
    return 0;
  }
  if (isRunning(pid)) {
    process.kill(pid, "SIGTERM");
    const deadline = performance.now() + STOP_WAIT_MS;
    while (isRunning(pid)) {
      if (performance.now() > deadline) {
        process.stdout.write(`FAILED TO STOP process ${pid}\n`);
        return 1;
      }
      await sleep(POLL_MS);
    }
  }
  rmSync(pidFile, { force: true });
  process.stdout.write("STOPPED\n");
  return 0;
}

export async function restart(file: string | undefined, configDir: string | undefined): Promise<number> {
  const stopped = await stop(file, configDir);
  return stopped === 0 ? start(file, configDir) : stopped;
}

export async function status(file: string | undefined, configDir: string | undefined): Promise<number> {
  const { host, port } = reachableAddress(configuration(file, configDir).config);
  process.stdout.write(`Client port found: ${port}. Client address: ${host}. Client SSL: false.\n`);
  const answer = await ask("srvr", host, port, ANSWER_TIMEOUT_MS).catch(() => "");
  const mode = answer.split("\n").find((line) => line.includes("Mode"));
  process.stdout.write(`${mode ?? "Error contacting service. It is probably not running."}\n`);
  return mode === undefined ? 1 : 0;
}

/** zkServer.sh looks for a bare name in its configuration directory, and takes a path as it is. */
function configuration(
  file: string | undefined,
  configDir: string | undefined,
): { words: string[]; config: QuollConfig } {
  const dir = configDir ?? process.env["ZOOCFGDIR"];
  const name = file ?? (dir === undefined ? undefined : "zoo.cfg");
  const isBare = name !== undefined && dirname(name) === "." && !name.startsWith("./");
  const path = name !== undefined && isBare && dir !== undefined ? join(dir, name) : name;
  process.stderr.write(`Using config: ${path ?? "the embedded default"}\n`);
  const words = path === undefined ? [] : [path];
  return { words, config: loadConfig({ words, env: process.env }).config };
}

function pidFileOf(config: QuollConfig): string {
  return process.env["ZOOPIDFILE"] || join(config.dataDir, "zookeeper_server.pid");
}

function readPid(pidFile: string): number | null {
  if (!existsSync(pidFile)) return null;
  return Number.parseInt(readFileSync(pidFile, "utf8"), 10) || 0;
}

/** Whether a process has this id and is one of ours: after a reboot the id in an old file may be anybody's. */
function isRunning(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  if (process.platform !== "linux") return true;
  try {
    const [, state] = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return state !== "Z" && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0server\0");
  } catch {
    return false;
  }
}

/** The server, in a session of its own, so that it outlives this terminal. Its output goes to a file, as zkServer.sh's. */
function spawnServer(words: readonly string[]): ChildProcess {
  const logDir = resolve(process.env["ZOO_LOG_DIR"] || "logs");
  mkdirSync(logDir, { recursive: true });
  const output = openSync(join(logDir, `zookeeper-${userName()}-server-${hostname()}.out`), "w");
  const args = [process.argv[1]!, "server", ...words];
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", output, output] });
  closeSync(output);
  return child;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}

/**
 * True once it answers, or is still there after a while; false when it has ended.
 * @param isTaken - another server answers on its port, so that an answer says nothing
 */
async function waitForStart(child: ChildProcess, config: QuollConfig, isTaken: boolean): Promise<boolean> {
  const deadline = performance.now() + START_WAIT_MS;
  while (child.exitCode === null && child.signalCode === null) {
    if (!isTaken && (await answers(config))) return true;
    if (performance.now() > deadline) return true;
    await sleep(POLL_MS);
  }
  return false;
}

async function answers(config: QuollConfig): Promise<boolean> {
  const { host, port } = reachableAddress(config);
  // A member of an ensemble may have to wait for the others before it serves.
  return (await ask("srvr", host, port, PROBE_TIMEOUT_MS).catch(() => "")) !== "";
}

function reachableAddress({ clientAddress }: QuollConfig): { host: string; port: number } {
  const { host, port } = clientAddress;
  return { host: host === "0.0.0.0" || host === "::" ? "localhost" : host, port };
}
