import type { WatcherType } from "@quoll/client";
import { type Command, usageError } from "../command.js";
import { checkPath } from "../path.js";

export const addWatch: Command = {
  name: "addWatch",
  usage:
    "[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE",
  specs: { options: [{ name: "m", argument: "mode", help: "" }] },
  isZkCli: true,
  wordsMin: 2,
  summary: "watch a path for good, also when there is no such znode yet",
  details: "PERSISTENT: the znode and its list of children; PERSISTENT_RECURSIVE: it and everything below.",
  examples: [
    ["addWatch /app", "every change of the subtree is printed as it comes"],
    ["watch -r /app", "the same as a feed of its own, with times and data"],
  ],
  json: "path, mode",
  async run({ io, client, watcher, signal }, args) {
    const [, path, more] = args.words;
    const mode = (args.value("m") ?? "PERSISTENT_RECURSIVE").toUpperCase();
    if (more !== undefined || (mode !== "PERSISTENT" && mode !== "PERSISTENT_RECURSIVE")) throw usageError(addWatch);
    checkPath(path!);
    await client.addWatch(path!, mode === "PERSISTENT" ? "persistent" : "persistentRecursive", watcher, { signal });
    io.answer({ path, mode }, () => "");
  },
};

/** In the order in which zkCli looks for them. */
const TYPES: ReadonlyArray<readonly [option: string, type: WatcherType]> = [
  ["c", "children"],
  ["d", "data"],
  ["p", "persistent"],
  ["r", "persistentRecursive"],
];

export const removewatches: Command = {
  name: "removewatches",
  usage: "path [-c|-d|-a] [-l]",
  specs: {
    options: [
      { name: "c", help: "child watcher type" },
      { name: "d", help: "data watcher type" },
      { name: "p", help: "persistent watcher type" },
      { name: "r", help: "persistent recursive watcher type" },
      { name: "a", help: "any watcher type" },
      { name: "l", help: "remove locally when there is no server connection" },
    ],
  },
  isZkCli: true,
  wordsMin: 2,
  summary: "take away watches of this session",
  details:
    "Without a letter all kinds are taken away. -l has no effect here: without a connection the command waits for one.",
  examples: [["removewatches /app -d", "those on its data, set by get -w or stat -w"]],
  json: "path",
  async run({ io, client, signal }, args) {
    const path = args.words[1]!;
    checkPath(path);
    const type = TYPES.find(([option]) => args.has(option))?.[1] ?? "any";
    await client.removeWatches(path, type, { signal });
    io.answer({ path }, () => "");
  },
};

export const printwatches: Command = {
  name: "printwatches",
  usage: "on|off",
  specs: { options: [] },
  isZkCli: true,
  isLocal: true,
  wordsMin: 1,
  summary: "say whether events are printed, or switch that",
  examples: [["printwatches off", ""]],
  json: "printwatches: whether they are",
  async run({ io, shell }, { words }) {
    const [, value] = words;
    if (value !== undefined) shell.printsWatches = value === "on";
    const isOn = shell.printsWatches;
    io.answer({ printwatches: isOn }, () => {
      return value === undefined ? `printwatches is ${isOn ? "on" : "off"}\n` : "";
    });
  },
};
