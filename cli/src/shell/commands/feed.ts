import { isKeeperError, type WatchEvent, WatchQueue } from "@quoll/client";
import type { Command, CommandContext } from "../command.js";
import { checkPath } from "../path.js";
import { dataBrief, dataJson } from "../text/data.js";
import { hex } from "../text/stat.js";

const DATA_LENGTH_MAX = 100;
/** Events that may wait; beyond, a gap is shown rather than memory filled. */
const WAITING_MAX = 10_000;

export const watch: Command = {
  name: "watch",
  usage: "[-r] [-v] [-n count] path",
  specs: {
    options: [
      { name: "r", help: "everything below too" },
      { name: "v", help: "with the data as it is when the event comes" },
      { name: "n", argument: "count", help: "ends after so many events" },
    ],
  },
  isZkCli: false,
  wordsMin: 2,
  summary: "show changes as they come, until Ctrl-C",
  details:
    "Over reconnects; a line says where events may be missing. Needs servers of 3.6 or newer. With -v several quick changes may show the same, newest, data.",
  examples: [
    ["watch -r /app", "all changes of a subtree"],
    ["watch -r -v -n 10 /config", "the next ten, with data"],
  ],
  json: "a line for each event: time, type, path, zxid; with -v data, encoding, version",
  async run(context, args) {
    const path = args.words[1]!;
    checkPath(path);
    const countMax = args.integer("n", 0, 0, Number.MAX_SAFE_INTEGER);
    let count = 0;
    for await (const event of eventsOf(context, path, args.has("r"))) {
      await print(context, event, args.has("v"));
      if (event.type === "SessionEnded") return;
      if (++count === countMax) return;
    }
    context.signal.throwIfAborted();
  },
};

/** The events of a subtree, until the command is interrupted or `stop` fires. */
export async function* eventsOf(
  { client, signal: interrupted }: CommandContext,
  path: string,
  isRecursive: boolean,
  stop?: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const signal = stop === undefined ? interrupted : AbortSignal.any([interrupted, stop]);
  const mode = isRecursive ? "persistentRecursive" : "persistent";
  const queue = new WatchQueue(WAITING_MAX);
  const watch = await client.addWatch(path, mode, queue, { signal });
  const end = () => queue.close();
  signal.addEventListener("abort", end);
  try {
    yield* queue;
  } finally {
    signal.removeEventListener("abort", end);
    await watch.close();
  }
}

const TONES = {
  NodeCreated: "green",
  NodeDeleted: "red",
  NodeDataChanged: "yellow",
  NodeChildrenChanged: "blue",
} as const;

async function print({ io, client, signal }: CommandContext, { type, path, zxid }: WatchEvent, isLong: boolean) {
  const time = new Date().toISOString();
  const hasData = isLong && (type === "NodeCreated" || type === "NodeDataChanged");
  const found = hasData ? await ifThere(client.getData(path, { signal })) : null;
  const zxidText = zxid < 0n ? null : hex(zxid);
  const data = found === null ? {} : { ...dataJson(found.data), version: found.stat.version };
  await io.answerSlowly({ time, type, path, zxid: zxidText, ...data }, () => {
    const { style } = io;
    const tone = type in TONES ? TONES[type as keyof typeof TONES] : "magenta";
    const text =
      found === null
        ? ""
        : `  ${style.paint("dim", `v${found.stat.version}`)} ${dataBrief(found.data, DATA_LENGTH_MAX)}`;
    return `${style.paint("dim", `${time} ${(zxidText ?? "-").padEnd(12)}`)} ${style.paint(tone, type.padEnd(19))} ${path}${text}\n`;
  });
}

async function ifThere<Result>(reply: Promise<Result>): Promise<Result | null> {
  try {
    return await reply;
  } catch (error) {
    if (isKeeperError(error, "NoNode", "NoAuth")) return null;
    throw error;
  }
}
