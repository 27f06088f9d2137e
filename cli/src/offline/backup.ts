import { existsSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import {
  type Disk,
  DiskError,
  hex,
  listLogs,
  listSnapshots,
  NodeDisk,
  readSyncMark,
  snapshotCodecs,
  VERSION_DIRECTORY,
} from "@quoll/server/storage";
import { parseFormat } from "./arguments.js";
import { type Coverage, coverageOf, logsOf, rangeText } from "./coverage.js";
import { type Database, findDatabase } from "./directories.js";
import { type CopiedFile, copyFile, copyLog } from "./file-copy.js";
import { isoTime, jsonLine, zxidText } from "./json.js";
import { MANIFEST_NAME, type ManifestFile, manifestText } from "./manifest.js";
import { scanSnapshot } from "./scan.js";
import { sizeText, type Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";

export interface BackupOptions {
  readonly logDir?: string;
  readonly latest?: boolean;
  readonly output: string;
}

/** A server that rolls, purges or appends meanwhile may spoil an attempt. */
const ATTEMPTS_MAX = 5;

/**
 * `quoll backup`: a copy of a database that appears wholly or not at all.
 *
 * It is consistent since a log is a history: any beginning of it that reaches the end of the fuzziest snapshot is a state
 * that the server had. Snapshots are copied first, the newest first, then the logs, oldest first, up to the last whole txn.
 * A purge that removes files meanwhile removes the oldest, which the copy can do without; that nothing is missing between
 * what is left is then checked on the copy, and another attempt made if need be.
 */
export function backup(
  place: string,
  targetPath: string,
  options: BackupOptions,
  terminal: Terminal,
  disk: Disk = new NodeDisk(),
): number {
  const format = parseFormat(options.output);
  const target = resolve(targetPath);
  if (existsSync(target)) {
    throw new ToolError(ToolExit.invocation, `${target} exists already. Name a directory that does not.`);
  }
  const database = findDatabase(place, options.logDir);
  const partial = `${target}.partial-${process.pid}`;
  const createdAt = new Date().toISOString();
  try {
    const attempt = new Attempt(disk, database, partial, options.latest === true, terminal);
    const { files, coverage } = attempt.untilComplete();
    const last = coverage.ranges.at(-1)!;
    const text = manifestText({
      createdAt,
      host: hostname(),
      dataDir: database.dataDir,
      lastZxid: zxidText(coverage.lastZxid),
      lastTime: last.toTime === 0 ? null : isoTime(last.toTime),
      ranges: coverage.ranges.map(({ from, to, toTime }) => ({
        from: zxidText(from),
        to: zxidText(to),
        toTime: toTime === 0 ? null : isoTime(toTime),
      })),
      files,
    });
    writeDurably(disk, join(partial, MANIFEST_NAME), text);
    disk.syncDirectory(join(partial, VERSION_DIRECTORY));
    disk.syncDirectory(partial);
    disk.rename(partial, target);
    disk.syncDirectory(dirname(target));
    tell(target, files, coverage, format, terminal);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  } finally {
    terminal.progress.clear();
  }
  return ToolExit.ok;
}

function tell(
  target: string,
  files: readonly ManifestFile[],
  coverage: Coverage,
  format: string,
  { out }: Terminal,
): void {
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (format === "json") {
    out.write(jsonLine({ backup: target, files: files.length, sizeBytes, lastZxid: zxidText(coverage.lastZxid) }));
    return;
  }
  out.write(`${target}: ${files.length} files, ${sizeText(sizeBytes)}\n`);
  for (const range of coverage.ranges) out.write(`  can be restored: ${rangeText(range)}\n`);
}

class Attempt {
  private files: ManifestFile[] = [];
  private readonly folder: string;
  private bytesDone = 0;
  private bytesTotal = 0;
  /** Whether a purge has removed files since they were listed. */
  private hasVanished = false;

  constructor(
    private readonly disk: Disk,
    private readonly database: Database,
    partial: string,
    private readonly latestOnly: boolean,
    private readonly terminal: Terminal,
  ) {
    this.folder = join(partial, VERSION_DIRECTORY);
  }

  untilComplete(): { files: ManifestFile[]; coverage: Coverage } {
    for (let attempt = 1; ; attempt++) {
      // What is durable now must be in the copy.
      const promised = readSyncMark(this.disk, this.database.logDirectory)?.lastZxid ?? -1;
      const problem = this.copy();
      if (problem === null) {
        const directories = { snapDirectory: this.folder, logDirectory: this.folder };
        const coverage = coverageOf(this.disk, directories, this.terminal.progress);
        const complaint = this.complaint(coverage, promised);
        if (complaint === null && !this.hasVanished) return { files: this.files, coverage };
        if (complaint === null) {
          this.prune(coverage);
          return { files: this.files, coverage: coverageOf(this.disk, directories, this.terminal.progress) };
        }
        if (attempt === ATTEMPTS_MAX) throw damaged(complaint);
      } else if (attempt === ATTEMPTS_MAX) {
        throw damaged(problem);
      }
    }
  }

  /** @returns what is wrong with the files, or null */
  private copy(): string | null {
    const { disk, database } = this;
    rmSync(dirname(this.folder), { recursive: true, force: true });
    disk.makeDirectory(this.folder);
    this.files = [];
    this.hasVanished = false;
    this.bytesDone = 0;
    this.bytesTotal = this.sizeOf();
    const oldest = this.copySnapshots();
    if (oldest === null) {
      const hasLogs = listLogs(disk, database.logDirectory).length > 0;
      if (hasLogs) return `${database.snapDirectory}: there are txn logs but no valid snapshot`;
      throw new ToolError(
        ToolExit.directory,
        `${database.snapDirectory}: there is no database here yet: neither a snapshot nor a log.`,
      );
    }
    const problem = this.copyLogs(oldest);
    for (const name of ["acceptedEpoch", "currentEpoch"]) {
      const from = join(database.snapDirectory, name);
      if (disk.exists(from))
        this.add(
          name,
          copyFile(disk, from, join(this.folder, name), () => {}),
        );
    }
    return problem;
  }

  /** @returns the oldest snapshot's zxid */
  private copySnapshots(): number | null {
    const { disk, folder } = this;
    const { snapDirectory } = this.database;
    let oldest: number | null = null;
    for (const name of listSnapshots(disk, snapDirectory)) {
      const to = join(folder, name.name);
      const from = join(snapDirectory, name.name);
      const copied = this.unlessGone(() => copyFile(disk, from, to, this.progressOf(from)));
      if (copied === null) continue;
      // Java writes its snapshots under their final names: the newest may be half-written.
      if (scanSnapshot(disk, folder, name, snapshotCodecs, () => {}).state !== "ok") {
        this.terminal.err.write(`${from} is not valid (yet); it is left out.\n`);
        disk.remove(to);
        continue;
      }
      this.add(name.name, copied);
      oldest = name.zxid;
      if (this.latestOnly) break;
    }
    return oldest;
  }

  private copyLogs(after: number): string | null {
    const { disk, folder } = this;
    const logs = logsOf(disk, this.database.logDirectory, after, Number.POSITIVE_INFINITY);
    let problem: string | null = null;
    for (const from of logs) {
      const name = from.slice(from.lastIndexOf("/") + 1);
      const copied = this.unlessGone(() => {
        return copyLog(disk, from, join(folder, name), Number.POSITIVE_INFINITY, this.progressOf(from));
      });
      if (copied === null) continue;
      this.add(name, copied);
      const { tail } = copied;
      problem = tail.kind === "damaged" ? `${from}: ${tail.problem}` : null;
    }
    // Behind any other log but the last, what is missing shows as a gap.
    return problem;
  }

  private complaint(coverage: Coverage, promised: number): string | null {
    const { ranges, lastZxid } = coverage;
    const newest = coverage.snapshots.at(-1);
    const last = ranges.at(-1);
    if (last === undefined || newest === undefined) {
      return "the snapshots hold changes of txns that are not in the logs";
    }
    if (last.to !== lastZxid) {
      return `the txns after ${hex(last.to)} are not all there; the last one is ${hex(lastZxid)}`;
    }
    if (promised > lastZxid) {
      return `the log was synced up to txn ${hex(promised)}, but it only reaches ${hex(lastZxid)}`;
    }
    return null;
  }

  /** Removes from the copy what a purge has left without the logs behind it. */
  private prune({ snapshots, ranges }: Coverage): void {
    const { disk, folder } = this;
    const { from } = ranges.at(-1)!;
    const kept = snapshots.filter(({ fuzzyUpTo }) => fuzzyUpTo >= from);
    const logs = logsOf(disk, folder, kept[0]!.name.zxid, Number.POSITIVE_INFINITY);
    const wanted = new Set([...kept.map(({ path }) => path), ...logs]);
    this.files = this.files.filter(({ name }) => {
      const path = join(folder, name);
      const isWanted = wanted.has(path) || name.endsWith("Epoch");
      if (!isWanted) disk.remove(path);
      return isWanted;
    });
  }

  /** Null for a file that a purge has removed since it was listed. */
  private unlessGone<T>(body: () => T): T | null {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof DiskError) || error.errno !== "ENOENT") throw error;
      this.hasVanished = true;
      return null;
    }
  }

  private add(name: string, { sizeBytes, sha256 }: CopiedFile): void {
    this.files.push({ name, sizeBytes, sha256 });
  }

  private progressOf(path: string): (bytes: number) => void {
    return (bytes) => {
      this.bytesDone += bytes;
      this.terminal.progress.show(`copying ${path}`, this.bytesDone, this.bytesTotal);
    };
  }

  private sizeOf(): number {
    const { disk } = this;
    const { snapDirectory, logDirectory } = this.database;
    const sizes = [
      ...listSnapshots(disk, snapDirectory).map(({ name }) => join(snapDirectory, name)),
      ...listLogs(disk, logDirectory).map(({ name }) => join(logDirectory, name)),
    ].map((path) => this.unlessGone(() => disk.size(path)) ?? 0);
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}

function damaged(problem: string): ToolError {
  return new ToolError(
    ToolExit.damaged,
    `${problem}. No backup was made, since it could not be restored. \`quoll verify\` says more.`,
  );
}

function writeDurably(disk: Disk, path: string, text: string): void {
  writeFileSync(path, text);
  const file = disk.open(path, "write");
  file.sync();
  file.close();
}
