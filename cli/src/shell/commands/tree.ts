import type { Command, CommandContext } from "../command.js";
import { checkPath, nameOf } from "../path.js";
import { hex } from "../text/stat.js";
import { sizeText } from "../text/units.js";
import { type Visit, walk } from "../walk.js";

const DEPTH_MAX = 10_000;

export const tree: Command = {
  name: "tree",
  usage: "[-d depth] [-l] path",
  specs: {
    options: [
      { name: "d", argument: "depth", help: "how many levels to show" },
      { name: "l", help: "kind, size and version of each" },
    ],
  },
  isZkCli: false,
  wordsMin: 2,
  summary: "draw a subtree",
  details: "(e) stands behind an ephemeral. Reads 64 znodes at once.",
  examples: [
    ["tree /", "all there is"],
    ["tree -d 1 -l /app", "one level, with sizes"],
  ],
  json: "a line for each znode: path, depth, kind, dataLength, numChildren, version, ephemeralOwner",
  async run(context, args) {
    const { client, signal } = context;
    const root = args.words[1]!;
    checkPath(root);
    const depthMax = args.integer("d", DEPTH_MAX, 0, DEPTH_MAX);
    // For each level whether siblings follow; what is drawn left of a name depends on its ancestors.
    const left: number[] = [];
    let znodes = 0;
    for await (const visit of walk(client, root, { signal, depthMax })) {
      const { depth } = visit;
      left.length = depth + 1;
      left[depth] = visit.children.length;
      if (depth > 0) left[depth - 1]!--;
      await print(context, visit, left, args.has("l"));
      znodes++;
    }
    if (context.io.isTerminal) context.io.out(context.io.style.paint("dim", `${znodes} znodes\n`));
  },
};

async function print({ io }: CommandContext, { path, depth, stat }: Visit, left: readonly number[], isLong: boolean) {
  const kind = stat.isEphemeral ? "ephemeral" : "persistent";
  const { dataLength, numChildren, version } = stat;
  const value = { path, depth, kind, dataLength, numChildren, version, ephemeralOwner: hex(stat.ephemeralOwner) };
  await io.answerSlowly(value, () => {
    const { style } = io;
    let lines = "";
    for (let i = 0; i < depth - 1; i++) lines += left[i]! > 0 ? "│   " : "    ";
    if (depth > 0) lines += left[depth - 1]! > 0 ? "├── " : "└── ";
    const name = style.paint(stat.isEphemeral ? "yellow" : "blue", depth === 0 ? path : nameOf(path));
    const owner = stat.isEphemeral ? ` of ${hex(stat.ephemeralOwner)}` : "";
    const more = isLong ? `  ${sizeText(dataLength)} v${version}${owner}` : "";
    return `${style.paint("dim", lines)}${name}${stat.isEphemeral ? " (e)" : ""}${style.paint("dim", more)}\n`;
  });
}
