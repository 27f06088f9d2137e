import type { Command } from "../command.js";
import { UsageError } from "../errors.js";
import { checkPath } from "../path.js";
import { sizeText } from "../text/units.js";
import { walk } from "../walk.js";

const DEPTH_MAX = 10_000;
/** More subtrees than these are not worth a list; the largest are kept. */
const ROWS_MAX = 100_000;

interface Usage {
  readonly path: string;
  readonly depth: number;
  znodes: number;
  bytes: number;
  ephemerals: number;
}

type Order = "bytes" | "znodes" | "path";

export const du: Command = {
  name: "du",
  usage: "[-d depth] [-s bytes|znodes|path] [-n rows] path",
  specs: {
    options: [
      { name: "d", argument: "depth", help: "how many levels to list; 1 by default, 0 for the sum alone" },
      { name: "s", argument: "order", help: "sorted by bytes (default), znodes or path" },
      { name: "n", argument: "rows", help: "only the first rows" },
    ],
  },
  isZkCli: false,
  wordsMin: 2,
  summary: "add up data and znodes by subtree",
  details: "Bytes are those of the data; names and metadata of a znode cost a server about 100 more.",
  examples: [
    ["du /", "the subtrees of the root, the largest first"],
    ["du -d 3 -s znodes -n 20 /", "the 20 with the most znodes, down to three levels"],
  ],
  json: "a line for each subtree: path, znodes, bytes, ephemerals",
  async run({ io, client, signal }, args) {
    const root = args.words[1]!;
    checkPath(root);
    const depthMax = args.integer("d", 1, 0, DEPTH_MAX);
    const rowsMax = args.integer("n", ROWS_MAX, 1, ROWS_MAX);
    const order = orderOf(args.value("s") ?? "bytes");
    const open: Usage[] = [];
    let rows: Usage[] = [];
    const close = () => {
      const usage = open.pop()!;
      const parent = open.at(-1);
      if (parent !== undefined) {
        parent.znodes += usage.znodes;
        parent.bytes += usage.bytes;
        parent.ephemerals += usage.ephemerals;
      }
      if (usage.depth > depthMax) return;
      rows.push(usage);
      if (rows.length >= 2 * ROWS_MAX) rows = rows.sort(order).slice(0, ROWS_MAX);
    };
    for await (const { path, depth, stat } of walk(client, root, { signal })) {
      while (open.length > depth) close();
      open.push({ path, depth, znodes: 1, bytes: stat.dataLength, ephemerals: stat.isEphemeral ? 1 : 0 });
    }
    while (open.length > 0) close();
    rows.sort(order);
    if (io.format === "text")
      io.out(`${io.style.paint("bold", `${"bytes".padStart(8)} ${"znodes".padStart(9)}  path`)}\n`);
    for (const { path, znodes, bytes, ephemerals } of rows.slice(0, rowsMax)) {
      await io.answerSlowly({ path, znodes, bytes, ephemerals }, () => {
        return `${sizeText(bytes).padStart(8)} ${String(znodes).padStart(9)}  ${path}\n`;
      });
    }
  },
};

function orderOf(text: string): (a: Usage, b: Usage) => number {
  const byPath = (a: Usage, b: Usage) => (a.path < b.path ? -1 : 1);
  const orders: Record<Order, (a: Usage, b: Usage) => number> = {
    bytes: (a, b) => b.bytes - a.bytes || byPath(a, b),
    znodes: (a, b) => b.znodes - a.znodes || byPath(a, b),
    path: byPath,
  };
  const order = orders[text as Order];
  if (order === undefined) throw new UsageError(`-s must be bytes, znodes or path, not ${text}`);
  return order;
}
