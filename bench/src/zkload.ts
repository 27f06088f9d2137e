import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, REPOSITORY } from "@quoll/compat-tests/peers/cache";

/** What the load generator says of one run. Latencies in microseconds. */
export interface LoadResult {
  readonly ops_per_s: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly errors: number;
  readonly out_of_order: number;
  /** Processor time of the server, all its threads, per operation. */
  readonly server_cpu_us_per_op: number;
}

export interface Load {
  readonly op: string;
  readonly conns: number;
  /** Requests in flight on each connection. */
  readonly depth: number;
  /** Measured seconds, after a second of warm-up; or, with `total`, none. */
  readonly secs?: number;
  readonly total?: number;
}

let program: string | null = null;

/** Compiles the load generator, which is kept beside the project. */
function compiled(): string {
  if (program !== null) return program;
  const source = join(REPOSITORY, "..", "shared", "bench", "zkload.c");
  if (!existsSync(source)) throw new Error(`${source} is missing: the load generator is kept beside the project`);
  program = join(cacheFolder("bench"), "zkload");
  execFileSync("cc", ["-O2", "-o", program, source]);
  return program;
}

/** Drives one server. @throws Error when a reply was an error or out of order */
export async function drive(port: number, pid: number, load: Load): Promise<LoadResult> {
  const args = ["--servers", `127.0.0.1:${port}`, "--pids", String(pid)];
  for (const [name, value] of Object.entries(load)) args.push(`--${name}`, String(value));
  const output = await new Promise<string>((resolve, reject) => {
    execFile(compiled(), args, { timeout: 600_000 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${load.op}: ${error.message} ${stderr}`));
      else resolve(stdout);
    });
  });
  return JSON.parse(output) as LoadResult;
}
