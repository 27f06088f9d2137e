import { Long } from "@quoll/jute";
import { NodeDisk, type Row } from "@quoll/server/storage";
import { parseFormat } from "./arguments.js";
import { JavaDates } from "./java-date.js";
import { DEFAULT_CAPACITY, inHashOrder } from "./java-hash-order.js";
import { javaHex } from "./java-text.js";
import { isoTime, jsonAcl, jsonData, jsonLine, zxidText } from "./json.js";
import { type OpenedSnapshot, openSnapshot } from "./snapshot-file.js";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { TreeView } from "./tree.js";

export interface SnapshotOptions {
  /** `-d`: the data of each znode, in base64. */
  readonly data?: boolean;
  /** `-json`: the format of ncdu. */
  readonly json?: boolean;
  readonly output: string;
}

/**
 * `quoll snapshot`: prints a snapshot as ZooKeeper's SnapshotFormatter does, to the order of the znodes; with `-o json` one
 * object per session and znode.
 */
export function snapshot(place: string, options: SnapshotOptions, terminal: Terminal): number {
  if (options.data === true && options.json === true) {
    throw new ToolError(ToolExit.invocation, "Cannot specify both data dump (-d) and json mode (-json) in same call");
  }
  const format = parseFormat(options.output);
  const opened = openSnapshot(new NodeDisk(), place, terminal);
  const view = new TreeView(opened.body);
  if (format === "json") printJsonLines(opened, view, terminal);
  else if (options.json === true) printNcdu(view, terminal);
  else printDetails(opened, view, options.data === true, terminal);
  return ToolExit.ok;
}

function printDetails({ file }: OpenedSnapshot, view: TreeView, withData: boolean, { out }: Terminal): void {
  const dates = new JavaDates();
  const { data } = view;
  let lastZxid = file.name.zxid;
  out.write(`ZNode Details (count=${data.nodeCount}):\n`);
  walk(view, (row, path) => {
    const { tree } = data;
    lastZxid = Math.max(lastZxid, tree.mzxid(row), tree.pzxid(row));
    const bytes = view.bytes(row);
    const owner = new Long(tree.ownerHi(row), tree.ownerLo(row));
    out.write(
      `----\n${path}\n` +
        `  cZxid = ${hexZxid(tree.czxid(row))}\n` +
        `  ctime = ${dates.full(tree.ctime(row))}\n` +
        `  mZxid = ${hexZxid(tree.mzxid(row))}\n` +
        `  mtime = ${dates.full(tree.mtime(row))}\n` +
        `  pZxid = ${hexZxid(tree.pzxid(row))}\n` +
        `  cversion = ${tree.cversion(row)}\n` +
        `  dataVersion = ${tree.version(row)}\n` +
        `  aclVersion = ${tree.aversion(row)}\n` +
        `  ephemeralOwner = ${javaHex(owner)}\n` +
        (withData
          ? `  data = ${bytes === null ? "" : Buffer.from(bytes).toString("base64")}\n`
          : `  dataLength = ${bytes === null ? 0 : bytes.length}\n`),
    );
  });
  out.write("----\nSession Details (sid, timeout, ephemeralCount):\n");
  for (const { id, timeoutMs } of sessionsAsJava(view)) {
    out.write(`${javaHex(id)}, ${timeoutMs}, ${data.ephemerals.get(id.hi, id.lo)?.size ?? 0}\n`);
  }
  out.write(`----\nLast zxid: ${zxidText(lastZxid)}\n`);
}

/** Calls `visit` for every znode, parents first, in the order of Java's tools. */
function walk(view: TreeView, visit: (row: Row, path: string) => void): void {
  const pending = [{ row: view.find("/"), path: "/" }];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    visit(node.row, node.path);
    const prefix = node.path === "/" ? "/" : `${node.path}/`;
    const children = view.childrenAsJava(node.row);
    for (let i = children.length - 1; i >= 0; i--) {
      pending.push({ row: children[i]!.row, path: prefix + children[i]!.name });
    }
  }
}

function sessionsAsJava(view: TreeView): { readonly id: Long; readonly timeoutMs: number }[] {
  const sessions: { id: Long; timeoutMs: number }[] = [];
  view.data.sessions.forEach((timeoutMs, hi, lo) => {
    sessions.push({ id: new Long(hi, lo), timeoutMs });
  });
  return inHashOrder(
    sessions,
    sessions.map(({ id }) => id.hi ^ id.lo),
    DEFAULT_CAPACITY,
  );
}

function hexZxid(zxid: number): string {
  return javaHex(Long.fromNumber(zxid));
}

/** @see https://dev.yorhel.nl/ncdu/jsonfmt */
function printNcdu(view: TreeView, { out }: Terminal): void {
  let inode = 1000;
  out.write(`[1,0,{"progname":"SnapshotFormatter.java","progver":"0.01","timestamp":${Date.now()}}`);
  const print = (row: Row, name: string): void => {
    const size = view.size(row);
    const node = JSON.stringify({ name, asize: size, dsize: size, dev: 0, ino: ++inode });
    const children = view.childrenAsJava(row);
    out.write(`,${children.length > 0 ? "[" : ""}${node}`);
    for (const child of children) print(child.row, child.name);
    if (children.length > 0) out.write("]");
  };
  print(view.find("/"), "/");
  out.write("]");
}

function printJsonLines({ digest, lastProcessedZxid, file }: OpenedSnapshot, view: TreeView, { out }: Terminal): void {
  const { data } = view;
  out.write(
    jsonLine({
      kind: "snapshot",
      file: `${file.directory}/${file.name.name}`,
      zxid: zxidText(file.name.zxid),
      znodes: data.nodeCount - 1,
      sessions: data.sessions.size,
      lastProcessedZxid: lastProcessedZxid === null ? null : zxidText(lastProcessedZxid),
      digest: digest === null ? null : new Long(digest.hi, digest.lo).toString(),
      digestZxid: digest === null ? null : zxidText(digest.zxid),
    }),
  );
  data.sessions.forEach((timeoutMs, hi, lo) => {
    const ephemerals = data.ephemerals.get(hi, lo)?.size ?? 0;
    out.write(jsonLine({ kind: "session", session: new Long(hi, lo).toString(), timeoutMs, ephemerals }));
  });
  walk(view, (row, path) => {
    const { tree } = data;
    const owner = new Long(tree.ownerHi(row), tree.ownerLo(row));
    out.write(
      jsonLine({
        kind: "znode",
        path,
        ...jsonData(view.bytes(row)),
        acl: jsonAcl(
          data.acls.get(tree.aclId(row))?.entries.map(({ perms, scheme, id }) => ({ perms, id: { scheme, id } })) ??
            null,
        ),
        czxid: zxidText(tree.czxid(row)),
        mzxid: zxidText(tree.mzxid(row)),
        pzxid: zxidText(tree.pzxid(row)),
        ctime: isoTime(tree.ctime(row)),
        mtime: isoTime(tree.mtime(row)),
        version: tree.version(row),
        cversion: tree.cversion(row),
        aversion: tree.aversion(row),
        ephemeralOwner: owner.toString(),
        children: tree.childCount(row),
      }),
    );
  });
}
