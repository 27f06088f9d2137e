import type { Random } from "../capabilities.js";
import { AddWatchMode, EventType, WatcherType } from "./event.js";
import { NO_PATH, PathWatchers } from "./path-watchers.js";

/**
 * Where watch events go. It must not change the table from within a call, and the bytes are valid during it only.
 * ZooKeeper drops an event when the connection lacks READ on the znode with ACL `aclId`: that is the sink's business.
 * The table sees to it that a connection hears of a change once, and does so before that filter, as Java does.
 */
export interface WatchSink {
  watchEvent(
    connection: number,
    type: EventType,
    bytes: Uint8Array,
    start: number,
    end: number,
    zxid: number,
    aclId: number,
  ): void;
}

/** What the four-letter word `wchs` tells. As in Java, of data watches only. */
export interface WatchesSummary {
  readonly connections: number;
  readonly paths: number;
  readonly watches: number;
}

/**
 * All watches of a server. Connections are small dense numbers given by the caller, who may use a number again after
 * {@link removeConnection}; paths are UTF-8 bytes.
 *
 * ZooKeeper has two tables, of data watches (getData and exists, which it does not tell apart) and of child watches. A
 * persistent watch is in both, a recursive one is in the first and also matches what lies below it. Modes on one path do
 * not replace each other: each can be removed by itself, and firing takes only the one-shot watch away.
 *
 * Events of one change come in Java's order: data watches, child watches of the same path, child watches of the parent;
 * within one of these in the order of connection numbers, where Java has no order.
 */
export class WatchTable {
  private readonly data: PathWatchers;
  private readonly dataPersistent: PathWatchers;
  private readonly recursive: PathWatchers;
  private readonly child: PathWatchers;
  private readonly childPersistent: PathWatchers;
  /** By connection: the serial number of the last change that it heard of. */
  private told = new Int32Array(16);
  private change = 0;

  constructor(
    random: Random,
    private readonly sink: WatchSink,
  ) {
    this.data = new PathWatchers(random.int32());
    this.dataPersistent = new PathWatchers(random.int32());
    this.recursive = new PathWatchers(random.int32());
    this.child = new PathWatchers(random.int32());
    this.childPersistent = new PathWatchers(random.int32());
  }

  /** A one-shot watch of getData or exists. The path need not exist. */
  addDataWatch(connection: number, bytes: Uint8Array, start: number, end: number): void {
    this.seen(connection);
    this.data.add(connection, bytes, start, end);
  }

  /** A one-shot watch of getChildren. */
  addChildWatch(connection: number, bytes: Uint8Array, start: number, end: number): void {
    this.seen(connection);
    this.child.add(connection, bytes, start, end);
  }

  /** A watch that stays, of addWatch or setWatches2. The path need not exist. */
  addWatch(connection: number, mode: AddWatchMode, bytes: Uint8Array, start: number, end: number): void {
    this.seen(connection);
    if (mode === AddWatchMode.persistentRecursive) {
      this.recursive.add(connection, bytes, start, end);
    } else {
      this.dataPersistent.add(connection, bytes, start, end);
      this.childPersistent.add(connection, bytes, start, end);
    }
  }

  /** Whether the connection has such a watch on just this path (checkWatches; false is NoWatcher). */
  contains(connection: number, type: WatcherType, bytes: Uint8Array, start: number, end: number): boolean {
    switch (type) {
      case WatcherType.Children:
        return this.child.has(connection, bytes, start, end);
      case WatcherType.Data:
        return this.data.has(connection, bytes, start, end);
      case WatcherType.Persistent:
        return this.dataPersistent.has(connection, bytes, start, end);
      case WatcherType.PersistentRecursive:
        return this.recursive.has(connection, bytes, start, end);
      case WatcherType.Any:
        return (
          this.child.has(connection, bytes, start, end) ||
          this.childPersistent.has(connection, bytes, start, end) ||
          this.data.has(connection, bytes, start, end) ||
          this.dataPersistent.has(connection, bytes, start, end) ||
          this.recursive.has(connection, bytes, start, end)
        );
    }
  }

  /** Removes such watches (removeWatches). @returns whether there was one; false is NoWatcher */
  remove(connection: number, type: WatcherType, bytes: Uint8Array, start: number, end: number): boolean {
    const any = type === WatcherType.Any;
    let removed = false;
    if (any || type === WatcherType.Children) removed = this.child.remove(connection, bytes, start, end);
    if (any || type === WatcherType.Data) removed = this.data.remove(connection, bytes, start, end) || removed;
    if (any || type === WatcherType.Persistent) {
      removed = this.childPersistent.remove(connection, bytes, start, end) || removed;
      removed = this.dataPersistent.remove(connection, bytes, start, end) || removed;
    }
    if (any || type === WatcherType.PersistentRecursive) {
      removed = this.recursive.remove(connection, bytes, start, end) || removed;
    }
    return removed;
  }

  /** Forgets a connection, in time proportional to the watches it has. */
  removeConnection(connection: number): void {
    this.data.removeConnection(connection);
    this.dataPersistent.removeConnection(connection);
    this.recursive.removeConnection(connection);
    this.child.removeConnection(connection);
    this.childPersistent.removeConnection(connection);
  }

  /**
   * The znode at this path was created.
   * @param aclId - its ACL
   * @param parentAclId - the ACL of its parent
   */
  created(bytes: Uint8Array, start: number, end: number, aclId: number, parentAclId: number, zxid: number): void {
    this.nextChange();
    this.triggerData(EventType.NodeCreated, bytes, start, end, zxid, aclId);
    this.triggerParent(bytes, start, end, zxid, parentAclId);
  }

  /** The znode at this path was deleted. `aclId` was its ACL. */
  deleted(bytes: Uint8Array, start: number, end: number, aclId: number, parentAclId: number, zxid: number): void {
    this.nextChange();
    this.triggerData(EventType.NodeDeleted, bytes, start, end, zxid, aclId);
    this.triggerChild(EventType.NodeDeleted, bytes, start, end, zxid, aclId);
    this.triggerParent(bytes, start, end, zxid, parentAclId);
  }

  /** The data of the znode at this path was set. */
  dataChanged(bytes: Uint8Array, start: number, end: number, aclId: number, zxid: number): void {
    this.nextChange();
    this.triggerData(EventType.NodeDataChanged, bytes, start, end, zxid, aclId);
  }

  /** Data and child watches together: the metric `watch_count`. Several modes of a connection on a path count once. */
  get size(): number {
    return (
      distinctWatches([this.data, this.dataPersistent, this.recursive]) +
      distinctWatches([this.child, this.childPersistent])
    );
  }

  /** Counts of the data watches. Connections that watch nothing any more do not count, other than in Java. */
  summary(): WatchesSummary {
    const tables = [this.data, this.dataPersistent, this.recursive];
    let connections = 0;
    for (let c = nextConnection(tables, -1); c >= 0; c = nextConnection(tables, c)) connections++;
    let paths = this.data.pathCount;
    for (let i = 1; i < tables.length; i++) {
      tables[i].forEachPath((_, bytes, start, end) => {
        if (!isIn(tables, i, bytes, start, end)) paths++;
      });
    }
    return { connections, paths, watches: distinctWatches(tables) };
  }

  /** Visits each path with data watches, with the connections that have them, ascending (`wchp`). */
  forEachPath(visit: (bytes: Uint8Array, start: number, end: number, connections: number[]) => void): void {
    const tables = [this.data, this.dataPersistent, this.recursive];
    for (let i = 0; i < tables.length; i++) {
      tables[i].forEachPath((_, bytes, start, end) => {
        if (isIn(tables, i, bytes, start, end)) return;
        const connections = new Set<number>();
        for (const table of tables) {
          const path = table.find(bytes, start, end);
          if (path === NO_PATH) continue;
          for (let c = table.nextWatcher(path, -1); c >= 0; c = table.nextWatcher(path, c)) connections.add(c);
        }
        visit(
          bytes,
          start,
          end,
          [...connections].sort((a, b) => a - b),
        );
      });
    }
  }

  /** Visits each connection with data watches, ascending, with their paths, each once (`wchc`). */
  forEachConnection(
    visit: (connection: number, paths: { bytes: Uint8Array; start: number; end: number }[]) => void,
  ): void {
    const tables = [this.data, this.dataPersistent, this.recursive];
    for (let c = nextConnection(tables, -1); c >= 0; c = nextConnection(tables, c)) {
      const paths: { bytes: Uint8Array; start: number; end: number }[] = [];
      for (let i = 0; i < tables.length; i++) {
        tables[i].forEachPathOf(c, (_, bytes, start, end) => {
          for (let j = 0; j < i; j++) if (tables[j].has(c, bytes, start, end)) return;
          paths.push({ bytes, start, end });
        });
      }
      visit(c, paths);
    }
  }

  /** Memory taken from the machine. */
  get byteLength(): number {
    let sum = this.told.byteLength;
    for (const table of [this.data, this.dataPersistent, this.recursive, this.child, this.childPersistent]) {
      sum += table.byteLength;
    }
    return sum;
  }

  private triggerData(
    type: EventType,
    bytes: Uint8Array,
    start: number,
    end: number,
    zxid: number,
    aclId: number,
  ): void {
    this.fire(this.data, true, type, bytes, start, end, end, zxid, aclId);
    this.fire(this.dataPersistent, false, type, bytes, start, end, end, zxid, aclId);
    if (this.recursive.watchCount === 0) return;
    for (let watchedEnd = end; ; ) {
      this.fire(this.recursive, false, type, bytes, start, end, watchedEnd, zxid, aclId);
      if (watchedEnd <= start + 1) return;
      watchedEnd = parentEnd(bytes, start, watchedEnd);
    }
  }

  private triggerChild(
    type: EventType,
    bytes: Uint8Array,
    start: number,
    end: number,
    zxid: number,
    aclId: number,
  ): void {
    this.fire(this.child, true, type, bytes, start, end, end, zxid, aclId);
    this.fire(this.childPersistent, false, type, bytes, start, end, end, zxid, aclId);
  }

  private triggerParent(bytes: Uint8Array, start: number, end: number, zxid: number, aclId: number): void {
    this.nextChange();
    this.triggerChild(EventType.NodeChildrenChanged, bytes, start, parentEnd(bytes, start, end), zxid, aclId);
  }

  /** Tells the watchers of `bytes` up to `watchedEnd`, which is that path or above it, those that were not told yet. */
  private fire(
    table: PathWatchers,
    once: boolean,
    type: EventType,
    bytes: Uint8Array,
    start: number,
    end: number,
    watchedEnd: number,
    zxid: number,
    aclId: number,
  ): void {
    const path = table.find(bytes, start, watchedEnd);
    if (path === NO_PATH) return;
    for (let c = table.nextWatcher(path, -1); c >= 0; c = table.nextWatcher(path, c)) {
      if (this.told[c] === this.change) continue;
      this.told[c] = this.change;
      this.sink.watchEvent(c, type, bytes, start, end, zxid, aclId);
    }
    if (once) table.removePath(path);
  }

  private nextChange(): void {
    if (this.change === 0x7fffffff) {
      this.told.fill(0);
      this.change = 0;
    }
    this.change++;
  }

  private seen(connection: number): void {
    if (connection < this.told.length) return;
    const told = new Int32Array(Math.max(this.told.length * 2, connection + 1));
    told.set(this.told);
    this.told = told;
  }
}

/** Where the parent's path ends. The root is its own first byte. */
function parentEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at > start && bytes[at] !== 0x2f) at--;
  return at === start ? start + 1 : at;
}

function nextConnection(tables: PathWatchers[], after: number): number {
  let next = -1;
  for (const table of tables) {
    const candidate = table.nextConnection(after);
    if (candidate >= 0 && (next < 0 || candidate < next)) next = candidate;
  }
  return next;
}

/** Whether one of the first `count` tables knows the path. */
function isIn(tables: PathWatchers[], count: number, bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < count; i++) if (tables[i].find(bytes, start, end) !== NO_PATH) return true;
  return false;
}

function distinctWatches(tables: PathWatchers[]): number {
  let watches = tables[0].watchCount;
  for (let i = 1; i < tables.length; i++) {
    tables[i].forEachPath((path, bytes, start, end) => {
      for (let c = tables[i].nextWatcher(path, -1); c >= 0; c = tables[i].nextWatcher(path, c)) {
        let counted = false;
        for (let j = 0; j < i && !counted; j++) counted = tables[j].has(c, bytes, start, end);
        if (!counted) watches++;
      }
    });
  }
  return watches;
}
