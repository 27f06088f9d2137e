import { isKeeperError, type KeeperCode, type KeeperError } from "@quoll/client";
import { ShellError } from "../errors.js";

/** What Java's client calls the codes whose names it does not print as they are. */
const CODE_TEXTS: Partial<Record<KeeperCode, string>> = {
  NotEmpty: "Directory not empty",
  SessionExpired: "Session expired",
  InvalidCallback: "Invalid callback",
  SessionMoved: "Session moved",
  NotReadOnly: "Not a read-only call",
  EphemeralOnLocalSession: "Ephemeral node on local session",
  NoWatcher: "No such watcher",
  ReconfigDisabled: "Reconfig is disabled",
  SessionClosedRequireSaslAuth: "Session closed because client failed to authenticate",
  QuotaExceeded: "Quota has exceeded",
  ThrottledOp: "Op throttled due to high load",
};

/** What zkCli says instead of the code; the path follows. */
const CLI_TEXTS: Partial<Record<KeeperCode, string>> = {
  NoNode: "Node does not exist: ",
  NoChildrenForEphemerals: "Ephemerals cannot have children: ",
  NodeExists: "Node already exists: ",
  NotEmpty: "Node not empty: ",
  NotReadOnly: "Not a read-only call: ",
  InvalidACL: "Acl is not valid : ",
  NoAuth: "Insufficient permission : ",
  BadArguments: "Arguments are not valid : ",
  BadVersion: "version No is not valid : ",
  QuotaExceeded: "Quota has exceeded : ",
};

const HINTS: Partial<Record<KeeperCode, string>> = {
  NoNode: "ls of the parent shows what is there; create makes a znode, its parents first",
  NodeExists: "set changes the data of a znode that exists",
  NotEmpty: "deleteall deletes a znode with all below it",
  NoAuth: "getAcl shows who may; addauth adds an identity to this session",
  NoChildrenForEphemerals: "create it below a znode that is not ephemeral",
  BadVersion: "somebody changed it since; stat shows the version of now",
  InvalidACL: "an ACL looks like world:anyone:cdrwa or auth::cdrwa; for auth, addauth comes first",
  ConnectionLoss: "no server answers; a change may have been made all the same. Look at -server, or whether it runs",
  OperationTimeout: "the server is slow or gone; a change may have been made all the same",
  SessionExpired: "connect begins a new session",
  AuthFailed: "connect begins a new session, without the identity that was refused",
  NoWatcher: "this session has no such watch there",
  ReconfigDisabled: "set reconfigEnabled=true on the servers",
  QuotaExceeded: "listquota shows the limits and what is used",
  Unimplemented: "this server is too old for it, or has it switched off (extendedTypesEnabled for TTL)",
  NotReadOnly: "this server has no quorum: only reads are answered",
};

/** `KeeperErrorCode = NoNode for /a`: the message of Java's exception. */
export function javaMessage(code: KeeperCode, path: string | null): string {
  const text = CODE_TEXTS[code] ?? code;
  return `KeeperErrorCode = ${text}${path === null || path === "" ? "" : ` for ${path}`}`;
}

/** A refusal by the server, or a lost connection, as zkCli says it. */
export class KeeperShellError extends ShellError {
  override readonly code: string;

  constructor(
    code: KeeperCode,
    readonly path: string | null,
    cause?: KeeperError,
  ) {
    super(messageOf(code, path), 1, HINTS[code] ?? null, { cause });
    this.code = code;
  }
}

function messageOf(code: KeeperCode, path: string | null): string {
  if (code === "ReconfigInProgress") {
    return "Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)";
  }
  if (code === "NewConfigNoQuorum") {
    return "No quorum of new config is connected and up-to-date with the leader of last commmitted config - try invoking reconfiguration after new servers are connected and synced";
  }
  const text = CLI_TEXTS[code];
  return text === undefined ? javaMessage(code, path) : `${text}${path}`;
}

/** Makes the errors of the client the shell's; others stay as they are. */
export function shellErrorOf(error: unknown): unknown {
  return isKeeperError(error) ? new KeeperShellError(error.code, error.path, error) : error;
}
