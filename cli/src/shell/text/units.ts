import { UsageError } from "../errors.js";

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `500ms`, `30s`, `5m`, `2h`, `7d`; a number alone is seconds. */
export function durationMs(option: string, text: string): number {
  const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (number === undefined)
    throw new UsageError(`-${option} must be a duration such as 500ms, 30s, 5m, 2h or 7d, not ${text}`);
  return Number(number) * MS[unit]!;
}

/** `100`, `10k`, `2m`: bytes, in powers of 1024. */
export function sizeBytes(option: string, text: string): number {
  const [, number, unit = ""] = /^(\d+)([kmg])?$/i.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`-${option} must be a size such as 100, 10k or 2m, not ${text}`);
  return Number(number) * BYTES[unit.toLowerCase()]!;
}

/** A size for people: `312`, `1.5k`, `20M`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  for (const unit of ["", "k", "M", "G"]) {
    if (value < 1000 || unit === "G") {
      return unit === "" ? String(value) : `${value < 10 ? value.toFixed(1) : Math.round(value)}${unit}`;
    }
    value /= 1024;
  }
  return String(bytes);
}

/** A duration for people: `350ms`, `12s`, `5m`, `3h`, `9d`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  for (const [unit, length, next] of [
    ["s", 1000, 60_000],
    ["m", 60_000, 3_600_000],
    ["h", 3_600_000, 172_800_000],
  ] as const) {
    if (ms < next * 2 || (unit === "h" && ms < next)) return `${Math.floor(ms / length)}${unit}`;
  }
  return `${Math.floor(ms / MS["d"]!)}d`;
}
