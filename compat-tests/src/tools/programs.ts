import { execFile } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY } from "../peers/cache.js";
import { logbackFile, zookeeperClasspath } from "../peers/java-zookeeper.js";

const TIMEOUT_MS = 120_000;
const OUTPUT_MAX = 64 << 20;

/** How a program ended, and what it printed. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly timeZone?: string;
}

/** Runs one of ZooKeeper's tools as its script would. @param main - the class, below `org.apache.zookeeper.server` */
export function java(main: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const flags = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"];
  const logback = `-Dlogback.configurationFile=${logbackFile("WARN")}`;
  const all = [...flags, logback, "-cp", zookeeperClasspath(), `org.apache.zookeeper.server.${main}`, ...args];
  return run("java", all, options);
}

export function quoll(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(process.execPath, [join(REPOSITORY, "bin", "quoll"), ...args], options);
}

function run(program: string, args: readonly string[], { input = "", timeZone = "UTC" }: RunOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, TZ: timeZone, LC_ALL: "C.UTF-8" };
    const options = { env, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_MAX };
    const child = execFile(program, args, options, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      // What ZooKeeper's logging prints is no part of a tool's output.
      resolve({ code, out: out.replace(/^[\d:.]+ (?:ERROR|WARN) .*\n/gm, ""), err });
    });
    child.stdin!.end(input);
  });
}
