import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const QUOLL = fileURLToPath(new URL("../../../bin/quoll", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A `quoll server` process, with a configuration and a data directory of its own. */
export class ServerProcess {
  readonly pid: number;
  /** Settles when the process has ended and its output is closed. */
  readonly ended: Promise<Ended>;
  output = "";
  private readonly waiters: { text: string; resolve: () => void }[] = [];

  /** @param wrapper - a command that runs the server, such as strace with its arguments */
  constructor(
    readonly configFile: string,
    wrapper: readonly string[] = [],
  ) {
    const words = [...wrapper, process.execPath, QUOLL, "server", configFile];
    const child: ChildProcess = spawn(words[0]!, words.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    this.pid = child.pid!;
    const gather = (chunk: Buffer): void => {
      this.output += chunk.toString();
      for (const waiter of this.waiters) if (this.output.includes(waiter.text)) waiter.resolve();
    };
    child.stdout!.on("data", gather);
    child.stderr!.on("data", gather);
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code, signal }));
    });
  }

  /** Until the process says so, or has ended: then with an error that holds its output. */
  async says(text: string): Promise<void> {
    if (this.output.includes(text)) return;
    const said = new Promise<void>((resolve) => this.waiters.push({ text, resolve }));
    await Promise.race([said, this.ended]);
    if (!this.output.includes(text)) throw new Error(`the server ended without saying "${text}":\n${this.output}`);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }
}

/** A scratch directory with a server's configuration, and the processes that were started in it. */
export class Installation {
  readonly directory = mkdtempSync(join(tmpdir(), "quoll-process-"));
  readonly dataDirectory = join(this.directory, "data");
  private readonly configFile = join(this.directory, "zoo.cfg");
  private readonly processes: ServerProcess[] = [];

  /** @param settings - lines of the configuration beside port and directory */
  constructor(
    readonly port: number,
    settings: readonly string[] = [],
  ) {
    mkdirSync(this.dataDirectory);
    const lines = [
      `dataDir=${this.dataDirectory}`,
      `clientPort=${port}`,
      "clientPortAddress=127.0.0.1",
      "tickTime=500",
    ];
    writeFileSync(this.configFile, [...lines, "admin.enableServer=false", ...settings, ""].join("\n"));
  }

  get versionDirectory(): string {
    return join(this.dataDirectory, "version-2");
  }

  /** Starts a server without waiting for it. */
  spawn(wrapper: readonly string[] = []): ServerProcess {
    const server = new ServerProcess(this.configFile, wrapper);
    this.processes.push(server);
    return server;
  }

  /** Starts a server and waits until it serves. */
  async start(wrapper: readonly string[] = []): Promise<ServerProcess> {
    const server = this.spawn(wrapper);
    await server.says("serving clients on");
    return server;
  }

  /** Ends what still runs, and removes everything. */
  async remove(): Promise<void> {
    for (const server of this.processes) {
      try {
        server.signal("SIGKILL");
      } catch {
        // It has ended.
      }
      await server.ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The answer to a four-letter word. */
export function fourLetterWord(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connectSocket(port, "127.0.0.1", () => socket.write(word));
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.on("end", () => resolve(text));
    socket.on("error", reject);
  });
}
