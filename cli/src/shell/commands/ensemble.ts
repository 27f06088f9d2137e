import { readFileSync } from "node:fs";
import { type Command, usageError } from "../command.js";
import { UsageError } from "../errors.js";
import { clientConfigText, membersOf } from "../text/cluster-config.js";
import { statJson, statText } from "../text/stat.js";

export const config: Command = {
  name: "config",
  usage: "[-c] [-w] [-s]",
  specs: {
    options: [
      { name: "s", help: "stats" },
      { name: "w", help: "watch" },
      { name: "c", help: "client connection string" },
    ],
  },
  isZkCli: true,
  wordsMin: 1,
  summary: "show the members of the ensemble",
  examples: [
    ["config", "the server lines and the version"],
    ["config -c", "the version and the client addresses, for a connect string"],
  ],
  json: "config, clients, stat",
  async run({ io, client, watcher, signal }, args) {
    const found = await client.getConfig({ watch: args.has("w") ? watcher : undefined, signal });
    const text = found.data === null ? "null" : found.text();
    const clients = clientConfigText(text);
    io.answer({ config: text, clients, stat: statJson(found.stat) }, () => {
      return `${args.has("c") ? clients : text}\n${args.has("s") ? statText(found.stat) : ""}`;
    });
  },
};

export const reconfig: Command = {
  name: "reconfig",
  usage:
    "[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | " +
    "[-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]",
  specs: {
    options: [
      { name: "s", help: "stats" },
      { name: "v", argument: "version", help: "required current config version" },
      { name: "file", argument: "path", help: "path of config file to parse for membership" },
      {
        name: "members",
        argument: "list",
        help: "comma-separated list of config strings for non-incremental reconfig",
      },
      { name: "add", argument: "list", help: "comma-separated list of config strings for new servers" },
      { name: "remove", argument: "list", help: "comma-separated list of server IDs to remove" },
    ],
  },
  isZkCli: true,
  wordsMin: 0,
  summary: "change the members of the ensemble",
  details:
    "The servers need reconfigEnabled=true, and the session an identity that may (see setAcl of /zookeeper/config).",
  examples: [
    ["reconfig -add server.4=h4:2888:3888;2181", "one more"],
    ["reconfig -remove 3", "one less"],
    ["reconfig -v 100000002 -file members.cfg", "just those of the file, if the configuration is still that version"],
  ],
  json: "config, stat",
  async run({ io, client, signal }, args) {
    const isWhole = args.has("file") || args.has("members");
    const isStep = args.has("add") || args.has("remove");
    if (!isWhole && !isStep) throw usageError(reconfig);
    const version = args.value("v");
    if (version !== undefined && !/^[+-]?[0-9a-fA-F]{1,16}$/.test(version)) {
      throw new UsageError("-v must be followed by a long (configuration version)");
    }
    if (isWhole && isStep) {
      throw new UsageError(
        "Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)",
      );
    }
    if (args.has("file") && args.has("members")) {
      throw new UsageError("Can't use -file and -members together (conflicting non-incremental modes)");
    }
    const file = args.value("file");
    const change: Parameters<typeof client.reconfig>[0] = { fromConfig: hexNumber(version) };
    const newMembers = file === undefined ? args.value("members")?.toLowerCase() : readMembers(file);
    if (newMembers !== undefined) change.newMembers = newMembers;
    if (args.has("add")) change.joining = args.value("add")!.toLowerCase();
    if (args.has("remove")) change.leaving = args.value("remove")!.toLowerCase();
    const found = await client.reconfig(change, { signal });
    io.answer({ config: found.text(), stat: statJson(found.stat) }, () => {
      return `Committed new configuration:\n${found.text()}\n${args.has("s") ? statText(found.stat) : ""}`;
    });
  },
};

function hexNumber(text: string | undefined): bigint {
  if (text === undefined) return -1n;
  const value = BigInt(`0x${text.replace(/^[+-]/, "")}`);
  return text.startsWith("-") ? -value : value;
}

function readMembers(file: string): string {
  try {
    return membersOf(readFileSync(file, "latin1"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? `${file} (No such file or directory)` : message;
    throw new UsageError(`Error processing ${file}${reason}`);
  }
}
