import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Disk, LOG_HEADER_SIZE, LogEntryStream, listLogs, zxidOfLogName } from "@quoll/server/storage";
import { findDatabase } from "./directories.js";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { type TxnPrinter, unreasonable } from "./txn-printer.js";

const POLL_MS = 200;
/** An entry with a wrong checksum may be half-written; after this many looks it is wrong. */
const LOOKS_MAX = 10;

/**
 * Prints the txns of a log that a server is writing, as they come, and goes on with the next file when one is begun.
 * Never returns by itself: it is ended by a signal.
 * @param path - a log file, or the place of a database, whose newest log it begins with
 */
export async function followLogs(
  disk: Disk,
  path: string,
  isFile: boolean,
  printer: TxnPrinter,
  terminal: Terminal,
): Promise<never> {
  const directory = isFile ? dirname(path) : findDatabase(path).logDirectory;
  let stream = LogEntryStream.open(disk, isFile ? path : newestLog(disk, directory));
  let looks = 0;
  for (;;) {
    // Before it is read to its end: what is appended before the next file is begun must not be missed.
    const next = logAfter(disk, directory, stream);
    stream.refresh();
    looks = readToEnd(stream, printer, looks);
    terminal.out.flush();
    if (next !== null && looks === 0) {
      const begun = tryOpen(disk, next);
      if (begun !== null) {
        stream.close();
        stream = begun;
        continue;
      }
    }
    await sleep(POLL_MS);
  }
}

/** @returns how often an entry was found that is not right yet */
function readToEnd(stream: LogEntryStream, printer: TxnPrinter, looks: number): number {
  let failed = looks;
  for (;;) {
    const outcome = stream.next();
    if (outcome === "end") return 0;
    if (outcome === "entry" && stream.isChecksumRight && stream.isComplete) {
      printer.print(stream);
      failed = 0;
      continue;
    }
    if (++failed <= LOOKS_MAX) {
      stream.stepBack();
      return failed;
    }
    if (outcome === "unreasonable") throw unreasonable(stream);
    printer.print(stream, "CRC ERROR");
    failed = 0;
  }
}

function newestLog(disk: Disk, directory: string): string {
  const newest = listLogs(disk, directory).at(-1);
  if (newest !== undefined) return join(directory, newest.name);
  throw new ToolError(ToolExit.failed, `${directory}: there is no txn log to follow yet. Start the server first.`);
}

function logAfter(disk: Disk, directory: string, stream: LogEntryStream): string | null {
  const current = zxidOfLogName(basename(stream.path));
  if (current < 0) return null;
  const next = listLogs(disk, directory).find(({ zxid }) => zxid > current);
  return next === undefined ? null : join(directory, next.name);
}

/** A log that was begun a moment ago may not have its header yet. */
function tryOpen(disk: Disk, path: string): LogEntryStream | null {
  return disk.size(path) < LOG_HEADER_SIZE ? null : LogEntryStream.open(disk, path);
}
