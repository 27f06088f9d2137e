import { decodeUtf8 } from "@quoll/jute";
import { describe, expect, test } from "vitest";
import { AddWatchMode, addWatchMode, EventType, WatcherType, watcherType } from "../../src/core/watch/event.js";
import { WatchTable } from "../../src/core/watch/watch-table.js";
import { PathBytes, seededRandom } from "./paths.js";

const ACL = 5;
const PARENT_ACL = 6;

/** A table, with paths as text, that collects `connection type path zxid acl`. */
class Scene {
  readonly events: string[] = [];
  readonly table = new WatchTable(seededRandom(1), {
    watchEvent: (connection, type, bytes, start, end, zxid, aclId) =>
      void this.events.push(`${connection} ${type} ${decodeUtf8(bytes, start, end)} ${zxid} ${aclId}`),
  });

  data(connection: number, path: string): this {
    const { bytes, start, end } = new PathBytes(path);
    this.table.addDataWatch(connection, bytes, start, end);
    return this;
  }
  child(connection: number, path: string): this {
    const { bytes, start, end } = new PathBytes(path);
    this.table.addChildWatch(connection, bytes, start, end);
    return this;
  }
  add(connection: number, mode: AddWatchMode, path: string): this {
    const { bytes, start, end } = new PathBytes(path);
    this.table.addWatch(connection, mode, bytes, start, end);
    return this;
  }
  remove(connection: number, type: WatcherType, path: string): boolean {
    const { bytes, start, end } = new PathBytes(path);
    return this.table.remove(connection, type, bytes, start, end);
  }
  created(path: string, zxid: number): string[] {
    const { bytes, start, end } = new PathBytes(path);
    this.table.created(bytes, start, end, ACL, PARENT_ACL, zxid);
    return this.events.splice(0);
  }
  deleted(path: string, zxid: number): string[] {
    const { bytes, start, end } = new PathBytes(path);
    this.table.deleted(bytes, start, end, ACL, PARENT_ACL, zxid);
    return this.events.splice(0);
  }
  dataChanged(path: string, zxid: number): string[] {
    const { bytes, start, end } = new PathBytes(path);
    this.table.dataChanged(bytes, start, end, ACL, zxid);
    return this.events.splice(0);
  }
}

describe("watch table", () => {
  test("a created znode fires its exists watches with its own ACL and the parent's child watches with the parent's", () => {
    const scene = new Scene().data(1, "/a/b").data(0, "/a/b").child(2, "/a").child(1, "/a").data(3, "/a");
    expect(scene.created("/a/b", 9)).toEqual(["0 1 /a/b 9 5", "1 1 /a/b 9 5", "1 4 /a 9 6", "2 4 /a 9 6"]);
    expect(scene.created("/a/b", 10)).toEqual([]);
    expect(scene.table.size).toBe(1);
  });

  test("a child of the root fires the root's child watches", () => {
    const scene = new Scene().child(1, "/").child(2, "/a");
    expect(scene.created("/a", 1)).toEqual(["1 4 / 1 6"]);
  });

  test("a connection with data and child watch on a deleted znode hears of it once, and loses both", () => {
    const scene = new Scene().data(1, "/a").child(1, "/a").child(2, "/a").child(1, "/");
    expect(scene.deleted("/a", 3)).toEqual(["1 2 /a 3 5", "2 2 /a 3 5", "1 4 / 3 6"]);
    expect(scene.table.size).toBe(0);
  });

  test("a recursive watch fires for what is below it, stays, and never hears of children", () => {
    const scene = new Scene().add(1, AddWatchMode.persistentRecursive, "/a");
    expect(scene.created("/a", 1)).toEqual(["1 1 /a 1 5"]);
    expect(scene.created("/a/b", 2)).toEqual(["1 1 /a/b 2 5"]);
    expect(scene.dataChanged("/a/b/c", 3)).toEqual(["1 3 /a/b/c 3 5"]);
    expect(scene.deleted("/a/b", 4)).toEqual(["1 2 /a/b 4 5"]);
    expect(scene.dataChanged("/ab", 5)).toEqual([]);
  });

  test("a recursive watch on the root fires for everything", () => {
    const scene = new Scene().add(1, AddWatchMode.persistentRecursive, "/");
    expect(scene.dataChanged("/", 1)).toEqual(["1 3 / 1 5"]);
    expect(scene.dataChanged("/x", 2)).toEqual(["1 3 /x 2 5"]);
    expect(scene.deleted("/x/y/z", 3)).toEqual(["1 2 /x/y/z 3 5"]);
  });

  test("a persistent watch fires for data and children again and again", () => {
    const scene = new Scene().add(1, AddWatchMode.persistent, "/a");
    expect(scene.created("/a", 1)).toEqual(["1 1 /a 1 5"]);
    expect(scene.created("/a/b", 2)).toEqual(["1 4 /a 2 6"]);
    expect(scene.dataChanged("/a", 3)).toEqual(["1 3 /a 3 5"]);
    expect(scene.deleted("/a/b", 4)).toEqual(["1 4 /a 4 6"]);
    expect(scene.deleted("/a", 5)).toEqual(["1 2 /a 5 5"]);
    expect(scene.created("/a", 6)).toEqual(["1 1 /a 6 5"]);
  });

  test("modes on one path do not replace each other: one event, and only the one-shot watch goes (ZOOKEEPER-4466)", () => {
    const scene = new Scene()
      .data(1, "/a")
      .add(1, AddWatchMode.persistent, "/a")
      .add(1, AddWatchMode.persistentRecursive, "/a");
    expect(scene.dataChanged("/a", 1)).toEqual(["1 3 /a 1 5"]);
    expect(scene.remove(1, WatcherType.Data, "/a")).toBe(false);
    expect(scene.remove(1, WatcherType.Persistent, "/a")).toBe(true);
    expect(scene.dataChanged("/a/b", 2)).toEqual(["1 3 /a/b 2 5"]);
    expect(scene.remove(1, WatcherType.PersistentRecursive, "/a")).toBe(true);
    expect(scene.remove(1, WatcherType.Any, "/a")).toBe(false);
    expect(scene.table.size).toBe(0);
  });

  test("a slot number that is used again has none of the watches of the connection before", () => {
    const scene = new Scene().data(1, "/a").child(1, "/a").add(1, AddWatchMode.persistent, "/b");
    scene.add(1, AddWatchMode.persistentRecursive, "/c").data(2, "/a");
    scene.table.removeConnection(1);
    scene.data(1, "/d");
    expect(scene.dataChanged("/a", 1)).toEqual(["2 3 /a 1 5"]);
    expect([...scene.dataChanged("/b", 2), ...scene.dataChanged("/c/c", 3)]).toEqual([]);
    expect(scene.dataChanged("/d", 4)).toEqual(["1 3 /d 4 5"]);
  });

  test("paths are bytes: what is not ASCII is told from its neighbours", () => {
    const scene = new Scene().data(1, "/ä").data(2, "/å");
    expect(scene.dataChanged("/å", 1)).toEqual(["2 3 /å 1 5"]);
  });

  test("summary and lists are those of the data watches, as in Java, with modes and kinds counted once", () => {
    const scene = new Scene()
      .data(1, "/a")
      .data(2, "/a")
      .child(3, "/only-children")
      .add(1, AddWatchMode.persistent, "/a");
    scene.add(1, AddWatchMode.persistentRecursive, "/r");
    expect(scene.table.summary()).toEqual({ connections: 2, paths: 2, watches: 3 });
    expect(scene.table.size).toBe(5);
    const byPath: [string, number[]][] = [];
    scene.table.forEachPath((bytes, start, end, list) => byPath.push([decodeUtf8(bytes, start, end), list]));
    expect(byPath).toEqual([
      ["/a", [1, 2]],
      ["/r", [1]],
    ]);
    const byConnection: [number, string[]][] = [];
    scene.table.forEachConnection((c, paths) =>
      byConnection.push([c, paths.map(({ bytes, start, end }) => decodeUtf8(bytes, start, end))]),
    );
    expect(byConnection).toEqual([
      [1, ["/a", "/r"]],
      [2, ["/a"]],
    ]);
  });

  test("a watch takes at most 8 bytes when 100 connections watch the same 10,000 paths, until all fire", () => {
    let events = 0;
    const table = new WatchTable(seededRandom(1), { watchEvent: () => void events++ });
    const paths = Array.from({ length: 10_000 }, (_, i) => new PathBytes(`/brokers/topics/topic-${i}`));
    for (let c = 0; c < 100; c++) for (const { bytes, start, end } of paths) table.addDataWatch(c, bytes, start, end);
    expect(table.size).toBe(1_000_000);
    expect(table.byteLength / 1_000_000).toBeLessThanOrEqual(8);
    for (const { bytes, start, end } of paths) table.dataChanged(bytes, start, end, ACL, 1);
    expect(events).toBe(1_000_000);
    expect(table.size).toBe(0);
  });

  test("a watch takes at most 48 bytes when each is on a path of its own", () => {
    const table = new WatchTable(seededRandom(1), { watchEvent: () => {} });
    for (let i = 0; i < 200_000; i++) {
      const { bytes, start, end } = new PathBytes(`/services/node-${i}`);
      table.addDataWatch(i % 1000, bytes, start, end);
    }
    expect(table.byteLength / 200_000).toBeLessThanOrEqual(48);
  });

  test("numbers that are no watcher type or mode are told apart", () => {
    expect([0, 1, 5, 6, -1].map(watcherType)).toEqual([null, 1, 5, null, null]);
    expect([-1, 0, 1, 2].map(addWatchMode)).toEqual([null, 0, 1, null]);
    expect(EventType.NodeChildrenChanged).toBe(4);
  });
});
