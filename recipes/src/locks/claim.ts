import { isKeeperError, type ZooKeeper } from "@quoll/client";
import { childPath } from "../names/paths.js";
import { type ContenderKind, contendersOf, holdersAndWaiters, type Marker } from "./contenders.js";

/** One who holds something or waits for it, as others see it. */
export interface Claim {
  /** Of its znode. */
  readonly path: string;
  /** Readers are `shared`. */
  readonly kind: ContenderKind;
  /** Whose it is. */
  readonly sessionId: bigint;
  /** When it queued up, ms since 1970 by the leader's clock. */
  readonly sinceMs: number;
  /** Its znode's czxid. */
  readonly fencingToken: bigint;
  /** What its znode holds as text: Curator's default is the client's address, kazoo's its identifier. */
  readonly data: string;
}

/** All claims of a lock, in the order in which they have it. */
export async function claimsOf(
  client: ZooKeeper,
  parent: string,
  markers: readonly Marker[],
): Promise<{ holders: Claim[]; waiters: Claim[] }> {
  let children: string[];
  try {
    children = await client.getChildren(parent);
  } catch (error) {
    if (isKeeperError(error, "NoNode")) return { holders: [], waiters: [] };
    throw error;
  }
  const { holders, waiters } = holdersAndWaiters(contendersOf(children, markers));
  const read = (contenders: typeof holders) => readClaims(client, parent, contenders);
  return { holders: await read(holders), waiters: await read(waiters) };
}

/** Reads each of these znodes; those that are gone meanwhile are left out. */
export async function readClaims(
  client: ZooKeeper,
  parent: string,
  contenders: readonly { readonly name: string; readonly kind: ContenderKind }[],
): Promise<Claim[]> {
  const claims = await Promise.all(
    contenders.map(async ({ name, kind }): Promise<Claim | null> => {
      const path = childPath(parent, name);
      try {
        const node = await client.getData(path);
        const { ephemeralOwner, ctime, czxid } = node.stat;
        return { path, kind, sessionId: ephemeralOwner, sinceMs: ctime, fencingToken: czxid, data: node.text() };
      } catch (error) {
        if (isKeeperError(error, "NoNode")) return null;
        throw error;
      }
    }),
  );
  return claims.filter((claim) => claim !== null);
}
