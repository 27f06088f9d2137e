import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type FrameSink, Frames } from "../src/core/frames.js";
import { ServerList } from "../src/core/server-list.js";
import { clientPath, parseConnectString, pathProblem, serverPath, WatchQueue } from "../src/index.js";
import { watchPromise } from "./world.js";

describe("connect strings", () => {
  test.each([
    ["a", [{ host: "a", port: 2181 }], ""],
    [
      "a:1,b:2",
      [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
      "",
    ],
    [
      " a:1 , b ,",
      [
        { host: "a", port: 1 },
        { host: "b", port: 2181 },
      ],
      "",
    ],
    [
      "[::1]:5,[fe80::2]/x/y",
      [
        { host: "::1", port: 5 },
        { host: "fe80::2", port: 2181 },
      ],
      "/x/y",
    ],
    ["a:1/", [{ host: "a", port: 1 }], ""],
  ])("%s", (text, servers, chroot) => {
    expect(parseConnectString(text)).toEqual({ servers, chroot });
  });

  test.each(["", "/x", ",", "a:0", "a:65536", "a:b", "::1", "[::1", "a:1:2"])(
    "%s is refused with what is wrong",
    (text) => {
      expect(() => parseConnectString(text)).toThrow(/connect string|is not a server/);
    },
  );
});

describe("paths", () => {
  it("with a chroot and without it are each other's inverse", () => {
    fc.assert(
      fc.property(fc.constantFrom("", "/a", "/a/b"), fc.constantFrom("/", "/x", "/a", "/a/b/c"), (chroot, path) => {
        expect(clientPath(chroot, serverPath(chroot, path))).toBe(path);
        expect(pathProblem(serverPath(chroot, path), false)).toBe(null);
      }),
    );
    expect(clientPath("/a", "/ab")).toBe("/ab");
  });

  test.each([
    ["/a/", true, null],
    ["/a/", false, "a path does not end with /"],
    ["/...", false, null],
    ["/a/..", false, "a relative name at 3"],
    ["/a/.b", false, null],
    ["/\u007f", false, "a character that paths may not hold, 0x7f at 1"],
    ["/\u00a0\ud7ff\uf900\uffef", false, null],
  ])("%j, sequential %s: %s", (path, isSequential, problem) => {
    expect(pathProblem(path, isSequential)).toBe(problem);
  });
});

describe("frames", () => {
  class Sink implements FrameSink {
    readonly got: string[] = [];
    frame(bytes: Uint8Array, start: number, end: number): void {
      this.got.push(`${end - start}:${bytes[start]}:${bytes[end - 1]}`);
    }
    oversized(bytes: Uint8Array, start: number, lengthBytes: number): void {
      this.got.push(`oversized ${lengthBytes}:${bytes[start]}`);
    }
  }

  it("come out the same however the stream is cut", () => {
    const frame = fc.record({ length: fc.integer({ min: 1, max: 300 }), fill: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 90 })), (list, cuts) => {
        const expected: string[] = [];
        const stream: number[] = [];
        for (const { length, fill } of list) {
          const size = length > 200 ? length : Math.max(1, length);
          stream.push(0, 0, size >> 8, size & 255, ...new Array<number>(size).fill(fill));
          expected.push(size > 200 ? `oversized ${size}:${fill}` : `${size}:${fill}:${fill}`);
        }
        const sink = new Sink();
        const frames = new Frames(200, sink);
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts.length === 0 ? 1 : cuts[i % cuts.length];
          frames.push(Uint8Array.from(stream.slice(at, at + size)));
          at += size;
        }
        expect(sink.got).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("of a negative length end the connection", () => {
    const frames = new Frames(200, new Sink());
    expect(() => frames.push(Uint8Array.from([255, 255, 255, 255]))).toThrow("frame length");
  });
});

describe("the list of servers", () => {
  const servers = ["a", "b", "c"].map((host) => ({ host, port: 1 }));

  it("takes each once in a round, in an order of its own", () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      let x = seed / 60;
      const random = () => (x = (x * 997 + 0.377) % 1);
      const list = new ServerList(servers, 100, 2_000, random);
      const round = [list.take(), list.take(), list.take()].map(({ host }) => host);
      expect(round.slice().sort()).toEqual(["a", "b", "c"]);
      expect(list.take().host).toBe(round[0]);
      orders.add(round.join());
    }
    expect(orders.size).toBe(6);
  });

  it("waits longer after every round, with jitter, up to the limit, and begins anew after a success", () => {
    for (const random of [0, 0.5, 0.999]) {
      const list = new ServerList(servers, 100, 2_000, () => random);
      const delays: number[] = [];
      for (let i = 0; i < 24; i++) {
        list.take();
        delays.push(list.delayMs());
      }
      expect(delays[0]).toBe(100 * random);
      expect(delays[2]).toBe(100 + 100 * random);
      expect(delays[5]).toBe(200 + 200 * random);
      expect(delays.at(-1)).toBe(1_000 + 1_000 * random);
      list.succeeded();
      expect(list.delayMs()).toBe(100 * random);
    }
  });
});

describe("a queue of events", () => {
  const event = (path: string) => ({ type: "NodeCreated", path, zxid: 1n }) as const;

  it("that is not read loses its events for one Gap, and not the end of the session", async () => {
    const queue = new WatchQueue(2);
    for (const path of ["/1", "/2", "/3"]) queue.push(event(path));
    queue.push({ type: "SessionEnded", path: "/", zxid: -1n });
    queue.push(event("/4"));
    const seen: string[] = [];
    for await (const { type, path } of queue) seen.push(`${type} ${path}`);
    expect(seen).toEqual(["Gap /3", "SessionEnded /"]);
  });

  it("serves those who wait in their order, and ends for all of them", async () => {
    const queue = new WatchQueue();
    const [a, b, c] = [watchPromise(queue.next()), watchPromise(queue.next()), watchPromise(queue.next())];
    queue.push(event("/1"));
    queue.push(event("/2"));
    queue.close();
    await queue.next();
    expect([a.value?.value?.path, b.value?.value?.path, c.value?.done]).toEqual(["/1", "/2", true]);
  });
});
