import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "@quoll/compat-tests/peers/cache";
import { freePort } from "@quoll/compat-tests/peers/server";
import { Contender, type Kind } from "./contender.js";
import { drive, type Load } from "./zkload.js";

/**
 * Measures Quoll and ZooKeeper 3.9.5 in turn, on one machine and in one run: throughput, latency and processor time per
 * operation under the load generator, then memory and restart with a large tree.
 *
 *   node bench/dist/compare.js [--rounds N] [--secs N] [--znodes N] [ROW ...]
 */
const options = parse(process.argv.slice(2));

const loads: [string, Load][] = [];
for (const op of ["get", "exists", "children", "set", "create", "createseq", "keeper"]) {
  for (const depth of [1, 16]) loads.push([`${op} 64×${depth}`, { op, conns: 64, depth, secs: options.secs }]);
}
loads.push(["get 1×1", { op: "get", conns: 1, depth: 1, secs: options.secs }]);
loads.push(["set 1×1", { op: "set", conns: 1, depth: 1, secs: options.secs }]);

interface Row {
  readonly row: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly zookeeper: number;
  readonly quoll: number;
}

const rows: Row[] = [];
const contenders: Record<Kind, Contender> = {
  zookeeper: new Contender("zookeeper", await freePort()),
  quoll: new Contender("quoll", await freePort()),
};
const kinds: Kind[] = ["zookeeper", "quoll"];

try {
  for (const [name, load] of loads) if (wanted(name)) await measureLoad(name, load);
  if (options.znodes > 0 && wanted("memory")) await measureMemory(options.znodes);
} finally {
  for (const kind of kinds) await contenders[kind].end("SIGKILL");
}
report();

/** Each round gives each server the same load on an empty directory; the medians count. */
async function measureLoad(name: string, load: Load): Promise<void> {
  const results: Record<Kind, { ops: number[]; p50: number[]; p99: number[]; cpu: number[] }> = {
    zookeeper: { ops: [], p50: [], p99: [], cpu: [] },
    quoll: { ops: [], p50: [], p99: [], cpu: [] },
  };
  for (let round = 0; round < options.rounds; round++) {
    for (const kind of kinds) {
      const contender = contenders[kind];
      contender.wipe();
      await contender.start();
      const result = await drive(contender.port, contender.pid, load);
      await contender.end("SIGKILL");
      results[kind].ops.push(result.ops_per_s);
      results[kind].p50.push(result.p50_us);
      results[kind].p99.push(result.p99_us);
      results[kind].cpu.push(result.server_cpu_us_per_op);
      process.stderr.write(
        `${name} ${kind} ${round + 1}/${options.rounds}: ${Math.round(result.ops_per_s)}/s, p99 ${result.p99_us} µs\n`,
      );
    }
  }
  const add = (row: string, unit: string, better: "more" | "less", of: "ops" | "p50" | "p99" | "cpu") =>
    rows.push({ row, unit, better, zookeeper: median(results.zookeeper[of]), quoll: median(results.quoll[of]) });
  add(name, "ops/s", "more", "ops");
  add(`${name}, CPU per operation`, "µs", "less", "cpu");
  add(`${name}, median`, "µs", "less", "p50");
  add(`${name}, p99`, "µs", "less", "p99");
}

/** A tree of small znodes: what it takes in memory, and how long a killed server needs to be back with it. */
async function measureMemory(znodes: number): Promise<void> {
  const values: Record<Kind, { loaded: number; back: number; restartMs: number; idle: number; startMs: number }> = {
    zookeeper: { loaded: 0, back: 0, restartMs: 0, idle: 0, startMs: 0 },
    quoll: { loaded: 0, back: 0, restartMs: 0, idle: 0, startMs: 0 },
  };
  for (const kind of kinds) {
    const contender = contenders[kind];
    contender.wipe();
    const of = values[kind];
    of.startMs = await contender.start();
    of.idle = contender.rssBytes;
    await drive(contender.port, contender.pid, { op: "create", conns: 16, depth: 16, total: znodes });
    of.loaded = contender.rssBytes;
    await contender.end("SIGKILL");
    of.restartMs = await contender.start();
    of.back = contender.rssBytes;
    await contender.end("SIGKILL");
    process.stderr.write(`${znodes} znodes, ${kind}: ${JSON.stringify(of)}\n`);
  }
  const add = (row: string, unit: string, of: keyof (typeof values)["quoll"], scale: number) =>
    rows.push({ row, unit, better: "less", zookeeper: values.zookeeper[of] / scale, quoll: values.quoll[of] / scale });
  add("empty directory to first session", "ms", "startMs", 1);
  add("idle, resident", "MiB", "idle", 1 << 20);
  add(`${znodes} znodes of 100 bytes, resident after load`, "MiB", "loaded", 1 << 20);
  add(`${znodes} znodes, resident after restart`, "MiB", "back", 1 << 20);
  add(`${znodes} znodes, kill to first session again`, "ms", "restartMs", 1);
}

function report(): void {
  const lines = ["| row | unit | ZooKeeper 3.9.5 | Quoll | Quoll / ZooKeeper |", "|---|---|---:|---:|---:|"];
  for (const { row, unit, zookeeper, quoll } of rows) {
    lines.push(`| ${row} | ${unit} | ${show(zookeeper)} | ${show(quoll)} | ${(quoll / zookeeper).toFixed(2)}× |`);
  }
  lines.push("", `${cpus().length} cores, ${cpus()[0]?.model}, Node ${process.version}, medians of ${options.rounds}`);
  const text = `${lines.join("\n")}\n`;
  const folder = cacheFolder("bench");
  writeFileSync(join(folder, "compare.md"), text);
  writeFileSync(join(folder, "compare.json"), JSON.stringify({ options, rows }, null, 2));
  process.stdout.write(text);
}

function wanted(name: string): boolean {
  return options.names.length === 0 || options.names.some((wantedName) => name.startsWith(wantedName));
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function show(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

function parse(args: string[]): { rounds: number; secs: number; znodes: number; names: string[] } {
  const parsed = { rounds: 3, secs: 4, znodes: 1_000_000, names: [] as string[] };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--rounds") parsed.rounds = Number(args[++i]);
    else if (arg === "--secs") parsed.secs = Number(args[++i]);
    else if (arg === "--znodes") parsed.znodes = Number(args[++i]);
    else parsed.names.push(arg);
  }
  return parsed;
}
