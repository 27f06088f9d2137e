import { statSync } from "node:fs";
import type { Command, CommandContext } from "../command.js";
import { ShellError } from "../errors.js";
import type { ParsedCommand } from "../options.js";
import { checkPath, parentOf } from "../path.js";
import { checkExport, type FileRecord, headOf, recordsOf } from "../transfer/export-file.js";
import { Pace } from "../transfer/pace.js";
import { Progress } from "../transfer/progress.js";
import { SYSTEM_PATH } from "../transfer/read-subtree.js";
import { differenceOf, type SubtreeWriting, targetPath, type Written, writeRecord } from "../transfer/write-subtree.js";
import { inOrder } from "../walk.js";
import { RATE_MAX } from "./export.js";

/** Beyond so many paths are only counted. */
const LISTED_MAX = 100;

const importCommand: Command = {
  name: "import",
  usage: "[-n] [-f] [-rate number] [-open] [-unverified] file [path]",
  specs: {
    options: [
      { name: "n", help: "dry run: only say what would be done" },
      { name: "f", help: "change znodes that are there and differ; without it they are left alone and reported" },
      { name: "rate", argument: "number", help: "write at most so many znodes per second" },
      { name: "open", help: "without the ACLs: everybody may do everything" },
      { name: "unverified", help: "do not read everything back at the end" },
    ],
  },
  isZkCli: false,
  wordsMin: 2,
  summary: "create the znodes of an export, at its path or another",
  details:
    "Into any server of 3.5 or newer. It may be interrupted and run again: what is there and equal is left as it is. " +
    "At the end everything is read back and compared. Versions, zxids, times and sequence numbers begin anew; containers and TTL znodes become persistent ones, since servers do not tell which they are. " +
    "Where ACLs keep this session from writing below a znode, addauth comes first, or the servers' superuser.",
  examples: [
    ["import -n app.jsonl /copy", "what would be done"],
    ["import -rate 200 app.jsonl", "at the path from where it was exported"],
  ],
  json: "path, file, created, changed, same, differing (paths), isDry; after verification also verified, wrong (paths)",
  async run(context, args) {
    const { io, client, signal } = context;
    const file = args.words[1]!;
    const target = args.words[2] ?? (await headOf(file)).root;
    checkPath(target);
    if (target === SYSTEM_PATH || target.startsWith(`${SYSTEM_PATH}/`)) {
      throw new ShellError(`${SYSTEM_PATH} is ZooKeeper's own: nothing can be imported there`);
    }
    const writing: SubtreeWriting = {
      signal,
      target,
      overwrites: args.has("f"),
      isDry: args.has("n"),
      setsAcls: !args.has("open"),
    };
    if (!writing.isDry && target !== "/" && (await client.exists(parentOf(target), { signal })) === null) {
      throw new ShellError(`Node does not exist: ${parentOf(target)}`, 1, "create the parent first");
    }
    // Nothing is written from a file that turns out to be damaged at its end.
    await checkExport(file);
    const counts: Record<Written, number> = { created: 0, changed: 0, same: 0, differs: 0 };
    const differing: string[] = [];
    await forEachRecord(context, file, `import ${target}`, args, async (record) => {
      const written = await writeRecord(client, record, writing);
      counts[written]++;
      if (written === "differs" && differing.length < LISTED_MAX) differing.push(targetPath(target, record));
    });
    const wrong: string[] = [];
    const verifies = !writing.isDry && !args.has("unverified") && counts.differs === 0;
    let wrongCount = 0;
    if (verifies) {
      await forEachRecord(context, file, `verify ${target}`, args, async (record) => {
        if ((await differenceOf(client, record, writing)) === null) return;
        wrongCount++;
        if (wrong.length < LISTED_MAX) wrong.push(targetPath(target, record));
      });
    }
    const { created, changed, same, differs } = counts;
    const verified = verifies ? { verified: wrongCount === 0, wrong } : {};
    io.answer({ path: target, file, created, changed, same, differing, isDry: writing.isDry, ...verified }, () => {
      const would = writing.isDry ? "would be " : "";
      const sum = `${created} ${would}created, ${changed} ${would}changed, ${same} there already`;
      return `${target}: ${sum}${verifies ? (wrongCount === 0 ? "; all of it read back and equal" : "") : ""}\n`;
    });
    if (differs > 0)
      throw new ShellError(`${differs} are there and differ: ${listOf(differing, differs)}`, 1, "-f changes them");
    if (wrongCount > 0) {
      throw new ShellError(
        `${wrongCount} are not what was written: ${listOf(wrong, wrongCount)}`,
        1,
        "somebody changed them meanwhile; import again to see",
      );
    }
  },
};

export { importCommand as import_ };

async function forEachRecord(
  { io, signal }: CommandContext,
  file: string,
  title: string,
  args: ParsedCommand,
  run: (record: FileRecord["record"]) => Promise<void>,
): Promise<void> {
  const pace = new Pace(args.integer("rate", 0, 1, RATE_MAX));
  const progress = new Progress(io, title);
  const size = statSync(file).size;
  const paced = async function* () {
    for await (const item of recordsOf(file)) {
      signal.throwIfAborted();
      await pace.take(signal);
      yield item;
    }
  };
  const one = async (item: FileRecord) => {
    await run(item.record);
    return item;
  };
  try {
    for await (const { record, bytesRead } of inOrder(paced(), one))
      progress.step(bytesRead / size, record.data?.length ?? 0);
  } finally {
    progress.end();
  }
}

function listOf(paths: readonly string[], count: number): string {
  return paths.slice(0, 10).join(", ") + (count > 10 ? ", …" : "");
}
