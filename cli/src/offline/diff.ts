import { type ACL, Long } from "@quoll/jute";
import { type Disk, LogChain, NO_ROW, NodeDisk } from "@quoll/server/storage";
import { type OutputFormat, parseFormat, parsePath, parseTime, parseZxid } from "./arguments.js";
import { type Coverage, coverageOf, timeOfPayload } from "./coverage.js";
import { type Database, findDatabase } from "./directories.js";
import { aclText } from "./history.js";
import { dataText, type Json, jsonAcl, jsonData, jsonLine, zxidText } from "./json.js";
import { Replay } from "./replay.js";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import type { TreeView } from "./tree.js";
import { decodeTxn, forEachChange } from "./txn.js";
import { isInSubtree } from "./txn-filter.js";

export interface DiffOptions {
  readonly logDir?: string;
  readonly path: string;
  readonly times?: boolean;
  readonly output: string;
}

/** A znode at one of the two moments. */
interface State {
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[];
  readonly owner: Long;
  /** When it was created: a znode that was deleted and created anew is another one. */
  readonly czxid: number;
}

/**
 * `quoll diff`: which znodes were added, removed and changed between two moments. One tree is replayed to the first and then
 * on to the second; on the way, the first state of each znode that a txn touches is put aside.
 * @returns 0 when there is no difference, else 1
 */
export function diff(
  fromText: string,
  toText: string,
  place: string,
  options: DiffOptions,
  terminal: Terminal,
): number {
  const format = parseFormat(options.output);
  const top = parsePath(options.path);
  const disk = new NodeDisk();
  const database = findDatabase(place, options.logDir);
  const { progress } = terminal;
  const coverage = coverageOf(disk, database, progress);
  const moment = (text: string) => zxidOf(text, options.times === true, disk, database, coverage);
  const from = moment(fromText);
  const to = moment(toText);
  if (to < from) {
    throw new ToolError(ToolExit.invocation, `${toText} (${zxidText(to)}) is before ${fromText} (${zxidText(from)})`);
  }
  const replay = Replay.to(disk, database, coverage, from, progress);
  const { view } = replay;
  const before = new Map<string, State | null>();
  replay.advance(to, (bytes, start, end) => {
    for (const path of touchedPaths(view, bytes, start, end)) {
      if (isInSubtree(path, top) && !before.has(path)) before.set(path, stateOf(view, path));
    }
  });
  replay.close();
  let differences = 0;
  for (const path of [...before.keys()].sort()) {
    const after = stateOf(view, path);
    const was = before.get(path)!;
    if (isSame(was, after)) continue;
    differences++;
    terminal.out.write(
      format === "json" ? jsonLine(jsonDifference(path, was, after)) : textDifference(path, was, after),
    );
  }
  summarize(from, to, differences, format, terminal);
  return differences === 0 ? ToolExit.ok : ToolExit.failed;
}

function zxidOf(text: string, isTime: boolean, disk: Disk, database: Database, { lastZxid }: Coverage): number {
  if (text === "now") return lastZxid;
  if (!isTime) return parseZxid(text);
  const time = parseTime(text, Date.now());
  const chain = new LogChain(disk, database.logDirectory, -1);
  let found = -1;
  while (chain.next() && timeOfPayload(chain) <= time) found = chain.zxid;
  chain.close();
  if (found >= 0) return found;
  throw new ToolError(ToolExit.directory, `${text} is before the first txn in ${database.logDirectory}`);
}

/** The paths that a txn may change, as the tree is before it. */
function touchedPaths(view: TreeView, bytes: Uint8Array, start: number, end: number): string[] {
  const txn = decodeTxn(bytes, start, end);
  const paths: string[] = [];
  forEachChange(txn, (change) => {
    if (change.kind === "closeSession") {
      paths.push(...(change.paths ?? []));
      for (const row of view.data.ephemerals.get(txn.session.hi, txn.session.lo) ?? []) paths.push(view.path(row));
    } else if ("path" in change && change.kind !== "check") {
      paths.push(change.path);
    }
  });
  return paths;
}

function stateOf(view: TreeView, path: string): State | null {
  const row = view.find(path);
  if (row === NO_ROW) return null;
  const { tree, acls } = view.data;
  const acl = (acls.get(tree.aclId(row))?.entries ?? []).map(({ perms, scheme, id }) => ({
    perms,
    id: { scheme, id },
  }));
  const owner = new Long(tree.ownerHi(row), tree.ownerLo(row));
  return { data: view.bytes(row)?.slice() ?? null, acl, owner, czxid: tree.czxid(row) };
}

function isSame(a: State | null, b: State | null): boolean {
  if (a === null || b === null) return a === b;
  return isSameData(a.data, b.data) && aclText(a.acl) === aclText(b.acl) && a.owner.equals(b.owner);
}

function isSameData(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
}

function jsonDifference(path: string, before: State | null, after: State | null): Json {
  const kind = before === null ? "added" : after === null ? "removed" : "changed";
  return { kind, path, before: jsonState(before), after: jsonState(after) };
}

function jsonState(state: State | null): Json | null {
  if (state === null) return null;
  const owner: Json = state.owner.isZero ? {} : { ephemeralOwner: state.owner.toString() };
  return { ...jsonData(state.data), acl: jsonAcl(state.acl), ...owner, czxid: zxidText(state.czxid) };
}

function textDifference(path: string, before: State | null, after: State | null): string {
  if (before === null) return `+ ${path}  ${dataText(after!.data)}\n`;
  if (after === null) return `- ${path}  ${dataText(before.data)}\n`;
  const lines = [`~ ${path}${before.czxid === after.czxid ? "" : "  (deleted and created anew)"}`];
  if (!isSameData(before.data, after.data))
    lines.push(`    - ${dataText(before.data)}`, `    + ${dataText(after.data)}`);
  if (aclText(before.acl) !== aclText(after.acl)) {
    lines.push(`    - acl ${aclText(before.acl)}`, `    + acl ${aclText(after.acl)}`);
  }
  if (!before.owner.equals(after.owner)) {
    lines.push(`    - owner ${before.owner}`, `    + owner ${after.owner}`);
  }
  return `${lines.join("\n")}\n`;
}

function summarize(from: number, to: number, differences: number, format: OutputFormat, { out }: Terminal): void {
  if (format === "json") return;
  const what = differences === 0 ? "no difference" : `${differences} znodes differ`;
  out.write(`${what} between ${zxidText(from)} and ${zxidText(to)}\n`);
}
