import { type ACL, isKeeperError, type ZooKeeper } from "@quoll/client";
import type { NodeRecord } from "./record.js";

export type Written = "created" | "changed" | "same" | "differs";

export interface SubtreeWriting {
  readonly signal: AbortSignal;
  /** Where the root goes. */
  readonly target: string;
  /** Changes what is there and differs. */
  readonly overwrites: boolean;
  /** Only says what would be done. */
  readonly isDry: boolean;
  /** Sets the ACLs; without them new znodes are open to all. */
  readonly setsAcls: boolean;
}

/** A write whose connection was lost may have been made; it is looked at again this often. */
const ATTEMPTS_MAX = 10;

export function targetPath(target: string, { path }: Pick<NodeRecord, "path">): string {
  if (path === "") return target;
  return target === "/" ? path : target + path;
}

/**
 * Brings a znode to what a record says. Doing it twice is the same as doing it once. The first request is sent before
 * this returns, so that calls in a row create parents before children without waiting for each other.
 */
export async function writeRecord(client: ZooKeeper, record: NodeRecord, writing: SubtreeWriting): Promise<Written> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryRecord(client, record, writing);
    } catch (error) {
      // Without its parent a record may only be early: that of the parent is being written again.
      const isPassing =
        isKeeperError(error, "ConnectionLoss") || (isKeeperError(error, "NoNode") && record.path !== "");
      if (!isPassing || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function tryRecord(client: ZooKeeper, record: NodeRecord, writing: SubtreeWriting): Promise<Written> {
  const { signal, overwrites, isDry, setsAcls } = writing;
  const path = targetPath(writing.target, record);
  if (!isDry && path !== "/") {
    try {
      await client.create(path, record.data, { acl: setsAcls ? record.acl : undefined, signal });
      return "created";
    } catch (error) {
      if (!isKeeperError(error, "NodeExists")) throw error;
    }
  }
  const difference = await differenceOf(client, record, writing);
  if (difference === null) return "same";
  if (difference === "missing") return "created";
  if (!overwrites) return "differs";
  if (isDry) return "changed";
  if (difference.data) await client.setData(path, record.data, { signal });
  if (difference.acl) await client.setACL(path, record.acl, { signal });
  return "changed";
}

export interface Difference {
  readonly data: boolean;
  readonly acl: boolean;
}

/** What of a record is not so at its target; null if all is. */
export async function differenceOf(
  client: ZooKeeper,
  record: NodeRecord,
  { signal, target, setsAcls }: SubtreeWriting,
): Promise<Difference | "missing" | null> {
  const path = targetPath(target, record);
  try {
    const [{ data }, acl] = await Promise.all([
      client.getData(path, { signal }),
      setsAcls ? client.getACL(path, { signal }) : null,
    ]);
    const difference = { data: !sameData(data, record.data), acl: acl !== null && !sameAcl(acl.acl, record.acl) };
    return difference.data || difference.acl ? difference : null;
  } catch (error) {
    if (isKeeperError(error, "NoNode")) return "missing";
    throw error;
  }
}

function sameData(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function sameAcl(a: readonly ACL[], b: readonly ACL[]): boolean {
  const text = (acl: readonly ACL[]) =>
    acl
      .map(({ scheme, id, perms }) => `${scheme}\0${id}\0${perms}`)
      .sort()
      .join("\0\0");
  return text(a) === text(b);
}
