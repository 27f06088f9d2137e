import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { cacheFolder, REPOSITORY } from "@quoll/compat-tests/peers/cache";
import { logbackFile, zookeeperClasspath } from "@quoll/compat-tests/peers/java-zookeeper";

export type Kind = "zookeeper" | "quoll";

/** One server under measurement, with a data directory of its own. */
export class Contender {
  readonly port: number;
  private readonly directory: string;
  private child: ChildProcess | null = null;

  constructor(
    readonly kind: Kind,
    port: number,
  ) {
    this.port = port;
    this.directory = cacheFolder("bench", kind);
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
    mkdirSync(join(this.directory, "data"), { recursive: true });
    const cfg = join(this.directory, "zoo.cfg");
    writeFileSync(
      cfg,
      [
        `dataDir=${join(this.directory, "data")}`,
        `clientPort=${this.port}`,
        "clientPortAddress=127.0.0.1",
        "tickTime=2000",
        "maxClientCnxns=0",
        "admin.enableServer=false",
        "",
      ].join("\n"),
    );
    const log = openSync(join(this.directory, "server.log"), "w");
    const [program, args] =
      this.kind === "quoll"
        ? [process.execPath, [join(REPOSITORY, "bin", "quoll"), "server", cfg]]
        : [
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
    const startedAt = performance.now();
    this.child = spawn(program as string, args as string[], { stdio: ["ignore", log, log] });
    while (!(await hasSession(this.port))) {
      if (this.child.exitCode !== null) throw new Error(`${this.kind} ended: see ${this.directory}/server.log`);
      if (performance.now() - startedAt > 120_000) throw new Error(`${this.kind} does not serve`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return performance.now() - startedAt;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  /** Resident memory in bytes. */
  get rssBytes(): number {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"));
    return Number(match![1]) * 1024;
  }
}

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
