import { type CreateMode, isKeeperError, MultiError, op, type ZooKeeper } from "@quoll/client";
import type { Command, CommandContext } from "../command.js";
import { ShellError, UsageError } from "../errors.js";
import { type ParsedCommand, parseOptions } from "../options.js";
import { checkPath } from "../path.js";
import { parseAcl } from "../text/acl.js";
import { javaMessage, KeeperShellError } from "../text/keeper-message.js";
import { statJson, statText } from "../text/stat.js";
import { walk } from "../walk.js";
import { versionOf } from "./version-option.js";

const TTL_MAX_MS = 1_099_511_627_775;

export const create: Command = {
  name: "create",
  usage: "[-s] [-e] [-c] [-t ttl] path [data] [acl]",
  specs: {
    options: [
      { name: "e", help: "ephemeral" },
      { name: "s", help: "sequential" },
      { name: "c", help: "container" },
      { name: "t", argument: "ttl", help: "ttl" },
    ],
  },
  isZkCli: true,
  wordsMin: 2,
  summary: "create a znode",
  details: "-t is in milliseconds. Parents must exist. Without an ACL everybody may do everything: world:anyone:cdrwa.",
  examples: [
    ["create /app", "without data"],
    ['create /app/config "{\\"port\\": 80}"', "quotes keep spaces; they cannot be escaped: use the other kind around"],
    ["create -e -s /app/member-", "ends with this session; a number is appended to its name"],
    ["create -c /locks", "a container: it goes when its last child has gone"],
    ["create -t 60000 /app/cache x", "goes when it has not been changed for a minute and has no children"],
    ["create /app/secret x auth::cdrwa", "only for those as whom this session is authenticated (addauth)"],
  ],
  json: "path: its name, with the number of a sequential one",
  async run({ io, client, signal }, args) {
    const { mode, ttlMs } = createModeOf(args);
    const [, path, data = null, aclText] = args.words;
    const { acl, problems } = aclText === undefined ? { acl: undefined, problems: [] } : parseAcl(aclText);
    for (const problem of problems) io.err(`${problem}\n`);
    // A sequential one may end with a slash: a number follows.
    checkPath(args.has("s") ? `${path}1` : path!);
    if (acl?.length === 0) {
      io.err(`${javaMessage("InvalidACL", null)}\n`);
      throw new KeeperShellError("InvalidACL", null);
    }
    try {
      const created = await client.create(path!, data, { mode, ttlMs, acl, signal });
      if (io.format === "json") io.answer({ path: created }, () => "");
      else io.err(`Created ${created}\n`);
    } catch (error) {
      if (isKeeperError(error, "EphemeralOnLocalSession"))
        io.err("Unable to create ephemeral node on a local session\n");
      if (isKeeperError(error, "InvalidACL")) io.err(`${javaMessage("InvalidACL", path!)}\n`);
      throw error;
    }
  },
};

function createModeOf(args: ParsedCommand): { mode: CreateMode; ttlMs: number | undefined } {
  const [isEphemeral, isSequential, isContainer, hasTtl] = ["e", "s", "c", "t"].map((name) => args.has(name));
  if (isContainer && (isEphemeral || isSequential)) {
    throw new UsageError("-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.");
  }
  const ttl = args.value("t");
  if (hasTtl && !/^[+-]?\d{1,19}$/.test(ttl!)) throw new UsageError("-t argument must be a long value");
  if (hasTtl && isEphemeral) throw new UsageError("TTLs cannot be used with Ephemeral znodes");
  if (hasTtl && isContainer) throw new UsageError("TTLs cannot be used with Container znodes");
  if (hasTtl) {
    const ttlMs = Number(ttl);
    if (ttlMs <= 0 || ttlMs > TTL_MAX_MS) {
      throw new UsageError(`ttl must be positive and cannot be larger than: ${TTL_MAX_MS}`);
    }
    return { mode: isSequential ? "persistentSequentialWithTtl" : "persistentWithTtl", ttlMs };
  }
  if (isEphemeral) return { mode: isSequential ? "ephemeralSequential" : "ephemeral", ttlMs: undefined };
  if (isContainer) return { mode: "container", ttlMs: undefined };
  return { mode: isSequential ? "persistentSequential" : "persistent", ttlMs: undefined };
}

export const set: Command = {
  name: "set",
  usage: "path data [-s] [-v version] [-b]",
  specs: {
    options: [
      { name: "s", help: "Print znode stats additionally" },
      { name: "v", argument: "version", help: "Set with an expected version" },
      { name: "b", help: "Supply data in base64 format" },
    ],
  },
  isZkCli: true,
  showsOptions: true,
  wordsMin: 3,
  summary: "replace the data of a znode",
  examples: [
    ["set /app/config new", ""],
    ["set -v 3 /app/config new", "only if its dataVersion is 3 (see stat)"],
    ["set -b /app/blob AAEC", "bytes in base64"],
  ],
  json: "path, stat",
  async run({ io, client, signal }, args) {
    const [, path, text] = args.words;
    const data = args.has("b") ? bytesOfBase64(text!) : text!;
    const version = versionOf(args);
    checkPath(path!);
    const stat = await client.setData(path!, data, { version, signal });
    io.answer({ path, stat: statJson(stat) }, () => (args.has("s") ? statText(stat) : ""));
  },
};

function bytesOfBase64(text: string): Uint8Array {
  const digits = text.replace(/={0,2}$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1 || (digits !== text && text.length % 4 !== 0)) {
    throw new UsageError(`-b needs data in base64, which ${text} is not`, "base64 FILE in a Unix shell makes it");
  }
  return new Uint8Array(Buffer.from(digits, "base64"));
}

const deleteCommand: Command = {
  name: "delete",
  usage: "[-v version] path",
  specs: { options: [{ name: "v", argument: "version", help: "version" }] },
  isZkCli: true,
  wordsMin: 2,
  summary: "delete a znode without children",
  examples: [
    ["delete /app/old", ""],
    ["delete -v 3 /app/old", "only if its dataVersion is 3"],
  ],
  json: "path",
  async run({ io, client, signal }, parsed) {
    let args = parsed;
    if (args.words.length > 2) {
      io.err("'delete path [version]' has been deprecated. Please use 'delete [-v version] path' instead.\n");
      args = parseOptions(deleteCommand.specs, parsed.entered);
    }
    const path = args.words[1]!;
    const version = versionOf(args);
    checkPath(path);
    await client.delete(path, { version, signal });
    io.answer({ path }, () => "");
  },
};

export { deleteCommand as delete_ };

const BATCHES_IN_FLIGHT_MAX = 10;
const BATCH_DEFAULT = 1000;

export const deleteall: Command = {
  name: "deleteall",
  usage: "path [-b batch size]",
  specs: { options: [{ name: "b", argument: "size", help: "batch size" }] },
  isZkCli: true,
  wordsMin: 2,
  summary: "delete a znode with all below it",
  details: "Each batch is one txn; 1000 znodes by default, with -b 0 each znode is deleted by itself.",
  examples: [["deleteall /app/old -b 100", "100 znodes in a txn"]],
  json: "path, deleted: how many znodes",
  async run(context, args) {
    const text = args.value("b");
    if (text !== undefined && !isInt32(text)) throw new UsageError("-b argument must be an int value");
    const path = args.words[1]!;
    checkPath(path);
    const deleted = await deleteTree(context, path, text === undefined ? BATCH_DEFAULT : Number(text));
    context.io.answer({ path, deleted }, () => "");
  },
};

function isInt32(text: string): boolean {
  return /^[+-]?\d+$/.test(text) && Number(text) === (Number(text) | 0);
}

/** Deletes the leaves first. @returns how many znodes */
export async function deleteTree({ client, signal }: CommandContext, root: string, batchSize: number): Promise<number> {
  let deleted = 0;
  const batches = new DeleteBatches(client, signal, batchSize);
  // A znode can go once the walk has left its subtree.
  const open: string[] = [];
  for await (const { path, depth } of walk(client, root, { signal })) {
    while (open.length > depth) {
      await batches.add(open.pop()!);
      deleted++;
    }
    open.push(path);
  }
  while (open.length > 0) {
    await batches.add(open.pop()!);
    deleted++;
  }
  await batches.end();
  return deleted;
}

class DeleteBatches {
  private paths: string[] = [];
  private readonly sent = new Set<Promise<void>>();
  private failure: unknown = null;

  constructor(
    private readonly client: ZooKeeper,
    private readonly signal: AbortSignal,
    private readonly batchSize: number,
  ) {}

  async add(path: string): Promise<void> {
    if (this.batchSize <= 0) {
      await this.client.delete(path, { signal: this.signal });
      return;
    }
    this.paths.push(path);
    if (this.paths.length >= this.batchSize) await this.send();
  }

  async end(): Promise<void> {
    if (this.paths.length > 0) await this.send();
    await Promise.all(this.sent);
    this.check();
  }

  private async send(): Promise<void> {
    while (this.sent.size >= BATCHES_IN_FLIGHT_MAX) await Promise.race(this.sent);
    this.check();
    const ops = this.paths.map((path) => op.delete(path));
    this.paths = [];
    const batch: Promise<void> = this.client
      .multi(ops, { signal: this.signal })
      .then(
        () => {},
        (error: unknown) => {
          this.failure ??= error;
        },
      )
      .finally(() => this.sent.delete(batch));
    this.sent.add(batch);
  }

  private check(): void {
    if (this.failure === null) return;
    if (!(this.failure instanceof MultiError)) throw this.failure;
    const { code, path } = this.failure;
    throw new ShellError("Failed to delete some node(s) in the subtree!", 1, `${path}: ${code}`);
  }
}
