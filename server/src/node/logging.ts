import type { Log } from "../core/capabilities.js";
import { ConfigError } from "./config/config-error.js";
import { isSecretProperty } from "./config/redaction.js";

/** From the most to the least talkative. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The log of the process. The core is given it as its {@link Log}. */
export interface Logger extends Log {
  /** The process is about to end because of this. */
  fatal(fields: object, message: string): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Readable lines in colour instead of JSON. */
  readonly terminal: boolean;
}

/**
 * The level of `--log-level`, else of the environment's QUOLL_LOG_LEVEL, else info.
 * @throws {@link ConfigError} a name that is no level
 */
export function logLevel(flag: string | undefined, env: Readonly<Record<string, string | undefined>>): LogLevel {
  const fromEnv = flag === undefined;
  const text = flag ?? env["QUOLL_LOG_LEVEL"] ?? "info";
  const level = LOG_LEVELS.find((name) => name === text.toLowerCase());
  if (level !== undefined) return level;
  const key = fromEnv ? "QUOLL_LOG_LEVEL" : "--log-level";
  const source = { file: fromEnv ? "environment" : "command line", line: 0 };
  throw new ConfigError(source, key, text, `be one of ${LOG_LEVELS.join(", ")}`);
}

/**
 * Opens the log on standard output. Lines are written synchronously: there are few of them, and the last one before a
 * fatal exit is the one that matters. A reader that went away is ignored.
 */
export async function openLogger({ level, terminal }: LogOptions): Promise<Logger> {
  const { openPino } = await import("./pino-log.js");
  const stream = terminal ? (await import("./terminal-log.js")).terminalStream() : null;
  return openPino(level, stream, withoutSecrets);
}

/** Deeper than any record that is logged; below it there is nothing but noise. */
const DEPTH_MAX = 6;

/** A copy of a line's fields in which whatever has a secret's name is `***`. */
export function withoutSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  return hideSecrets(fields, 0);
}

function hideSecrets(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) shown[name] = isSecretProperty(name) ? "***" : show(value, depth);
  return shown;
}

function show(value: unknown, depth: number): unknown {
  if (value instanceof Error) {
    const { name, message, stack } = value;
    const cause = value.cause === undefined || depth >= DEPTH_MAX ? {} : { cause: show(value.cause, depth + 1) };
    return { ...hideSecrets({ ...value }, depth + 1), type: name, message, stack, ...cause };
  }
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return "…";
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (value instanceof Map) return hideSecrets(Object.fromEntries(value), depth + 1);
  if (value instanceof Set) return [...value].map((item) => show(item, depth + 1));
  if (Array.isArray(value)) return value.map((item) => show(item, depth + 1));
  return hideSecrets(value as Record<string, unknown>, depth + 1);
}
