import { type Children, isKeeperError, type WatchListener, type ZooKeeper } from "@quoll/client";
import { childOf } from "./path.js";

/** How many requests of one command are on the way at once. */
export const REQUESTS_IN_FLIGHT_MAX = 64;

export interface Visit extends Children {
  readonly path: string;
  /** 0 for where the walk began. */
  readonly depth: number;
}

export interface WalkOptions {
  readonly signal: AbortSignal;
  /** How deep to go; without end by default. */
  readonly depthMax?: number;
  /** Set on the children of every znode. */
  readonly watch?: WatchListener | undefined;
  /** Whether to go below a child at all. */
  readonly enters?: (path: string) => boolean;
}

interface Stop {
  readonly path: string;
  readonly depth: number;
  reply: Promise<Children | null> | null;
}

/**
 * Visits the znodes of a subtree, parents before children and siblings by name, each with its children and Stat. What was
 * deleted meanwhile is left out. Requests run ahead of the visits, a bounded number of them; what is kept are the names
 * of the children of the ancestors.
 * @throws the client's error for the first znode; for others all but NoNode
 */
export async function* walk(client: ZooKeeper, root: string, options: WalkOptions): AsyncGenerator<Visit> {
  const { signal, depthMax = Number.POSITIVE_INFINITY, watch, enters } = options;
  let ahead = 0;
  const ask = (stop: Stop) => {
    ahead++;
    stop.reply = client.getChildrenWithStat(stop.path, { signal, watch }).catch((error: unknown) => {
      if (isKeeperError(error, "NoNode") && stop.depth > 0) return null;
      throw error;
    });
    // It may be awaited much later, or never.
    stop.reply.catch(() => {});
  };
  const stack: Stop[] = [{ path: root, depth: 0, reply: null }];
  while (stack.length > 0) {
    for (let i = stack.length - 1; i >= 0 && i >= stack.length - REQUESTS_IN_FLIGHT_MAX; i--) {
      if (ahead >= REQUESTS_IN_FLIGHT_MAX) break;
      if (stack[i]!.reply === null) ask(stack[i]!);
    }
    const stop = stack.pop()!;
    if (stop.reply === null) ask(stop);
    const found = await stop.reply;
    ahead--;
    if (found === null) continue;
    const children = found.children.sort();
    yield { path: stop.path, depth: stop.depth, children, stat: found.stat };
    if (stop.depth >= depthMax) continue;
    for (let i = children.length - 1; i >= 0; i--) {
      const path = childOf(stop.path, children[i]!);
      if (enters === undefined || enters(path)) stack.push({ path, depth: stop.depth + 1, reply: null });
    }
  }
}

/**
 * Does something for each item, a bounded number at once, and gives the results in the order of the items. At the first
 * failure no further item is begun.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  run: (item: Item) => Promise<Result>,
  atOnceMax = REQUESTS_IN_FLIGHT_MAX,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for await (const item of items) {
    const result = run(item);
    result.catch(() => {});
    running.push(result);
    if (running.length >= atOnceMax) yield await running.shift()!;
  }
  for (const result of running) yield await result;
}
