import { type ACL, ACL as AclRecord, decodeUtf8, Long, Reader } from "@quoll/jute";
import {
  LogChain,
  listSnapshots,
  NodeDisk,
  OpCode,
  readSnapshot,
  snapshotCodecs,
  walkSnapshot,
} from "@quoll/server/storage";
import { type OutputFormat, parseFormat, parsePath, parseTime } from "./arguments.js";
import { type Database, findDatabase } from "./directories.js";
import { dataText, isoTime, type Json, jsonAcl, jsonData, jsonLine, zxidText } from "./json.js";
import type { Terminal } from "./terminal.js";
import { ToolExit } from "./tool-error.js";
import { type Change, decodeTxn, forEachChange, type LoggedTxn, typeName } from "./txn.js";
import { isInSubtree } from "./txn-filter.js";

export interface HistoryOptions {
  readonly logDir?: string;
  readonly recursive?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly output: string;
}

/** A znode as far as it is known. */
interface Value {
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[] | null;
  readonly owner: Long;
}

/** `undefined`: nothing is known of it; null: it does not exist. */
type Known = Value | null | undefined;

/**
 * `quoll history`: each change to a znode that the logs still hold. Memory does not grow with the database: logs and one
 * snapshot are streamed, and only the znodes that are asked for are remembered.
 */
export function history(pathText: string, place: string, options: HistoryOptions, terminal: Terminal): number {
  const format = parseFormat(options.output);
  const path = parsePath(pathText);
  const database = findDatabase(place, options.logDir);
  const now = Date.now();
  const since = options.since === undefined ? Number.NEGATIVE_INFINITY : parseTime(options.since, now);
  const until = options.until === undefined ? Number.POSITIVE_INFINITY : parseTime(options.until, now);
  const isWanted =
    options.recursive === true ? (other: string) => isInSubtree(other, path) : (other: string) => other === path;
  const told = new Story(format, isWanted, since, until, terminal).tell(database);
  if (told > 0) return ToolExit.ok;
  terminal.err.write(`${path}: the logs in ${database.logDirectory} hold no change to it in this time.\n`);
  return ToolExit.failed;
}

class Story {
  private readonly known = new Map<string, Value | null>();
  /** Before the first snapshot, a path that nothing was said of may exist; after it, it does not. */
  private isComplete = false;
  private told = 0;

  constructor(
    private readonly format: OutputFormat,
    private readonly isWanted: (path: string) => boolean,
    private readonly since: number,
    private readonly until: number,
    private readonly terminal: Terminal,
  ) {}

  /** @returns how many changes were told */
  tell(database: Database): number {
    const disk = new NodeDisk();
    const { progress } = this.terminal;
    const chain = new LogChain(disk, database.logDirectory, -1);
    const total = chain.bytesTotal;
    const snapshots = listSnapshots(disk, database.snapDirectory).reverse();
    let nextSnapshot = 0;
    let count = 0;
    while (chain.next()) {
      if (chain.gap !== null) this.forget(chain.gap.after, chain.gap.before);
      // The first snapshot that the logs go on from, and one behind each gap, tells what nobody has seen created.
      while (!this.isComplete && nextSnapshot < snapshots.length && snapshots[nextSnapshot]!.zxid < chain.zxid) {
        const name = snapshots[nextSnapshot++]!;
        const isNext = nextSnapshot === snapshots.length || snapshots[nextSnapshot]!.zxid >= chain.zxid;
        if (isNext) this.isComplete = this.read(disk, database, name);
      }
      const txn = decodeTxn(chain.bytes, chain.payloadStart, chain.payloadEnd);
      this.apply(txn);
      if (++count % 4096 === 0) progress.show(`reading ${chain.path}`, chain.position, total);
    }
    progress.clear();
    return this.told;
  }

  /** Behind a gap in the logs nothing is known. */
  private forget(after: number, before: number): void {
    this.known.clear();
    this.isComplete = false;
    const from = zxidText(after);
    const to = zxidText(before);
    if (this.format === "json") this.terminal.out.write(jsonLine({ gap: true, after: from, before: to }));
    else this.terminal.out.write(`(the logs have no txns between ${from} and ${to})\n`);
  }

  /** @returns whether the snapshot could be read */
  private read(disk: NodeDisk, { snapDirectory }: Database, name: ReturnType<typeof listSnapshots>[number]): boolean {
    const acls = new Map<number, Uint8Array>();
    const found = new Map<string, Value | null>();
    const unknown: string[] = [];
    try {
      readSnapshot(
        disk,
        snapDirectory,
        name,
        snapshotCodecs,
        () => {},
        (source) =>
          walkSnapshot(source, {
            session() {},
            acl: (id, bytes, start, end) => acls.set(id, bytes.slice(start, end)),
            node: (node) => {
              const path = decodeUtf8(node.bytes, node.pathStart, node.pathEnd) || "/";
              if (!this.isWanted(path)) return;
              // A fuzzy snapshot holds changes that the logs have yet to tell.
              if (node.czxid > name.zxid) return;
              if (node.mzxid > name.zxid) {
                unknown.push(path);
                return;
              }
              const data = node.dataEnd < node.dataStart ? null : node.bytes.slice(node.dataStart, node.dataEnd);
              found.set(path, {
                data,
                acl: decodeAcl(acls.get(node.aclId)),
                owner: new Long(node.ownerHi, node.ownerLo),
              });
            },
          }),
      );
    } catch {
      // What the logs say is true all the same.
      return false;
    }
    for (const [path, value] of found) if (!this.known.has(path)) this.known.set(path, value);
    for (const path of unknown) this.known.delete(path);
    return true;
  }

  private apply(txn: LoggedTxn): void {
    forEachChange(txn, (change, type) => this.applyChange(txn, change, type));
  }

  private applyChange(txn: LoggedTxn, change: Change, type: number): void {
    if (change.kind === "closeSession") {
      this.closeSession(txn, change.paths);
      return;
    }
    if (!("path" in change) || !this.isWanted(change.path)) return;
    const { path } = change;
    const before = this.before(path);
    let after: Known = before;
    switch (change.kind) {
      case "create": {
        const owner = change.ephemeral ? txn.session : Long.ZERO;
        after = { data: copy(change.data), acl: change.acl, owner };
        break;
      }
      case "setData":
        after = { data: copy(change.data), acl: before?.acl ?? null, owner: before?.owner ?? Long.ZERO };
        break;
      case "setACL":
        if (before !== undefined && before !== null) after = { ...before, acl: change.acl };
        break;
      case "delete":
        after = null;
        break;
      case "check":
        return;
    }
    if (after !== undefined) this.known.set(path, after);
    this.print(txn, type, change, path, before, after);
  }

  private closeSession(txn: LoggedTxn, named: readonly string[] | null): void {
    const paths = new Set((named ?? []).filter((path) => this.isWanted(path)));
    if (named === null) {
      for (const [path, value] of this.known) if (value?.owner.equals(txn.session)) paths.add(path);
    }
    for (const path of paths) {
      const before = this.before(path);
      this.known.set(path, null);
      this.print(txn, OpCode.closeSession, { kind: "delete", path }, path, before, null);
    }
  }

  private before(path: string): Known {
    const known = this.known.get(path);
    return known === undefined && this.isComplete ? null : known;
  }

  private print(txn: LoggedTxn, type: number, change: Change, path: string, before: Known, after: Known): void {
    if (txn.time < this.since || txn.time > this.until) return;
    this.told++;
    const isAcl = change.kind === "setACL";
    const version = "version" in change ? change.version : undefined;
    const { out } = this.terminal;
    if (this.format === "json") {
      out.write(
        jsonLine({
          time: isoTime(txn.time),
          zxid: zxidText(txn.zxid),
          session: txn.session.toString(),
          type: typeName(type),
          path,
          ...(version === undefined ? {} : { version }),
          before: jsonValue(before, isAcl),
          // An ACL may be set of a znode whose data nobody has seen.
          after: isAcl ? { acl: jsonAcl(change.acl) } : jsonValue(after, isAcl),
        }),
      );
      return;
    }
    const number = version === undefined ? "" : `  version ${version}`;
    out.write(
      `${isoTime(txn.time)}  zxid ${zxidText(txn.zxid)}  session ${txn.session}  ${typeName(type)} ${path}${number}\n`,
    );
    if (isAcl) {
      out.write(`  - acl ${before == null ? "(unknown)" : aclText(before.acl)}\n  + acl ${aclText(change.acl)}\n`);
      return;
    }
    if (before === undefined) out.write("  - (unknown)\n");
    else if (before !== null) out.write(`  - ${dataText(before.data)}\n`);
    if (after !== undefined && after !== null) out.write(`  + ${dataText(after.data)}\n`);
  }
}

function jsonValue(value: Known, isAcl: boolean): unknown {
  if (value === undefined) return { unknown: true };
  if (value === null) return null;
  const owner: Json = value.owner.isZero ? {} : { ephemeralOwner: value.owner.toString() };
  return isAcl ? { acl: jsonAcl(value.acl) } : { ...jsonData(value.data), ...owner };
}

/** Data is a view of the log's window, which moves on. */
function copy(data: Uint8Array | null): Uint8Array | null {
  return data === null ? null : data.slice();
}

/** A number without a list is that of `world:anyone`. */
function decodeAcl(bytes: Uint8Array | undefined): readonly ACL[] {
  if (bytes === undefined) return [{ perms: 31, id: { scheme: "world", id: "anyone" } }];
  const reader = new Reader(bytes);
  return Array.from({ length: Math.max(0, reader.count(12)) }, () => AclRecord.decode(reader));
}

/** As zkCli takes it: `world:anyone:cdrwa`. */
export function aclText(acl: readonly ACL[] | null): string {
  return (acl ?? []).map(({ perms, id }) => `${id.scheme}:${id.id}:${permsText(perms)}`).join(",") || "(none)";
}

function permsText(perms: number): string {
  return (
    (perms & 4 ? "c" : "") +
    (perms & 8 ? "d" : "") +
    (perms & 1 ? "r" : "") +
    (perms & 2 ? "w" : "") +
    (perms & 16 ? "a" : "")
  );
}
