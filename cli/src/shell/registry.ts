import type { Command } from "./command.js";
import { getAcl, setAcl } from "./commands/acl.js";
import { config, reconfig } from "./commands/ensemble.js";
import { help } from "./commands/help.js";
import { delquota, listquota, setquota } from "./commands/quota.js";
import { get, getAllChildrenNumber, getEphemerals, ls, stat, sync } from "./commands/read.js";
import { addauth, close, connect, exit, history, quit, redo, version, whoami } from "./commands/session.js";
import { addWatch, printwatches, removewatches } from "./commands/watches.js";
import { create, delete_, deleteall, set } from "./commands/write.js";

const ALL: readonly Command[] = [
  addWatch,
  addauth,
  close,
  config,
  connect,
  create,
  delete_,
  deleteall,
  delquota,
  exit,
  get,
  getAcl,
  getAllChildrenNumber,
  getEphemerals,
  help,
  history,
  listquota,
  ls,
  printwatches,
  quit,
  reconfig,
  redo,
  removewatches,
  set,
  setAcl,
  setquota,
  stat,
  sync,
  version,
  whoami,
];

/** All commands by name, in the order in which zkCli lists its own. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [...ALL].sort((a, b) => (a.name < b.name ? -1 : 1)).map((command) => [command.name, command]),
);

/** What zkCli prints for a command that does not exist: its own commands with their usage. */
export function usageText(): string {
  const lines = ["ZooKeeper -server host:port -client-configuration properties-file cmd args"];
  for (const { isZkCli, name, usage } of COMMANDS.values()) if (isZkCli) lines.push(`\t${name} ${usage}`);
  return `${lines.join("\n")}\n`;
}
