import type { Disk } from "@quoll/server/storage";
import { follows, hex } from "@quoll/server/storage";
import type { OutputFormat } from "./arguments.js";
import { isoTime, jsonLine, zxidText } from "./json.js";
import { type LogScan, scanLog } from "./scan.js";
import { sizeText, type Terminal } from "./terminal.js";
import { ToolExit } from "./tool-error.js";

/**
 * `quoll txnlog --verify`: reads logs from their first to their last byte and says of each what it holds.
 * @param files - in the order of their zxids
 * @returns 0, {@link ToolExit.repairable} for a torn end of the last one, {@link ToolExit.damaged} or `format`
 */
export function verifyLogs(disk: Disk, files: readonly string[], format: OutputFormat, terminal: Terminal): number {
  let exitCode: number = ToolExit.ok;
  let previous = -1;
  for (const [index, file] of files.entries()) {
    const scan = scanLog(disk, file, (done, total) => terminal.progress.show(file, done, total));
    terminal.progress.clear();
    const isLast = index === files.length - 1;
    const gap =
      previous >= 0 && scan.firstZxid >= 0 && !follows(previous, scan.firstZxid) && scan.firstZxid !== previous
        ? `txn ${hex(scan.firstZxid)} follows txn ${hex(previous)} of the log before`
        : "";
    const problem = [gap, scan.problem].filter((text) => text !== "").join("; ");
    if (scan.lastZxid >= 0) previous = scan.lastZxid;
    exitCode = Math.max(exitCode, exitCodeOf(scan, isLast, gap !== ""));
    terminal.out.write(format === "json" ? jsonLine(jsonScan(scan, problem)) : `${logLine(scan, problem)}\n`);
  }
  return exitCode;
}

function exitCodeOf(scan: LogScan, isLast: boolean, hasGap: boolean): number {
  if (scan.state === "format") return ToolExit.format;
  if (scan.state === "damaged" || hasGap) return ToolExit.damaged;
  if (scan.state === "ok") return ToolExit.ok;
  return isLast || scan.state === "torn" ? ToolExit.repairable : ToolExit.ok;
}

/** One line about a log. */
export function logLine(scan: LogScan, problem: string): string {
  const { path, size, state, txns, firstZxid, lastZxid, firstTime, lastTime } = scan;
  const range =
    txns === 0
      ? "no txns"
      : `${txns} txns, ${zxidText(firstZxid)} to ${zxidText(lastZxid)}, ${isoTime(firstTime)} to ${isoTime(lastTime)}`;
  const verdict = problem !== "" && state === "ok" ? "damaged" : state;
  return `${verdict.padEnd(8)} ${path}  ${sizeText(size)}, ${range}${problem === "" ? "" : `\n         ${problem}`}`;
}

export function jsonScan(scan: LogScan, problem: string): { readonly [key: string]: unknown } {
  const { kind, path, size, state, txns, firstZxid, lastZxid, firstTime, lastTime, end } = scan;
  const range =
    txns === 0
      ? {}
      : {
          firstZxid: zxidText(firstZxid),
          lastZxid: zxidText(lastZxid),
          firstTime: isoTime(firstTime),
          lastTime: isoTime(lastTime),
        };
  const isSound = problem === "" || state !== "ok";
  return {
    kind,
    path,
    sizeBytes: size,
    state: isSound ? state : "damaged",
    txns,
    ...range,
    endOffset: end,
    ...(problem === "" ? {} : { problem }),
  };
}
