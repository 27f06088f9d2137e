import { execFile } from "node:child_process";
import { cpus } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheFolder } from "@quoll/compat-tests/peers/cache";
import { compileJava, logbackFile, zookeeperClasspath } from "@quoll/compat-tests/peers/java-zookeeper";
import { freePort } from "@quoll/compat-tests/peers/server";
import { Contender } from "./contender.js";
import { median } from "./statistics.js";

/**
 * Measures clients side by side on one server and in one run: operations a second and the client's processor time for
 * each, with 1, 64 and 1,024 operations of one client in flight. Each contender is a process of its own; the rounds alternate
 * between them, and medians count. Peers come from `.cache/`, where the compat suites put them (`node-zookeeper-client`, `kazoo`).
 *
 *   node bench/dist/clients.js [--server quoll|zookeeper] [--rounds N] [--secs N] [--operation getData|setData]
 */
const run = promisify(execFile);
const options = parse(process.argv.slice(2));
const programs = fileURLToPath(new URL("../clients", import.meta.url));

interface Client {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly lastArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const clients: Client[] = [
  { name: "@quoll/client", program: process.execPath, args: [join(programs, "quoll.js")] },
  {
    name: "node-zookeeper-client 1.1.3",
    program: process.execPath,
    args: [join(programs, "node-zookeeper-client.cjs")],
    lastArgs: [cacheFolder("npm", "node-zookeeper-client-1.1.3")],
  },
  {
    name: "kazoo 2.11.0",
    program: join(cacheFolder("kazoo"), "venv", "bin", "python"),
    args: [join(programs, "kazoo_load.py")],
    env: { PYTHONPATH: [join(cacheFolder("kazoo"), "kazoo-2.11.0")].join(delimiter) },
  },
  {
    name: "Java client 3.9.5",
    program: "java",
    args: [
      "-Xmx512m",
      `-Dlogback.configurationFile=${logbackFile("WARN")}`,
      "-cp",
      compileJava("bench", zookeeperClasspath()),
      "quoll.AsyncLoad",
    ],
  },
];

interface Sample {
  readonly opsPerS: number;
  readonly cpuMicros: number;
}

const server = new Contender(options.server, await freePort());
server.wipe();
await server.start();
try {
  console.log(
    `one ${options.server} server, ${options.rounds} rounds of ${options.secs} s, ${cpus().length} cores, Node ${process.version}\n`,
  );
  console.log("| operation | in flight | client | ops/s | of node-zookeeper-client | client's µs/op |");
  console.log("| --- | ---: | --- | ---: | ---: | ---: |");
  for (const operation of options.operations) {
    for (const depth of [1, 64, 1_024]) await measure(operation, depth);
  }
} finally {
  await server.end("SIGKILL");
}

async function measure(operation: string, depth: number): Promise<void> {
  const samples = new Map<string, Sample[]>(clients.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const client of clients) samples.get(client.name)?.push(await sample(client, operation, depth));
  }
  const rows = clients.map(({ name }) => {
    const all = samples.get(name) as Sample[];
    return {
      name,
      opsPerS: median(all.map(({ opsPerS }) => opsPerS)),
      cpuMicros: median(all.map(({ cpuMicros }) => cpuMicros)),
    };
  });
  const base = rows[1].opsPerS;
  for (const { name, opsPerS, cpuMicros } of rows) {
    const ops = Math.round(opsPerS).toLocaleString("en");
    console.log(
      `| ${operation} | ${depth} | ${name} | ${ops} | ${(opsPerS / base).toFixed(1)}× | ${cpuMicros.toFixed(1)} |`,
    );
  }
}

async function sample(client: Client, operation: string, depth: number): Promise<Sample> {
  const load = [`127.0.0.1:${server.port}`, operation, String(depth), String(options.secs)];
  const { stdout } = await run(client.program, [...client.args, ...load, ...(client.lastArgs ?? [])], {
    env: { ...process.env, ...client.env },
    timeout: 120_000,
  });
  // Java's client logs to standard output too.
  const result = stdout.split("\n").find((line) => line.startsWith("{")) ?? "";
  const { count, cpuMicros } = JSON.parse(result) as { count: number; cpuMicros: number };
  return { opsPerS: count / options.secs, cpuMicros: cpuMicros / count };
}

interface Options {
  server: "quoll" | "zookeeper";
  rounds: number;
  secs: number;
  operations: string[];
}

function parse(args: readonly string[]): Options {
  const parsed: Options = { server: "quoll", rounds: 3, secs: 3, operations: ["getData", "setData"] };
  for (let i = 0; i < args.length; i += 2) {
    const value = args[i + 1];
    if (args[i] === "--server" && (value === "quoll" || value === "zookeeper")) parsed.server = value;
    else if (args[i] === "--rounds") parsed.rounds = Number(value);
    else if (args[i] === "--secs") parsed.secs = Number(value);
    else if (args[i] === "--operation" && (value === "getData" || value === "setData")) parsed.operations = [value];
    else throw new Error(`${args[i]} is not an option; see the head of clients.ts`);
  }
  return parsed;
}
