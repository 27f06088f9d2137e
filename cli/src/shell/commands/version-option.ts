import { UsageError } from "../errors.js";
import type { ParsedCommand } from "../options.js";

/** The argument of -v: the version that a znode must have; undefined for any. */
export function versionOf(args: ParsedCommand): number | undefined {
  const text = args.value("v");
  if (text === undefined) return undefined;
  const version = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (version === (version | 0)) return version;
  throw new UsageError(`-v needs a whole number, not ${text}`, "stat shows the version");
}
