import { type Data, isKeeperError, type Session, type ZooKeeper } from "@quoll/client";
import { deleteEphemeral, inBackground, whileConnected } from "../kernel/cleanup.js";
import { createOnce } from "../kernel/create-once.js";
import { wakeOnChange } from "../kernel/node-watches.js";
import type { Scope } from "../kernel/scope.js";
import { SessionGuard } from "../kernel/session-guard.js";
import { Wake } from "../kernel/wake.js";
import { childPath } from "../names/paths.js";
import { type Marker, turnOf } from "./contenders.js";
import { Held } from "./held.js";

/** What is contended for. */
export interface Contest {
  /** The znode whose children contend. */
  readonly parent: string;
  readonly markers: readonly Marker[];
  /** The contender's name up to its number, from something unique. */
  readonly prefix: (uuid: string) => string;
  /** What the contender's znode holds, for people and other libraries to read. */
  readonly data: Data;
}

/**
 * Contends until it holds, in as many sessions as that takes. Whatever ends it, no znode stays behind: what was created is
 * deleted, also if the reply to its creation is still on its way.
 */
export async function contend(client: ZooKeeper, contest: Contest, scope: Scope): Promise<Held> {
  for (;;) {
    const session = await scope.race(client.connected({ signal: scope.signal, timeoutMs: 0 }));
    const creation = createOnce(
      client,
      session,
      contest.parent,
      contest.prefix(client.platform.uuid()),
      contest.data,
      "ephemeralSequential",
    );
    try {
      const name = await scope.race(creation);
      const held = await awaitTurn(client, session, contest, name, scope);
      if (held !== null) return held;
      // The znode is gone though the session lives: somebody has deleted it. Queue up again.
    } catch (error) {
      const removal = remove(client, session, contest.parent, creation);
      if (scope.isOver || !(session.signal.aborted && isSessionError(error))) {
        await whileConnected(client, removal);
        throw error;
      }
      inBackground(client, removal);
    }
  }
}

/** Failures that only say that this session is over; with the next one it can be tried again. */
function isSessionError(error: unknown): boolean {
  return isKeeperError(error, "SessionExpired", "ConnectionLoss", "SessionMoved");
}

async function remove(client: ZooKeeper, session: Session, parent: string, creation: Promise<string>): Promise<void> {
  try {
    await deleteEphemeral(client, session, childPath(parent, await creation));
  } catch {
    // It was never created, or may not be deleted by us: the session's end will do that.
  }
}

/** @returns null if the contender is not there any more */
async function awaitTurn(
  client: ZooKeeper,
  session: Session,
  { parent, markers }: Contest,
  own: string,
  scope: Scope,
): Promise<Held | null> {
  const guard = SessionGuard.of(client, session);
  for (;;) {
    const children = await scope.race(childrenOf(client, session, parent));
    const turn = turnOf(children, own, markers);
    if (turn.state === "gone") return null;
    if (turn.state === "holds") {
      const stat = await scope.race(client.exists(childPath(parent, own), { session, timeoutMs: 0 }));
      if (stat === null) return null;
      // After a long pause the answers are old: ask again, and so learn whether the session still lives.
      if (!guard.isAlive) continue;
      const held = new Held(client, session, parent, own, stat.czxid);
      inBackground(
        client,
        held.watchOwn().catch(() => {}),
      );
      return held;
    }
    scope.throwIfImmediate();
    const wake = new Wake();
    const { node, unwatch } = await scope.race(wakeOnChange(client, session, childPath(parent, turn.behind), wake));
    try {
      if (node !== null) await scope.race(wake.wait());
    } finally {
      unwatch();
    }
  }
}

async function childrenOf(client: ZooKeeper, session: Session, parent: string): Promise<string[]> {
  try {
    return await client.getChildren(parent, { session, timeoutMs: 0 });
  } catch (error) {
    if (isKeeperError(error, "NoNode")) return [];
    throw error;
  }
}
