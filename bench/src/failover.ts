import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "@quoll/compat-tests/peers/cache";
import { fourLetterWord } from "@quoll/compat-tests/peers/server";
import { Cluster } from "./cluster.js";
import type { Kind } from "./contender.js";
import type { Row } from "./row.js";

/** Kept beside the project, as the load generator is. */
const SOURCE = join(REPOSITORY, "..", "shared", "bench", "failover.py");
const run = promisify(execFile);

/** Ensembles that live through all kills; only one of them runs at a time. */
const ensembles = new Map<Kind, Cluster>();

/**
 * How long three servers are without a write after their leader is killed. Every round kills the leader of each ensemble
 * once, in turn, and starts the killed server again.
 */
export const failoverRow: Row = {
  name: "failover",
  title: "3 servers, the leader killed",
  kinds: ["zookeeper", "quoll"],
  measures: [
    { name: "kill to first write", unit: "ms", better: "less" },
    { name: "kill to a write on each survivor", unit: "ms", better: "less" },
  ],
  rounds: ({ kills }) => kills,
  measure: async (kind, { against }) => {
    let cluster = ensembles.get(kind);
    if (cluster === undefined) {
      cluster = await Cluster.prepare(kind, 3, { ...(against === null ? {} : { against }) });
      ensembles.set(kind, cluster);
      await cluster.startEmpty();
    } else {
      const startedAt = performance.now();
      for (const member of cluster.members) member.spawn();
      await Promise.all(cluster.members.map((member) => member.serving(startedAt)));
    }
    try {
      await settled(cluster);
      const { stdout } = await run("python3", [SOURCE, ...cluster.members.map(({ port, pid }) => `${port}:${pid}`)]);
      const { first_write_ms: first, all_survivors_ms: all } = JSON.parse(stdout) as Record<string, number | null>;
      return {
        "kill to first write": first!,
        ...(all === null ? {} : { "kill to a write on each survivor": all }),
      };
    } finally {
      // The other ensemble has the machine to itself.
      await Promise.all(cluster.members.map((member) => member.end("SIGKILL")));
    }
  },
};

/** Waits until one member leads and the others follow. */
async function settled({ members }: Cluster): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const modes = await Promise.all(
      members.map(({ port }) => fourLetterWord("127.0.0.1", port, "srvr", 500).catch(() => "")),
    );
    const leaders = modes.filter((text) => text.includes("Mode: leader")).length;
    const followers = modes.filter((text) => text.includes("Mode: follower")).length;
    if (leaders === 1 && followers === members.length - 1) return;
    if (Date.now() > deadline) throw new Error("the ensemble does not settle within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
