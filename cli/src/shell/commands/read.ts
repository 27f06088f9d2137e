import { isKeeperError, type NodeData } from "@quoll/client";
import { type Command, type CommandContext, usageError } from "../command.js";
import { type ParsedCommand, parseOptions } from "../options.js";
import { checkPath, childOf } from "../path.js";
import { dataForPeople, dataJson } from "../text/data.js";
import { hexDump } from "../text/hex-dump.js";
import { KeeperShellError } from "../text/keeper-message.js";
import { statJson, statText } from "../text/stat.js";
import { optionsText } from "../text/usage.js";
import { walk } from "../walk.js";

/**
 * The old form `get path watch`: the second word is taken for -w, whatever it is. zkCli warns, and so do we.
 * @param rewritten - the words as they were entered, of which the third becomes -w
 */
function withOldWatch(
  { io }: CommandContext,
  command: Command,
  args: ParsedCommand,
  usage: string,
  entered: readonly string[],
): ParsedCommand {
  if (args.words.length <= 2) return args;
  io.err(`'${command.name} path [watch]' has been deprecated. Please use '${usage}' instead.\n`);
  const again = parseOptions(command.specs, [...entered.slice(0, 2), "-w", ...entered.slice(3)]);
  if (again.words.length < 2) throw usageError(command);
  return again;
}

export const get: Command = {
  name: "get",
  usage: "[-s] [-w] [-b] [-x] path",
  specs: {
    options: [
      { name: "s", help: "Print znode stats additionally" },
      { name: "w", help: "Watch for changes on the znode" },
      { name: "b", help: "Output data in base64 format" },
      { name: "x", help: "Output data in hexdump format" },
    ],
  },
  isZkCli: true,
  showsOptions: true,
  wordsMin: 2,
  summary: "show the data of a znode",
  details:
    "On a terminal JSON is indented, and what is not text is shown as a hex dump; elsewhere data is printed as it is.",
  examples: [
    ["get /app/config", "the data"],
    ["get -s -w /app/config", "data and Stat, and one event when it changes"],
    ["get -x /app/blob", "a hex dump"],
  ],
  json: "path, data, encoding (utf8, base64, or null for no data), stat",
  async run(context, parsed) {
    const { io, client, watcher, signal } = context;
    const args = withOldWatch(context, get, parsed, "get [-s] [-w] path", parsed.entered);
    const path = args.words[1]!;
    checkPath(path);
    const { data, stat } = await client.getData(path, { watch: args.has("w") ? watcher : undefined, signal });
    io.answer({ path, ...dataJson(data), stat: statJson(stat) }, () => {
      const bytes = data ?? new Uint8Array(Buffer.from("null"));
      const text = args.has("x")
        ? hexDump(bytes)
        : args.has("b")
          ? Buffer.from(bytes).toString("base64")
          : io.isTerminal
            ? dataForPeople(bytes, io.style)
            : Buffer.from(bytes).toString("utf8");
      return `${text}\n${args.has("s") ? statText(stat) : ""}`;
    });
  },
};

export const ls: Command = {
  name: "ls",
  usage: "[-s] [-w] [-R] path",
  specs: {
    options: [
      { name: "?", help: "help" },
      { name: "s", help: "stat" },
      { name: "w", help: "watch" },
      { name: "R", help: "recurse" },
    ],
  },
  isZkCli: true,
  wordsMin: 1,
  summary: "list the children of a znode",
  examples: [
    ["ls /", "the children of the root"],
    ["ls -s /app", "with the Stat of the znode itself"],
    ["ls -R /app", "all paths below, one per line"],
  ],
  json: "path, children, stat; with -R a line for each znode: path",
  async run(context, parsed) {
    const { io, client, watcher, signal } = context;
    if (parsed.has("?")) io.out(`usage: ls [options] path\n${optionsText(ls.specs.options)}`);
    const args = withOldWatch(context, ls, parsed, "ls [-w] path", parsed.entered);
    if (args.words.length < 2) throw usageError(ls);
    const path = args.words[1]!;
    checkPath(path);
    const watch = args.has("w") ? watcher : undefined;
    if (args.has("R")) {
      await listAll(context, path, watch);
      return;
    }
    const { children, stat } = await client.getChildrenWithStat(path, { watch, signal });
    children.sort();
    io.answer({ path, children, stat: statJson(stat) }, () => {
      return `[${children.join(", ")}]\n${args.has("s") ? statText(stat) : ""}`;
    });
  },
};

/** zkCli prints all children of a znode before it goes below the first of them. */
async function listAll(
  { io, client, signal }: CommandContext,
  root: string,
  watch: CommandContext["watcher"] | undefined,
) {
  await client.getData(root, { watch, signal });
  await io.answerSlowly({ path: root }, () => `${root}\n`);
  for await (const { path, children } of walk(client, root, { signal, watch })) {
    for (const name of children) {
      const child = childOf(path, name);
      await io.answerSlowly({ path: child }, () => `${child}\n`);
    }
  }
}

export const stat: Command = {
  name: "stat",
  usage: "[-w] path",
  specs: { options: [{ name: "w", help: "watch" }] },
  isZkCli: true,
  wordsMin: 2,
  summary: "show the Stat of a znode: versions, times, sizes",
  examples: [["stat -w /app", "and one event when it changes, also when there is no such znode yet"]],
  json: "path, stat",
  async run(context, parsed) {
    const { io, client, watcher, signal } = context;
    const args = withOldWatch(context, stat, parsed, "stat [-w] path", parsed.entered);
    const path = args.words[1]!;
    checkPath(path);
    const found = await client.exists(path, { watch: args.has("w") ? watcher : undefined, signal });
    if (found === null) throw new KeeperShellError("NoNode", path);
    io.answer({ path, stat: statJson(found) }, () => statText(found));
  },
};

export const getAllChildrenNumber: Command = {
  name: "getAllChildrenNumber",
  usage: "path",
  specs: { options: [] },
  isZkCli: true,
  wordsMin: 2,
  summary: "count the znodes below a znode, all levels together",
  examples: [["getAllChildrenNumber /app", ""]],
  json: "path, count",
  async run({ io, client, signal }, { words }) {
    const path = words[1]!;
    checkPath(path);
    const count = await client.getAllChildrenNumber(path, { signal });
    io.answer({ path, count }, () => `${count}\n`);
  },
};

export const getEphemerals: Command = {
  name: "getEphemerals",
  usage: "path",
  specs: { options: [] },
  isZkCli: true,
  wordsMin: 1,
  summary: "list the ephemeral znodes of this session",
  examples: [["getEphemerals /app", "those whose paths begin so"]],
  json: "paths",
  async run({ io, client, signal }, { words }) {
    const prefix = words[1] ?? "/";
    checkPath(prefix);
    const paths = await client.getEphemerals(prefix, { signal });
    io.answer({ paths }, () => `[${paths.join(", ")}]\n`);
  },
};

export const sync: Command = {
  name: "sync",
  usage: "path",
  specs: { options: [] },
  isZkCli: true,
  wordsMin: 2,
  summary: "let this session's server catch up with the leader",
  examples: [["sync /app", "reads after it see all that was written before it"]],
  json: "path, ok",
  async run({ io, client, signal }, { words }) {
    const path = words[1]!;
    checkPath(path);
    try {
      await client.sync(path, { signal });
    } catch (error) {
      if (!isKeeperError(error) || error.outcome !== "refused") throw error;
      io.answer({ path, ok: false, rc: error.number }, () => `Sync has failed. rc=${error.number}\n`);
      return;
    }
    io.answer({ path, ok: true }, () => "Sync is OK\n");
  },
};

/** Data of a znode that may be missing. */
export async function dataIfAny({ client, signal }: CommandContext, path: string): Promise<NodeData | null> {
  try {
    return await client.getData(path, { signal });
  } catch (error) {
    if (isKeeperError(error, "NoNode")) return null;
    throw error;
  }
}
