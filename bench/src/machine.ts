import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { REPOSITORY } from "@quoll/compat-tests/peers/cache";

/** What a figure was measured on. */
export function machine(): Record<string, string> {
  return {
    cores: String(cpus().length),
    processor: cpus()[0]?.model ?? "unknown",
    "memory GiB": (totalmem() / 2 ** 30).toFixed(0),
    Linux: release(),
    Node: process.version,
    Java: javaVersion(),
    "Quoll commit": firstLine("git", ["-C", REPOSITORY, "rev-parse", "--short", "HEAD"]),
  };
}

function javaVersion(): string {
  return /"([^"]+)"/.exec(firstLine("java", ["-version"]))?.[1] ?? "none";
}

function firstLine(program: string, args: readonly string[]): string {
  try {
    // `java -version` prints to standard error.
    return execFileSync("sh", ["-c", '"$@" 2>&1', "sh", program, ...args], { encoding: "utf8" }).split("\n")[0];
  } catch {
    return "unknown";
  }
}
