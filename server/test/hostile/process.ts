import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OpCode } from "../../src/core/op-code.js";
import { connectFrame, createBody, frame, pathBoolBody } from "./frames.js";

const QUOLL = fileURLToPath(new URL("../../../bin/quoll", import.meta.url));

/** One line of the server's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A `quoll server` of its own process. */
export class ServerProcess {
  output = "";
  /** When it ended, and with which exit code. */
  readonly ended: Promise<{ code: number | null; atMs: number }>;

  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
  ) {
    this.ended = new Promise((resolve) => {
      child.on("close", (code) => resolve({ code, atMs: performance.now() }));
    });
  }

  /**
   * Starts a server on `dir` and waits until it serves or ends.
   * @param options.lines - of zoo.cfg, besides dataDir and the port
   * @param options.before - a program and its arguments in front of the server's command, for instance strace
   */
  static async start(
    dir: string,
    options: { lines?: readonly string[]; before?: readonly string[]; port?: number; dataDir?: string } = {},
  ): Promise<ServerProcess> {
    const port = options.port ?? (await freePort());
    const cfg = join(dir, "zoo.cfg");
    const lines = [
      `dataDir=${options.dataDir ?? join(dir, "data")}`,
      "clientPortAddress=127.0.0.1",
      `clientPort=${port}`,
    ];
    writeFileSync(cfg, [...lines, "preAllocSize=64", "maxClientCnxns=0", ...(options.lines ?? []), ""].join("\n"));
    return ServerProcess.run(cfg, port, options.before);
  }

  /** The same with a zoo.cfg that is there already. */
  static async run(cfg: string, port: number, before: readonly string[] = []): Promise<ServerProcess> {
    const [program, ...args] = [...before, process.execPath, QUOLL, "server", cfg];
    const server = new ServerProcess(spawn(program!, args, { stdio: ["ignore", "pipe", "pipe"] }), port);
    let serves: () => void;
    const serving = new Promise<void>((resolve) => (serves = resolve));
    const take = (chunk: Buffer) => {
      server.output += chunk.toString();
      if (server.output.includes("serving clients on")) serves();
    };
    server.child.stdout!.on("data", take);
    server.child.stderr!.on("data", take);
    await Promise.race([serving, server.ended]);
    return server;
  }

  /** Waits until the server has written this, or has ended. */
  says(text: string): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.output.includes(text) && this.child.exitCode === null) return;
        this.child.stdout!.off("data", look);
        resolve();
      };
      this.child.stdout!.on("data", look);
      this.child.once("close", look);
      look();
    });
  }

  get isServing(): boolean {
    return this.output.includes("serving clients on") && this.child.exitCode === null;
  }

  lines(): LogLine[] {
    return this.output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as LogLine);
  }

  async stop(): Promise<number | null> {
    this.child.kill("SIGTERM");
    return (await this.ended).code;
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A client that speaks the protocol's frames over a socket, and says when each request was answered. */
export class SocketClient {
  /** Error codes by xid, in the order of the answers. */
  readonly answers = new Map<number, number>();
  lastAnswerAtMs = 0;
  readonly closed: Promise<void>;
  private input = Buffer.alloc(0);
  private hasSession = false;
  private readonly waiting = new Map<number, (err: number) => void>();
  private readonly opened: Promise<void>;
  private xid = 0;

  constructor(readonly socket: Socket) {
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        for (const settle of this.waiting.values()) settle(Number.NaN);
        resolve();
      });
    });
    socket.on("error", () => {});
    this.opened = new Promise((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        this.input = Buffer.concat([this.input, chunk]);
        this.takeFrames(resolve);
      });
    });
  }

  static async open(port: number, timeoutMs = 30_000): Promise<SocketClient> {
    const client = new SocketClient(connectSocket(port, "127.0.0.1"));
    client.socket.write(connectFrame(timeoutMs));
    await Promise.race([client.opened, client.closed]);
    return client;
  }

  /** @returns the error code of the answer; NaN when the connection ends without one */
  ask(type: number, body: Uint8Array): Promise<number> {
    const xid = ++this.xid;
    const answer = new Promise<number>((resolve) => this.waiting.set(xid, resolve));
    if (this.socket.destroyed) return Promise.resolve(Number.NaN);
    this.socket.write(frame(xid, type, body));
    return answer;
  }

  create(path: string, data?: Uint8Array): Promise<number> {
    return this.ask(OpCode.create, createBody(path, data));
  }

  exists(path: string): Promise<number> {
    return this.ask(OpCode.exists, pathBoolBody(path, false));
  }

  end(): void {
    this.socket.destroy();
  }

  private takeFrames(opened: () => void): void {
    while (this.input.length >= 4 && this.input.length >= 4 + this.input.readInt32BE(0)) {
      const length = this.input.readInt32BE(0);
      if (!this.hasSession) {
        this.hasSession = true;
        opened();
      } else {
        const xid = this.input.readInt32BE(4);
        const err = this.input.readInt32BE(16);
        this.answers.set(xid, err);
        this.lastAnswerAtMs = performance.now();
        this.waiting.get(xid)?.(err);
        this.waiting.delete(xid);
      }
      this.input = this.input.subarray(4 + length);
    }
  }
}
