import type { Stat } from "@quoll/client";
import { isKeeperError } from "@quoll/client";
import type { Command, CommandContext } from "../command.js";
import { UsageError } from "../errors.js";
import type { ParsedCommand } from "../options.js";
import { checkPath, nameOf } from "../path.js";
import { hex, isoDate } from "../text/stat.js";
import { durationMs, sizeBytes, sizeText } from "../text/units.js";
import { inOrder, type Visit, walk } from "../walk.js";

const DEPTH_MAX = 10_000;

export const find: Command = {
  name: "find",
  usage:
    "[-name glob] [-regex expression] [-data text] [-type p|e] [-owner session] [-min size] [-max size] " +
    "[-newer duration] [-older duration] [-d depth] [-l] path",
  specs: {
    options: [
      { name: "name", argument: "glob", help: "the last name matches; * ? and [abc] as in a Unix shell" },
      { name: "regex", argument: "expression", help: "the whole path matches a regular expression somewhere" },
      { name: "data", argument: "text", help: "the data holds this text (reads the data of what else matches)" },
      { name: "type", argument: "kind", help: "p(ersistent) or e(phemeral)" },
      { name: "owner", argument: "session", help: "ephemerals of this session, 0x…" },
      { name: "min", argument: "size", help: "data of at least so many bytes (10k, 1m)" },
      { name: "max", argument: "size", help: "data of at most so many bytes" },
      { name: "newer", argument: "duration", help: "data changed within this time (30s, 5m, 2h, 7d)" },
      { name: "older", argument: "duration", help: "data not changed for this time" },
      { name: "d", argument: "depth", help: "how many levels to look at" },
      { name: "l", help: "with size, version and time" },
    ],
  },
  isZkCli: false,
  wordsMin: 2,
  summary: "find znodes by name, data, kind, owner, size or age",
  details: "All conditions must hold. Times are compared with this machine's clock.",
  examples: [
    ["find -name lock-* /", "all locks of Curator"],
    ["find -type e -owner 0x1000a2b3c4d0001 /", "what a session holds"],
    ["find -min 100k -l /", "what is large"],
    ["find -data db.example.org /config", "who mentions it"],
  ],
  json: "a line for each: path, kind, dataLength, version, mtime, ephemeralOwner",
  async run(context, args) {
    const { io, client, signal } = context;
    const root = args.words[1]!;
    checkPath(root);
    const fits = conditionOf(args, Date.now());
    const text = args.value("data");
    const visits = async function* () {
      for await (const visit of walk(client, root, { signal, depthMax: args.integer("d", DEPTH_MAX, 0, DEPTH_MAX) })) {
        if (fits(visit)) yield visit;
      }
    };
    const found = text === undefined ? visits() : inOrder(visits(), (visit) => ifDataHolds(context, visit, text));
    for await (const visit of found) {
      if (visit === null) continue;
      const { path, stat } = visit;
      await io.answerSlowly(jsonOf(path, stat), () => (args.has("l") ? `${longText(stat)} ${path}\n` : `${path}\n`));
    }
  },
};

async function ifDataHolds({ client, signal }: CommandContext, visit: Visit, text: string): Promise<Visit | null> {
  try {
    const { data } = await client.getData(visit.path, { signal });
    return data !== null && Buffer.from(data.buffer, data.byteOffset, data.byteLength).includes(text) ? visit : null;
  } catch (error) {
    // Gone meanwhile, or not ours to read.
    if (isKeeperError(error, "NoNode", "NoAuth")) return null;
    throw error;
  }
}

function conditionOf(args: ParsedCommand, nowMs: number): (visit: Visit) => boolean {
  const conditions: Array<(visit: Visit) => boolean> = [];
  const add = (option: string, make: (text: string) => (visit: Visit) => boolean) => {
    const text = args.value(option);
    if (text !== undefined) conditions.push(make(text));
  };
  add("name", (glob) => {
    const expression = expressionOfGlob(glob);
    return ({ path }) => expression.test(nameOf(path));
  });
  add("regex", (text) => {
    const expression = expressionOf(text);
    return ({ path }) => expression.test(path);
  });
  add("type", (letter) => {
    if (letter !== "p" && letter !== "e") throw new UsageError(`-type must be p or e, not ${letter}`);
    return ({ stat }) => stat.isEphemeral === (letter === "e");
  });
  add("owner", (text) => {
    if (!/^(?:0x)?[0-9a-fA-F]{1,16}$/.test(text))
      throw new UsageError(`-owner takes a session id such as 0x1000a2b3c4d0001, not ${text}`);
    const owner = BigInt(text.startsWith("0x") ? text : `0x${text}`);
    return ({ stat }) => BigInt.asUintN(64, stat.ephemeralOwner) === owner;
  });
  add("min", (text) => {
    const min = sizeBytes("min", text);
    return ({ stat }) => stat.dataLength >= min;
  });
  add("max", (text) => {
    const max = sizeBytes("max", text);
    return ({ stat }) => stat.dataLength <= max;
  });
  add("newer", (text) => {
    const sinceMs = nowMs - durationMs("newer", text);
    return ({ stat }) => stat.mtime >= sinceMs;
  });
  add("older", (text) => {
    const untilMs = nowMs - durationMs("older", text);
    return ({ stat }) => stat.mtime <= untilMs;
  });
  return (visit) => conditions.every((fits) => fits(visit));
}

function expressionOf(text: string): RegExp {
  try {
    return new RegExp(text, "u");
  } catch (error) {
    throw new UsageError(`-regex: ${(error as Error).message}`);
  }
}

/** `*` any characters, `?` one, `[a-c]` and `[!a-c]` one of a set. */
export function expressionOfGlob(glob: string): RegExp {
  const parts = glob.replace(/\[(!?)([^\]]+)\]|[\s\S]/gu, (part: string, not?: string, set?: string) => {
    if (part === "*") return ".*";
    if (part === "?") return ".";
    if (set !== undefined) return `[${not === "" ? "" : "^"}${set.replace(/[\\^[]/g, "\\$&")}]`;
    return part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
  return new RegExp(`^${parts}$`, "su");
}

function jsonOf(path: string, stat: Stat): Record<string, unknown> {
  const { dataLength, version, mtime } = stat;
  return {
    path,
    kind: kindOf(stat),
    dataLength,
    version,
    mtime: isoDate(mtime),
    ephemeralOwner: hex(stat.ephemeralOwner),
  };
}

function longText(stat: Stat): string {
  const { dataLength, version, mtime } = stat;
  return `${kindOf(stat)[0]} ${sizeText(dataLength).padStart(5)} v${String(version).padEnd(5)} ${isoDate(mtime)}`;
}

function kindOf({ isEphemeral }: Stat): "ephemeral" | "persistent" {
  return isEphemeral ? "ephemeral" : "persistent";
}
