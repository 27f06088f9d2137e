import { Acls } from "../core/acl.js";
import { AbortedError, ClosedError, isKeeperError, KeeperError } from "../core/errors.js";
import type { Created } from "../core/request.js";
import type { CreateOptions } from "./options.js";
import type { ZooKeeper } from "./zookeeper.js";

/**
 * Creates a znode with the parents that are missing, or with a name by which it is found after a lost reply, or both. The
 * timeout is for all of it.
 * @returns the path, or the path with the Stat
 */
export async function createProtected(
  zk: ZooKeeper,
  path: string,
  data: Uint8Array | null,
  options: CreateOptions,
  wantsStat: boolean,
): Promise<string | Created> {
  const { parents, protection, timeoutMs = zk.operationTimeoutMs, ...plain } = options;
  const deadlineMs = zk.platform.now() + timeoutMs;
  const left = () => (timeoutMs === 0 ? 0 : Math.max(1, deadlineMs - zk.platform.now()));
  const guid = protection === true ? zk.platform.uuid() : protection || null;
  const slash = path.lastIndexOf("/");
  const parent = path.slice(0, slash) || "/";
  const prefix = guid === null ? "" : `_c_${guid}-`;
  const protectedPath = guid === null ? path : `${path.slice(0, slash + 1)}${prefix}${path.slice(slash + 1)}`;
  for (;;) {
    const attempt = { ...plain, timeoutMs: left() };
    try {
      return wantsStat
        ? await zk.createWithStat(protectedPath, data, attempt)
        : await zk.create(protectedPath, data, attempt);
    } catch (error) {
      if (guid !== null && isKeeperError(error, "ConnectionLoss")) {
        const found = await find(zk, parent, prefix, { ...attempt, timeoutMs: left() }, wantsStat).catch((cause) => {
          throw stillUnknown(cause, protectedPath);
        });
        if (found !== null) return found;
      } else if (parents !== undefined && isKeeperError(error, "NoNode")) {
        await createParents(zk, parent, { ...options, timeoutMs: left() });
      } else {
        throw error;
      }
    }
  }
}

/** Nobody knows what became of the create, and looking for it has failed: that is what the caller has to hear. */
function stillUnknown(cause: unknown, path: string): unknown {
  if (isKeeperError(cause)) return new KeeperError(cause.code, "create", path, "unknown", cause.message);
  if (cause instanceof AbortedError) return new AbortedError("create", path, "unknown", cause.cause);
  return cause instanceof ClosedError ? new ClosedError("create", path, "unknown") : cause;
}

async function find(
  zk: ZooKeeper,
  parent: string,
  prefix: string,
  options: CreateOptions,
  wantsStat: boolean,
): Promise<string | Created | null> {
  const { signal, timeoutMs, session } = options;
  const operation = { signal, timeoutMs, session };
  let names: string[];
  try {
    // What was sent on the lost connection may still be on its way to this server.
    await zk.sync(parent, operation);
    names = await zk.getChildren(parent, operation);
  } catch (error) {
    if (isKeeperError(error, "NoNode")) return null;
    throw error;
  }
  const name = names.find((candidate) => candidate.startsWith(prefix));
  if (name === undefined) return null;
  const path = parent === "/" ? `/${name}` : `${parent}/${name}`;
  if (!wantsStat) return path;
  const stat = await zk.exists(path, operation);
  return stat === null ? null : { path, stat };
}

async function createParents(zk: ZooKeeper, path: string, options: CreateOptions): Promise<void> {
  const { signal, timeoutMs, session, acl = Acls.open, parents } = options;
  const operation = { signal, timeoutMs, session };
  try {
    await zk.create(path, null, { ...operation, acl, mode: parents });
  } catch (error) {
    if (isKeeperError(error, "NodeExists", "ConnectionLoss")) return;
    if (!isKeeperError(error, "NoNode") || path === "/") throw error;
    await createParents(zk, path.slice(0, path.lastIndexOf("/")) || "/", options);
    await createParents(zk, path, options);
  }
}
