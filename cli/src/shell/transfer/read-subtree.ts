import { isKeeperError, type ZooKeeper } from "@quoll/client";
import { suffixBelow } from "../path.js";
import { inOrder, type Visit, walk } from "../walk.js";
import type { Pace } from "./pace.js";
import { WalkFraction } from "./progress.js";
import type { NodeRecord } from "./record.js";

/** ZooKeeper's own znodes, which each ensemble makes for itself. */
export const SYSTEM_PATH = "/zookeeper";

export interface SubtreeReading {
  readonly signal: AbortSignal;
  readonly pace: Pace;
  /** How deep to go; without end by default. */
  readonly depthMax?: number;
  /** Begins behind this path, which was read before: in the order of a walk. */
  readonly after?: string | undefined;
  /** Told of a znode that is left out: ephemerals belong to a session and cannot be copied. */
  readonly leftOut: (path: string) => void;
}

export interface ReadRecord extends NodeRecord {
  /** How much of the subtree has been read, 0 to 1. */
  readonly fraction: number;
}

/**
 * Reads a subtree, parents before children. Data and ACL of one znode may be of two moments, and the subtree as a whole
 * is not of one moment: ZooKeeper has no such read.
 */
export async function* readSubtree(
  client: ZooKeeper,
  root: string,
  { signal, pace, depthMax = Number.POSITIVE_INFINITY, after, leftOut }: SubtreeReading,
): AsyncGenerator<ReadRecord> {
  const progress = new WalkFraction();
  const visits = async function* (): AsyncGenerator<Visit & { fraction: number }> {
    const enters = (path: string) =>
      !(root === "/" && path === SYSTEM_PATH) && (after === undefined || reachesBehind(suffixBelow(root, path), after));
    for await (const visit of walk(client, root, { signal, depthMax, enters })) {
      const fraction = progress.visit(visit.depth, visit.children.length);
      if (after !== undefined && !isBehind(suffixBelow(root, visit.path), after)) continue;
      if (visit.stat.isEphemeral) {
        leftOut(visit.path);
        continue;
      }
      await pace.take(signal);
      yield { ...visit, fraction };
    }
  };
  const read = async ({ path, fraction }: Visit & { fraction: number }): Promise<ReadRecord | null> => {
    try {
      const [{ data }, { acl }] = await Promise.all([
        client.getData(path, { signal }),
        client.getACL(path, { signal }),
      ]);
      return { path: suffixBelow(root, path), data, acl, fraction };
    } catch (error) {
      if (isKeeperError(error, "NoNode") && path !== root) return null;
      throw error;
    }
  };
  for await (const record of inOrder(visits(), read)) if (record !== null) yield record;
}

/** Whether a walk comes to `path` after `other`. */
export function isBehind(path: string, other: string): boolean {
  const [names, others] = [path.split("/"), other.split("/")];
  for (let i = 0; i < names.length; i++) {
    if (i >= others.length) return true;
    if (names[i] !== others[i]) return names[i]! > others[i]!;
  }
  return false;
}

/** Whether the subtree of `path` has anything behind `other`. */
function reachesBehind(path: string, other: string): boolean {
  return isBehind(path, other) || other === path || other.startsWith(`${path}/`);
}
