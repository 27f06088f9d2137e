import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type Disk,
  DryRunDisk,
  type FileHandle,
  NodeDisk,
  purge,
  snapshotCodecs,
  VERSION_DIRECTORY,
} from "@quoll/server/storage";
import { type OutputFormat, parseFormat } from "./arguments.js";
import { directoriesOfZooCfg } from "./directories.js";
import { JavaDates } from "./java-date.js";
import { jsonLine } from "./json.js";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";

const USAGE = `Usage:
PurgeTxnLog dataLogDir [snapDir] -n count
\tdataLogDir -- path to the txn log directory
\tsnapDir -- path to the snapshot directory
\tcount -- the number of old snaps/logs you want to keep, value should be greater than or equal to 3
`;
const COUNT_MIN = 3;

export interface CleanupOptions {
  readonly count?: string;
  readonly dryRun?: boolean;
  readonly output: string;
}

/**
 * `quoll cleanup`: removes old snapshots, and the logs that none of the rest needs, with the arguments, words and exit codes
 * of ZooKeeper's PurgeTxnLog. Only snapshots that verify count, and nothing goes when the logs behind them have a gap.
 * @param places - dataLogDir and snapDir, dataDir alone, or zoo.cfg
 */
export function cleanup(places: readonly string[], options: CleanupOptions, terminal: Terminal): number {
  const format = parseFormat(options.output);
  const config = places.length === 1 ? directoriesOfZooCfg(places[0]!) : null;
  const wanted = config === null ? places : [config.dataLogDir, config.dataDir];
  if (wanted.length < 1 || wanted.length > 2 || options.count === undefined) return usage(terminal);
  for (const place of wanted) {
    if (!existsSync(place)) {
      terminal.err.write(`Path '${resolve(place)}' does not exist. \n`);
      return usage(terminal);
    }
  }
  if (!/^[+-]?\d{1,9}$/.test(options.count)) {
    terminal.err.write(`'${options.count}' can not be parsed to integer.\n`);
    return usage(terminal);
  }
  const retain = Number(options.count);
  if (retain < COUNT_MIN) {
    terminal.err.write("count should be greater than or equal to 3\n");
    return usage(terminal);
  }
  const [logDirectory, snapDirectory] = [wanted[0]!, wanted.at(-1)!].map((place) => join(place, VERSION_DIRECTORY));
  for (const directory of [logDirectory!, snapDirectory!]) {
    if (!existsSync(directory)) {
      throw new ToolError(ToolExit.failed, `${directory} does not exist. Name dataDir and dataLogDir as in zoo.cfg.`);
    }
  }
  const real = new NodeDisk();
  const isDry = options.dryRun === true;
  const disk = new TellingDisk(isDry ? new DryRunDisk(real) : real, isDry, format, terminal);
  const directories = { logDirectory: logDirectory!, snapDirectory: snapDirectory! };
  const { refusal } = purge(disk, snapshotCodecs, directories, retain);
  if (refusal === null) return ToolExit.ok;
  terminal.err.write(
    `Nothing was removed: ${refusal}. \`quoll verify\` says more; what is not needed can be removed by hand.\n`,
  );
  return ToolExit.failed;
}

function usage({ out }: Terminal): number {
  out.write(USAGE);
  return ToolExit.failed;
}

/** Says which file is removed, before it is. */
class TellingDisk implements Disk {
  private readonly dates = new JavaDates();

  constructor(
    private readonly disk: Disk,
    private readonly isDry: boolean,
    private readonly format: OutputFormat,
    private readonly terminal: Terminal,
  ) {}

  remove(path: string): void {
    const { mtimeMs, size } = statSync(path);
    const { out } = this.terminal;
    if (this.format === "json") {
      const modified = new Date(mtimeMs).toISOString();
      out.write(jsonLine({ path, sizeBytes: size, modified, removed: !this.isDry }));
    } else {
      out.write(`${this.isDry ? "Would remove file" : "Removing file"}: ${this.dates.medium(mtimeMs)}\t${path}\n`);
    }
    this.disk.remove(path);
  }

  list(directory: string): string[] {
    return this.disk.list(directory);
  }
  makeDirectory(directory: string): void {
    this.disk.makeDirectory(directory);
  }
  exists(path: string): boolean {
    return this.disk.exists(path);
  }
  size(path: string): number {
    return this.disk.size(path);
  }
  open(path: string, mode: "read" | "create" | "write"): FileHandle {
    return this.disk.open(path, mode);
  }
  rename(from: string, to: string): void {
    this.disk.rename(from, to);
  }
  syncDirectory(directory: string): void {
    this.disk.syncDirectory(directory);
  }
}
