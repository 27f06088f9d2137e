import { Long } from "@quoll/jute";
import { ToolError, ToolExit } from "./tool-error.js";

/** A zxid as people write it: `0x1a2b`, or decimal. */
export function parseZxid(text: string): number {
  const value = /^(?:0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw invalid("zxid", text, "a hexadecimal number such as 0x1a2b, or a decimal one");
}

/** A session id as ZooKeeper's logs show it: `0x10000abc`, with or without `0x`. */
export function parseSession(text: string): Long {
  if (/^(?:0x)?[0-9a-f]{1,16}$/i.test(text)) return Long.fromBigInt(BigInt(`0x${text.replace(/^0x/i, "")}`));
  throw invalid("session", text, "a hexadecimal number such as 0x1000060a0b0001");
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A moment: an ISO date and time (in the machine's zone unless it says another), milliseconds since 1970, or how long ago,
 * as in `90s`, `10m`, `2h`, `3d`.
 * @returns milliseconds since 1970
 */
export function parseTime(text: string, nowMs: number): number {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * UNITS_MS[ago[2]!]!;
  if (/^\d{12,}$/.test(text)) return Number(text);
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text.replace(" ", "T")) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw invalid("time", text, "for instance 2026-03-01T12:30:00, 2026-03-01T12:30:00Z, 1772368200000 or 2h (ago)");
}

/** A whole number of at least `min`. */
export function parseCount(name: string, text: string, min: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw invalid(name, text, `a whole number of at least ${min}`);
}

/** A znode's path, without a slash at its end. */
export function parsePath(text: string): string {
  if (text.startsWith("/")) return text.length > 1 ? text.replace(/\/+$/, "") || "/" : text;
  throw invalid("path", text, "an absolute path such as /app/config");
}

export type OutputFormat = "text" | "json";

export function parseFormat(text: string): OutputFormat {
  if (text === "text" || text === "json") return text;
  throw invalid("output", text, "text or json");
}

function invalid(name: string, text: string, accepted: string): ToolError {
  return new ToolError(ToolExit.invocation, `${name} is ${text}; it must be ${accepted}`);
}
