import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY } from "../peers/cache.js";
import { logbackFile, zookeeperClasspath } from "../peers/java-zookeeper.js";

/** Which shell: ZooKeeper's, or `quoll cli`. */
export type ShellKind = "zkcli" | "quoll";

/** What one run printed. */
export interface Output {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

/** What each line of a script printed, and what came on its own. */
export interface Transcript {
  readonly outs: string[];
  readonly errs: string[];
  /** What watches and the connection printed, which falls anywhere between the outputs. */
  readonly events: string[];
  readonly exitCode: number;
}

const TIMEOUT_MS = 120_000;

/** The environment of both: no terminal, UTC, and a history that is nobody's. */
function environment(dir: string): NodeJS.ProcessEnv {
  return { ...process.env, TERM: "dumb", TZ: "UTC", LC_ALL: "C.UTF-8", XDG_STATE_HOME: dir };
}

export function commandLine(kind: ShellKind, args: readonly string[]): [program: string, args: string[]] {
  if (kind === "quoll") return [process.execPath, [join(REPOSITORY, "bin", "quoll"), "cli", ...args]];
  const logback = `-Dlogback.configurationFile=${logbackFile("WARN")}`;
  const jvm = [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dfile.encoding=UTF-8",
    "-Dstdout.encoding=UTF-8",
    "-Dstderr.encoding=UTF-8",
  ];
  return ["java", [...jvm, logback, "-cp", zookeeperClasspath(), "org.apache.zookeeper.ZooKeeperMain", ...args]];
}

/** Runs a shell to its end, with `input` typed into it. */
export function run(kind: ShellKind, args: readonly string[], input: string, dir: string): Promise<Output> {
  const [program, all] = commandLine(kind, args);
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      all,
      { timeout: TIMEOUT_MS, maxBuffer: 16_000_000, env: environment(dir) },
      (error, out, err) => {
        process.off("exit", kill);
        const code = error === null ? 0 : error.code;
        if (typeof code === "number") resolve({ out, err, exitCode: code });
        else reject(new Error(`${kind} failed (${error?.message}) after printing:\n${out.slice(-2000)}`));
      },
    );
    const kill = () => child.kill("SIGKILL");
    process.on("exit", kill);
    child.stdin!.on("error", () => {});
    child.stdin!.end(input);
  });
}

/** Types commands into a shell and sorts what it prints by command. On standard error a marker follows each. */
export async function play(
  kind: ShellKind,
  server: string,
  commands: readonly string[],
  dir: string,
): Promise<Transcript> {
  const input = commands.map((command, i) => `${command}\nstat /marker-${i}\n`).join("");
  const { out, err, exitCode } = await run(kind, ["-server", server], input, dir);
  const events = [...out.matchAll(/^WatchedEvent (.*)$/gm)].map(([, event]) => mapped(event!));
  const ownOut = out.replace(/\n(?:WATCHER::|WatchedEvent .*)\n/g, "").replace(/^[\s\S]*?(?=\[zk: )/, "");
  // A prompt stands before each line: the script's and the marker's by turns.
  const pieces = ownOut.split(/\[zk: \S+\(\w+\) \d+\] /).slice(1);
  const outs = commands.map((_, i) => mapped(pieces[2 * i] ?? "(nothing more)"));
  const errs: string[] = [];
  let start = 0;
  for (const [i] of commands.entries()) {
    const marker = `Node does not exist: /marker-${i}\n`;
    const at = err.indexOf(marker, start);
    errs.push(at === -1 ? `(no marker) ${err.slice(start)}` : mapped(err.slice(start, at)));
    if (at !== -1) start = at + marker.length;
  }
  return { outs, errs, events, exitCode };
}

/** Takes out what differs between two runs: clock times, session ids, ports, and the order of a list of paths (a Java set's). */
export function mapped(text: string): string {
  return (
    text
      .replace(/^(.time) = .*$/gm, "$1 = TIME")
      .replace(/^\[(\/.*)\]$/gm, (_, paths: string) => `[${paths.split(", ").sort().join(", ")}]`)
      .replace(/0x[0-9a-f]{10,}/g, "SESSION")
      .replace(/127\.0\.0\.1:\d+/g, "SERVER")
      // What Java's client logs, its stack traces, and how its process says that it ends.
      .replace(/^(?:\d\d:\d\d:\d\d\.\d{3} (?:WARN|ERROR) |\tat |java\.net\.ConnectException).*\n/gm, "")
  );
}

/** Runs a program and gives what it prints on standard output. */
export function outputOf(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${program} ${args.join(" ")} ended with ${code}: ${err}`));
    });
  });
}
