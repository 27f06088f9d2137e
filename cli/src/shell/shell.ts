import { setMaxListeners } from "node:events";
import {
  AbortedError,
  isKeeperError,
  type SessionState,
  type StateChange,
  type WatchEvent,
  type ZooKeeper,
} from "@quoll/client";
import { didYouMean } from "@quoll/server/internal";
import { type Command, type CommandContext, type ShellControl, usageError } from "./command.js";
import { InterruptedError, ParseError, ShellError, UnknownCommandError, UsageError } from "./errors.js";
import type { ShellIo } from "./io.js";
import { outputFormat } from "./launch-options.js";
import { wordsOf } from "./line.js";
import { ParsedCommand, parseOptions } from "./options.js";
import { COMMANDS, usageText } from "./registry.js";
import { KeeperShellError, shellErrorOf } from "./text/keeper-message.js";
import { hex } from "./text/stat.js";

/** How long a command waits for a connection before it fails, unless the session timeout is shorter. */
const CONNECT_WAIT_MAX_MS = 5000;

export interface ShellOptions {
  readonly io: ShellIo;
  readonly servers: string;
  readonly timeoutMs: number;
  /** Commands wait for a connection as long as the session timeout. */
  readonly waitsForConnection: boolean;
  /** Opens a client, which need not be connected yet. */
  readonly open: (servers: string) => ZooKeeper;
  /** Whether events of watches and of the connection are printed as zkCli does. */
  readonly printsEvents: boolean;
}

/** Runs lines and commands over one session at a time. */
export class Shell implements ShellControl {
  readonly commands = COMMANDS;
  readonly history = new Map<number, string>();
  lineNumber = 0;
  /** Of the command that ran last: what the process ends with. */
  exitCode = 0;
  servers: string;
  printsWatches: boolean;
  isOver = false;
  /** Prints what comes on its own, such as events. */
  notify: (text: string) => void;

  private readonly io: ShellIo;
  private client: ZooKeeper | null = null;
  private running: AbortController | null = null;
  /** Events of this turn: one that several watches of ours report is printed once, as in Java. */
  private readonly justPrinted = new Set<string>();

  constructor(private readonly options: ShellOptions) {
    this.io = options.io;
    this.servers = options.servers;
    this.printsWatches = options.printsEvents;
    this.notify = (text) => this.io.out(text);
  }

  /** `[zk: localhost:2181(CONNECTED) 0] ` */
  get prompt(): string {
    return `[zk: ${this.servers}(${this.stateText}) ${this.lineNumber}] `;
  }

  /** The session's state by Java's names. */
  get stateText(): string {
    return this.client === null ? "NOT_CONNECTED" : STATES[this.client.state];
  }

  get isAlive(): boolean {
    return this.client !== null && this.client.state !== "closed" && this.client.state !== "authFailed";
  }

  /** The session that runs, for completion. */
  get session(): ZooKeeper | null {
    return this.isAlive ? this.client : null;
  }

  /** Begins a session, after ending the one before. It need not be connected when this resolves. */
  async connect(servers: string): Promise<void> {
    await this.close();
    const client = this.options.open(servers);
    client.onStateChange((change) => this.printState(client, change));
    this.servers = servers;
    this.client = client;
  }

  /** Waits for the connection; true once there is one, false if there is none in time. */
  async connected(timeoutMs: number): Promise<boolean> {
    try {
      await this.client?.connected({ timeoutMs });
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    if (this.isAlive) await this.client!.close();
  }

  async quit(): Promise<void> {
    await this.close();
    this.isOver = true;
  }

  /** Gives the running command up. @returns false if none was running, or it was given up before */
  interrupt(): boolean {
    if (this.running === null || this.running.signal.aborted) return false;
    this.running.abort(new InterruptedError());
    return true;
  }

  /** Runs an entered line and gives it a number. Nothing is thrown: errors are printed. */
  async executeLine(line: string): Promise<void> {
    if (line === "") return;
    this.history.set(this.lineNumber, line);
    await this.execute(wordsOf(line));
    this.lineNumber++;
  }

  async redo(line: string): Promise<void> {
    const words = wordsOf(line);
    if (words[0] === "redo") throw new ShellError("No redoing redos");
    this.history.set(this.lineNumber, line);
    await this.run(words);
  }

  guess(name: string): string | null {
    const successors: Readonly<Record<string, string>> = {
      ls2: "ls -s",
      rmr: "deleteall",
      rm: "delete",
      mkdir: "create",
    };
    return successors[name] ?? didYouMean(name, this.commands.keys());
  }

  /** Runs one command and remembers its exit code. Nothing is thrown: errors are printed. */
  async execute(words: readonly string[]): Promise<void> {
    const before = this.exitCode;
    try {
      await this.run(words);
      this.exitCode = this.isOver ? before : 0;
    } catch (error) {
      this.exitCode = this.printError(error, words);
    }
  }

  private async run(words: readonly string[]): Promise<void> {
    const [name] = words;
    if (name === undefined) throw new UsageError("No command entered");
    const command = this.commands.get(name);
    if (command === undefined) {
      if (this.io.format === "text" && !this.io.isTerminal) this.io.err(usageText());
      throw new UnknownCommandError(name, this.guess(name));
    }
    if (!command.isLocal && !this.isAlive) {
      this.sayNotConnected();
      return;
    }
    const args = this.parse(command, words);
    const format = args.value("o");
    const io = format === undefined ? this.io : this.io.withFormat(outputFormat(format));
    if (args.words.length < command.wordsMin) throw usageError(command);
    const running = new AbortController();
    // Each request on the way listens.
    setMaxListeners(0, running.signal);
    const outer = this.running;
    this.running = running;
    try {
      if (!command.isLocal) await this.waitForConnection(args, running.signal);
      await command.run(this.context(io, running.signal), args);
    } finally {
      this.running = outer;
    }
    if (command.isLocal && command.isZkCli && !this.isOver && !this.isAlive) this.sayNotConnected();
  }

  private sayNotConnected(): void {
    if (this.io.format === "json") throw new ShellError("Not connected", 1, "connect begins a new session");
    this.io.out("Not connected\n");
  }

  private parse(command: Command, words: readonly string[]): ParsedCommand {
    if (command.isLocal || command.ignoresWords) {
      const at = words.indexOf("-o", 1);
      if (at === -1) return new ParsedCommand(words, new Map(), words);
      const rest = [...words.slice(0, at), ...words.slice(at + 2)];
      return new ParsedCommand(rest, new Map([["o", words[at + 1] ?? ""]]), words);
    }
    return parseOptions(withFormatOption(command), words);
  }

  private context(io: ShellIo, signal: AbortSignal): CommandContext {
    const shell = this;
    return {
      io,
      get client() {
        return shell.client!;
      },
      watcher: (event) => this.printEvent(event),
      signal,
      shell: this,
    };
  }

  /** As in Java a command fails when no server answers, rather than wait for ever; the message names its path. */
  private async waitForConnection({ words }: ParsedCommand, signal: AbortSignal): Promise<void> {
    const client = this.client!;
    if (client.isConnected) return;
    const { timeoutMs, waitsForConnection } = this.options;
    const waitMs = waitsForConnection ? timeoutMs : Math.min(timeoutMs, CONNECT_WAIT_MAX_MS);
    try {
      await client.connected({ timeoutMs: Math.max(waitMs, 1), signal });
    } catch (error) {
      if (!isKeeperError(error)) throw error;
      const path = words[1]?.startsWith("/") ? words[1] : null;
      throw new KeeperShellError(error.code === "OperationTimeout" ? "ConnectionLoss" : error.code, path, error);
    }
  }

  /** @returns the exit code */
  private printError(raised: unknown, words: readonly string[]): number {
    const error = raised instanceof AbortedError ? new InterruptedError({ cause: raised }) : shellErrorOf(raised);
    const { message, hint, code, exitCode } = describe(error);
    const command = this.commands.get(words[0] ?? "");
    const asksForJson = this.io.format === "json" || wantsJson(words);
    if (asksForJson) {
      const path = error instanceof KeeperShellError ? { path: error.path } : {};
      this.io.err(`${JSON.stringify({ error: { code, message: message.trimEnd(), ...path, hint } })}\n`);
    } else if (this.io.isTerminal) {
      const text = error instanceof ParseError ? error.plainMessage : message;
      const next = hint ?? (error instanceof ParseError && command ? `help ${command.name} shows its options` : null);
      const style = this.io.errorStyle;
      this.io.err(`${style.paint("red", text)}\n${next === null ? "" : `${style.paint("dim", next)}\n`}`);
    } else {
      this.io.err(`${message}\n`);
    }
    return exitCode;
  }

  private printEvent({ type, path, zxid }: WatchEvent): void {
    // The end of the session is said by its state.
    if (!this.printsWatches || type === "SessionEnded") return;
    const key = `${type} ${path} ${zxid}`;
    if (this.justPrinted.has(key)) return;
    this.justPrinted.add(key);
    setImmediate(() => this.justPrinted.delete(key));
    if (this.io.format === "json") {
      this.notify(`${JSON.stringify({ event: { type, path, zxid: zxid < 0n ? null : hex(zxid) } })}\n`);
    } else if (type === "Gap") {
      if (this.io.isTerminal) this.notify(`\nThe connection was lost for a while: events of ${path} may be missing\n`);
    } else {
      const state = this.client?.state === "connectedReadOnly" ? "ConnectedReadOnly" : "SyncConnected";
      this.notify(eventText(`state:${state} type:${type} path:${path} zxid: ${zxid}`));
    }
  }

  private printState(client: ZooKeeper, { state }: StateChange): void {
    const text = STATE_EVENTS[state];
    if (text === null || !this.printsWatches || (client !== this.client && state !== "closed")) return;
    if (this.io.format === "json") this.notify(`${JSON.stringify({ state: text })}\n`);
    else this.notify(eventText(`state:${text} type:None path:null zxid: -1`));
  }
}

function eventText(event: string): string {
  return `\nWATCHER::\n\nWatchedEvent ${event}\n`;
}

const STATES: Readonly<Record<SessionState, string>> = {
  connecting: "CONNECTING",
  connected: "CONNECTED",
  connectedReadOnly: "CONNECTEDREADONLY",
  disconnected: "CONNECTING",
  expired: "CLOSED",
  authFailed: "AUTH_FAILED",
  closed: "CLOSED",
};

/** What a watcher in Java is told about the connection; null for nothing. */
const STATE_EVENTS: Readonly<Record<SessionState, string | null>> = {
  connecting: null,
  connected: "SyncConnected",
  connectedReadOnly: "ConnectedReadOnly",
  disconnected: "Disconnected",
  expired: "Expired",
  authFailed: "AuthFailed",
  closed: "Closed",
};

/** Every command takes -o, which zkCli does not know. */
function withFormatOption({ specs }: Command): Command["specs"] {
  if (specs.options.some(({ name }) => name === "o")) return specs;
  return { ...specs, options: [...specs.options, { name: "o", argument: "format", help: "text or json" }] };
}

function wantsJson(words: readonly string[]): boolean {
  const at = words.indexOf("-o");
  return at > 0 && words[at + 1] === "json";
}

function describe(error: unknown): { message: string; hint: string | null; code: string; exitCode: number } {
  if (error instanceof ShellError) return error;
  const { message = String(error), code } = (error ?? {}) as { message?: string; code?: unknown };
  return { message, hint: null, code: typeof code === "string" ? code : "FAILED", exitCode: 1 };
}
