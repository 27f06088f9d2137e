import { isKeeperError, type NodeData, type Session, type Stat, type WatchEvent, type ZooKeeper } from "@quoll/client";
import type { Wake } from "./wake.js";

/** A watch that is set, or about to be, and who wants to know. */
interface ArmedWatch {
  readonly listeners: Set<(event: WatchEvent) => void>;
}

const armedOf = new WeakMap<ZooKeeper, Map<string, ArmedWatch>>();

/**
 * What was read, null if there is no such znode (then nothing is told), and a function that takes the listener back.
 */
export interface Watched<T> {
  readonly node: T | null;
  readonly unwatch: () => void;
}

/**
 * Reads a znode and gets told of the next thing that happens to it: a change of its data, its end, or the session's.
 * However often the same znode is watched and given up again, there is one watch of it: waits that are cancelled do not
 * pile up watches on a lock that is held for long.
 * @param listener - called at most once
 */
export function watchNode(
  client: ZooKeeper,
  session: Session,
  path: string,
  listener: (event: WatchEvent) => void,
): Promise<Watched<NodeData>> {
  return readAndWatch(client, `data ${path}`, path, listener, (watch) =>
    client.getData(path, { session, timeoutMs: 0, watch }),
  );
}

/** As {@link watchNode}, for the names of a znode's children. */
export function watchChildren(
  client: ZooKeeper,
  session: Session,
  path: string,
  listener: (event: WatchEvent) => void,
): Promise<Watched<string[]>> {
  return readAndWatch(client, `children ${path}`, path, listener, (watch) =>
    client.getChildren(path, { session, timeoutMs: 0, watch }),
  );
}

/** Asks whether a znode exists and gets told of the next thing that happens to it, its creation too. */
export function watchExistence(
  client: ZooKeeper,
  session: Session,
  path: string,
  listener: (event: WatchEvent) => void,
): Promise<Watched<Stat>> {
  return readAndWatch(client, `exists ${path}`, path, listener, (watch) =>
    client.exists(path, { session, timeoutMs: 0, watch }),
  );
}

/** As {@link watchNode}, waking a waiter. */
export function wakeOnChange(
  client: ZooKeeper,
  session: Session,
  path: string,
  wake: Wake,
): Promise<Watched<NodeData>> {
  return watchNode(client, session, path, wake.set);
}

async function readAndWatch<T>(
  client: ZooKeeper,
  key: string,
  path: string,
  listener: (event: WatchEvent) => void,
  read: (watch: ((event: WatchEvent) => void) | undefined) => Promise<T | null>,
): Promise<Watched<T>> {
  let watches = armedOf.get(client);
  if (watches === undefined) {
    watches = new Map();
    armedOf.set(client, watches);
  }
  const armed = watches;
  const known = armed.get(key);
  const watch: ArmedWatch = known ?? { listeners: new Set() };
  // Before the read: an event that comes before its answer must not be missed.
  watch.listeners.add(listener);
  armed.set(key, watch);
  const unwatch = () => void watch.listeners.delete(listener);
  const fire = (event: WatchEvent) => {
    if (armed.get(key) === watch) armed.delete(key);
    const told = [...watch.listeners];
    watch.listeners.clear();
    for (const each of told) each(event);
  };
  try {
    return { node: await read(known === undefined ? fire : undefined), unwatch };
  } catch (error) {
    unwatch();
    // The read that was to set the watch has failed; those who relied on it have to look again.
    if (known === undefined) fire({ type: "Gap", path, zxid: -1n });
    if (isKeeperError(error, "NoNode")) return { node: null, unwatch };
    throw error;
  }
}
