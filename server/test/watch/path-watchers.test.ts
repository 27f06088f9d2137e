import { decodeUtf8 } from "@quoll/jute";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_PATH, PathWatchers } from "../../src/core/watch/path-watchers.js";
import { PathBytes } from "./paths.js";

/** The same relation, kept as plainly as possible. */
class Twin {
  readonly watchers = new Map<string, Set<number>>();

  add(connection: number, path: string): boolean {
    const set = this.watchers.get(path) ?? new Set();
    this.watchers.set(path, set);
    if (set.has(connection)) return false;
    set.add(connection);
    return true;
  }

  remove(connection: number, path: string): boolean {
    const set = this.watchers.get(path);
    if (!set?.delete(connection)) return false;
    if (set.size === 0) this.watchers.delete(path);
    return true;
  }

  removeConnection(connection: number): void {
    for (const path of [...this.watchers.keys()]) this.remove(connection, path);
  }

  pathsOf(connection: number): string[] {
    return [...this.watchers].filter(([, set]) => set.has(connection)).map(([path]) => path);
  }
}

function contents(watchers: PathWatchers): [string, number[]][] {
  const list: [string, number[]][] = [];
  watchers.forEachPath((path, bytes, start, end) => {
    const connections: number[] = [];
    for (let c = watchers.nextWatcher(path, -1); c >= 0; c = watchers.nextWatcher(path, c)) connections.push(c);
    list.push([decodeUtf8(bytes, start, end), connections]);
  });
  return list.sort(([a], [b]) => (a < b ? -1 : 1));
}

function pathsOf(watchers: PathWatchers, connection: number): string[] {
  const paths: string[] = [];
  watchers.forEachPathOf(connection, (_, bytes, start, end) => paths.push(decodeUtf8(bytes, start, end)));
  return paths;
}

describe("path watchers", () => {
  test("equal a map of sets after any sequence of changes", () => {
    const path = fc.oneof(
      fc.nat(5).map((i) => `/${i}`),
      fc.nat(300).map((i) => `/node/${i}`),
      fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 2000 })).map(([i, length]) => `/${i}`.padEnd(length, "x")),
    );
    const step = fc.tuple(fc.nat(9), fc.oneof(fc.nat(4), fc.nat(100)), path);
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 600 }), (seed, steps) => {
        const watchers = new PathWatchers(seed);
        const twin = new Twin();
        for (const [kind, connection, name] of steps) {
          const { bytes, start, end } = new PathBytes(name);
          if (kind < 6) {
            expect(watchers.add(connection, bytes, start, end)).toBe(twin.add(connection, name));
          } else if (kind < 7) {
            expect(watchers.remove(connection, bytes, start, end)).toBe(twin.remove(connection, name));
          } else if (kind < 9) {
            const found = watchers.find(bytes, start, end);
            expect(found !== NO_PATH).toBe(twin.watchers.has(name));
            if (found !== NO_PATH) watchers.removePath(found);
            twin.watchers.delete(name);
          } else {
            watchers.removeConnection(connection);
            twin.removeConnection(connection);
          }
          expect(watchers.has(connection, bytes, start, end)).toBe(twin.watchers.get(name)?.has(connection) ?? false);
        }
        const expected = [...twin.watchers].map(([p, set]): [string, number[]] => [p, [...set].sort((a, b) => a - b)]);
        expect(contents(watchers)).toEqual(expected.sort(([a], [b]) => (a < b ? -1 : 1)));
        expect(watchers.pathCount).toBe(twin.watchers.size);
        expect(watchers.watchCount).toBe(expected.reduce((sum, [, set]) => sum + set.length, 0));
        const connections = new Set(expected.flatMap(([, set]) => set));
        expect(watchers.connectionCount).toBe(connections.size);
        for (const c of connections) expect(pathsOf(watchers, c).sort()).toEqual(twin.pathsOf(c).sort());
      }),
    );
  });

  test("a path longer than a chunk of memory is kept as any other", () => {
    const watchers = new PathWatchers(1);
    const long = new PathBytes(`/${"x".repeat(1_000_000)}`);
    const longer = new PathBytes(`/${"x".repeat(1_000_001)}`);
    watchers.add(1, long.bytes, long.start, long.end);
    expect(watchers.has(1, long.bytes, long.start, long.end)).toBe(true);
    expect(watchers.has(1, longer.bytes, longer.start, longer.end)).toBe(false);
    expect(pathsOf(watchers, 1)).toHaveLength(1);
  });

  test("a million one-shot watches that fire and are set again take no more memory than the first", () => {
    const watchers = new PathWatchers(1);
    const { bytes, start, end } = new PathBytes("/config");
    watchers.add(7, bytes, start, end);
    const before = watchers.byteLength;
    for (let i = 0; i < 1_000_000; i++) {
      watchers.removePath(watchers.find(bytes, start, end));
      watchers.add(7, bytes, start, end);
    }
    expect(watchers.byteLength).toBe(before);
    expect(pathsOf(watchers, 7)).toEqual(["/config"]);
  });

  test("memory stays flat over a million connections that come, watch and go", () => {
    const watchers = new PathWatchers(1);
    const shared = new PathBytes("/shared");
    const own = Array.from({ length: 1000 }, (_, i) => new PathBytes(`/own/${i}`));
    let before = 0;
    for (let i = 0; i < 1_000_000; i++) {
      const slot = i % 1000;
      watchers.removeConnection(slot);
      watchers.add(slot, shared.bytes, shared.start, shared.end);
      const { bytes, start, end } = own[(i * 7) % 1000];
      watchers.add(slot, bytes, start, end);
      if (i === 10_000) before = watchers.byteLength;
    }
    expect(watchers.byteLength).toBe(before);
    expect(watchers.watchCount).toBe(2000);
  });

  test("after most of 300,000 paths are gone, most of the memory is, and what is left is intact", () => {
    const watchers = new PathWatchers(1);
    const paths = Array.from({ length: 300_000 }, (_, i) => new PathBytes(`/services/instance-${i}`));
    paths.forEach(({ bytes, start, end }, i) => void watchers.add(i % 50, bytes, start, end));
    const full = watchers.byteLength;
    for (let c = 1; c < 50; c++) watchers.removeConnection(c);
    expect(watchers.byteLength).toBeLessThan(full / 10);
    expect(watchers.pathCount).toBe(6000);
    for (let i = 0; i < paths.length; i += 50) {
      const { bytes, start, end } = paths[i];
      if (!watchers.has(0, bytes, start, end)) expect.fail(`lost path ${i}`);
    }
  });
});
