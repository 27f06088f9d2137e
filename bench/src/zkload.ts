import { execFile } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY } from "@quoll/compat-tests/peers/cache";
import { compileC } from "./compile-c.js";

/** What the load generator says of one run. Latencies in microseconds. */
export interface LoadResult {
  readonly ops_per_s: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  readonly max_us: number;
  readonly errors: number;
  readonly out_of_order: number;
  /** Processor time of the servers, all their threads, per operation. */
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
  /** Bytes of a znode's data. */
  readonly size?: number;
  /** Znodes that are read and set. */
  readonly keys?: number;
}

/** The servers that are driven. */
export interface Target {
  /** `host:port`, with commas between. */
  readonly servers: string;
  readonly pids: readonly number[];
}

/** The load generator, which is kept beside the project. */
const SOURCE = join(REPOSITORY, "..", "shared", "bench", "zkload.c");

/** Drives servers. @throws Error when a reply was an error or out of order */
export async function drive({ servers, pids }: Target, load: Load): Promise<LoadResult> {
  const args = ["--servers", servers, "--pids", pids.join(",")];
  for (const [name, value] of Object.entries(load)) args.push(`--${name}`, String(value));
  const output = await new Promise<string>((resolve, reject) => {
    execFile(compileC(SOURCE), args, { timeout: 900_000 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${load.op}: ${error.message} ${stderr}`));
      else resolve(stdout);
    });
  });
  return JSON.parse(output) as LoadResult;
}
