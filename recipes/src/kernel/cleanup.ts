import { isKeeperError, type Session, type ZooKeeper } from "@quoll/client";

const pendingOf = new WeakMap<ZooKeeper, Set<Promise<void>>>();

/**
 * Resolves once all that recipes of this client still have to remove is removed, or its session has ended: znodes of
 * cancelled waits and of locks that were released without a connection. There is no need to call it before
 * `client.close()`, which makes the server remove them.
 */
export async function settled(client: ZooKeeper): Promise<void> {
  const pending = pendingOf.get(client);
  while (pending !== undefined && pending.size > 0) await Promise.all(pending);
}

/** Remembers work that goes on after its caller has been answered. It must not fail. */
export function inBackground(client: ZooKeeper, work: Promise<void>): void {
  let pending = pendingOf.get(client);
  if (pending === undefined) {
    pending = new Set();
    pendingOf.set(client, pending);
  }
  pending.add(work);
  const done = () => void pending.delete(work);
  work.then(done, done);
}

/**
 * Deletes an ephemeral znode of this session, whatever the connection does meanwhile: it ends when the znode is gone, by
 * this or by the session's end.
 * @throws what the server has against it, NoAuth for instance
 */
export async function deleteEphemeral(client: ZooKeeper, session: Session, path: string): Promise<void> {
  for (;;) {
    try {
      await client.delete(path, { session, timeoutMs: 0 });
      return;
    } catch (error) {
      if (isKeeperError(error, "NoNode") || isSessionOver(session)) return;
      if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout", "SessionMoved")) throw error;
    }
  }
}

/** Whether a failure is explained by the end of the session. */
export function isSessionOver(session: Session): boolean {
  return session.signal.aborted;
}

/**
 * Waits for work as long as there is a connection. Without one, it goes on in the background: nobody should have to wait
 * for servers that are not there just to say that he has finished.
 */
export async function whileConnected(client: ZooKeeper, work: Promise<void>): Promise<void> {
  inBackground(client, work);
  if (!client.isConnected) return;
  let stop = () => {};
  const disconnected = new Promise<void>((resolve) => {
    stop = client.onStateChange(() => {
      if (!client.isConnected) resolve();
    });
  });
  try {
    await Promise.race([work, disconnected]);
  } finally {
    stop();
  }
}
