import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { PeerUnavailableError, skipUnlessCi } from "./peers/cache.js";
import type { ServerKind } from "./peers/server.js";

/** The tests of one client program against one server: runs them, prints a line for each, and counts. */
export class Suite {
  passed = 0;
  failed = 0;
  skipped = 0;

  constructor(
    readonly title: string,
    readonly kind: ServerKind,
    /** Empty at the start, and this run's own: servers and programs keep their files here. */
    readonly dir: string,
  ) {}

  /** Runs one test. It fails when `body` throws or takes longer than `timeoutMs`; the next one runs all the same. */
  async test(name: string, body: () => Promise<void>, timeoutMs = 90_000): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      await Promise.race([body(), timeout]);
      this.pass(name);
    } catch (error) {
      this.fail(name, error);
    } finally {
      clearTimeout(timer);
    }
  }

  pass(name: string): void {
    this.passed++;
    console.log(`ok - ${name}`);
  }

  fail(name: string, reason: unknown): void {
    this.failed++;
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    console.log(`not ok - ${name}\n${text.replace(/^/gm, "  # ")}`);
  }

  skip(name: string, reason: string): void {
    this.skipped++;
    console.log(`ok - ${name} # SKIP ${reason}`);
  }

  get summary(): string {
    return summaryOf(this.passed, this.failed, this.skipped);
  }
}

/**
 * The main program of a suite: runs it against ZooKeeper 3.9.5, the control, then against Quoll, and ends the process.
 * `--server java` or `--server quoll` runs one of the two; `--require-peers`, or `CI` in the environment, makes a peer
 * that cannot be had a failure. The last line printed is `N passed, N failed`, of both runs together.
 * @param run - does all tests of the suite; what it throws is one more failure
 */
export async function runSuite(title: string, run: (suite: Suite) => Promise<void>): Promise<never> {
  const { values } = parseArgs({
    options: { server: { type: "string", multiple: true }, "require-peers": { type: "boolean" } },
  });
  if (values["require-peers"]) process.env["CI"] = "true";
  // What we started ends in handlers of "exit", which a signal alone would not run.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  const kinds = values.server ?? ["java", "quoll"];
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const kind of kinds) {
    if (kind !== "java" && kind !== "quoll") throw new Error(`--server is ${kind}; it must be java or quoll`);
    console.log(`# ${title} against ${kind}`);
    const suite = new Suite(title, kind, mkdtempSync(join(tmpdir(), `quoll-${title}-${kind}-`)));
    const startedMs = Date.now();
    try {
      await run(suite);
    } catch (error) {
      if (error instanceof PeerUnavailableError) skipUnlessCi(error);
      suite.fail("the suite runs to its end", error);
    }
    if (suite.passed + suite.failed === 0) suite.fail("the suite runs a test", "none ran");
    const seconds = Math.round((Date.now() - startedMs) / 1000);
    console.log(`# ${title} against ${kind}: ${suite.summary} (${seconds} s)`);
    if (suite.failed === 0) rmSync(suite.dir, { recursive: true, force: true });
    else console.log(`# files of this run are kept in ${suite.dir}`);
    passed += suite.passed;
    failed += suite.failed;
    skipped += suite.skipped;
  }
  console.log(summaryOf(passed, failed, skipped));
  process.exit(failed === 0 ? 0 : 1);
}

/** How every command of this workspace ends, so that whoever adds up can read it. */
export function summaryOf(passed: number, failed: number, skipped: number): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs: number;
  /** Answers a line `@word` of the program, which then waits for a line on its standard input: "restart the server", say. */
  readonly onRequest?: (word: string) => Promise<void>;
}

/**
 * Runs a test program that is not TypeScript. It prints `ok - NAME`, `not ok - NAME` (with `  # REASON` lines after it) and
 * `ok - NAME # SKIP REASON`, and its tests count as the suite's. A program that crashes, hangs or tests nothing is a failure.
 */
export async function runTestProgram(
  suite: Suite,
  command: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<void> {
  // A process group of its own, so that its end takes its children along.
  const child = spawn(command, args, {
    cwd: options.cwd ?? suite.dir,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, "SIGKILL");
  };
  process.on("exit", kill);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, options.timeoutMs);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  let errors = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk: string) => {
    errors = (errors + chunk).slice(-3000);
  });

  const failedBefore = suite.failed;
  const countBefore = suite.passed + suite.failed + suite.skipped;
  for await (const line of createInterface({ input: child.stdout })) {
    const [, not, name, skip] = /^(not )?ok - (.*?)( # SKIP .*)?$/.exec(line) ?? [];
    if (line.startsWith("@") && options.onRequest !== undefined) {
      await options.onRequest(line.slice(1).trim());
      child.stdin.write("\n");
    } else if (name === undefined) console.log(line);
    else if (not !== undefined) suite.fail(name, "see the lines around this one");
    else if (skip !== undefined) suite.skip(name, skip.slice(" # SKIP ".length));
    else suite.pass(name);
  }
  const end = await ended;
  clearTimeout(timer);
  process.off("exit", kill);
  const hasFailed = suite.failed > failedBefore;
  const isEmpty = suite.passed + suite.failed + suite.skipped === countBefore;
  if (isLate) suite.fail("the program ends in time", `killed after ${options.timeoutMs} ms\n${errors}`);
  else if (isEmpty || (end !== "exit code 0" && !hasFailed))
    suite.fail("the program runs to its end", `${end}\n${errors}`);
  else if (hasFailed && errors !== "") console.log(errors.replace(/^/gm, "  # "));
}
