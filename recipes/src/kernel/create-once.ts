import { type CreateMode, type Data, isKeeperError, type Session, type ZooKeeper } from "@quoll/client";
import { childPath } from "../names/paths.js";

/**
 * Creates a sequential znode exactly once, though replies may be lost: its name begins with something unique, by which it is
 * found again. Missing parents are made as containers, so that they disappear when they are not needed any more.
 *
 * After a lost reply the server is asked to `sync` first: a request that was on its way through another server is then
 * either carried out or refused for good, since the session has moved.
 * @param prefix - unique; the server appends the number
 * @returns the name of the znode
 */
export async function createOnce(
  client: ZooKeeper,
  session: Session,
  parent: string,
  prefix: string,
  data: Data,
  mode: CreateMode,
): Promise<string> {
  for (;;) {
    try {
      const path = await client.create(childPath(parent, prefix), data, {
        mode,
        parents: "container",
        session,
        timeoutMs: 0,
      });
      return path.slice(path.lastIndexOf("/") + 1);
    } catch (error) {
      // The parent may be reaped between its creation and ours.
      if (isKeeperError(error, "NoNode")) continue;
      if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
      if (error.outcome !== "unknown") continue;
    }
    const found = await findOwn(client, session, parent, prefix);
    if (found !== null) return found;
  }
}

async function findOwn(client: ZooKeeper, session: Session, parent: string, prefix: string): Promise<string | null> {
  for (;;) {
    try {
      await client.sync(parent, { session, timeoutMs: 0 });
      const names = await client.getChildren(parent, { session, timeoutMs: 0 });
      return names.find((name) => name.startsWith(prefix)) ?? null;
    } catch (error) {
      if (isKeeperError(error, "NoNode")) return null;
      if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout") || session.signal.aborted) throw error;
    }
  }
}
