import { existsSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  DataTree,
  type Directories,
  type Disk,
  hex,
  LogChain,
  NodeDisk,
  type Recovered,
  recover,
  snapshotCodecs,
  VERSION_DIRECTORY,
} from "@quoll/server/storage";
import { type OutputFormat, parseFormat, parseTime, parseZxid } from "./arguments.js";
import { type Coverage, continues, coverageOf, logsOf, rangeText, timeOfPayload } from "./coverage.js";
import { directoriesOfZooCfg, findDatabase } from "./directories.js";
import { copyFile, copyLog, hashFile } from "./file-copy.js";
import { isoTime, jsonLine, zxidText } from "./json.js";
import { holderOf } from "./lock.js";
import { type Manifest, readManifest } from "./manifest.js";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { TREE_OPTIONS } from "./tree.js";

export interface RestoreOptions {
  readonly logDir?: string;
  readonly zxid?: string;
  readonly time?: string;
  readonly replace?: boolean;
  readonly list?: boolean;
  readonly output: string;
}

/** Where a restored database goes: the folders that hold its `version-2`. */
interface Target {
  readonly dataDir: string;
  readonly dataLogDir: string;
}

/**
 * `quoll restore`: brings a database back as it was after a txn.
 *
 * The new `version-2` is written beside the old one, synced, and started from as a server would; only then it is renamed.
 * With two directories the logs come first: logs without a snapshot make a server refuse to start, so that a crash in
 * between is not taken for an empty database.
 */
export function restore(
  source: string,
  place: string | undefined,
  options: RestoreOptions,
  terminal: Terminal,
  disk: Disk = new NodeDisk(),
): number {
  const format = parseFormat(options.output);
  const manifest = statSync(source, { throwIfNoEntry: false })?.isDirectory() ? readManifest(source) : null;
  const database = findDatabase(source);
  if (manifest !== null) checkFiles(disk, database, manifest, terminal);
  else refuseRunning(holderOf(database), database.dataDir);
  const coverage = coverageOf(disk, database, terminal.progress);
  if (options.list === true) return list(source, coverage, format, terminal);
  if (place === undefined) {
    throw new ToolError(ToolExit.invocation, "name the dataDir to restore into, or its zoo.cfg; or --list");
  }
  const zxid = chooseZxid(disk, database, coverage, options, terminal);
  const target = findTarget(place, options.logDir);
  const old = existing(target);
  if (old.length > 0 && options.replace !== true) {
    throw new ToolError(
      ToolExit.directory,
      `${old[0]} exists already. --replace moves it aside; or name another directory.`,
    );
  }
  refuseRunning(holderOf({ ...directoriesIn(target, VERSION_DIRECTORY), dataDir: target.dataDir }), target.dataDir);
  const recovered = write(disk, database, coverage, zxid, target, terminal);
  tell(recovered, target, format, terminal);
  return ToolExit.ok;
}

function list(source: string, { ranges, snapshots }: Coverage, format: OutputFormat, { out }: Terminal): number {
  for (const range of ranges) {
    const { from, to, toTime } = range;
    const json = { from: zxidText(from), to: zxidText(to), toTime: toTime === 0 ? null : isoTime(toTime) };
    out.write(format === "json" ? jsonLine(json) : `${source}: ${rangeText(range)}\n`);
  }
  if (ranges.length > 0) return ToolExit.ok;
  throw new ToolError(ToolExit.failed, `${source}: nothing can be restored from ${snapshots.length} valid snapshots.`);
}

/** Holds every file of a backup against its manifest. */
function checkFiles(disk: Disk, database: Directories, manifest: Manifest, { progress }: Terminal): void {
  const total = manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  for (const { name, sizeBytes, sha256 } of manifest.files) {
    const path = join(database.snapDirectory, name);
    const problem = !disk.exists(path)
      ? "the file is missing"
      : disk.size(path) !== sizeBytes
        ? `the file has ${disk.size(path)} bytes instead of ${sizeBytes}`
        : hashFile(disk, path, (bytes) => progress.show(`checking ${name}`, (done += bytes), total)) !== sha256
          ? `the SHA-256 is not ${sha256}`
          : null;
    if (problem === null) continue;
    progress.clear();
    throw new ToolError(
      ToolExit.damaged,
      `${path}: ${problem}. The backup is damaged; take another one, or move manifest.json away to use what is left of it.`,
    );
  }
  progress.clear();
}

/** The txn to go to: the last one that is not behind what was asked for. */
function chooseZxid(
  disk: Disk,
  database: Directories,
  coverage: Coverage,
  options: RestoreOptions,
  terminal: Terminal,
): number {
  const { ranges } = coverage;
  const last = ranges.at(-1);
  if (last === undefined) throw notCovered("there is no valid snapshot with its logs", coverage);
  if (options.zxid !== undefined && options.time !== undefined) {
    throw new ToolError(ToolExit.invocation, "give --zxid or --time, not both");
  }
  if (options.zxid === undefined && options.time === undefined) {
    if (last.to !== coverage.lastZxid) {
      throw notCovered(`the txns up to ${hex(coverage.lastZxid)} are not all there`, coverage);
    }
    return last.to;
  }
  if (options.zxid !== undefined) {
    const zxid = parseZxid(options.zxid);
    if (ranges.some(({ from, to }) => from <= zxid && zxid <= to)) {
      return lastTxnUpTo(disk, database, terminal, (txn) => txn <= zxid) ?? zxid;
    }
    throw notCovered(`zxid ${hex(zxid)} is not covered`, coverage);
  }
  const time = parseTime(options.time!, Date.now());
  const found = lastTxnUpTo(disk, database, terminal, (_, txnTime) => txnTime <= time);
  if (found !== null && ranges.some(({ from, to }) => from <= found && found <= to)) return found;
  throw notCovered(`the time ${isoTime(time)} is not covered`, coverage);
}

/** The last txn before the first that `isWanted` refuses. */
function lastTxnUpTo(
  disk: Disk,
  database: Directories,
  { progress }: Terminal,
  isWanted: (zxid: number, time: number) => boolean,
): number | null {
  const chain = new LogChain(disk, database.logDirectory, -1);
  const total = chain.bytesTotal;
  let found: number | null = null;
  let count = 0;
  while (chain.next() && isWanted(chain.zxid, timeOfPayload(chain))) {
    found = chain.zxid;
    if (++count % 4096 === 0) progress.show(`reading ${chain.path}`, chain.position, total);
  }
  chain.close();
  progress.clear();
  return found;
}

function notCovered(problem: string, { ranges }: Coverage): ToolError {
  const what = ranges.length === 0 ? "Nothing can be restored." : `What can be restored:`;
  return new ToolError(
    ToolExit.failed,
    [`${problem}. ${what}`, ...ranges.map((range) => `  ${rangeText(range)}`)].join("\n"),
  );
}

function findTarget(place: string, logDir: string | undefined): Target {
  const config = directoriesOfZooCfg(place);
  if (config !== null) return config;
  const dataDir = resolve(place);
  return { dataDir, dataLogDir: logDir === undefined ? dataDir : resolve(logDir) };
}

function directoriesIn({ dataDir, dataLogDir }: Target, name: string): Directories {
  return { snapDirectory: join(dataDir, name), logDirectory: join(dataLogDir, name) };
}

function existing(target: Target): string[] {
  const { snapDirectory, logDirectory } = directoriesIn(target, VERSION_DIRECTORY);
  return [...new Set([snapDirectory, logDirectory])].filter((directory) => existsSync(directory));
}

function refuseRunning(pid: number | null, directory: string): void {
  if (pid === null) return;
  throw new ToolError(
    ToolExit.directory,
    `${directory}: a server (pid ${pid}) uses this directory. Stop it first; a running one is copied by \`quoll backup\`.`,
  );
}

function write(
  disk: Disk,
  source: Directories,
  coverage: Coverage,
  zxid: number,
  target: Target,
  terminal: Terminal,
): Recovered<DataTree> {
  const stamp = process.pid;
  const temporary = directoriesIn(target, `${VERSION_DIRECTORY}.restoring-${stamp}`);
  const made = [...new Set([temporary.snapDirectory, temporary.logDirectory])];
  try {
    for (const directory of made) disk.makeDirectory(directory);
    copy(disk, source, coverage, zxid, temporary, terminal);
    const recovered = start(disk, temporary, terminal);
    if (recovered.lastZxid !== zxid) {
      throw new ToolError(
        ToolExit.damaged,
        `the copy reaches txn ${hex(recovered.lastZxid)} instead of ${hex(zxid)}. Nothing was restored.`,
      );
    }
    install(disk, temporary, target);
    return recovered;
  } finally {
    terminal.progress.clear();
    for (const directory of made) rmSync(directory, { recursive: true, force: true });
  }
}

/** Copies the snapshots that are states up to the txn, and the logs up to it. */
function copy(
  disk: Disk,
  source: Directories,
  { snapshots, runs }: Coverage,
  zxid: number,
  to: Directories,
  { progress }: Terminal,
): void {
  const run = runs.find(({ first, last }) => first <= zxid && zxid <= last);
  const wanted = snapshots.filter(({ name, fuzzyUpTo }) => {
    return fuzzyUpTo <= zxid && (name.zxid === zxid || (run !== undefined && continues(name.zxid, run)));
  });
  const oldest = wanted[0]!.name.zxid;
  const logs = logsOf(disk, source.logDirectory, oldest, zxid);
  const total = [...wanted.map(({ path }) => path), ...logs].reduce((sum, path) => sum + disk.size(path), 0);
  let done = 0;
  const progressOf = (path: string) => (bytes: number) => progress.show(`restoring ${path}`, (done += bytes), total);
  for (const { path, name } of wanted) copyFile(disk, path, join(to.snapDirectory, name.name), progressOf(path));
  for (const path of logs) {
    copyLog(disk, path, join(to.logDirectory, path.slice(path.lastIndexOf("/") + 1)), zxid, progressOf(path));
  }
  for (const name of ["acceptedEpoch", "currentEpoch"]) {
    const path = join(source.snapDirectory, name);
    if (disk.exists(path)) copyFile(disk, path, join(to.snapDirectory, name), () => {});
  }
  for (const directory of new Set([to.snapDirectory, to.logDirectory])) disk.syncDirectory(directory);
}

/** Recovers from the copy as a server would: nothing is taken on trust. */
function start(disk: Disk, directories: Directories, { progress }: Terminal): Recovered<DataTree> {
  const factory = {
    create: () => new DataTree(TREE_OPTIONS),
    load: (source: Parameters<typeof DataTree.deserialize>[0]) => DataTree.deserialize(source, TREE_OPTIONS),
  };
  return recover(
    disk,
    snapshotCodecs,
    factory,
    {
      ...directories,
      autocreateDirectories: false,
      autocreateDatabase: true,
      trustEmptySnapshot: false,
      initialZxid: 0,
      acceptDigestMismatch: false,
    },
    {
      snapshot: (name, done, total) => progress.show(`starting from ${name}`, done, total),
      log: (name, done, total) => progress.show(`replaying ${name}`, done, total),
    },
    { debug() {}, info() {}, warn() {}, error() {} },
  );
}

function install(disk: Disk, temporary: Directories, target: Target): void {
  const { snapDirectory, logDirectory } = directoriesIn(target, VERSION_DIRECTORY);
  const aside = `replaced-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`;
  for (const directory of new Set([snapDirectory, logDirectory])) {
    if (disk.exists(directory)) disk.rename(directory, `${directory}.${aside}`);
  }
  if (logDirectory !== snapDirectory) {
    disk.rename(temporary.logDirectory, logDirectory);
    disk.syncDirectory(dirname(logDirectory));
  }
  disk.rename(temporary.snapDirectory, snapDirectory);
  disk.syncDirectory(dirname(snapDirectory));
}

function tell(recovered: Recovered<DataTree>, target: Target, format: OutputFormat, { out }: Terminal): void {
  const { state, lastZxid } = recovered;
  const znodes = state.nodeCount - 1;
  const sessions = state.sessions.size;
  if (format === "json") {
    out.write(
      jsonLine({
        restored: target.dataDir,
        dataLogDir: target.dataLogDir,
        lastZxid: zxidText(lastZxid),
        znodes,
        sessions,
      }),
    );
    return;
  }
  const logs = target.dataLogDir === target.dataDir ? "" : ` (logs in ${target.dataLogDir})`;
  out.write(
    `${target.dataDir}${logs}: restored up to txn ${hex(lastZxid)}: ${znodes} znodes, ${sessions} sessions; ` +
      "every digest matches\n",
  );
}
