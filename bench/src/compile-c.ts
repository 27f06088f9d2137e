import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { cacheFolder } from "@quoll/compat-tests/peers/cache";

const compiled = new Map<string, string>();

/** Compiles a C program of one file, once in this process. @returns the program's path */
export function compileC(source: string): string {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  if (!existsSync(source)) throw new Error(`${source} is missing`);
  const program = join(cacheFolder("bench"), basename(source, ".c"));
  execFileSync("cc", ["-O2", "-o", program, source]);
  compiled.set(source, program);
  return program;
}
