import type { DiskTimes } from "../disk/sim-disk.js";
import { RandomStream } from "../kernel/random.js";
import type { NetworkOptions } from "../network/network.js";
import type { ServerSettings } from "../process/server-process.js";
import type { ClientSettings } from "../workload/sim-client.js";

/** What a seed makes of the world before anything happens in it. */
export interface WorldOptions {
  readonly voters: number;
  readonly observers: number;
  readonly clients: number;
  /** Time with load and faults, and the time that healing may take. */
  readonly safetyMs: number;
  readonly livenessMs: number;
  readonly settings: ServerSettings;
  readonly network: NetworkOptions;
  readonly disk: DiskTimes;
  readonly client: ClientSettings;
}

export function worldOptions(seed: number): WorldOptions {
  const random = new RandomStream(seed, "options");
  const tickTimeMs = random.pick([100, 200, 500]);
  const voters = random.pick([1, 3, 3, 3, 3, 3, 5, 5]);
  return {
    voters,
    observers: voters > 1 && random.chance(0.25) ? 1 : 0,
    clients: random.between(2, 6),
    safetyMs: random.pick([5000, 10_000, 15_000]),
    livenessMs: 60_000,
    settings: {
      tickTimeMs,
      initLimit: 10,
      syncLimit: random.between(3, 5),
      snapCount: random.pick([20, 60, 300, 1000]),
      commitLogCount: random.pick([5, 20, 500]),
      preAllocBytes: random.pick([0, 4096, 16_384]),
      logSizeLimitBytes: random.pick([-1, 2048, 16_384]),
      snapshotSizeFactor: random.pick([-1, 0.33, 100, 100]),
      forceSnapshotSync: random.chance(0.1),
      leaderServes: random.chance(0.9) || voters === 1,
      readOnlyModeEnabled: random.chance(0.2),
      localSessionsEnabled: false,
      globalOutstandingLimit: random.pick([5, 1000]),
      snapRetainCount: 3,
    },
    network: {
      minLatencyMs: 0.1,
      maxLatencyMs: random.pick([1, 5, 30]),
      segments: random.chance(0.5),
    },
    disk: { minSyncMs: 0.1, maxSyncMs: random.pick([1, 5, 30]) },
    client: {
      sessionTimeoutMs: tickTimeMs * random.pick([4, 8, 15]),
      depth: random.pick([1, 2, 8]),
      pauseMs: random.pick([5, 20, 60]),
      readFraction: random.pick([0.2, 0.5]),
    },
  };
}
