import { join } from "node:path";
import {
  type Directories,
  type Disk,
  follows,
  hex,
  LogChain,
  listLogs,
  listSnapshots,
  snapshotCodecs,
} from "@quoll/server/storage";
import { isoTime } from "./json.js";
import { type SnapshotScan, scanSnapshot } from "./scan.js";
import type { Progress } from "./terminal.js";

/** Txns that follow one another without a gap. */
export interface Run {
  readonly first: number;
  readonly last: number;
  readonly lastTime: number;
}

/** All states from one to the other can be brought back, after each txn between them. */
export interface Range {
  readonly from: number;
  readonly to: number;
  /** Of the last txn; 0 when there is none. */
  readonly toTime: number;
}

/** What the files of a directory can bring back. */
export interface Coverage {
  /** Those that verify, oldest first. */
  readonly snapshots: readonly SnapshotScan[];
  readonly runs: readonly Run[];
  readonly ranges: readonly Range[];
  /** The last txn, in a log or a snapshot; -1 when there is nothing. */
  readonly lastZxid: number;
  /** What is wrong behind the last txn that can be read, or null. */
  readonly damage: string | null;
}

/** Reads all snapshots and logs of a directory. */
export function coverageOf(disk: Disk, directories: Directories, progress: Progress): Coverage {
  const { snapDirectory, logDirectory } = directories;
  const snapshots: SnapshotScan[] = [];
  for (const name of listSnapshots(disk, snapDirectory).reverse()) {
    const scan = scanSnapshot(disk, snapDirectory, name, snapshotCodecs, (done, total) =>
      progress.show(`reading ${name.name}`, done, total),
    );
    if (scan.state === "ok") snapshots.push(scan);
  }
  const { runs, damage } = readRuns(disk, logDirectory, progress);
  progress.clear();
  const ranges = rangesOf(snapshots, runs);
  const lastZxid = Math.max(-1, ...runs.map(({ last }) => last), ...snapshots.map(({ name }) => name.zxid));
  return { snapshots, runs, ranges, lastZxid, damage };
}

function readRuns(
  disk: Disk,
  logDirectory: string,
  progress: Progress,
): { readonly runs: Run[]; readonly damage: string | null } {
  const chain = new LogChain(disk, logDirectory, -1);
  const total = chain.bytesTotal;
  const runs: Run[] = [];
  let first = -1;
  let last = -1;
  let lastTime = 0;
  let count = 0;
  while (chain.next()) {
    if (chain.gap !== null) {
      runs.push({ first, last, lastTime });
      first = -1;
    }
    if (first < 0) first = chain.zxid;
    last = chain.zxid;
    lastTime = timeOfPayload(chain);
    if (++count % 4096 === 0) progress.show(`reading ${chain.path}`, chain.position, total);
  }
  if (first >= 0) runs.push({ first, last, lastTime });
  const { gap } = chain;
  return { runs, damage: gap === null ? null : `${gap.path} at byte ${gap.offset}: ${gap.problem}` };
}

/** The time in the header of a chain's current txn. */
export function timeOfPayload({ bytes, payloadStart }: LogChain): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + payloadStart + 20, 8);
  return view.getInt32(0) * 0x1_0000_0000 + view.getUint32(4);
}

/** Whether the txns of a run can be replayed over a snapshot. */
export function continues(snapshotZxid: number, run: Run): boolean {
  return follows(snapshotZxid, run.first) || (run.first <= snapshotZxid && snapshotZxid <= run.last);
}

function rangesOf(snapshots: readonly SnapshotScan[], runs: readonly Run[]): Range[] {
  const ranges: Range[] = [];
  for (const { name, fuzzyUpTo } of snapshots) {
    const run = runs.find((candidate) => continues(name.zxid, candidate));
    const range =
      run === undefined
        ? { from: name.zxid, to: name.zxid, toTime: 0 }
        : { from: fuzzyUpTo, to: Math.max(run.last, name.zxid), toTime: run.lastTime };
    // A fuzzy snapshot whose txns are not all in the logs stands for no moment.
    if (fuzzyUpTo > range.to) continue;
    const before = ranges.at(-1);
    if (before !== undefined && range.from <= before.to) {
      if (range.to > before.to) ranges[ranges.length - 1] = { ...range, from: before.from };
    } else {
      ranges.push(range);
    }
  }
  return ranges;
}

/** For people: `0x5 to 0x81 (2026-…)`, one line a range. */
export function rangeText({ from, to, toTime }: Range): string {
  const until = toTime === 0 ? "" : `, last txn at ${isoTime(toTime)}`;
  return from === to ? `${hex(to)} alone${until}` : `${hex(from)} to ${hex(to)}${until}`;
}

/** The logs that hold the txns of a run behind a snapshot. */
export function logsOf(disk: Disk, logDirectory: string, after: number, upTo: number): string[] {
  const logs = listLogs(disk, logDirectory);
  let first = 0;
  while (first + 1 < logs.length && logs[first + 1]!.zxid <= after + 1) first++;
  return logs
    .slice(first)
    .filter(({ zxid }) => zxid <= upTo)
    .map(({ name }) => join(logDirectory, name));
}
