import { isKeeperError } from "@quoll/client";
import type { Command } from "../command.js";
import { checkPath } from "../path.js";
import { aclJson, aclText, parseAcl } from "../text/acl.js";
import { javaMessage, KeeperShellError } from "../text/keeper-message.js";
import { statJson, statText } from "../text/stat.js";
import { inOrder, walk } from "../walk.js";
import { versionOf } from "./version-option.js";

export const getAcl: Command = {
  name: "getAcl",
  usage: "[-s] path",
  specs: { options: [{ name: "s", help: "stats" }] },
  isZkCli: true,
  wordsMin: 2,
  summary: "show who may do what with a znode",
  details: "Permissions are c(reate children) d(elete children) r(ead) w(rite) a(dminister: setAcl).",
  examples: [["getAcl /app", ""]],
  json: "path, acl (scheme, id, perms), stat",
  async run({ io, client, signal }, args) {
    const path = args.words[1]!;
    checkPath(path);
    const { acl, stat } = await client.getACL(path, { signal });
    io.answer({ path, acl: aclJson(acl), stat: statJson(stat) }, () => {
      return aclText(acl) + (args.has("s") ? statText(stat) : "");
    });
  },
};

export const setAcl: Command = {
  name: "setAcl",
  usage: "[-s] [-v version] [-R] path acl",
  specs: {
    options: [
      { name: "s", help: "stats" },
      { name: "v", argument: "version", help: "version" },
      { name: "R", help: "recursive" },
    ],
  },
  isZkCli: true,
  wordsMin: 3,
  summary: "say who may do what with a znode",
  examples: [
    ["setAcl /app world:anyone:r", "everybody may read, nobody may change it any more"],
    ["setAcl -R /app auth::cdrwa", "all below it too; only those as whom this session is authenticated"],
    ["setAcl /app sasl:web:crw,ip:10.0.0.0/8:r", "several entries"],
  ],
  json: "path, stat; with -R a line for each znode: path, and error if it was refused",
  async run({ io, client, signal }, args) {
    const [, path, text] = args.words;
    const { acl, problems } = parseAcl(text!);
    for (const problem of problems) io.err(`${problem}\n`);
    const version = versionOf(args);
    checkPath(path!);
    if (!args.has("R")) {
      if (acl.length === 0) throw new KeeperShellError("InvalidACL", null);
      const stat = await client.setACL(path!, acl, { version, signal });
      io.answer({ path, stat: statJson(stat) }, () => (args.has("s") ? statText(stat) : ""));
      return;
    }
    await client.getData(path!, { signal });
    const change = async (target: string): Promise<{ target: string; problem: string | null }> => {
      try {
        if (acl.length === 0) throw new KeeperShellError("InvalidACL", null);
        await client.setACL(target, acl, { version, signal });
        return { target, problem: null };
      } catch (error) {
        if (error instanceof KeeperShellError) return { target, problem: javaMessage("InvalidACL", null) };
        if (!isKeeperError(error)) throw error;
        return { target, problem: javaMessage(error.code, target) };
      }
    };
    const paths = async function* () {
      for await (const visit of walk(client, path!, { signal })) yield visit.path;
    };
    for await (const { target, problem } of inOrder(paths(), change)) {
      const value = problem === null ? { path: target } : { path: target, error: problem };
      await io.answerSlowly(value, () => problem ?? "");
    }
  },
};
