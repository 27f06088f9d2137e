import { NodeDisk, type Row } from "@quoll/server/storage";
import { type OutputFormat, parseFormat } from "./arguments.js";
import { jsonLine } from "./json.js";
import { openSnapshot } from "./snapshot-file.js";
import type { Terminal } from "./terminal.js";
import { ToolExit } from "./tool-error.js";
import { TreeView } from "./tree.js";

export interface CompareOptions {
  readonly left: string;
  readonly right: string;
  /** A znode is told when its subtree's data differs by more bytes, */
  readonly bytes: number;
  /** or by more znodes. */
  readonly nodes: number;
  readonly debug?: boolean;
  readonly interactive?: boolean;
  readonly output: string;
}

/** A znode of one of the trees. The root's label is empty, as in ZooKeeper's tool. */
interface TreeNode {
  readonly label: string;
  readonly children: readonly TreeNode[];
  readonly descendantSize: number;
  readonly descendantCount: number;
}

/** A snapshot, by depth. */
interface TreeInfo {
  readonly depths: readonly TreeNode[][];
  readonly byLabel: ReadonlyMap<string, TreeNode>;
}

/**
 * `quoll snapshot compare`: which subtrees of two snapshots differ in size, as ZooKeeper's SnapshotComparer prints it.
 * @param readLine - for `-i`: a line of the operator's, or null at the end of input
 */
export function compareSnapshots(options: CompareOptions, terminal: Terminal, readLine: () => string | null): number {
  const format = parseFormat(options.output);
  const { out } = terminal;
  if (format === "text") out.write("Successfully parsed options!\n");
  const left = readTree(options.left, format, terminal);
  const right = readTree(options.right, format, terminal);
  if (format === "text") out.write(`${describe(left)}\n${describe(right)}\n`);
  const comparison = new Comparison(left, right, options, format, terminal);
  if (format === "text" && options.interactive === true) comparison.interact(readLine);
  else comparison.run();
  return ToolExit.ok;
}

function readTree(place: string, format: OutputFormat, terminal: Terminal): TreeInfo {
  const startedMs = performance.now();
  const opened = openSnapshot(new NodeDisk(), place, terminal);
  const loadedMs = performance.now();
  const depths: TreeNode[][] = [];
  const byLabel = new Map<string, TreeNode>();
  const view = new TreeView(opened.body);
  const visit = (row: Row, label: string, depth: number): TreeNode => {
    const children = view.childrenAsJava(row).map((child) => visit(child.row, `${label}/${child.name}`, depth + 1));
    let descendantSize = view.size(row);
    let descendantCount = children.length;
    for (const child of children) {
      descendantSize += child.descendantSize;
      descendantCount += child.descendantCount;
    }
    const node = { label, children, descendantSize, descendantCount };
    while (depths.length <= depth) depths.push([]);
    depths[depth]!.push(node);
    byLabel.set(label, node);
    return node;
  };
  visit(view.find("/"), "", 0);
  for (const nodes of depths) nodes.sort(byName);
  if (format === "text") {
    const loadSeconds = ((loadedMs - startedMs) / 1000).toFixed(6);
    terminal.out.write(`Deserialized snapshot in ${opened.file.name.name} in ${loadSeconds} seconds\n`);
    terminal.out.write(`Processed data tree in ${((performance.now() - loadedMs) / 1000).toFixed(6)} seconds\n`);
  }
  return { depths, byLabel };
}

function describe({ depths, byLabel }: TreeInfo): string {
  const lines = [
    `Node count: ${byLabel.size}`,
    `Total size: ${byLabel.get("")!.descendantSize}`,
    `Max depth: ${depths.length}`,
    ...depths.map((nodes, depth) => `Count of nodes at depth ${depth}: ${nodes.length}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** By UTF-16 units, as Java compares. */
function byName(a: TreeNode, b: TreeNode): number {
  return a.label < b.label ? -1 : a.label > b.label ? 1 : 0;
}

class Comparison {
  private readonly maxDepth: number;

  constructor(
    private readonly left: TreeInfo,
    private readonly right: TreeInfo,
    private readonly options: CompareOptions,
    private readonly format: OutputFormat,
    private readonly terminal: Terminal,
  ) {
    this.maxDepth = Math.max(left.depths.length, right.depths.length);
  }

  run(): void {
    this.announce();
    for (let depth = 0; depth < this.maxDepth; depth++) this.compareDepth(depth);
    this.line("All layers compared.");
  }

  interact(readLine: () => string | null): void {
    let depth = 0;
    while (depth < this.maxDepth) {
      this.line(`Current depth is ${depth}`);
      this.line(INTERACTIVE_HELP);
      this.terminal.out.flush();
      const input = readLine();
      if (input === null) return;
      this.announce();
      if (input === "") {
        this.compareDepth(depth++);
      } else if (input.startsWith("/")) {
        this.compareSubtree(input);
      } else if (!/^[+-]?\d+$/.test(input)) {
        this.line(
          `Input ${input} is not valid. Depth must be in range [0, ${this.maxDepth - 1}]. ` +
            "Path must be an absolute path which starts with '/'.",
        );
      } else if (Number(input) < 0 || Number(input) >= this.maxDepth) {
        this.line(`Depth must be in range [0, ${this.maxDepth - 1}]`);
        continue;
      } else {
        depth = Number(input);
        this.compareDepth(depth);
      }
      this.line("");
    }
    this.line("All layers compared.");
  }

  private announce(): void {
    const { bytes, nodes } = this.options;
    this.line(
      `Printing analysis for nodes difference larger than ${bytes} bytes or node count difference larger than ${nodes}.`,
    );
  }

  private compareDepth(depth: number): void {
    this.line(`Analysis for depth ${depth}`);
    this.compareNodes(this.left.depths[depth] ?? [], this.right.depths[depth] ?? []);
  }

  private compareSubtree(path: string): void {
    this.line(`Analysis for node ${path}`);
    const left = this.left.byLabel.get(path);
    const right = this.right.byLabel.get(path);
    if (left === undefined && right === undefined) {
      this.line(`Path ${path} is neither found in left tree nor right tree.`);
      return;
    }
    this.compareNodes([...(left?.children ?? [])].sort(byName), [...(right?.children ?? [])].sort(byName));
  }

  private compareNodes(left: readonly TreeNode[], right: readonly TreeNode[]): void {
    const isDebug = this.options.debug === true;
    for (let l = 0, r = 0; l < left.length || r < right.length; ) {
      const a = left[l];
      const b = right[r];
      if (a !== undefined && b !== undefined) {
        if (isDebug) this.line(`Comparing ${a.label} to ${b.label}`);
        const order = byName(a, b);
        if (isDebug) this.line(order < 0 ? "left is less" : order > 0 ? "right is less" : "same");
        if (order < 0) this.onlyIn("left", left[l++]!);
        else if (order > 0) this.onlyIn("right", right[r++]!);
        else this.inBoth(left[l++]!, right[r++]!);
      } else if (a !== undefined) {
        this.onlyIn("left", left[l++]!);
      } else {
        this.onlyIn("right", right[r++]!);
      }
    }
  }

  private onlyIn(side: "left" | "right", { label, descendantSize, descendantCount }: TreeNode): void {
    const { bytes, nodes } = this.options;
    if (descendantSize > bytes || descendantCount > nodes) {
      this.line(
        `Node ${label} found only in ${side} tree. Descendant size: ${descendantSize}. Descendant count: ${descendantCount}`,
        { path: label || "/", in: side, bytes: descendantSize, descendants: descendantCount },
      );
    } else {
      this.filtered(`Filtered ${side} node ${label} of size ${descendantSize}`);
    }
  }

  private inBoth(left: TreeNode, right: TreeNode): void {
    const { bytes, nodes } = this.options;
    const byteDelta = right.descendantSize - left.descendantSize;
    const nodeDelta = right.descendantCount - left.descendantCount;
    if (Math.abs(byteDelta) > bytes || Math.abs(nodeDelta) > nodes) {
      this.line(`Node ${left.label} found in both trees. Delta: ${byteDelta} bytes, ${nodeDelta} descendants`, {
        path: left.label || "/",
        in: "both",
        byteDelta,
        descendantDelta: nodeDelta,
      });
    } else {
      this.filtered(
        `Filtered node ${left.label} of left size ${left.descendantSize}, right size ${right.descendantSize}`,
      );
    }
  }

  private filtered(text: string): void {
    if (this.options.debug === true || this.options.interactive === true) this.line(text);
  }

  /** @param json - what `-o json` prints instead; without it, nothing */
  private line(text: string, json?: { readonly [key: string]: unknown }): void {
    if (this.format === "text") this.terminal.out.write(`${text}\n`);
    else if (json !== undefined) this.terminal.out.write(jsonLine(json));
  }
}

const INTERACTIVE_HELP =
  "- Press enter to move to print current depth layer;\n" +
  "- Type a number to jump to and print all nodes at a given depth;\n" +
  "- Enter an ABSOLUTE path to print the immediate subtree of a node. Path must start with '/'.";
