import { NO_ROW, NodeDisk, type Row } from "@quoll/server/storage";
import { parseFormat, parsePath } from "./arguments.js";
import { jsonLine } from "./json.js";
import { openSnapshot } from "./snapshot-file.js";
import { sizeText, type Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { TreeView } from "./tree.js";

/** A znode with all that is below it. */
interface Subtree {
  readonly path: string;
  readonly level: number;
  /** Znodes below it, itself not counted. */
  readonly descendants: number;
  /** Bytes of data, its own included. */
  readonly bytes: number;
  readonly children: readonly Subtree[];
}

/**
 * `quoll snapshot summary`: count and size of what is below each znode that has children, as ZooKeeper's
 * SnapshotRecursiveSummary prints them.
 * @param depth - levels that are shown; 0 for all
 */
export function snapshotSummary(
  place: string,
  start: string,
  depth: number,
  options: { readonly output: string },
  terminal: Terminal,
): number {
  const format = parseFormat(options.output);
  const top = readSubtree(place, start, terminal);
  const { out } = terminal;
  const print = (node: Subtree): void => {
    if (node.children.length === 0 || (depth !== 0 && node.level > depth)) return;
    const { path, level, descendants, bytes } = node;
    const tab = "--".repeat(level);
    if (format === "json") out.write(jsonLine({ path, level, descendants, bytes }));
    else out.write(`${tab} ${path}\n${tab}   children: ${descendants}\n${tab}   data: ${bytes}\n`);
    for (const child of node.children) print(child);
  };
  print(top);
  if (format === "text") out.write("\n");
  return ToolExit.ok;
}

/** `quoll snapshot sizes`: the largest subtrees first. */
export function snapshotSizes(
  place: string,
  options: { readonly path: string; readonly depth: number; readonly top: number; readonly output: string },
  terminal: Terminal,
): number {
  const format = parseFormat(options.output);
  const top = readSubtree(place, parsePath(options.path), terminal);
  const found: Subtree[] = [];
  const collect = (node: Subtree): void => {
    found.push(node);
    if (node.level < options.depth) for (const child of node.children) collect(child);
  };
  collect(top);
  found.sort((a, b) => b.bytes - a.bytes || b.descendants - a.descendants || (a.path < b.path ? -1 : 1));
  const { out } = terminal;
  if (format === "text") out.write(`${"data".padStart(12)} ${"share".padStart(6)} ${"znodes".padStart(10)}  subtree\n`);
  for (const { path, descendants, bytes } of found.slice(0, options.top)) {
    const znodes = descendants + 1;
    if (format === "json") {
      out.write(jsonLine({ path, bytes, znodes }));
      continue;
    }
    const share = top.bytes === 0 ? "" : `${((100 * bytes) / top.bytes).toFixed(1)}%`;
    out.write(`${sizeText(bytes).padStart(12)} ${share.padStart(6)} ${String(znodes).padStart(10)}  ${path}\n`);
  }
  return ToolExit.ok;
}

function readSubtree(place: string, start: string, terminal: Terminal): Subtree {
  const view = new TreeView(openSnapshot(new NodeDisk(), place, terminal).body);
  const row = view.find(start);
  if (row === NO_ROW) {
    throw new ToolError(ToolExit.failed, `${place}: there is no znode ${start} in this snapshot.`);
  }
  return measure(view, row, start, 0);
}

function measure(view: TreeView, row: Row, path: string, level: number): Subtree {
  const prefix = path === "/" ? "/" : `${path}/`;
  const children = view.childrenAsJava(row).map((child) => measure(view, child.row, prefix + child.name, level + 1));
  let descendants = children.length;
  let bytes = view.size(row);
  for (const child of children) {
    descendants += child.descendants;
    bytes += child.bytes;
  }
  return { path, level, descendants, bytes, children };
}
