import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const LINES_MAX = 1000;

/** `$XDG_STATE_HOME/quoll/history`, or below ~/.local/state. */
export function historyPath(env: Readonly<Record<string, string | undefined>>): string {
  const state = env["XDG_STATE_HOME"];
  // The XDG specification says that a relative path is to be ignored.
  const dir = state?.startsWith("/") ? state : join(homedir(), ".local", "state");
  return join(dir, "quoll", "history");
}

/** Whether a line may be kept: it holds no password. Spaces in front keep a line out too, as in Unix shells. */
export function mayBeKept(line: string): boolean {
  return line.trim() !== "" && !/^\s/.test(line) && !/\baddauth\b/i.test(line);
}

/** The lines of earlier sessions, the newest last. Nothing if the file cannot be read: history is not worth an error. */
export function readHistory(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(mayBeKept).slice(-LINES_MAX);
  } catch {
    return [];
  }
}

/**
 * Adds lines to the file, for its owner's eyes only. What another shell has added meanwhile is kept; the file is replaced
 * as a whole, so that it is never half written.
 * @returns whether it could be written
 */
export function appendHistory(file: string, lines: readonly string[]): boolean {
  const kept = lines.filter(mayBeKept);
  if (kept.length === 0) return true;
  const temporary = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const all = [...readHistory(file), ...kept].slice(-LINES_MAX);
    writeFileSync(temporary, `${all.join("\n")}\n`, { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, file);
    return true;
  } catch {
    return false;
  }
}
