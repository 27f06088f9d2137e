import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Disk, LogEntryStream, listLogs, NodeDisk } from "@quoll/server/storage";
import { parseFormat, parseZxid } from "./arguments.js";
import { findDatabase } from "./directories.js";
import { readLine } from "./read-line.js";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { type FilterOptions, TxnFilter } from "./txn-filter.js";
import { headerLine, TxnPrinter, unreasonable } from "./txn-printer.js";
import { chopLog } from "./txnlog-chop.js";
import { followLogs } from "./txnlog-follow.js";
import { recoverLog } from "./txnlog-recover.js";
import { verifyLogs } from "./txnlog-verify.js";

/** The options of `quoll txnlog`; short names and meanings are those of ZooKeeper's TxnLogToolkit. */
export interface TxnLogOptions extends FilterOptions {
  readonly recover?: boolean;
  readonly verbose?: boolean;
  readonly dump?: boolean;
  readonly yes?: boolean;
  readonly chop?: boolean;
  readonly zxid?: string;
  readonly follow?: boolean;
  readonly verify?: boolean;
  readonly output: string;
}

/**
 * `quoll txnlog`: shows, checks, chops or repairs txn logs.
 * @param place - a log file, or a directory or zoo.cfg for all logs of a database
 * @returns the exit code
 */
export async function txnlog(place: string, options: TxnLogOptions, terminal: Terminal): Promise<number> {
  const disk = new NodeDisk();
  const printer = new TxnPrinter(parseFormat(options.output), terminal, new TxnFilter(options, Date.now()));
  const path = resolve(place);
  if (!existsSync(path)) {
    throw new ToolError(ToolExit.failed, `File doesn't exist or not readable: ${place}`);
  }
  if (options.chop === true || options.recover === true) {
    if (!isLogFile(path)) throw new ToolError(ToolExit.invocation, `${place}: name one log file, such as log.5`);
    if (options.recover === true) return recoverLog(disk, place, options, printer, terminal, readLine);
    if (options.zxid === undefined) {
      throw new ToolError(ToolExit.invocation, "-c needs -z ZXID: the last txn that stays");
    }
    return chopLog(disk, place, parseZxid(options.zxid), terminal);
  }
  if (options.verify === true) return verifyLogs(disk, logFiles(disk, place), parseFormat(options.output), terminal);
  if (options.follow === true) return followLogs(disk, path, isLogFile(path), printer, terminal);
  for (const file of logFiles(disk, place)) {
    const exitCode = dump(disk, file, printer, terminal);
    if (exitCode !== ToolExit.ok) return exitCode;
  }
  return ToolExit.ok;
}

function dump(disk: Disk, file: string, printer: TxnPrinter, terminal: Terminal): number {
  const stream = LogEntryStream.open(disk, file);
  try {
    printer.remark(headerLine(stream));
    for (let count = 0; ; count++) {
      const outcome = stream.next();
      if (outcome === "end") {
        printer.remark(`EOF reached after ${count} txns.`);
        return ToolExit.ok;
      }
      if (outcome === "unreasonable") throw unreasonable(stream);
      const isRight = stream.isChecksumRight;
      if (!isRight) printer.print(stream, "CRC ERROR");
      if (isRight || printer.format === "text") printer.print(stream);
      if (!stream.isComplete) {
        terminal.out.flush();
        terminal.err.write("Last transaction was partial.\n");
        return ToolExit.failed;
      }
    }
  } finally {
    stream.close();
  }
}

function isLogFile(path: string): boolean {
  return !statSync(path).isDirectory() && !path.endsWith(".cfg");
}

function logFiles(disk: Disk, place: string): string[] {
  if (isLogFile(resolve(place))) return [place];
  const { logDirectory } = findDatabase(place);
  const files = listLogs(disk, logDirectory).map(({ name }) => join(logDirectory, name));
  if (files.length > 0) return files;
  throw new ToolError(ToolExit.failed, `${logDirectory}: there is no txn log here. Name dataLogDir, or a log file.`);
}
