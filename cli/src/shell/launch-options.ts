import { UsageError } from "./errors.js";
import type { OutputFormat } from "./io.js";

/** What stands before the command on the command line. zkCli's options have one dash. */
export interface LaunchOptions {
  readonly servers: string;
  readonly timeoutMs: number;
  readonly readOnly: boolean;
  readonly waitsForConnection: boolean;
  readonly clientConfiguration: string | null;
  readonly format: OutputFormat;
  readonly wantsHelp: boolean;
  /** Words with a dash that mean nothing; zkCli ignores them silently. */
  readonly unknown: readonly string[];
  /** The command to run, with its words; empty for a shell. */
  readonly command: readonly string[];
}

const DEFAULT_SERVERS = "localhost:2181";
const DEFAULT_TIMEOUT_MS = 30_000;

/** @throws {@link UsageError} an option lacks its argument, or the argument does not fit */
export function parseLaunchOptions(args: readonly string[]): LaunchOptions {
  const options = {
    servers: DEFAULT_SERVERS,
    timeoutMs: DEFAULT_TIMEOUT_MS,
    readOnly: false,
    waitsForConnection: false,
    clientConfiguration: null as string | null,
    format: "text" as OutputFormat,
    wantsHelp: false,
  };
  const unknown: string[] = [];
  let i = 0;
  const argument = (option: string): string => {
    const value = args[++i];
    if (value === undefined) throw new UsageError(`Error: no argument found for option ${option}`);
    return value;
  };
  for (; i < args.length; i++) {
    const word = args[i]!;
    if (!word.startsWith("-")) break;
    if (word === "-server") options.servers = argument(word);
    else if (word === "-timeout") options.timeoutMs = timeoutOf(argument(word));
    else if (word === "-r") options.readOnly = true;
    else if (word === "-waitforconnection") options.waitsForConnection = true;
    else if (word === "-client-configuration") options.clientConfiguration = argument(word);
    else if (word === "-o") options.format = outputFormat(argument(word));
    else if (word === "-h" || word === "-help" || word === "--help") options.wantsHelp = true;
    else unknown.push(word);
  }
  return { ...options, unknown, command: args.slice(i) };
}

/** The argument of -o, here and in every command. */
export function outputFormat(text: string): OutputFormat {
  if (text === "json" || text === "text") return text;
  throw new UsageError(`-o must be json or text, not ${text}`);
}

function timeoutOf(text: string): number {
  const timeoutMs = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (timeoutMs >= 0 && timeoutMs < 2 ** 31) return timeoutMs;
  throw new UsageError(`-timeout must be a number of milliseconds, not ${text}`, "for instance -timeout 30000");
}
