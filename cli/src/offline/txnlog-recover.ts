import { type Disk, encodeLogHeader, type FileHandle, LOG_HEADER_SIZE, LogEntryStream } from "@quoll/server/storage";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { headerLine, type TxnPrinter, unreasonable } from "./txn-printer.js";

const ENTRY_HEAD_SIZE = 12;
const PIECE_SIZE = 1 << 20;

/** Appends entries to a new file by the piece, and makes them durable at the end. */
export class LogCopy {
  private readonly file: FileHandle;
  private readonly buffer = new Uint8Array(PIECE_SIZE);
  private filled = 0;
  private position = 0;

  constructor(
    private readonly disk: Disk,
    readonly path: string,
    header: Uint8Array,
  ) {
    this.file = disk.open(path, "create");
    this.put(header, 0, header.length);
  }

  /** Appends the current entry of a log. @param checksum - unsigned, or null to keep the stored one */
  append(stream: LogEntryStream, checksum: number | null): void {
    const head = new Uint8Array(ENTRY_HEAD_SIZE);
    const view = new DataView(head.buffer);
    view.setInt32(0, checksum === null ? stream.storedHi : 0);
    view.setInt32(4, checksum === null ? stream.storedLo : checksum | 0);
    view.setInt32(8, stream.payloadEnd - stream.payloadStart);
    this.put(head, 0, ENTRY_HEAD_SIZE);
    this.put(stream.bytes, stream.payloadStart, stream.payloadEnd);
    this.put(ENTRY_END, 0, 1);
  }

  finish(): void {
    this.flush();
    this.file.sync();
    this.file.close();
  }

  /** Removes the file again. */
  abandon(): void {
    this.file.close();
    this.disk.remove(this.path);
  }

  private put(bytes: Uint8Array, start: number, end: number): void {
    if (this.filled + (end - start) > PIECE_SIZE) this.flush();
    if (end - start > PIECE_SIZE) {
      this.file.write(this.position, bytes, start, end);
      this.position += end - start;
      return;
    }
    this.buffer.set(bytes.subarray(start, end), this.filled);
    this.filled += end - start;
  }

  private flush(): void {
    this.file.write(this.position, this.buffer, 0, this.filled);
    this.position += this.filled;
    this.filled = 0;
  }
}

const ENTRY_END = Uint8Array.of(0x42);

/** The header of a log with the database id of another one. */
export function headerOf(stream: LogEntryStream): Uint8Array {
  const header = encodeLogHeader();
  const view = new DataView(header.buffer);
  view.setInt32(LOG_HEADER_SIZE - 8, stream.dbidHi);
  view.setInt32(LOG_HEADER_SIZE - 4, stream.dbidLo);
  return header;
}

/**
 * Writes `FILE.fixed` with right checksums, as TxnLogToolkit does with `-r`. What is wrong in an entry besides its checksum
 * stays wrong: whoever repairs one must know that its contents are right.
 * @param answer - reads a line of the operator's, null at the end of input
 */
export function recoverLog(
  disk: Disk,
  file: string,
  options: { readonly yes?: boolean; readonly verbose?: boolean },
  printer: TxnPrinter,
  terminal: Terminal,
  answer: () => string | null,
): number {
  const target = `${file}.fixed`;
  if (disk.exists(target)) {
    throw new ToolError(ToolExit.failed, `Recovery file ${target} already exists or not writable`);
  }
  const stream = LogEntryStream.open(disk, file);
  const copy = new LogCopy(disk, target, headerOf(stream));
  let fixed = 0;
  try {
    printer.remark(headerLine(stream));
    let count = 0;
    for (; ; count++) {
      const outcome = stream.next();
      if (outcome === "unreasonable") throw unreasonable(stream);
      if (outcome === "end") break;
      let checksum: number | null = null;
      if (!stream.isChecksumRight) {
        printer.print(stream, options.yes === true ? "CRC FIXED" : "CRC ERROR");
        if (options.yes === true || wantsFix(terminal, answer)) {
          checksum = stream.checksum;
          fixed++;
        }
      }
      if (options.verbose === true) printer.print(stream);
      if (!stream.isComplete) throw new ToolError(ToolExit.failed, "Last transaction was partial.");
      copy.append(stream, checksum);
    }
    printer.remark(`EOF reached after ${count} txns.`);
    copy.finish();
  } catch (error) {
    copy.abandon();
    throw error;
  } finally {
    stream.close();
  }
  printer.remark(`Recovery file ${target} has been written with ${fixed} fixed CRC error(s)`);
  return ToolExit.ok;
}

function wantsFix(terminal: Terminal, answer: () => string | null): boolean {
  for (;;) {
    terminal.out.write("Would you like to fix it (Yes/No/Abort) ? ");
    terminal.out.flush();
    const line = answer();
    if (line === null)
      throw new ToolError(ToolExit.failed, "\nNo answer: standard input has ended. -y answers yes to all.");
    switch (line.trim().charAt(0).toUpperCase()) {
      case "Y":
        return true;
      case "N":
        return false;
      case "A":
        throw new ToolError(ToolExit.ok, "Recovery aborted.");
    }
  }
}
