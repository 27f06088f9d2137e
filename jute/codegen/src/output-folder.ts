import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Output } from "./compile.js";
import { GENERATED } from "./emitter.js";

/** Makes the folder hold exactly the outputs; files that someone else wrote stay. Returns the names that changed. */
export function writeOutputs(folder: string, outputs: readonly Output[]): string[] {
  mkdirSync(folder, { recursive: true });
  const stale = findStale(folder, outputs);
  for (const name of stale) {
    const output = outputs.find((candidate) => candidate.name === name);
    if (output === undefined) rmSync(join(folder, name));
    else writeFileSync(join(folder, name), output.text);
  }
  return stale;
}

/** The names of files that are missing, differ, or were generated once and are no more. */
export function findStale(folder: string, outputs: readonly Output[]): string[] {
  const stale = outputs.filter(({ name, text }) => readText(join(folder, name)) !== text).map(({ name }) => name);
  const names = new Set(outputs.map(({ name }) => name));
  for (const name of listFolder(folder)) {
    if (names.has(name) || !name.endsWith(".ts")) continue;
    if (readText(join(folder, name))?.startsWith(GENERATED)) stale.push(name);
  }
  return stale;
}

/** The text of a file, or null if there is none. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EISDIR" || code === "ENOTDIR") return null;
    throw error;
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
