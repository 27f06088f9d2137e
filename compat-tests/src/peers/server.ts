import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { REPOSITORY } from "./cache.js";
import { logbackFile, zookeeperClasspath } from "./java-zookeeper.js";

export type ServerKind = "java" | "quoll";

export interface ServerOptions {
  readonly kind: ServerKind;
  /** Of a Java server; 3.9.5 by default. */
  readonly javaVersion?: string;
  /** Holds `zoo.cfg`, `data/` and `server.log`; made if it is missing. A second server on it continues the first one's data. */
  readonly dir: string;
  /**
   * Lines of zoo.cfg. `dataDir` is `DIR/data` and `clientPort` a free port on 127.0.0.1 unless given here, and the
   * AdminServer is off. `srvr` must stay among the four-letter words: that is how we see the server come up.
   */
  readonly cfg?: Readonly<Record<string, string | number>>;
  /** System properties whose names do not start with `zookeeper.`, and others that zoo.cfg cannot carry. */
  readonly properties?: Readonly<Record<string, string | number>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The lowest level in the Java server's log; INFO by default. */
  readonly logLevel?: "DEBUG" | "INFO" | "WARN";
  /** How long the server may take until it answers `srvr`; 30,000 by default. */
  readonly startTimeoutMs?: number;
}

/** A server process that answers requests. */
export interface RunningServer {
  readonly kind: ServerKind;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** What the server wrote to standard output and standard error, over all starts in this folder. */
  readonly logFile: string;
  /** Ends with the process, by whatever cause. */
  readonly exited: Promise<void>;
  /** SIGTERM; resolves once the process is gone. */
  stop(): Promise<void>;
  /** SIGSTOP, and SIGCONT. */
  pause(): void;
  resume(): void;
  /** SIGKILL, as a power failure of the process; resolves once it is gone. */
  kill(): Promise<void>;
}

/**
 * Starts ZooKeeper 3.9.5 or Quoll as a process of its own and waits until it serves.
 * @throws Error with the end of the log when the process ends or does not serve in time
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { kind, dir } = options;
  const host = "127.0.0.1";
  const port = Number(options.cfg?.["clientPort"] ?? (await freePort()));
  mkdirSync(join(dir, "data"), { recursive: true });
  const cfgFile = join(dir, "zoo.cfg");
  writeFileSync(
    cfgFile,
    cfgText({ dataDir: join(dir, "data"), clientPort: port, clientPortAddress: host, ...options.cfg }),
  );

  const logFile = join(dir, "server.log");
  const log = openSync(logFile, "a");
  const [program, args] = kind === "java" ? javaCommand(options, cfgFile) : quollCommand(options, cfgFile);
  const child = spawn(program, args, {
    cwd: dir,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  running.add(child);
  const exited = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  }).then(() => void running.delete(child));
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };

  const deadline = Date.now() + (options.startTimeoutMs ?? 30_000);
  while (!(await serves(host, port))) {
    const isGone = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
    if (isGone || Date.now() > deadline) {
      await end("SIGKILL");
      throw new Error(`${kind} server in ${dir} ${isGone ? "ended" : "does not answer"}:\n${tail(logFile)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    kind,
    host,
    port,
    pid: child.pid!,
    logFile,
    exited,
    stop: () => end("SIGTERM"),
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    kill: () => end("SIGKILL"),
  };
}

/** A TCP port on the loopback that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return address.port;
}

/**
 * Sends a four-letter word and returns all that comes back until the server closes, or nothing more comes for a while
 * (a starting Java server may answer and forget to close).
 */
export function fourLetterWord(host: string, port: number, word: string, silenceMs = 10_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(word));
    let text = "";
    socket.setEncoding("utf8");
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

const running = new Set<ChildProcess>();
// A test that fails halfway must not leave servers behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

async function serves(host: string, port: number): Promise<boolean> {
  try {
    return (await fourLetterWord(host, port, "srvr", 300)).includes("Zookeeper version");
  } catch {
    return false;
  }
}

function cfgText(cfg: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries({ "admin.enableServer": "false", ...cfg }).map(([key, value]) => `${key}=${value}`);
  return `${lines.join("\n")}\n`;
}

function definitions(options: ServerOptions): string[] {
  return Object.entries(options.properties ?? {}).map(([key, value]) => `-D${key}=${value}`);
}

function javaCommand(options: ServerOptions, cfgFile: string): [string, string[]] {
  return [
    "java",
    [
      "-Xmx512m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Xshare:auto",
      `-Dlogback.configurationFile=${logbackFile(options.logLevel ?? "INFO")}`,
      ...definitions(options),
      "-cp",
      zookeeperClasspath(options.javaVersion),
      "org.apache.zookeeper.server.quorum.QuorumPeerMain",
      cfgFile,
    ],
  ];
}

function quollCommand(options: ServerOptions, cfgFile: string): [string, string[]] {
  return [process.execPath, [join(REPOSITORY, "bin", "quoll"), "server", ...definitions(options), cfgFile]];
}

function tail(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(-30).join("\n") : "(no log)";
}
