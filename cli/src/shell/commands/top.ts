import type { Command, CommandContext } from "../command.js";
import { UsageError } from "../errors.js";
import { checkPath } from "../path.js";
import { type SubtreeCount, SubtreeCounts } from "../subtree-counts.js";
import { durationMs, durationText } from "../text/units.js";
import { eventsOf } from "./feed.js";

const INTERVAL_MIN_MS = 100;
const INTERVAL_MAX_MS = 86_400_000;

export const top: Command = {
  name: "top",
  usage: "[-d depth] [-i interval] [-n rows] [-c count] [path]",
  specs: {
    options: [
      { name: "d", argument: "depth", help: "how many names below the path make a subtree; 2 by default" },
      { name: "i", argument: "interval", help: "how long to count before each list; 2s by default" },
      { name: "n", argument: "rows", help: "how many subtrees to list; 20 by default" },
      { name: "c", argument: "count", help: "ends after so many lists" },
    ],
  },
  isZkCli: false,
  wordsMin: 1,
  summary: "list the subtrees that change most, until Ctrl-C",
  details:
    "Counts the events of a recursive watch: writes only, since reads leave no trace, and only what this session may read. A busy server sends it every change. Needs servers of 3.6 or newer.",
  examples: [
    ["top", "the whole tree"],
    ["top -d 1 -i 10s -c 1 /app", "one list, of what happens within ten seconds"],
  ],
  json: "a line for each interval: time, intervalMs, changes, gap, subtrees (path, created, deleted, changed)",
  async run(context, args) {
    const path = args.words[1] ?? "/";
    checkPath(path);
    const intervalMs = durationMs("i", args.value("i") ?? "2s");
    if (intervalMs < INTERVAL_MIN_MS || intervalMs > INTERVAL_MAX_MS) {
      throw new UsageError("-i must be from 100ms to 1d");
    }
    const rows = args.integer("n", 20, 1, 1000);
    const countMax = args.integer("c", 0, 0, Number.MAX_SAFE_INTEGER);
    const counts = new SubtreeCounts(path, args.integer("d", 2, 1, 100));
    await countEvents(context, path, counts, intervalMs, rows, countMax);
  },
};

async function countEvents(
  context: CommandContext,
  path: string,
  counts: SubtreeCounts,
  intervalMs: number,
  rows: number,
  countMax: number,
): Promise<void> {
  const stop = new AbortController();
  const events = eventsOf(context, path, true, stop.signal);
  let hasGap = false;
  let lists = 0;
  // The first event is asked for at once, which sets the watch; counting begins with it.
  let next = events.next();
  let timer: NodeJS.Timeout | undefined;
  try {
    while (countMax === 0 || lists < countMax) {
      const tick = new Promise<"tick">((resolve) => {
        timer = setTimeout(() => resolve("tick"), intervalMs);
      });
      for (;;) {
        const first = await Promise.race([tick, next]);
        if (first === "tick") break;
        if (first.done) {
          context.signal.throwIfAborted();
          return;
        }
        if (first.value.type === "Gap") hasGap = true;
        counts.add(first.value.type, first.value.path);
        next = events.next();
      }
      const { total } = counts;
      print(context, path, total, counts.take(rows), intervalMs, hasGap);
      hasGap = false;
      lists++;
    }
  } finally {
    clearTimeout(timer);
    // The step that is under way ends first: a generator takes one at a time.
    stop.abort();
    await next.catch(() => {});
    await events.return(undefined);
  }
}

function print(
  { io }: CommandContext,
  path: string,
  changes: number,
  subtrees: readonly SubtreeCount[],
  intervalMs: number,
  gap: boolean,
): void {
  const time = new Date().toISOString();
  io.answer({ time, intervalMs, changes, gap, subtrees }, () => {
    const { style } = io;
    const rate = (count: number) => ((count * 1000) / intervalMs).toFixed(1).padStart(10);
    const head = `${time}  ${path}: ${changes} changes in ${durationText(intervalMs)}${gap ? " (some may be missing)" : ""}`;
    const lines = subtrees.map(({ path: subtree, created, deleted, changed }) => {
      return `${rate(created)}${rate(deleted)}${rate(changed)}  ${subtree}`;
    });
    const columns = `${"created/s".padStart(10)}${"deleted/s".padStart(10)}${"changed/s".padStart(10)}  subtree`;
    const clear = io.isTerminal ? "\x1b[H\x1b[2J" : "";
    return `${clear}${head}\n${style.paint("bold", columns)}\n${lines.map((line) => `${line}\n`).join("")}\n`;
  });
}
