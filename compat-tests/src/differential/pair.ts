import { rmSync } from "node:fs";
import { join } from "node:path";
import { fourLetterWord, type RunningServer, type ServerKind, startServer } from "../peers/server.js";
import { dumpRequests, SUPER_CONNECTION } from "./generate.js";
import { OpCode } from "./op-code.js";
import { type Profile, SUPER_AUTH } from "./profile.js";
import { childrenOf } from "./reply.js";
import { ROOT, type Script, type Step } from "./script.js";
import { Side } from "./side.js";

/** The first place where the two servers did not show the same. */
export interface Difference {
  /** Index of the step in the script; its length when the trees at the end differ. */
  readonly step: number;
  readonly connection: number;
  /** What each server showed on that connection, in words, from the first line that differs on (with a few before it). */
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/** How often connections that did nothing are looked at. */
const STEPS_PER_CHECKPOINT = 25;
const DUMP_CONNECTION = SUPER_CONNECTION + 1;

/** Two servers of one configuration, from empty directories on, which must answer every script in the same way. */
export class Pair {
  private servers: RunningServer[] = [];
  private readonly ended = new Set<RunningServer>();
  private sides: Side[] = [];
  private scripts = 0;

  constructor(
    private readonly kinds: readonly [ServerKind, ServerKind],
    private readonly profile: Profile,
    private readonly folder: string,
  ) {}

  /** Starts both servers on empty directories. */
  async start(): Promise<void> {
    await this.stop();
    const starts = this.kinds.map((kind, index) => {
      const dir = join(this.folder, `${this.profile.name}-${"ab"[index]}-${kind}`);
      rmSync(join(dir, "data"), { recursive: true, force: true });
      const { cfg, properties = {} } = this.profile;
      const env = { LC_ALL: "C.UTF-8" };
      return startServer({
        kind,
        dir,
        cfg,
        properties: { ...properties, "file.encoding": "UTF-8" },
        env,
        logLevel: "WARN",
      });
    });
    this.servers = await Promise.all(starts);
    for (const server of this.servers) void server.exited.then(() => this.ended.add(server));
    this.sides = this.servers.map((server) => new Side(server.host, server.port));
    this.scripts = 0;
  }

  async stop(): Promise<void> {
    await Promise.all(this.sides.map((side) => side.closeAll()));
    await Promise.all(this.servers.map((server) => server.kill()));
    this.servers = [];
    this.sides = [];
  }

  /** Runs a script on both, under a new root, and compares. After a difference the servers are not to be used any more. */
  async run(script: Script): Promise<Difference | null> {
    if (this.servers.length === 0) await this.start();
    const root = `/e${String(this.scripts++).padStart(5, "0")}`;
    let index = 0;
    try {
      await Promise.all(this.sides.map((side) => side.begin(root)));
      for (; index < script.length; index++) {
        const difference = await this.runAndCheck(script, index);
        if (difference !== null) return difference;
      }
      return await this.compareTrees(script.length);
    } catch (error) {
      // A server that is gone is a finding too, even when both are.
      const [a, b] = this.servers.map((server) => [this.ended.has(server) ? "the server ended" : "the server runs"]);
      return { step: index, connection: -1, a: [...a, `${error}`], b };
    }
  }

  private async runAndCheck(script: Script, index: number): Promise<Difference | null> {
    const difference = await this.runStep(script[index], index);
    if (difference !== null) return difference;
    if (index % STEPS_PER_CHECKPOINT !== STEPS_PER_CHECKPOINT - 1 && index !== script.length - 1) return null;
    const settled = await Promise.all(this.sides.map((side) => side.settleAll()));
    return this.compare(index, settled[0]);
  }

  private async runStep(step: Step, index: number): Promise<Difference | null> {
    const [settled] = await Promise.all(this.sides.map((side) => side.run(step)));
    return this.compare(index, settled);
  }

  private compare(step: number, connections: readonly number[]): Difference | null {
    for (const connection of connections) {
      const [a, b] = this.sides.map((side) => side.shown(connection));
      let from = 0;
      while (from < a.frames.length && from < b.frames.length && Buffer.compare(a.frames[from], b.frames[from]) === 0)
        from++;
      if (from === a.frames.length && from === b.frames.length) continue;
      const start = Math.max(0, from - 2);
      return { step, connection, a: a.describe().slice(start, from + 3), b: b.describe().slice(start, from + 3) };
    }
    return null;
  }

  /** Walks both trees as super, and compares what the servers count. */
  private async compareTrees(step: number): Promise<Difference | null> {
    const auth = [
      { kind: "int", value: 0 },
      { kind: "text", value: "digest" },
      { kind: "text", value: SUPER_AUTH },
    ] as const;
    const steps: Step[] = [
      { do: "connect", connection: DUMP_CONNECTION, timeoutMs: 3_600_000, readOnly: false, zxidBack: 0 },
      { do: "send", connection: DUMP_CONNECTION, requests: [{ type: OpCode.auth, xid: -4, fields: auth }] },
    ];
    for (const each of steps) {
      const difference = await this.runStep(each, step);
      if (difference !== null) return difference;
    }
    let level = [ROOT, "/zookeeper/config", `/zookeeper/quota${ROOT}`];
    while (level.length > 0) {
      const send: Step = { do: "send", connection: DUMP_CONNECTION, requests: dumpRequests(level) };
      await Promise.all(this.sides.map((side) => side.run(send)));
      const children = this.sides[0].peek(DUMP_CONNECTION).map((frame) => childrenOf(frame));
      const difference = this.compare(step, [DUMP_CONNECTION]);
      if (difference !== null) return difference;
      // Of every path three replies came; the second one lists its children.
      level = level.flatMap((path, index) => children[3 * index + 1].map((child) => `${path}/${child}`));
    }
    const counts = await Promise.all(this.servers.map(({ host, port }) => countsOf(host, port)));
    if (counts[0].join() === counts[1].join()) return null;
    return { step, connection: DUMP_CONNECTION, a: counts[0], b: counts[1] };
  }
}

async function countsOf(host: string, port: number): Promise<string[]> {
  const words = await Promise.all(["srvr", "wchs"].map((word) => fourLetterWord(host, port, word)));
  return (
    words
      .join("\n")
      .split("\n")
      .filter((line) => /^(Zxid|Node count|Mode|Total watches|.* watching )/.test(line))
      // ZooKeeper counts connections that watched something once, and only forgets some of them.
      .map((line) => line.replace(/^\d+ connections watching/, "watching"))
  );
}
