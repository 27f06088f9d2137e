import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, REPOSITORY } from "@quoll/compat-tests/peers/cache";
import { logbackFile, zookeeperClasspath } from "@quoll/compat-tests/peers/java-zookeeper";
import { compileC } from "./compile-c.js";
import type { ProbeReport } from "./probe.js";

/** What is measured: ZooKeeper, this Quoll, another build of Quoll, and a bare epoll loop that answers the same frames. */
export type Kind = "zookeeper" | "quoll" | "older" | "loop";

export interface ContenderOptions {
  /** The checkout of an older build of Quoll. */
  readonly against?: string;
  /** Tells several servers of one kind apart. */
  readonly name?: string;
  /** Further lines of zoo.cfg. */
  readonly cfg?: readonly string[];
  /** The server's number in its ensemble. */
  readonly myid?: number;
  /** Loads the probe into a Quoll, so that {@link Contender.probe} works. */
  readonly probed?: boolean;
  /** Further arguments of node, for a Quoll. */
  readonly nodeArgs?: readonly string[];
  /** Bytes of each znode's data, as the loop answers. */
  readonly dataSize?: number;
}

/** One server under measurement, with a data directory of its own. */
export class Contender {
  private readonly directory: string;
  private child: ChildProcess | null = null;

  constructor(
    readonly kind: Kind,
    readonly port: number,
    private readonly options: ContenderOptions = {},
  ) {
    this.directory = cacheFolder("bench", options.name ?? kind);
    running.add(this);
  }

  get pid(): number {
    return this.child!.pid!;
  }

  /** Removes the data, so that the next start is on an empty directory. */
  wipe(): void {
    rmSync(join(this.directory, "data"), { recursive: true, force: true });
  }

  /** Starts the server. @returns milliseconds until a client had a session */
  async start(): Promise<number> {
    const startedAt = performance.now();
    this.spawn();
    await this.serving(startedAt);
    return performance.now() - startedAt;
  }

  /** Starts the process, without waiting for it: a member of an ensemble serves only with the others. */
  spawn(): void {
    const data = join(this.directory, "data");
    mkdirSync(data, { recursive: true });
    const cfg = join(this.directory, "zoo.cfg");
    const lines = [
      `dataDir=${data}`,
      `clientPort=${this.port}`,
      "clientPortAddress=127.0.0.1",
      "tickTime=2000",
      "maxClientCnxns=0",
      "admin.enableServer=false",
      ...(this.options.cfg ?? []),
    ];
    writeFileSync(cfg, `${lines.join("\n")}\n`);
    if (this.options.myid !== undefined) writeFileSync(join(data, "myid"), `${this.options.myid}\n`);
    const log = openSync(join(this.directory, "server.log"), "w");
    const [program, args] = this.command(cfg);
    rmSync(this.probeFile, { force: true });
    this.child = spawn(program, args, {
      cwd: this.directory,
      stdio: ["ignore", log, log],
      env: { ...process.env, QUOLL_PROBE_FILE: this.probeFile },
    });
    closeSync(log);
  }

  /** Waits for a first session. */
  async serving(startedAt = performance.now()): Promise<void> {
    const { child } = this;
    while (!(await hasSession(this.port))) {
      if (child === null || child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${this.kind} ended: see ${this.directory}/server.log`);
      }
      if (performance.now() - startedAt > 120_000) {
        throw new Error(`${this.kind} does not serve: see ${this.directory}/server.log`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  private command(cfg: string): [string, string[]] {
    switch (this.kind) {
      case "zookeeper":
        return [
          "java",
          [
            "-Xmx2g",
            `-Dlogback.configurationFile=${logbackFile("WARN")}`,
            "-cp",
            zookeeperClasspath(),
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            cfg,
          ],
        ];
      case "loop":
        return [
          compileC(fileURLToPath(new URL("../c/epoll-echo.c", import.meta.url))),
          [String(this.port), String(this.options.dataSize ?? 100)],
        ];
      default: {
        const root = this.kind === "older" ? this.options.against! : REPOSITORY;
        const probe = ["--expose-gc", "--import", new URL("./probe.js", import.meta.url).href];
        const nodeArgs = [...(this.options.probed ? probe : []), ...(this.options.nodeArgs ?? [])];
        return [process.execPath, [...nodeArgs, join(root, "bin", "quoll"), "server", cfg]];
      }
    }
  }

  get isRunning(): boolean {
    const { child } = this;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === null || !this.isRunning) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  /** For the end of this process. */
  kill(): void {
    if (this.isRunning) this.child!.kill("SIGKILL");
  }

  /** Resident memory in bytes. */
  get rssBytes(): number {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"));
    return Number(match![1]) * 1024;
  }

  /** Of the newest snapshot, finished or not, as its name has it; empty without one. */
  get lastSnapshotZxid(): string {
    const names = readdirSync(join(this.directory, "data", "version-2")).flatMap(
      (name) => /^snapshot\.([0-9a-f]+)/.exec(name)?.[1] ?? [],
    );
    return names.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).pop() ?? "";
  }

  /** Processor time so far, of all threads, in seconds. */
  get cpuSeconds(): number {
    const text = readFileSync(`/proc/${this.pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // The kernel counts in hundredths of a second on every platform that node runs on.
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** Bytes that are still in use after a full collection. */
  async liveBytes(): Promise<number> {
    if (this.kind !== "zookeeper") return (await this.probe()).liveBytes;
    const text = execFileSync("jcmd", [String(this.pid), "GC.class_histogram"], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    const match = /^Total\s+\d+\s+(\d+)/m.exec(text);
    if (match === null) throw new Error("jcmd prints no total");
    return Number(match[1]);
  }

  /** Asks the probe in a Quoll, which must have been started with one; what it counts begins anew. */
  async probe(): Promise<ProbeReport> {
    if (!this.options.probed) throw new Error("the server runs without a probe");
    rmSync(this.probeFile, { force: true });
    this.child!.kill("SIGUSR2");
    while (!existsSync(this.probeFile)) {
      if (!this.isRunning) throw new Error(`${this.kind} ended: see ${this.directory}/server.log`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return JSON.parse(readFileSync(this.probeFile, "utf8")) as ProbeReport;
  }

  private get probeFile(): string {
    return join(this.directory, "probe.json");
  }
}

const running = new Set<Contender>();
// A bench that fails halfway must not leave servers behind.
process.on("exit", () => {
  for (const contender of running) contender.kill();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** ConnectRequest{int 0, long 0, int 10000, long 0, buffer of 16 zeros}, framed. */
const CONNECT = Buffer.from(`0000002c${"00".repeat(12)}00002710${"00".repeat(8)}00000010${"00".repeat(16)}`, "hex");

function hasSession(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(CONNECT));
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
    // ZooKeeper can forget a connection that comes while it starts, and then neither answers nor closes it.
    socket.setTimeout(500, () => socket.destroy());
    socket.once("close", () => resolve(false));
  });
}
