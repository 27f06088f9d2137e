import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import type { Writable } from "node:stream";
import type { Command, CommandContext } from "../command.js";
import { ShellError, UsageError } from "../errors.js";
import { writeTo } from "../io.js";
import { checkPath } from "../path.js";
import { sizeText } from "../text/units.js";
import { type PartialExport, readPartial } from "../transfer/export-file.js";
import { Pace } from "../transfer/pace.js";
import { Progress } from "../transfer/progress.js";
import { readSubtree } from "../transfer/read-subtree.js";
import { endLine, headLine, recordLine } from "../transfer/record.js";

export const RATE_MAX = 1_000_000;

const exportCommand: Command = {
  name: "export",
  usage: "[-f] [-resume] [-rate number] path [file]",
  specs: {
    options: [
      { name: "f", help: "replace the file if there is one" },
      { name: "resume", help: "continue a file that was interrupted" },
      { name: "rate", argument: "number", help: "read at most so many znodes per second" },
    ],
  },
  isZkCli: false,
  wordsMin: 2,
  summary: "write a subtree with data and ACLs as lines of JSON, to a file or standard output",
  details:
    "From any server of 3.5 or newer. Ephemerals are left out, since they belong to sessions, and so is /zookeeper. " +
    "The subtree is not of one moment; quoll backup is. The last line has a checksum: a file without it is not whole.",
  examples: [
    ["export /app app.jsonl", ""],
    ["export -resume -rate 500 /app app.jsonl", "goes on where it was interrupted, gently"],
    ["quoll cli -server old:2181 export / > all.jsonl", "as one command, to standard output"],
  ],
  json: "path, file, znodes, bytes, leftOut (only with a file)",
  async run(context, args) {
    const { io, client, signal } = context;
    const [, path, file] = args.words;
    checkPath(path!);
    const pace = new Pace(args.integer("rate", 0, 1, RATE_MAX));
    const before = await beforeOf(file, path!, args.has("resume"), args.has("f"));
    const out = before.out ?? io;
    const progress = new Progress(io, `export ${path}`);
    progress.znodes = before.part?.znodes ?? 0;
    let leftOut = 0;
    if (before.part?.isWhole) {
      io.err(`${file} is whole already\n`);
      return;
    }
    const hash = before.part?.hash ?? createHash("sha256");
    const write = async (line: string, isHashed: boolean) => {
      if (isHashed) hash.update(line);
      await out.write(line);
    };
    try {
      if (before.part === null) await write(headLine(path!), true);
      const after = before.part?.lastPath;
      const leaveOut = () => {
        leftOut++;
      };
      for await (const record of readSubtree(client, path!, { signal, pace, after, leftOut: leaveOut })) {
        await write(recordLine(record), true);
        progress.step(record.fraction, record.data?.length ?? 0);
      }
      const { znodes } = progress;
      await write(endLine({ znodes, sha256: hash.digest("hex") }), false);
    } finally {
      progress.end();
      await before.out?.end();
    }
    sayDone(context, path!, file, progress, leftOut);
  },
};

export { exportCommand as export_ };

function sayDone(
  { io }: CommandContext,
  path: string,
  file: string | undefined,
  { znodes, bytes }: Progress,
  leftOut: number,
) {
  const summary = `${znodes} znodes, ${sizeText(bytes)} of data${leftOut === 0 ? "" : `; ${leftOut} ephemerals left out`}\n`;
  if (file === undefined) io.err(io.hasProgress ? summary : "");
  else io.answer({ path, file, znodes, bytes, leftOut }, () => `${file}: ${summary}`);
}

interface Destination {
  write(line: string): Promise<void>;
  end(): Promise<void>;
}

interface Before {
  readonly part: PartialExport | null;
  /** Null for standard output. */
  readonly out: Destination | null;
}

async function beforeOf(file: string | undefined, root: string, resumes: boolean, replaces: boolean): Promise<Before> {
  if (file === undefined) {
    if (resumes) throw new UsageError("-resume needs a file");
    return { part: null, out: null };
  }
  const isThere = existsSync(file);
  if (isThere && !resumes && !replaces)
    throw new UsageError(`${file} is there already`, "-resume continues it, -f replaces it");
  const part = isThere && resumes ? await readPartial(file, root) : null;
  // A file that was cut off within its first line begins anew.
  const continues = part !== null && (part.lastPath !== undefined || part.isWhole);
  return {
    part: continues ? part : null,
    out: new FileDestination(createWriteStream(file, { flags: continues ? "a" : "w", mode: 0o600 })),
  };
}

class FileDestination implements Destination {
  private failure: Error | null = null;

  constructor(private readonly stream: Writable) {
    stream.on("error", (error) => {
      this.failure = error;
    });
  }

  write(line: string): Promise<void> {
    this.check();
    return writeTo(this.stream, line);
  }

  async end(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.stream.destroyed) resolve();
      else this.stream.end(() => resolve());
    });
    this.check();
  }

  private check(): void {
    if (this.failure !== null) throw new ShellError(this.failure.message);
  }
}
