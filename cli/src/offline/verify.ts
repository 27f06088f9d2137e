import { existsSync } from "node:fs";
import { join } from "node:path";
import { Long, type QuollError } from "@quoll/jute";
import {
  DamagedError,
  DataTree,
  type Disk,
  DryRunDisk,
  FormatError,
  follows,
  hex,
  type Log,
  listLogs,
  listSnapshots,
  NodeDisk,
  type PlannedChange,
  type Recovered,
  readEpochs,
  readSyncMark,
  recover,
  SYNC_MARK_NAME,
  snapshotCodecs,
} from "@quoll/server/storage";
import { type OutputFormat, parseFormat } from "./arguments.js";
import { type Database, findDatabase } from "./directories.js";
import { jsonLine, zxidText } from "./json.js";
import { holderOf } from "./lock.js";
import { type LogScan, type SnapshotScan, scanLog, scanSnapshot } from "./scan.js";
import { sizeText, type Terminal } from "./terminal.js";
import { ToolExit } from "./tool-error.js";
import { TREE_OPTIONS } from "./tree.js";
import { jsonScan, logLine } from "./txnlog-verify.js";

export interface VerifyOptions {
  readonly logDir?: string;
  /** As the server's `zookeeper.snapshot.trust.empty`. */
  readonly trustEmpty?: boolean;
  readonly output: string;
}

/**
 * `quoll verify`: reads every file of a database, runs recovery without letting it change anything, and says what is wrong
 * and what a start of the server would do.
 * @returns 0 when all is sound, {@link ToolExit.repairable} when a start would repair it or an older snapshot is bad,
 *   {@link ToolExit.damaged} when acknowledged data is damaged, {@link ToolExit.format} for another version's files
 */
export function verify(place: string, options: VerifyOptions, terminal: Terminal): number {
  const database = findDatabase(place, options.logDir);
  const report = new Report(parseFormat(options.output), terminal);
  const disk = new NodeDisk();
  const holder = holderOf(database);
  if (holder !== null) {
    report.remark(
      `a server (pid ${holder}) uses this directory: its newest log may end in an entry that is being written`,
    );
  }
  scanSnapshots(disk, database, report, terminal);
  scanLogs(disk, database, report, terminal);
  lookAtOthers(disk, database, report);
  tryRecovery(disk, database, options, report, terminal);
  return report.finish();
}

/** Collects what was found, and prints it as it comes. */
class Report {
  private exitCode: number = ToolExit.ok;

  constructor(
    readonly format: OutputFormat,
    private readonly terminal: Terminal,
  ) {}

  line(text: string, json: { readonly [key: string]: unknown }): void {
    this.terminal.out.write(this.format === "json" ? jsonLine(json) : `${text}\n`);
  }

  remark(text: string): void {
    this.line(`note     ${text}`, { kind: "note", text });
  }

  /** The worst one counts: another version above damage above what can be repaired. */
  worsen(exitCode: number): void {
    this.exitCode = Math.max(this.exitCode, exitCode);
  }

  finish(): number {
    const verdict = VERDICTS[this.exitCode] ?? "";
    this.line(`\n${verdict}`, { kind: "verdict", exitCode: this.exitCode, verdict });
    return this.exitCode;
  }
}

const VERDICTS: Readonly<Record<number, string>> = {
  [ToolExit.ok]: "SOUND: everything can be read, and a server starts from it as it is.",
  [ToolExit.repairable]: "REPAIRABLE: nothing acknowledged is lost; a server starts from it, as told above.",
  [ToolExit.damaged]: "DAMAGED: a server does not start from it. Nothing was changed.",
  [ToolExit.format]: "UNKNOWN FORMAT: a file is of another version. Nothing was changed.",
};

function scanSnapshots(disk: Disk, { snapDirectory }: Database, report: Report, { progress }: Terminal): void {
  for (const name of listSnapshots(disk, snapDirectory).reverse()) {
    const scan = scanSnapshot(disk, snapDirectory, name, snapshotCodecs, (done, total) =>
      progress.show(name.name, done, total),
    );
    progress.clear();
    if (scan.state === "format") report.worsen(ToolExit.format);
    else if (scan.state !== "ok") report.worsen(ToolExit.repairable);
    report.line(snapshotLine(scan), {
      kind: "snapshot",
      path: scan.path,
      sizeBytes: scan.size,
      state: scan.state,
      zxid: zxidText(name.zxid),
      znodes: scan.znodes,
      sessions: scan.sessions,
      fuzzyUpTo: zxidText(scan.fuzzyUpTo),
      hasDigest: scan.hasDigest,
      ...(scan.problem === "" ? {} : { problem: scan.problem }),
    });
  }
}

function snapshotLine(scan: SnapshotScan): string {
  const { path, name, size, state, znodes, sessions, fuzzyUpTo, hasDigest, problem } = scan;
  const head = `${state.padEnd(8)} ${path}  ${sizeText(size)}`;
  if (state !== "ok") return `${head}\n         ${problem}`;
  const fuzzy = fuzzyUpTo > name.zxid ? `, holds changes up to ${hex(fuzzyUpTo)}` : "";
  return `${head}, ${znodes} znodes, ${sessions} sessions${fuzzy}${hasDigest ? "" : ", without a digest"}`;
}

function scanLogs(disk: Disk, { logDirectory }: Database, report: Report, { progress }: Terminal): void {
  const logs = listLogs(disk, logDirectory);
  let previous: LogScan | null = null;
  for (const [index, log] of logs.entries()) {
    const scan = scanLog(disk, join(logDirectory, log.name), (done, total) => progress.show(log.name, done, total));
    progress.clear();
    let problem = scan.problem;
    if (previous !== null && scan.txns > 0 && !follows(previous.lastZxid, scan.firstZxid)) {
      const isRepeated = scan.firstZxid === previous.lastZxid;
      if (!isRepeated) problem = `txn ${hex(scan.firstZxid)} follows ${hex(previous.lastZxid)} of ${previous.path}`;
    }
    // Which of these lose anything is for recovery to say: damage before a good snapshot does not.
    if (scan.state === "format") report.worsen(ToolExit.format);
    else if (problem !== "" && (scan.state !== "empty" || index === logs.length - 1)) {
      report.worsen(ToolExit.repairable);
    }
    report.line(logLine(scan, problem), jsonScan(scan, problem));
    if (scan.txns > 0) previous = scan;
  }
}

/** What lies beside snapshots and logs. */
function lookAtOthers(disk: Disk, { snapDirectory, logDirectory }: Database, report: Report): void {
  const point = readSyncMark(disk, logDirectory);
  if (point !== null) {
    report.line(
      `ok       ${join(logDirectory, SYNC_MARK_NAME)}  synced up to ${hex(point.lastZxid)}, byte ${point.position} of log.${point.logZxid.toString(16)}`,
      {
        kind: "syncMark",
        lastZxid: zxidText(point.lastZxid),
        log: `log.${point.logZxid.toString(16)}`,
        position: point.position,
      },
    );
  } else if (existsSync(join(logDirectory, SYNC_MARK_NAME))) {
    report.remark(`${join(logDirectory, SYNC_MARK_NAME)} is not whole; it is only a hint and is ignored`);
  }
  for (const directory of new Set([snapDirectory, logDirectory])) {
    for (const name of disk.list(directory).sort()) {
      if (/^tmp\.snapshot\./.test(name)) {
        report.remark(`${join(directory, name)}: an interrupted snapshot; the next start removes it`);
      } else if (!KNOWN.test(name)) {
        report.remark(`${join(directory, name)}: not a file of the database; it is ignored`);
      }
    }
  }
}

const KNOWN =
  /^(?:snapshot\.[0-9a-f]{1,14}(?:\.(?:gz|snappy))?|log\.[0-9a-f]{1,14}|acceptedEpoch|currentEpoch|quoll\.(?:synced|lock)|updatingEpoch)$/;

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };

function tryRecovery(
  real: Disk,
  { snapDirectory, logDirectory }: Database,
  options: VerifyOptions,
  report: Report,
  { progress }: Terminal,
): void {
  const disk = new DryRunDisk(real);
  const warnings: string[] = [];
  const log: Log = { ...QUIET, warn: (fields, message) => warnings.push(warningText(fields, message)) };
  const factory = {
    create: () => new DataTree(TREE_OPTIONS),
    load: (source: Parameters<typeof DataTree.deserialize>[0]) => DataTree.deserialize(source, TREE_OPTIONS),
  };
  try {
    const recovered = recover(
      disk,
      snapshotCodecs,
      factory,
      {
        snapDirectory,
        logDirectory,
        autocreateDirectories: false,
        autocreateDatabase: true,
        trustEmptySnapshot: options.trustEmpty === true,
        initialZxid: 0,
        acceptDigestMismatch: false,
      },
      {
        snapshot: (name, done, total) => progress.show(`loading ${name}`, done, total),
        log: (name, done, total) => progress.show(`replaying ${name}`, done, total),
      },
      log,
    );
    progress.clear();
    for (const warning of warnings) report.remark(warning);
    for (const change of disk.changes) tellChange(change, report);
    tellRecovered(recovered, report);
    const epochs = readEpochs(disk, snapDirectory, recovered.lastZxid);
    report.line(`ok       epochs: accepted ${epochs.accepted}, current ${epochs.current}`, {
      kind: "epochs",
      ...epochs,
    });
  } catch (error) {
    progress.clear();
    for (const warning of warnings) report.remark(warning);
    if (error instanceof DamagedError) {
      const { file, offset, problem, lost } = error.damage;
      report.worsen(ToolExit.damaged);
      report.line(
        `DAMAGED  ${file}${offset < 0 ? "" : ` at byte ${offset}`}: ${problem}\n         lost: ${lost}\n` +
          "         Copy the directory away, then restore from a backup (`quoll restore`), or in an ensemble let this\n" +
          "         server fetch everything anew: empty its version-2 and start it.",
        { kind: "damage", path: file, offset, problem, lost },
      );
    } else if (error instanceof FormatError) {
      report.worsen(ToolExit.format);
      report.line(`format   ${error.message}`, { kind: "format", path: error.path, problem: error.message });
    } else if ((error as QuollError).code === "DATA_DIRECTORY") {
      report.worsen(ToolExit.damaged);
      report.line(`DAMAGED  ${(error as Error).message}`, { kind: "damage", problem: (error as Error).message });
    } else {
      throw error;
    }
  }
}

function tellRecovered(recovered: Recovered<DataTree>, report: Report): void {
  const { state, lastZxid, snapshotZxid, txnsReplayed, isNew } = recovered;
  if (isNew) {
    report.remark("there is no database here yet: a server starts with an empty one");
    return;
  }
  const digest = new Long(state.digest.hi, state.digest.lo).toString();
  report.line(
    `ok       recovery: loads snapshot.${snapshotZxid.toString(16)}, replays ${txnsReplayed} txns, reaches ${hex(lastZxid)}; ` +
      `${state.nodeCount - 1} znodes, ${state.sessions.size} sessions, digest ${digest}`,
    {
      kind: "recovery",
      snapshotZxid: zxidText(Math.max(0, snapshotZxid)),
      txnsReplayed,
      lastZxid: zxidText(lastZxid),
      znodes: state.nodeCount - 1,
      sessions: state.sessions.size,
      digest,
    },
  );
}

function tellChange(change: PlannedChange, report: Report): void {
  const { kind, path } = change;
  if (kind === "truncate") {
    report.worsen(ToolExit.repairable);
    report.line(`repair   a start would cut off ${path} at byte ${change.size}`, {
      ...change,
      kind: "repair",
      change: kind,
    });
  } else if (kind === "remove" && !/tmp\.snapshot\./.test(path)) {
    report.worsen(ToolExit.repairable);
    report.line(`repair   a start would remove ${path}`, { ...change, kind: "repair", change: kind });
  }
}

function warningText(fields: object, message: string): string {
  const { file, error, reason, zxid } = fields as Readonly<Record<string, string | undefined>>;
  const place = file === undefined ? "" : `${file}: `;
  const detail = error ?? reason ?? zxid;
  return `${place}${message}${detail === undefined ? "" : ` (${detail})`}`;
}
