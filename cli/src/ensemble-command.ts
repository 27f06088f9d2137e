import { type ChildProcess, fork } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "./ask.js";
import { ENDS_WITH_PARENT } from "./server-command.js";

export interface EnsembleOptions {
  /** Voting servers, 1 to 9. */
  readonly size: number;
  readonly observers: number;
  /** Holds a directory for each server. */
  readonly dir: string;
  /** Of the first server; the others have the ports behind it. */
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
}

const SERVERS_MAX = 9;
const HOST = "127.0.0.1";
const UP_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const PROBE_TIMEOUT_MS = 500;

/** One server of the local ensemble. */
interface LocalServer {
  readonly id: number;
  readonly clientPort: number;
  readonly configFile: string;
  process: ChildProcess | null;
}

/**
 * `quoll ensemble`: several servers on this machine's loopback, each a process of its own, which end with this one.
 * @returns the exit code, once all have ended
 */
export async function runEnsemble(options: EnsembleOptions): Promise<number> {
  const count = options.size + options.observers;
  if (!(options.size >= 1 && count <= SERVERS_MAX)) {
    process.stderr.write(`--size is ${options.size} with ${options.observers} observers; 1 to ${SERVERS_MAX} in all\n`);
    return 2;
  }
  const servers = Array.from({ length: count }, (_, i) => prepare(options, i + 1));
  let stopping = false;
  const stopAll = (): void => {
    stopping = true;
    for (const server of servers) server.process?.kill("SIGTERM");
  };
  process.on("SIGTERM", stopAll);
  process.on("SIGINT", stopAll);
  process.on("SIGHUP", stopAll);
  const ended = servers.map((server) => run(server, () => stopping));
  const connect = servers.map(({ clientPort }) => `${HOST}:${clientPort}`).join(",");
  const up = await allServe(servers, () => stopping);
  if (up) {
    const of = `${options.size} servers${options.observers > 0 ? ` and ${options.observers} observers` : ""}`;
    process.stdout.write(`\n  An ensemble of ${of} serves clients on ${connect}\n`);
    process.stdout.write(
      `  Data    ${resolve(options.dir)}\n  Connect zkCli.sh -server ${connect}\n  Stop    Ctrl-C\n\n`,
    );
  } else if (!stopping) {
    process.stderr.write("The ensemble does not serve; what its servers say is above.\n");
  }
  const codes = await Promise.all(ended);
  return up || stopping ? 0 : (codes.find((code) => code !== 0) ?? 1);
}

/** Writes the server's zoo.cfg and myid, as an operator would. What an earlier run has left goes on. */
function prepare(options: EnsembleOptions, id: number): LocalServer {
  const { size, observers } = options;
  const dir = resolve(options.dir, String(id));
  const dataDir = join(dir, "data");
  mkdirSync(dataDir, { recursive: true });
  const clientPort = options.clientPort + id - 1;
  const members = Array.from({ length: size + observers }, (_, i) => {
    const role = i < size ? "participant" : "observer";
    return `server.${i + 1}=${HOST}:${options.quorumPort + i}:${options.electionPort + i}:${role};${HOST}:${options.clientPort + i}`;
  });
  const lines = ["tickTime=2000", "initLimit=10", "syncLimit=5", `dataDir=${dataDir}`, "4lw.commands.whitelist=*"];
  if (size === 1) lines.push("standaloneEnabled=false");
  if (id > size) lines.push("peerType=observer");
  const configFile = join(dir, "zoo.cfg");
  if (!existsSync(join(dataDir, "myid"))) writeFileSync(join(dataDir, "myid"), `${id}\n`);
  writeFileSync(configFile, `${[...lines, ...members].join("\n")}\n`);
  return { id, clientPort, configFile, process: null };
}

/** Runs a server until it ends, its output line by line behind its number. @returns its exit code */
function run(server: LocalServer, isStopping: () => boolean): Promise<number> {
  const child = fork(process.argv[1]!, ["server", server.configFile], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // A terminal's Ctrl-C would reach the servers, too; they are told to stop once, by this process.
    detached: true,
    env: { ...process.env, [ENDS_WITH_PARENT]: "1" },
  });
  server.process = child;
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on("line", (line) => process.stderr.write(`${server.id}| ${line}\n`));
  }
  return new Promise((resolved) => {
    child.on("exit", (code, signal) => {
      server.process = null;
      if (!isStopping()) {
        process.stderr.write(
          `${server.id}| ended (${signal ?? `exit code ${code}`}); quoll server ${server.configFile} starts it again\n`,
        );
      }
      resolved(code ?? 1);
    });
  });
}

/** Waits until each server serves clients. @returns false when one has ended or it takes too long */
async function allServe(servers: readonly LocalServer[], isStopping: () => boolean): Promise<boolean> {
  const deadline = performance.now() + UP_TIMEOUT_MS;
  for (const server of servers) {
    for (;;) {
      if (isStopping() || server.process === null || performance.now() > deadline) return false;
      const answer = await ask("srvr", HOST, server.clientPort, PROBE_TIMEOUT_MS).catch(() => "");
      if (answer.includes("Mode")) break;
      await sleep(POLL_MS);
    }
  }
  return true;
}
