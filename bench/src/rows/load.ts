import { withCluster } from "../cluster.js";
import type { Kind } from "../contender.js";
import { type Measure, type Row, timesZooKeeper } from "../row.js";
import { drive } from "../zkload.js";

/** Goals as multiples of ZooKeeper's figure. */
interface Goals {
  readonly throughput?: number;
  readonly cpu?: number;
  readonly median?: number;
  readonly p99?: number;
}

/** Throughput, latency and processor time under the load generator. */
function load(op: string, conns: number, depth: number, servers: number, goals: Goals): Row {
  const prefix = servers === 1 ? "" : `${servers}-`;
  const measure = (name: string, unit: string, better: "more" | "less", goal: number | undefined): Measure => ({
    name,
    unit,
    better,
    ...(goal === undefined ? {} : { goal: timesZooKeeper(goal) }),
  });
  // The loop keeps nothing, so it is no ensemble.
  const kinds: Kind[] = servers === 1 ? ["zookeeper", "quoll", "loop"] : ["zookeeper", "quoll"];
  return {
    name: `${prefix}${op}-${conns}x${depth}`,
    title: `${servers === 1 ? "" : `${servers} servers: `}${op} ${conns} × ${depth}`,
    kinds,
    measures: [
      measure("throughput", "ops/s", "more", goals.throughput),
      measure("CPU per op", "µs", "less", goals.cpu),
      measure("median", "µs", "less", goals.median),
      measure("p99", "µs", "less", goals.p99),
    ],
    measure: (kind, { secs, against }) =>
      withCluster(kind, servers, { ...(against === null ? {} : { against }) }, async (cluster) => {
        const result = await drive(cluster, { op, conns, depth, secs });
        return {
          throughput: result.ops_per_s,
          "CPU per op": result.server_cpu_us_per_op,
          median: result.p50_us,
          p99: result.p99_us,
        };
      }),
  };
}

export const loadRows: readonly Row[] = [
  load("get", 64, 1, 1, { throughput: 1.4, cpu: 0.6 }),
  load("get", 64, 16, 1, { throughput: 5, cpu: 0.17 }),
  load("get", 8, 128, 1, { throughput: 10 }),
  load("exists", 64, 16, 1, { throughput: 6 }),
  load("children", 64, 16, 1, { throughput: 6 }),
  load("set", 64, 1, 1, { throughput: 1.4 }),
  load("set", 64, 16, 1, { throughput: 3 }),
  load("create", 64, 16, 1, { throughput: 4, p99: 0.25 }),
  load("createseq", 64, 16, 1, { throughput: 4 }),
  load("keeper", 64, 1, 1, { throughput: 1.6 }),
  load("keeper", 64, 16, 1, { throughput: 5 }),
  load("get", 1, 1, 1, { median: 0.6 }),
  load("set", 1, 1, 1, { median: 0.75 }),
  load("set", 64, 16, 3, { throughput: 3 }),
  load("create", 64, 16, 3, { throughput: 4 }),
  load("keeper", 64, 16, 3, { throughput: 4 }),
  load("get", 64, 16, 3, { throughput: 4 }),
];
