import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheFolder } from "@quoll/compat-tests/peers/cache";
import { type Cluster, withCluster } from "./cluster.js";
import type { Kind } from "./contender.js";
import type { CurvePoint, Curves } from "./curve-plots.js";
import { machine } from "./machine.js";
import { create, exists, getChildren, RawClient, remove } from "./raw-client.js";
import { show } from "./report.js";
import { drive } from "./zkload.js";

/**
 * How cost grows: throughput and memory against one size at a time.
 *
 *   npm run curves -w bench -- [--quick] [--zookeeper] [--secs N] [CURVE ...]
 *
 * CURVE is one of connections, depth, znodes, children, data, watches, ensemble; all without one. `--quick` stops a thousand
 * times earlier, `--zookeeper` draws ZooKeeper's lines too. Points go to `.cache/bench/curves.json`, in which curves that are
 * not measured anew stay; `npm run document -w bench` draws them.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean" }, zookeeper: { type: "boolean" }, secs: { type: "string" } },
});
const quick = values.quick ?? false;
const secs = Number(values.secs ?? (quick ? 0.5 : 3));
const kinds: readonly Kind[] = values.zookeeper ? ["quoll", "zookeeper"] : ["quoll"];
/** What the load generator uses as a znode's data unless told otherwise. */
const DATA = Buffer.alloc(100, "x");

interface Curve {
  readonly name: string;
  /** Of the full run; a quick one takes those up to `quickMax`. */
  readonly xs: readonly number[];
  readonly quickMax: number;
  /** Measures one point. @returns a number for each line of the curve, by name */
  measure(kind: Kind, x: number): Promise<Record<string, number>>;
}

const curves: readonly Curve[] = [
  {
    name: "connections",
    xs: [1, 4, 16, 64, 256, 1000, 4000, 10_000],
    quickMax: 64,
    measure: (kind, conns) =>
      withCluster(kind, 1, {}, async (cluster) => {
        const before = cluster.server.rssBytes;
        const get = await drive(cluster, { op: "get", conns, depth: 1, secs });
        const kib = (cluster.server.rssBytes - before) / 1024;
        const set = await drive(cluster, { op: "set", conns, depth: 1, secs });
        return { get: get.ops_per_s, set: set.ops_per_s, "RSS grown": kib };
      }),
  },
  {
    name: "depth",
    xs: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    quickMax: 16,
    measure: (kind, depth) =>
      withCluster(kind, 1, {}, async (cluster) => {
        const get = await drive(cluster, { op: "get", conns: 8, depth, secs });
        const set = await drive(cluster, { op: "set", conns: 8, depth, secs });
        return { get: get.ops_per_s, set: set.ops_per_s };
      }),
  },
  {
    name: "znodes",
    xs: [1e3, 1e4, 1e5, 1e6, 1e7],
    quickMax: 1e4,
    measure: (kind, znodes) =>
      withCluster(kind, 1, { probed: true }, async (cluster) => {
        const { server } = cluster;
        const before = await server.liveBytes();
        await drive(cluster, { op: "create", conns: 16, depth: 16, total: znodes });
        const live = ((await server.liveBytes()) - before) / znodes;
        const create = await drive(cluster, { op: "create", conns: 64, depth: 16, secs });
        const get = await drive(cluster, { op: "get", conns: 64, depth: 16, secs });
        await server.end("SIGKILL");
        const restart = await server.start();
        return { get: get.ops_per_s, create: create.ops_per_s, live, restart };
      }),
  },
  {
    name: "children",
    xs: [10, 100, 1e3, 1e4, 1e5, 1e6],
    quickMax: 1000,
    measure: (kind, children) => withCluster(kind, 1, {}, (cluster) => measureChildren(cluster, children)),
  },
  {
    name: "data",
    xs: [0, 10, 100, 1000, 10_000, 100_000, 900_000],
    quickMax: 10_000,
    measure: (kind, size) =>
      withCluster(kind, 1, {}, async (cluster) => {
        const load = { conns: 8, depth: 4, secs, size, keys: 100 };
        const get = await drive(cluster, { op: "get", ...load });
        const set = await drive(cluster, { op: "set", ...load });
        return { get: get.ops_per_s, set: set.ops_per_s };
      }),
  },
  {
    name: "watches",
    xs: [1e3, 1e4, 1e5, 1e6],
    quickMax: 1e4,
    measure: (kind, watches) =>
      withCluster(kind, 1, { probed: true }, async ({ server }) => {
        const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(server.port)));
        const before = await server.liveBytes();
        const each = watches / clients.length;
        const startedAt = performance.now();
        for (const [c, client] of clients.entries()) {
          await client.sendAll(each, (i) => exists(`/services/s-${c}/node-${i}`, true));
        }
        const seconds = (performance.now() - startedAt) / 1000;
        const live = ((await server.liveBytes()) - before) / watches;
        for (const client of clients) client.destroy();
        return { live, set: watches / seconds };
      }),
  },
  {
    name: "ensemble",
    xs: [1, 3, 5],
    quickMax: 3,
    measure: (kind, size) =>
      withCluster(kind, size, {}, async (cluster) => {
        const load = { conns: 64, depth: 16, secs };
        const get = await drive(cluster, { op: "get", ...load });
        const set = await drive(cluster, { op: "set", ...load });
        const keeper = await drive(cluster, { op: "keeper", ...load });
        return { get: get.ops_per_s, set: set.ops_per_s, keeper: keeper.ops_per_s };
      }),
  },
];

/** Creates and deletes beside so many brothers and sisters, and lists them. */
async function measureChildren({ server }: Cluster, children: number): Promise<Record<string, number>> {
  const client = await RawClient.open(server.port);
  await client.send(create("/parent", DATA), 1);
  await client.sendAll(children, (i) => create(`/parent/child-${i}`, DATA));
  const more = quick ? 500 : 20_000;
  const opsPerS = async (frameOf: (i: number) => Buffer) => {
    const startedAt = performance.now();
    await client.sendAll(more, frameOf);
    return (more * 1000) / (performance.now() - startedAt);
  };
  const creates = await opsPerS((i) => create(`/parent/more-${i}`, DATA));
  const deletes = await opsPerS((i) => remove(`/parent/more-${i}`));
  // Each list is a new one, since the server may keep the last: a child comes or goes in between.
  const lists = children >= 1e5 ? 5 : 20;
  let ms = 0;
  let bytes = 0;
  for (let i = 0; i < lists; i++) {
    await client.send(create(`/parent/last-${i}`, DATA), 1);
    const startedAt = performance.now();
    const before = client.receivedBytes;
    await client.send(getChildren("/parent"), 1);
    ms += performance.now() - startedAt;
    bytes += client.receivedBytes - before;
  }
  client.destroy();
  return { create: creates, delete: deletes, "list, per KiB": (ms * 1000) / (bytes / 1024) };
}

const file = join(cacheFolder("bench"), "curves.json");
const known: Curves = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { curves: {} };
const measured: Record<string, readonly CurvePoint[]> = { ...known.curves };
const wanted = curves.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (wanted.length === 0) {
  process.stderr.write(`there are: ${curves.map(({ name }) => name).join(", ")}\n`);
  process.exit(2);
}
for (const { name, xs, quickMax, measure } of wanted) {
  const points: CurvePoint[] = [];
  for (const x of xs) {
    if (quick && x > quickMax) continue;
    for (const kind of kinds) {
      try {
        const ys = await measure(kind, x);
        points.push({ kind, x, ys });
        const text = Object.entries(ys).map(([line, value]) => `${line} ${show(value)}`);
        process.stderr.write(`${name} ${x.toLocaleString("en")}, ${kind}: ${text.join(", ")}\n`);
      } catch (error) {
        // ZooKeeper's heap ends before the largest points; a Quoll that fails is a failure.
        if (kind !== "zookeeper") throw error;
        process.stderr.write(`${name} ${x.toLocaleString("en")}, ${kind}: ${(error as Error).message}\n`);
      }
      measured[name] = points;
      const text = JSON.stringify({
        date: new Date().toISOString().slice(0, 16),
        machine: machine(),
        curves: measured,
      });
      writeFileSync(file, `${text}\n`);
    }
  }
}
process.stderr.write(`${file}\n`);
process.exit(0);
