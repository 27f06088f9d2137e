import { type Disk, follows, LogEntryStream } from "@quoll/server/storage";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { headerLine, unreasonable } from "./txn-printer.js";
import { headerOf, LogCopy } from "./txnlog-recover.js";

/**
 * Writes `FILE.chopped<zxid in decimal>` with the txns up to a zxid, as TxnLogToolkit does with `-c -z`, and says what it
 * says. A log that does not hold that txn, or nothing behind it, is not chopped: then there is no file, and the exit code
 * is 1 (ZooKeeper leaves a partial file and ends with 0).
 */
export function chopLog(disk: Disk, file: string, zxid: number, terminal: Terminal): number {
  const { out } = terminal;
  const target = `${file}.chopped${zxid}`;
  if (disk.exists(target)) throw new ToolError(ToolExit.failed, `${target} already exists. Remove it first.`);
  const stream = LogEntryStream.open(disk, file);
  const copy = new LogCopy(disk, target, headerOf(stream));
  let isChopped = false;
  try {
    out.write(`${headerLine(stream)}\n`);
    isChopped = copyUpTo(stream, copy, zxid, terminal);
    if (isChopped) copy.finish();
  } finally {
    stream.close();
    if (!isChopped) copy.abandon();
  }
  if (isChopped) return ToolExit.ok;
  out.write(`Got exception: Failed to chop ${file.slice(file.lastIndexOf("/") + 1)}\n`);
  return ToolExit.failed;
}

function copyUpTo(stream: LogEntryStream, copy: LogCopy, zxid: number, { out }: Terminal): boolean {
  let hasZxid = false;
  let previous = -1;
  for (let count = 0; ; count++) {
    const outcome = stream.next();
    if (outcome === "unreasonable") throw unreasonable(stream);
    if (outcome === "end") {
      out.write(`EOF reached after ${count} txns.\n`);
      return false;
    }
    if (!stream.isChecksumRight || !stream.isComplete) throw damaged(stream);
    const txnZxid = stream.zxid;
    if (txnZxid === zxid) hasZxid = true;
    if (previous !== -1 && !follows(previous, txnZxid)) {
      const isSameEpoch = Math.floor(previous / 2 ** 32) === Math.floor(txnZxid / 2 ** 32);
      const kind = isSameEpoch ? "intra-epoch" : "inter-epoch";
      out.write(`There is ${kind} gap between ${previous.toString(16)} and ${txnZxid.toString(16)}\n`);
    }
    previous = txnZxid;
    if (txnZxid > zxid) {
      if (count === 0 || !hasZxid) {
        out.write(`This log does not contain zxid ${zxid.toString(16)}\n`);
        return false;
      }
      out.write(`Chopping at ${zxid.toString(16)} new log has ${count} records\n`);
      return true;
    }
    copy.append(stream, null);
  }
}

function damaged(stream: LogEntryStream): ToolError {
  const problem = stream.isChecksumRight ? "Last transaction was partial" : "CRC doesn't match";
  return new ToolError(
    ToolExit.damaged,
    `${stream.path} at byte ${stream.offset}: ${problem}. Nothing was written. ` +
      "`quoll txnlog -r` writes a copy with right checksums, if the contents are known to be right.",
  );
}
