import type { WatchListener, ZooKeeper } from "@quoll/client";
import { UsageError } from "./errors.js";
import type { ShellIo } from "./io.js";
import type { OptionSpecs, ParsedCommand } from "./options.js";
import { optionsText } from "./text/usage.js";

/** One command of the shell: what it is called, what it takes, and what it does. */
export interface Command {
  readonly name: string;
  /** Follows the name in the usage line. */
  readonly usage: string;
  readonly specs: OptionSpecs;
  /** Its name, usage and messages are zkCli's. */
  readonly isZkCli: boolean;
  /** zkCli shows a table of the options below the usage line. */
  readonly showsOptions?: boolean;
  /** How many words it needs at least, its name included; with fewer the usage is the error. */
  readonly wordsMin: number;
  /** It works without a connection. zkCli does not look for options in the words of such commands. */
  readonly isLocal?: boolean;
  /** Any words may follow, and none of them means anything. */
  readonly ignoresWords?: boolean;
  /** One sentence for the list of commands. */
  readonly summary: string;
  /** What else `help` says about it. */
  readonly details?: string;
  readonly examples: ReadonlyArray<readonly [line: string, what: string]>;
  /** The fields that it prints with `-o json`. */
  readonly json: string;
  run(context: CommandContext, args: ParsedCommand): Promise<void>;
}

/** What a command may use. */
export interface CommandContext {
  readonly io: ShellIo;
  /** The session; each command that is not local runs with one that has not ended. */
  readonly client: ZooKeeper;
  /** Prints the events of watches that commands set. */
  readonly watcher: WatchListener;
  /** Fires when the user interrupts the command. */
  readonly signal: AbortSignal;
  readonly shell: ShellControl;
}

/** The shell itself, for the few commands that are about it. */
export interface ShellControl {
  /** What was entered in this session, by number. */
  readonly history: ReadonlyMap<number, string>;
  /** The number of the line that is running. */
  readonly lineNumber: number;
  readonly commands: ReadonlyMap<string, Command>;
  /** The command that a misspelt name most likely stands for. */
  guess(name: string): string | null;
  /** The connect string. */
  readonly servers: string;
  printsWatches: boolean;
  connect(servers: string): Promise<void>;
  close(): Promise<void>;
  /** Runs an entered line once more. */
  redo(line: string): Promise<void>;
  /** Ends the shell after this command. */
  quit(): Promise<void>;
}

/** How a command is used, as zkCli prints it. */
export function usageOf(command: Command): string {
  const line = `${command.name} ${command.usage}`;
  return command.showsOptions ? `${line}\n${optionsText(command.specs.options)}` : line;
}

export function usageError(command: Command): UsageError {
  return new UsageError(usageOf(command), `help ${command.name} shows examples`);
}
