import type { Command } from "./command.js";
import { getAcl, setAcl } from "./commands/acl.js";
import { cp } from "./commands/cp.js";
import { du } from "./commands/du.js";
import { config, reconfig } from "./commands/ensemble.js";
import { export_ } from "./commands/export.js";
import { watch } from "./commands/feed.js";
import { find } from "./commands/find.js";
import { help } from "./commands/help.js";
import { import_ } from "./commands/import.js";
import { locks } from "./commands/locks.js";
import { delquota, listquota, setquota } from "./commands/quota.js";
import { get, getAllChildrenNumber, getEphemerals, ls, stat, sync } from "./commands/read.js";
import { addauth, close, connect, exit, history, quit, redo, version, whoami } from "./commands/session.js";
import { sessions } from "./commands/sessions.js";
import { top } from "./commands/top.js";
import { tree } from "./commands/tree.js";
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
  cp,
  du,
  export_,
  find,
  import_,
  locks,
  sessions,
  top,
  tree,
  watch,
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
