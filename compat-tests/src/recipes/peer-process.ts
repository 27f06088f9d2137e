import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cacheFolder, PeerUnavailableError, REPOSITORY } from "../peers/cache.js";
import { compileJava } from "../peers/java-zookeeper.js";
import { mavenClasspath } from "../peers/maven.js";

export type Language = "curator" | "kazoo" | "quoll";

const CURATOR = [
  "org.apache.curator:curator-recipes:5.9.0",
  "org.apache.curator:curator-x-discovery:5.9.0",
  "org.apache.zookeeper:zookeeper:3.9.5",
  "io.dropwizard.metrics:metrics-core:4.1.12.1",
  "org.xerial.snappy:snappy-java:1.1.10.5",
  "org.slf4j:slf4j-nop:2.0.13",
];
const KAZOO_VERSION = "2.11.0";
const ANSWER_MS = 60_000;

/** The command that starts a peer of this language, with what it needs fetched and compiled. */
export function peerCommand(language: Language): readonly string[] {
  switch (language) {
    case "curator": {
      const options = ["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];
      return ["java", ...options, "-cp", programsClasspath(), "quoll.Peer"];
    }
    case "kazoo":
      return [kazooPython(), kazooProgram("peer.py")];
    case "quoll":
      return [process.execPath, fileURLToPath(new URL("peer.js", import.meta.url))];
  }
}

/** Curator's recipes, and what they need. */
export function curatorClasspath(): string {
  return mavenClasspath("curator-recipes-5.9", CURATOR);
}

/** The class path of the programs in `compat-tests/java/recipes`. */
export function programsClasspath(): string {
  return compileJava("recipes", compileJava("harness", "") + curatorClasspath());
}

/** A program in `compat-tests/kazoo/recipes`. */
export function kazooProgram(file: string): string {
  return join(REPOSITORY, "compat-tests", "kazoo", "recipes", file);
}

/** Python with kazoo alone, from PyPI. */
export function kazooPython(): string {
  const folder = cacheFolder("kazoo-recipes");
  const program = join(folder, "venv", "bin", "python");
  const stamp = join(folder, "stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === KAZOO_VERSION) return program;
  rmSync(join(folder, "venv"), { recursive: true, force: true });
  try {
    execFileSync("python3", ["-m", "venv", join(folder, "venv")], { stdio: ["ignore", "ignore", "inherit"] });
    const args = ["-m", "pip", "install", "--quiet", `kazoo==${KAZOO_VERSION}`];
    execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  } catch (error) {
    throw new PeerUnavailableError(`kazoo ${KAZOO_VERSION} could not be installed from PyPI: ${error}`);
  }
  writeFileSync(`${stamp}.new`, KAZOO_VERSION);
  renameSync(`${stamp}.new`, stamp);
  return program;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** One process that contends. */
export class PeerProcess {
  private readonly child: ChildProcess;
  private readonly lines: Interface;
  private readonly exited: Promise<void>;
  private errors = "";
  isGone = false;

  constructor(
    readonly language: Language,
    readonly name: string,
    servers: string,
    holdMs: number,
    sessionMs: number,
  ) {
    const [program, ...args] = peerCommand(language);
    this.child = spawn(program!, [...args, servers, name, String(holdMs), String(sessionMs)], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    running.add(this.child);
    this.lines = createInterface({ input: this.child.stdout! });
    this.child.stderr!.setEncoding("utf8");
    this.child.stderr!.on("data", (chunk: string) => {
      this.errors = (this.errors + chunk).slice(-4000);
    });
    // A killed process does not read what is still written to it.
    this.child.stdin!.on("error", () => {});
    this.exited = new Promise<void>((resolve) => {
      this.child.once("error", () => resolve());
      this.child.once("close", () => resolve());
    }).then(() => {
      this.isGone = true;
      running.delete(this.child);
    });
  }

  /** Begins a scenario. */
  start(scenario: string, path: string, ledger: string): Promise<void> {
    return this.ask(`start ${scenario} ${path} ${ledger}`, "started");
  }

  /** Ends the scenario, after what is being done. */
  stop(): Promise<void> {
    return this.ask("stop", "stopped");
  }

  pause(): void {
    this.child.kill("SIGSTOP");
  }

  resume(): void {
    this.child.kill("SIGCONT");
  }

  kill(): Promise<void> {
    this.child.kill("SIGKILL");
    return this.exited;
  }

  private async ask(command: string, answer: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<string>((resolve) => {
      this.lines.on("line", (line) => {
        if (line === answer) resolve("");
      });
      timer = setTimeout(() => resolve(`no answer to "${command}" within ${ANSWER_MS} ms`), ANSWER_MS);
    });
    this.child.stdin!.write(`${command}\n`);
    const problem = await Promise.race([answered, this.exited.then(() => `it ended during "${command}"`)]);
    clearTimeout(timer);
    this.lines.removeAllListeners("line");
    if (problem !== "") throw new Error(`${this.name}: ${problem}\n${this.errors}`);
  }
}
