import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { createClient } from "@quoll/client";
import { startServer } from "@quoll/server";
import { loadConfig, openLogger } from "@quoll/server/internal";
import { type OutputFormat, ShellIo } from "../../src/shell/io.js";
import { Shell } from "../../src/shell/shell.js";

/** What a line printed. */
export interface Printed {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

/** A server in this process, and shells on it. */
export class World {
  readonly dir = mkdtempSync(join(tmpdir(), "quoll-shell-"));
  servers = "";
  private readonly ends: Array<() => Promise<void>> = [];

  async start(): Promise<void> {
    const properties = [
      "-Dzookeeper.4lw.commands.whitelist=*",
      "-Dzookeeper.DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=",
    ];
    const { config } = loadConfig({ words: [...properties, "0", join(this.dir, "data")], env: {} });
    const server = await startServer(config, await openLogger({ level: "silent", terminal: false }));
    this.servers = `127.0.0.1:${server.clientPort}`;
    this.ends.push(() => server.stop());
  }

  async end(): Promise<void> {
    for (const end of this.ends.reverse()) await end();
    rmSync(this.dir, { recursive: true });
  }

  /** A shell with a session. */
  async shell(format: OutputFormat = "text", isTerminal = false): Promise<TestShell> {
    const shell = new TestShell(this.servers, format, isTerminal);
    await shell.open();
    this.ends.push(() => shell.close());
    return shell;
  }
}

export class TestShell {
  readonly shell: Shell;
  private out = "";
  private err = "";

  constructor(servers: string, format: OutputFormat, isTerminal: boolean) {
    const stdout = new Writable({
      write: (chunk: Buffer, _, done) => {
        this.out += chunk.toString();
        done();
      },
    });
    const stderr = new Writable({
      write: (chunk: Buffer, _, done) => {
        this.err += chunk.toString();
        done();
      },
    });
    this.shell = new Shell({
      io: new ShellIo(stdout, stderr, format, isTerminal, false, false),
      servers,
      timeoutMs: 10_000,
      waitsForConnection: true,
      open: (connect) => createClient(connect, { sessionTimeoutMs: 10_000 }),
      printsEvents: true,
    });
  }

  async open(): Promise<void> {
    await this.shell.connect(this.shell.servers);
    await this.shell.connected(10_000);
    this.take();
  }

  async close(): Promise<void> {
    await this.shell.close();
  }

  /** Runs a line. */
  async run(line: string): Promise<Printed> {
    await this.shell.executeLine(line);
    return this.take();
  }

  /** Runs a line that must succeed, and gives what it printed on standard output. */
  async do(line: string): Promise<string> {
    const { out, err, exitCode } = await this.run(line);
    if (exitCode !== 0) throw new Error(`${line}: ${err}`);
    return out;
  }

  /** Runs a line in JSON and gives the documents that it printed. */
  async json(line: string): Promise<Array<Record<string, unknown>>> {
    const out = await this.do(`${line} -o json`);
    return out
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text) as Record<string, unknown>);
  }

  /** Begins a line, waits until it has printed what `expression` matches, and ends it as Ctrl-C does. */
  async runUntil(line: string, expression: RegExp, meanwhile: () => Promise<void>): Promise<Printed> {
    const ended = this.shell.executeLine(line);
    await meanwhile();
    while (!expression.test(this.out + this.err)) await new Promise((resolve) => setImmediate(resolve));
    this.shell.interrupt();
    await ended;
    return this.take();
  }

  /** What was printed since the last time. */
  take(): Printed {
    const printed = { out: this.out, err: this.err, exitCode: this.shell.exitCode };
    this.out = "";
    this.err = "";
    return printed;
  }
}
