import { freePort } from "@quoll/compat-tests/peers/server";
import { Contender, type ContenderOptions, type Kind } from "./contender.js";
import type { Target } from "./zkload.js";

/** The servers of one kind that are measured as one: a single one, or an ensemble. */
export class Cluster implements Target {
  private constructor(
    readonly kind: Kind,
    readonly members: readonly Contender[],
  ) {}

  static async prepare(kind: Kind, size: number, options: ContenderOptions = {}): Promise<Cluster> {
    if (size === 1) return new Cluster(kind, [new Contender(kind, await freePort(), options)]);
    const ports: number[] = [];
    for (let i = 0; i < 3 * size; i++) ports.push(await freePort());
    const lines = ["initLimit=10", "syncLimit=5", "standaloneEnabled=false"];
    for (let i = 0; i < size; i++) {
      lines.push(`server.${i + 1}=127.0.0.1:${ports[3 * i + 1]}:${ports[3 * i + 2]}`);
    }
    const members: Contender[] = [];
    for (let i = 0; i < size; i++) {
      const name = `${kind}-${size}-${i + 1}`;
      members.push(
        new Contender(kind, ports[3 * i], { ...options, name, myid: i + 1, cfg: [...(options.cfg ?? []), ...lines] }),
      );
    }
    return new Cluster(kind, members);
  }

  get servers(): string {
    return this.members.map(({ port }) => `127.0.0.1:${port}`).join(",");
  }

  get pids(): readonly number[] {
    return this.members.map(({ pid }) => pid);
  }

  /** The only member. */
  get server(): Contender {
    return this.members[0];
  }

  /** Starts all members on empty directories. @returns milliseconds until each had a session */
  async startEmpty(): Promise<number> {
    for (const member of this.members) member.wipe();
    const startedAt = performance.now();
    for (const member of this.members) member.spawn();
    await Promise.all(this.members.map((member) => member.serving(startedAt)));
    return performance.now() - startedAt;
  }

  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end("SIGKILL")));
    for (const member of this.members) member.wipe();
  }
}

/** Runs `work` on servers with empty directories, which are gone afterwards. */
export async function withCluster<T>(
  kind: Kind,
  size: number,
  options: ContenderOptions,
  work: (cluster: Cluster, startMs: number) => Promise<T>,
): Promise<T> {
  const cluster = await Cluster.prepare(kind, size, options);
  try {
    return await work(cluster, await cluster.startEmpty());
  } finally {
    await cluster.end();
  }
}
