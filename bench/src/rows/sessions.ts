import { withCluster } from "../cluster.js";
import { exists, getData, RawClient } from "../raw-client.js";
import { bound, type Row } from "../row.js";
import { drive } from "../zkload.js";

const SESSION_MS = 30_000;
/** Clients ping after a third of their timeout without a request. */
const PING_MS = SESSION_MS / 3;

/** Opens sessions, a hundred at a time. */
async function openSessions(port: number, count: number, timeoutMs = SESSION_MS): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const size = Math.min(100, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: size }, () => RawClient.open(port, timeoutMs)))));
  }
  return clients;
}

/** Sessions that only ping, as most do. */
const idleRow: Row = {
  name: "idle-sessions",
  title: "idle sessions that ping",
  kinds: ["zookeeper", "quoll"],
  measures: [
    { name: "CPU", unit: "% of a core", better: "less", goal: bound(3) },
    { name: "RSS each", unit: "KiB", better: "less", goal: bound(12) },
  ],
  rounds: () => 1,
  measure: (kind, { sessions, secs, against }, progress) =>
    withCluster(kind, 1, { ...(against === null ? {} : { against }) }, async ({ server }) => {
      const before = server.rssBytes;
      progress(`opening ${sessions} sessions`);
      const clients = await openSessions(server.port, sessions);
      const loaded = server.rssBytes;
      // Each pings once in PING_MS, a few every 20 ms, as clients that came at different times do.
      const windowMs = Math.max(secs * 1000, 2000);
      const cpu = server.cpuSeconds;
      const startedAt = performance.now();
      for (let sent = 0; ; ) {
        const elapsedMs = performance.now() - startedAt;
        const due = Math.min((elapsedMs / PING_MS) * clients.length, 100 * clients.length);
        const answers: Promise<void>[] = [];
        while (sent < due) answers.push(clients[sent++ % clients.length].ping());
        await Promise.all(answers);
        if (elapsedMs > windowMs) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const seconds = (performance.now() - startedAt) / 1000;
      const used = ((server.cpuSeconds - cpu) / seconds) * 100;
      for (const client of clients) client.destroy();
      return { CPU: used, "RSS each": (loaded - before) / sessions / 1024 };
    }),
};

/** Live memory of a session with its connection, and of a session whose client is away. */
const liveRow: Row = {
  name: "live-sessions",
  title: "live memory of sessions",
  kinds: ["zookeeper", "quoll"],
  measures: [
    { name: "each session", unit: "B", better: "less" },
    { name: "each connection", unit: "B", better: "less" },
  ],
  rounds: () => 1,
  measure: (kind, { sessions, against }) =>
    withCluster(kind, 1, { probed: true, ...(against === null ? {} : { against }) }, async ({ server }) => {
      const first = await openSessions(server.port, 100);
      const before = await server.liveBytes();
      const clients = await openSessions(server.port, sessions, 40_000);
      const connected = await server.liveBytes();
      for (const client of clients) client.destroy();
      // The server has seen all of them end once one that came after them is answered, and a turn more.
      await (await RawClient.open(server.port)).ping();
      await new Promise((resolve) => setTimeout(resolve, 500));
      const away = await server.liveBytes();
      for (const client of first) client.destroy();
      return { "each session": (away - before) / sessions, "each connection": (connected - away) / sessions };
    }),
};

/** Many clients that watch the same znodes, and watches on paths of their own. */
const watchesRow: Row = {
  name: "watches",
  title: "live memory of watches",
  kinds: ["zookeeper", "quoll"],
  measures: [
    { name: "100 clients × the same paths", unit: "B each", better: "less", goal: bound(8) },
    { name: "each on a path of its own", unit: "B each", better: "less", goal: bound(48) },
  ],
  rounds: () => 1,
  measure: async (kind, { znodes, against }, progress) => {
    const options = { probed: true, ...(against === null ? {} : { against }) };
    const paths = Math.max(1, Math.round(znodes / 100));
    const shared = await withCluster(kind, 1, options, async ({ server }) => {
      const clients = await openSessions(server.port, 100);
      const before = await server.liveBytes();
      progress(`100 clients watch ${paths} paths`);
      for (const client of clients) await client.sendAll(paths, (i) => exists(`/brokers/topics/t-${i}`, true));
      const after = await server.liveBytes();
      for (const client of clients) client.destroy();
      return (after - before) / (100 * paths);
    });
    const own = await withCluster(kind, 1, options, async ({ server }) => {
      const clients = await openSessions(server.port, 100);
      const before = await server.liveBytes();
      progress(`100 clients watch ${paths} paths each of their own`);
      for (const [c, client] of clients.entries()) {
        await client.sendAll(paths, (i) => exists(`/services/s-${c}/node-${i}`, true));
      }
      const after = await server.liveBytes();
      for (const client of clients) client.destroy();
      return (after - before) / (100 * paths);
    });
    return { "100 clients × the same paths": shared, "each on a path of its own": own };
  },
};

/** Requests that the greedy client sends in one piece. */
const PIPELINED = 10_000;

/** One client that sends one request at a time, alone and beside one that pipelines. */
const fairnessRow: Row = {
  name: "fairness",
  title: "get 1 × 1 beside a client that pipelines 10,000 requests",
  kinds: ["zookeeper", "quoll"],
  measures: [
    { name: "p99 alone", unit: "µs", better: "less" },
    { name: "p99 beside it", unit: "µs", better: "less" },
    { name: "p99 beside / alone", unit: "×", better: "less", goal: bound(3) },
  ],
  measure: (kind, { secs, against }) =>
    withCluster(kind, 1, { ...(against === null ? {} : { against }) }, async (cluster) => {
      const modest = { op: "get", conns: 1, depth: 1, secs };
      const alone = await drive(cluster, modest);
      const greedy = await RawClient.open(cluster.server.port);
      const frame = getData("/zkload/k1");
      const frames = Buffer.concat(Array.from({ length: PIPELINED }, () => frame));
      let done = false;
      const pipelining = (async () => {
        while (!done) await greedy.send(frames, PIPELINED);
      })();
      const beside = await drive(cluster, modest);
      done = true;
      await pipelining;
      greedy.destroy();
      return {
        "p99 alone": alone.p99_us,
        "p99 beside it": beside.p99_us,
        "p99 beside / alone": beside.p99_us / alone.p99_us,
      };
    }),
};

export const sessionRows: readonly Row[] = [idleRow, liveRow, watchesRow, fairnessRow];
