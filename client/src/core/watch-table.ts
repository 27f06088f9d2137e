import { OpCode } from "./op-code.js";
import type { Request } from "./request.js";
import type { AddWatchMode, WatchEventType, WatcherType, WatchListener } from "./watch-event.js";

/** ZooKeeper's numbers. */
export const ADD_WATCH_MODES: Readonly<Record<AddWatchMode, number>> = { persistent: 0, persistentRecursive: 1 };

/** ZooKeeper's numbers. */
export const WATCHER_TYPES: Readonly<Record<WatcherType, number>> = {
  children: 1,
  data: 2,
  any: 3,
  persistent: 4,
  persistentRecursive: 5,
};

type Listeners = Set<WatchListener>;
type Table = Map<string, Listeners>;

/** The kinds of watches, in the order of the SetWatches2 record. */
export const WatchKind = { data: 0, exists: 1, child: 2, persistent: 3, persistentRecursive: 4 } as const;
export type WatchKind = (typeof WatchKind)[keyof typeof WatchKind];

/** The watches of one session, by kind and path, and who listens. They outlive connections. */
export class WatchTable {
  private readonly tables: readonly Table[] = [new Map(), new Map(), new Map(), new Map(), new Map()];

  /** Paths that are watched so. */
  paths(kind: WatchKind): IterableIterator<string> {
    return this.tables[kind].keys();
  }

  get isEmpty(): boolean {
    return this.tables.every((table) => table.size === 0);
  }

  /** Whether a path is watched in any way. */
  hasAny(path: string): boolean {
    return this.tables.some((table) => table.has(path));
  }

  /** Registers the watch of a request that was answered. */
  register(request: Request, existed: boolean): void {
    const { listener, path } = request;
    if (listener === null) return;
    switch (request.type) {
      case OpCode.exists:
        this.add(existed ? WatchKind.data : WatchKind.exists, path, listener);
        return;
      case OpCode.getData:
        if (existed) this.add(WatchKind.data, path, listener);
        return;
      case OpCode.getChildren:
      case OpCode.getChildren2:
        if (existed) this.add(WatchKind.child, path, listener);
        return;
      case OpCode.addWatch:
        if (existed)
          this.add(request.number === 0 ? WatchKind.persistent : WatchKind.persistentRecursive, path, listener);
        return;
    }
  }

  private add(kind: WatchKind, path: string, listener: WatchListener): void {
    const table = this.tables[kind];
    const listeners = table.get(path);
    if (listeners === undefined) table.set(path, new Set([listener]));
    else listeners.add(listener);
  }

  /** Who is to be told of an event; one-shot watches that it uses up are gone afterwards. */
  fire(type: WatchEventType, path: string): Listeners {
    const found: Listeners = new Set();
    switch (type) {
      case "NodeCreated":
      case "NodeDataChanged":
        this.take(WatchKind.data, path, found);
        this.take(WatchKind.exists, path, found);
        break;
      case "NodeDeleted":
        this.take(WatchKind.data, path, found);
        this.take(WatchKind.exists, path, found);
        this.take(WatchKind.child, path, found);
        break;
      default:
        this.take(WatchKind.child, path, found);
    }
    this.find(WatchKind.persistent, path, found);
    // Recursive watches promise no child events; one that another watch caused is not for them.
    if (type !== "NodeChildrenChanged" && this.tables[WatchKind.persistentRecursive].size > 0) {
      for (let at = path; at !== ""; at = at === "/" ? "" : at.slice(0, at.lastIndexOf("/")) || "/") {
        this.find(WatchKind.persistentRecursive, at, found);
      }
    }
    return found;
  }

  private take(kind: WatchKind, path: string, into: Listeners): void {
    this.find(kind, path, into);
    this.tables[kind].delete(path);
  }

  private find(kind: WatchKind, path: string, into: Listeners): void {
    const listeners = this.tables[kind].get(path);
    if (listeners !== undefined) for (const listener of listeners) into.add(listener);
  }

  /** Takes away the watches of a type, as `removeWatches` does. Who listened, by the event that tells of it. */
  remove(watcherType: number, path: string): Map<WatchEventType, Listeners> {
    const removed = new Map<WatchEventType, Listeners>();
    for (const kind of KINDS_OF_TYPE.get(watcherType) ?? []) {
      const listeners = this.tables[kind].get(path);
      if (listeners === undefined) continue;
      this.tables[kind].delete(path);
      const type = REMOVED_EVENTS[kind];
      const others = removed.get(type);
      if (others === undefined) removed.set(type, new Set(listeners));
      else for (const listener of listeners) others.add(listener);
    }
    return removed;
  }

  /**
   * Takes one listener of a persistent watch away.
   * @returns whether it was the last one, so that the server may forget the watch
   */
  removeListener(mode: AddWatchMode, path: string, listener: WatchListener): boolean {
    const table = this.tables[mode === "persistent" ? WatchKind.persistent : WatchKind.persistentRecursive];
    const listeners = table.get(path);
    if (listeners === undefined || !listeners.delete(listener) || listeners.size > 0) return false;
    table.delete(path);
    return true;
  }

  /** Takes a listener away from the watches of a path that fire once; on the server they stay until they have fired. */
  removeOnce(path: string, listener: WatchListener): void {
    for (const kind of [WatchKind.data, WatchKind.exists, WatchKind.child]) {
      const listeners = this.tables[kind].get(path);
      if (listeners?.delete(listener) && listeners.size === 0) this.tables[kind].delete(path);
    }
  }

  /** All persistent watches and who listens. */
  *persistent(): Generator<[string, Listeners]> {
    yield* this.tables[WatchKind.persistent];
    yield* this.tables[WatchKind.persistentRecursive];
  }

  /** Takes all watches away, for the end of a session: who listened, with the paths. */
  clear(): [string, Listeners][] {
    const all = this.tables.flatMap((table) => [...table]);
    for (const table of this.tables) table.clear();
    return all;
  }
}

const KINDS_OF_TYPE = new Map<number, readonly WatchKind[]>([
  [WATCHER_TYPES.children, [WatchKind.child]],
  [WATCHER_TYPES.data, [WatchKind.data, WatchKind.exists]],
  [
    WATCHER_TYPES.any,
    [WatchKind.data, WatchKind.exists, WatchKind.child, WatchKind.persistent, WatchKind.persistentRecursive],
  ],
  [WATCHER_TYPES.persistent, [WatchKind.persistent]],
  [WATCHER_TYPES.persistentRecursive, [WatchKind.persistentRecursive]],
]);

const REMOVED_EVENTS: readonly WatchEventType[] = [
  "DataWatchRemoved",
  "DataWatchRemoved",
  "ChildWatchRemoved",
  "PersistentWatchRemoved",
  "PersistentWatchRemoved",
];
