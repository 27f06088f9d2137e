import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { truncate } from "node:fs/promises";
import { ShellError } from "../errors.js";
import { linesOf } from "../lines.js";
import { EXPORT_VERSION, type ExportHead, type NodeRecord, parseExportLine } from "./record.js";

/** Records of an export file with how many bytes of the file were read. */
export interface FileRecord {
  readonly record: NodeRecord;
  readonly bytesRead: number;
}

class ExportFileError extends ShellError {
  override readonly code = "EXPORT_FILE";
}

/** The head of an export file. @throws if it is none */
export async function headOf(file: string): Promise<ExportHead> {
  checkExists(file);
  const stream = createReadStream(file);
  try {
    for await (const line of linesOf(stream)) return checkedHead(file, line);
  } finally {
    stream.destroy();
  }
  throw new ExportFileError(`${file} is empty: not an export`);
}

/**
 * The records of an export file. The end is checked: a file that was cut off or changed is an error, after its last record.
 */
export async function* recordsOf(file: string): AsyncGenerator<FileRecord> {
  checkExists(file);
  const hash = createHash("sha256");
  let number = 0;
  let bytesRead = 0;
  let znodes = 0;
  for await (const line of linesOf(createReadStream(file))) {
    number++;
    bytesRead += Buffer.byteLength(line) + 1;
    if (number === 1) checkedHead(file, line);
    else {
      const parsed = parseExportLine(line);
      if (parsed === null || parsed.type === "head")
        throw new ExportFileError(`${file}:${number}: not a line of an export`);
      if (parsed.type === "end") {
        const { znodes: expected, sha256 } = parsed.end;
        if (expected === znodes && sha256 === hash.digest("hex")) return;
        throw new ExportFileError(`${file} was changed after it was exported: its checksum does not fit`);
      }
      yield { record: parsed.record, bytesRead };
      znodes++;
    }
    hash.update(`${line}\n`);
  }
  if (number === 0) throw new ExportFileError(`${file} is empty: not an export`);
  throw new ExportFileError(`${file} is not whole: its last line is missing`, 1, "export -resume continues it");
}

/** Reads an export to its end. @throws if anything is wrong with it */
export async function checkExport(file: string): Promise<void> {
  for await (const { record } of recordsOf(file)) void record;
}

/** What there is of an export that was interrupted. */
export interface PartialExport {
  readonly hash: Hash;
  readonly znodes: number;
  /** Of the last record; undefined if there is none. */
  readonly lastPath: string | undefined;
  readonly isWhole: boolean;
}

/** Reads an export that was interrupted, and cuts off a line that was not written to its end. */
export async function readPartial(file: string, root: string): Promise<PartialExport> {
  const hash = createHash("sha256");
  let size = 0;
  let znodes = 0;
  let lastPath: string | undefined;
  let number = 0;
  for await (const line of linesOf(createReadStream(file))) {
    number++;
    const parsed = parseExportLine(line);
    if (number === 1) {
      const head = checkedHead(file, line);
      if (head.root !== root) throw new ExportFileError(`${file} is an export of ${head.root}, not of ${root}`);
    } else if (parsed?.type === "end") return { hash, znodes, lastPath, isWhole: true };
    else if (parsed?.type === "record") {
      znodes++;
      lastPath = parsed.record.path;
    } else break;
    hash.update(`${line}\n`);
    size += Buffer.byteLength(line) + 1;
  }
  await truncate(file, size);
  return { hash, znodes, lastPath, isWhole: false };
}

function checkedHead(file: string, line: string): ExportHead {
  const parsed = parseExportLine(line);
  if (parsed?.type !== "head") throw new ExportFileError(`${file} is not an export`);
  const { version } = parsed.head;
  if (version !== EXPORT_VERSION)
    throw new ExportFileError(`${file} has version ${version} of the format; this shell knows ${EXPORT_VERSION}`);
  return parsed.head;
}

function checkExists(file: string): void {
  if (!existsSync(file)) throw new ExportFileError(`${file}: no such file`);
}
