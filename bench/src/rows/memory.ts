import { fourLetterWord } from "@quoll/compat-tests/peers/server";
import { withCluster } from "../cluster.js";
import type { Contender } from "../contender.js";
import { bound, type Row, timesZooKeeper } from "../row.js";
import { drive } from "../zkload.js";

const MIB = 1 << 20;

/** An empty server: how soon it serves, and what it takes. */
const startRow: Row = {
  name: "start",
  title: "a server on an empty directory",
  kinds: ["zookeeper", "quoll"],
  measures: [
    { name: "start to first session", unit: "ms", better: "less", goal: bound(250) },
    { name: "idle RSS", unit: "MiB", better: "less", goal: bound(65) },
  ],
  measure: (kind, { against }) =>
    withCluster(kind, 1, { ...(against === null ? {} : { against }) }, async ({ server }, startMs) => {
      // Idle is after what follows the start: lazily loaded modules, the first collections.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return { "start to first session": startMs, "idle RSS": server.rssBytes / MIB };
    }),
};

/** A large tree of small znodes. Runs without a probe, since RSS and the restart are to be what users see. */
const residentRow: Row = {
  name: "resident",
  title: "a large tree of znodes with 100 B",
  kinds: ["zookeeper", "quoll"],
  measures: [
    { name: "RSS after load", unit: "MiB", better: "less", goal: timesZooKeeper(0.25) },
    { name: "RSS after restart", unit: "MiB", better: "less", goal: timesZooKeeper(0.4) },
    { name: "kill to first session", unit: "ms", better: "less", goal: timesZooKeeper(0.3) },
  ],
  rounds: ({ rounds }) => Math.min(rounds, 2),
  measure: (kind, { znodes, against }, progress) =>
    withCluster(kind, 1, { ...(against === null ? {} : { against }) }, async (cluster) => {
      const { server } = cluster;
      progress(`creating ${znodes} znodes`);
      await drive(cluster, { op: "create", conns: 16, depth: 16, total: znodes });
      const loaded = server.rssBytes;
      progress("killing the server");
      await server.end("SIGKILL");
      const backMs = await server.start();
      return {
        "RSS after load": loaded / MIB,
        "RSS after restart": server.rssBytes / MIB,
        "kill to first session": backMs,
      };
    }),
};

/** What the same znodes take in live memory. */
const znodesRow: Row = {
  name: "znodes",
  title: "live memory of znodes with 100 B",
  kinds: ["zookeeper", "quoll"],
  measures: [{ name: "each", unit: "B", better: "less", goal: bound(220) }],
  rounds: () => 1,
  measure: (kind, { znodes, against }, progress) =>
    withCluster(kind, 1, { probed: true, ...(against === null ? {} : { against }) }, async (cluster) => {
      const { server } = cluster;
      // The znodes that the load generator prepares are counted before and after.
      await drive(cluster, { op: "create", conns: 16, depth: 16, total: 1000 });
      const before = await server.liveBytes();
      progress(`creating ${znodes} znodes`);
      await drive(cluster, { op: "create", conns: 16, depth: 16, total: znodes });
      return { each: ((await server.liveBytes()) - before) / znodes };
    }),
};

/**
 * The pause of the event loop while a snapshot of a large tree is written under load. Measured from both sides: the
 * server's own loop, by a probe that the bench loads into it, and the answers to a single client's gets, which wait behind
 * the others' requests too.
 */
const stallRow: Row = {
  name: "stall",
  title: "sets while a snapshot of a large tree is written",
  kinds: ["zookeeper", "quoll"],
  measures: [
    { name: "event loop p99.9", unit: "ms", better: "less", goal: bound(10) },
    { name: "event loop max", unit: "ms", better: "less", goal: bound(30) },
    { name: "another client's p99.9", unit: "ms", better: "less" },
    { name: "another client's max", unit: "ms", better: "less" },
  ],
  rounds: () => 1,
  measure: (kind, { znodes, secs, against }, progress) => {
    // ZooKeeper's default, or less for a small tree. A snapshot begins after half to all of so many txns.
    const cfg = [`snapCount=${Math.min(100_000, Math.max(2, Math.round(znodes / 8)))}`];
    return withCluster(kind, 1, { probed: true, cfg, ...(against === null ? {} : { against }) }, async (cluster) => {
      const { server } = cluster;
      progress(`creating ${znodes} znodes`);
      await drive(cluster, { op: "create", conns: 16, depth: 16, total: znodes });
      const isQuoll = kind !== "zookeeper";
      if (isQuoll) await server.probe();
      const before = server.lastSnapshotZxid;
      progress("setting under snapshots");
      const windowSecs = Math.max(secs, 2);
      // The sets outlast the other client's window, with its warm-up, so that all of it is under load.
      let isLoaded = true;
      const sets = drive(cluster, { op: "set", conns: 16, depth: 16, secs: windowSecs + 4 }).finally(() => {
        isLoaded = false;
      });
      await Promise.race([sets, received(server, 10_000)]);
      const other = await drive(cluster, { op: "get", conns: 1, depth: 1, secs: windowSecs, keys: 1 });
      if (!isLoaded) throw new Error(`${kind}: the load ended before the other client's window; try a larger --secs`);
      await sets;
      if (server.lastSnapshotZxid === before)
        throw new Error(`${kind} began no snapshot under ${windowSecs} s of sets`);
      const report = isQuoll ? await server.probe() : null;
      return {
        ...(report === null ? {} : { "event loop p99.9": report.delayP999Ms, "event loop max": report.delayMaxMs }),
        "another client's p99.9": other.p999_us / 1000,
        "another client's max": other.max_us / 1000,
      };
    });
  },
};

/** Waits until so many more packets have come: the load generator has prepared its znodes and begun. */
async function received({ port }: Contender, packets: number): Promise<void> {
  const count = async () => {
    const text = await fourLetterWord("127.0.0.1", port, "srvr", 1000).catch(() => "");
    return Number(/^Received: (\d+)/m.exec(text)?.[1] ?? 0);
  };
  const first = await count();
  while ((await count()) < first + packets) await new Promise((resolve) => setTimeout(resolve, 20));
}

export const memoryRows: readonly Row[] = [startRow, residentRow, znodesRow, stallRow];
