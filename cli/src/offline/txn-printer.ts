import { ProtocolError } from "@quoll/jute";
import type { LogEntryStream } from "@quoll/server/storage";
import type { OutputFormat } from "./arguments.js";
import { JavaDates } from "./java-date.js";
import { javaTxnLine } from "./java-text.js";
import { jsonLine, jsonTxn } from "./json.js";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { decodeTxn, type LoggedTxn } from "./txn.js";
import type { TxnFilter } from "./txn-filter.js";

/** Prints the txns that the filter lets through, as TxnLogToolkit does or as JSON lines. */
export class TxnPrinter {
  private readonly dates = new JavaDates();

  constructor(
    readonly format: OutputFormat,
    private readonly terminal: Terminal,
    private readonly filter: TxnFilter,
  ) {}

  /** A line that is about the file rather than a txn; JSON has none. */
  remark(text: string): void {
    if (this.format === "text") this.terminal.out.write(`${text}\n`);
  }

  /** @param remark - for instance `CRC ERROR`; such an entry is printed whatever the filter says */
  print(stream: LogEntryStream, remark = ""): void {
    let txn: LoggedTxn;
    try {
      txn = decodeTxn(stream.bytes, stream.payloadStart, stream.payloadEnd);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.unreadable(stream, remark, error);
      return;
    }
    if (remark === "" && !this.filter.matches(txn)) return;
    if (this.format === "json") {
      this.terminal.out.write(jsonLine(remark === "" ? jsonTxn(txn) : { problem: remark, ...jsonTxn(txn) }));
      return;
    }
    const prefix = remark === "" ? "" : `${remark} - `;
    this.terminal.out.write(prefix + javaTxnLine(txn, this.dates.shortLong(txn.time)));
  }

  private unreadable(stream: LogEntryStream, remark: string, error: ProtocolError): void {
    const { offset, path } = stream;
    const problem = `the entry can't be decoded (${error.message})`;
    if (this.format === "json") this.terminal.out.write(jsonLine({ problem: remark || problem, path, offset }));
    else this.terminal.out.write(`${remark === "" ? "" : `${remark} - `}${path} at byte ${offset}: ${problem}\n`);
  }
}

/** The line with which ZooKeeper's tools begin. */
export function headerLine(stream: LogEntryStream): string {
  const dbid = (BigInt(stream.dbidHi) << 32n) | BigInt(stream.dbidLo >>> 0);
  return `ZooKeeper Transactional Log File with dbid ${dbid} txnlog format version 2`;
}

/** The error for a length that no entry has. */
export function unreasonable(stream: LogEntryStream): ToolError {
  return new ToolError(
    ToolExit.damaged,
    `${stream.path} at byte ${stream.offset}: Unreasonable length = ${stream.length}: no txn starts here. ` +
      "`quoll verify` on the data directory says what a server would make of it; a backup has the rest.",
  );
}
