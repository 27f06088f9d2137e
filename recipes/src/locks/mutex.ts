import type { ZooKeeper } from "@quoll/client";
import { checkPath } from "../names/paths.js";
import type { Contest } from "./contend.js";
import { LOCK_MARKERS, type Marker } from "./contenders.js";
import { Lock, type LockOptions } from "./lock.js";
import { contenderPrefix, type LockNaming } from "./naming.js";

/** What a {@link Mutex} can be told. */
export interface MutexOptions extends LockOptions {
  /** Whose names the contenders get; `curator` by default. Those of all libraries are recognised. */
  readonly naming?: LockNaming | undefined;
  /** Which children contend; those of Curator, kazoo and go-zk by default. */
  readonly markers?: readonly Marker[] | undefined;
}

/**
 * A lock that one holds at a time, in the order of asking. Shared with Curator's `InterProcessMutex`, kazoo's `Lock` and
 * go-zk's `Lock` on the same path.
 *
 * Znodes: `PATH/_c_UUID-lock-N`, ephemeral. `PATH` is a container and disappears when it is not used any more.
 * ```ts
 * await using held = await new Mutex(zk, "/locks/report").acquire({ timeoutMs: 5000 });
 * await writeReport({ signal: held.signal, fencingToken: held.fencingToken });
 * ```
 */
export class Mutex extends Lock {
  private readonly fixed: Contest;

  constructor(
    client: ZooKeeper,
    path: string,
    { naming = "curator", markers = LOCK_MARKERS, data = "", reentrant = false }: MutexOptions = {},
  ) {
    super(client, checkPath(path), reentrant);
    this.fixed = { parent: path, markers, prefix: (uuid) => contenderPrefix(naming, "mutex", uuid), data };
  }

  protected contest(): Contest {
    return this.fixed;
  }
}
