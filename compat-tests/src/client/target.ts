import { join } from "node:path";
import { connect, type NodeClientOptions, type StateChange, type ZooKeeper } from "@quoll/client";
import { freePort, type RunningServer, startServer } from "../peers/server.js";
import type { Suite } from "../suite.js";
import { Network } from "./network.js";

const TICK_MS = 300;
/** The least that a server with this tick gives. */
export const SESSION_MS = 3_000;

/** A client of a test, and all states that it has been in. */
export interface Observed {
  readonly zk: ZooKeeper;
  readonly changes: StateChange[];
  states(): string[];
}

/** One version of one server, as all tests use it. */
export class Target {
  server!: RunningServer;
  private port = 0;
  private readonly clients = new Set<ZooKeeper>();

  constructor(
    readonly suite: Suite,
    readonly name: string,
    private readonly version: readonly [number, number],
  ) {}

  get address(): string {
    return `${this.server.host}:${this.server.port}`;
  }

  /** Whether operations are there that came with that version. */
  has(major: number, minor: number): boolean {
    return this.version[0] > major || (this.version[0] === major && this.version[1] >= minor);
  }

  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    this.server = await startServer({
      kind: this.suite.kind,
      dir: join(this.suite.dir, this.name),
      cfg: {
        tickTime: TICK_MS,
        clientPort: this.port,
        maxClientCnxns: 0,
        extendedTypesEnabled: "true",
        "4lw.commands.whitelist": "srvr,isro",
      },
      ...(this.suite.kind === "java" ? { javaVersion: this.name } : {}),
    });
  }

  async stop(): Promise<void> {
    for (const zk of this.clients) zk.detach();
    await this.server.stop();
  }

  /** Runs one test, and closes the clients that it has left open. */
  async test(name: string, body: () => Promise<void>): Promise<void> {
    await this.suite.test(`${this.name}: ${name}`, body);
    await Promise.all([...this.clients].map((zk) => zk.close()));
    this.clients.clear();
  }

  async connect(options: NodeClientOptions = {}, address = this.address): Promise<ZooKeeper> {
    const zk = await connect(address, { sessionTimeoutMs: SESSION_MS, ...options }, { timeoutMs: 20_000 });
    this.clients.add(zk);
    return zk;
  }

  /** A client through a network of its own. */
  async through(options: NodeClientOptions = {}): Promise<Observed & { readonly network: Network }> {
    const network = await Network.open(this.server);
    return { ...(await this.observe(options, network.address)), network };
  }

  async observe(options: NodeClientOptions = {}, address = this.address): Promise<Observed> {
    const zk = await this.connect(options, address);
    const changes: StateChange[] = [];
    zk.onStateChange((change) => void changes.push(change));
    return { zk, changes, states: () => changes.map(({ state }) => state) };
  }

  /** A path that no other test uses, made. */
  async folder(zk: ZooKeeper, name: string): Promise<string> {
    const path = `/${name}`;
    await zk.create(path);
    return path;
  }
}

/** Waits for a condition, looking again and again. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
