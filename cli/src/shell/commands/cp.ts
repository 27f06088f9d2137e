import type { Command } from "../command.js";
import { ShellError, UsageError } from "../errors.js";
import { checkPath } from "../path.js";
import { Pace } from "../transfer/pace.js";
import { Progress } from "../transfer/progress.js";
import { type ReadRecord, readSubtree } from "../transfer/read-subtree.js";
import { type SubtreeWriting, targetPath, type Written, writeRecord } from "../transfer/write-subtree.js";
import { inOrder } from "../walk.js";

export const cp: Command = {
  name: "cp",
  usage: "[-r] [-n] [-f] source target",
  specs: {
    options: [
      { name: "r", help: "with all below it" },
      { name: "n", help: "dry run: only say what would be done" },
      { name: "f", help: "change znodes that are there and differ" },
    ],
  },
  isZkCli: false,
  wordsMin: 3,
  summary: "copy a znode with data and ACL, or a subtree",
  details: "Ephemerals are left out, since they belong to sessions. To another ensemble: export, then import.",
  examples: [
    ["cp /app/config /app/config-old", ""],
    ["cp -r -n /app /app2", "what would be copied"],
  ],
  json: "source, target, created, changed, same, leftOut, differing (paths), isDry",
  async run({ io, client, signal }, args) {
    const [, source, target] = args.words;
    checkPath(source!);
    checkPath(target!);
    if (target === source || (args.has("r") && target!.startsWith(source === "/" ? "/" : `${source}/`))) {
      throw new UsageError(`${target} is within ${source}: the copy would never end`);
    }
    const writing: SubtreeWriting = {
      signal,
      target: target!,
      overwrites: args.has("f"),
      isDry: args.has("n"),
      setsAcls: true,
    };
    const counts: Record<Written, number> = { created: 0, changed: 0, same: 0, differs: 0 };
    const differing: string[] = [];
    let leftOut = 0;
    const leaveOut = () => {
      leftOut++;
    };
    const records = readSubtree(client, source!, {
      signal,
      pace: new Pace(0),
      depthMax: args.has("r") ? Number.POSITIVE_INFINITY : 0,
      leftOut: leaveOut,
    });
    const progress = new Progress(io, `cp ${source}`);
    const write = async (record: ReadRecord) => ({ record, written: await writeRecord(client, record, writing) });
    try {
      for await (const { record, written } of inOrder(records, write)) {
        counts[written]++;
        if (written === "differs") differing.push(targetPath(target!, record));
        progress.step(record.fraction, record.data?.length ?? 0);
      }
    } finally {
      progress.end();
    }
    const { created, changed, same, differs } = counts;
    io.answer({ source, target, created, changed, same, leftOut, differing, isDry: writing.isDry }, () => {
      const would = writing.isDry ? "would be " : "";
      const left = leftOut === 0 ? "" : `; ${leftOut} ephemerals left out`;
      return `${target}: ${created} ${would}created, ${changed} ${would}changed, ${same} there already${left}\n`;
    });
    if (differs > 0)
      throw new ShellError(
        `${differs} are there and differ: ${differing.slice(0, 10).join(", ")}`,
        1,
        "-f changes them",
      );
  },
};
