import { describe, expect, test } from "vitest";
import { DataTree } from "../../src/core/tree/data-tree.js";
import type { QuotaBreach } from "../../src/core/tree/quotas.js";
import { StatsTrack } from "../../src/core/tree/stats-track.js";
import { dataOf, load, OPTIONS, rowOf, serialize } from "./inspect.js";
import { type Change, encode } from "./txns.js";

class Server {
  data = new DataTree(OPTIONS);
  private zxid = 0;

  apply(change: Change): void {
    const bytes = encode({ session: 1, zxid: ++this.zxid, time: 1, change });
    this.data.apply(bytes, 0, bytes.length, null);
  }
  create(path: string, data: string | null = null): void {
    this.apply({ type: "create", path, data, acl: 0, isEphemeral: false, parentCversion: -1, ttlMs: 1 });
  }
  setData(path: string, data: string): void {
    this.apply({ type: "setData", path, data, version: 1 });
  }
  delete(path: string): void {
    this.apply({ type: "delete", path });
  }
  quota(path: string, limits: string): void {
    this.create(`/zookeeper/quota${path}`);
    this.create(`/zookeeper/quota${path}/zookeeper_limits`, limits);
    this.create(`/zookeeper/quota${path}/zookeeper_stats`, "count=0,bytes=0");
  }
  stats(path: string): string | null {
    return dataOf(this.data, rowOf(this.data, `/zookeeper/quota${path}/zookeeper_stats`));
  }
  check(path: string, byteGrowth: number, countGrowth: number): QuotaBreach[] {
    const bytes = new TextEncoder().encode(path);
    return this.data.checkQuota(bytes, 0, bytes.length, byteGrowth, countGrowth);
  }
}

function serverWithQuota(limits: string): Server {
  const server = new Server();
  server.create("/a", "12345");
  server.create("/a/b", "123");
  server.quota("/a", limits);
  return server;
}

describe("zookeeper_stats", () => {
  test("starts with what the subtree holds and follows create, setData and delete, the quota's own znode included", () => {
    const server = serverWithQuota("count=9,bytes=99");
    expect(server.stats("/a")).toBe("count=2,bytes=8");
    server.create("/a/c", "1234567");
    expect(server.stats("/a")).toBe("count=3,bytes=15");
    server.setData("/a/c", "1");
    expect(server.stats("/a")).toBe("count=3,bytes=9");
    server.delete("/a/b");
    server.setData("/a", "");
    expect(server.stats("/a")).toBe("count=2,bytes=1");
  });

  test("does not follow a neighbour whose name only begins alike", () => {
    const server = serverWithQuota("count=9,bytes=99");
    server.create("/ab", "123");
    expect(server.stats("/a")).toBe("count=2,bytes=8");
  });

  test("the longest quota takes a change; the one above it does not", () => {
    const server = serverWithQuota("count=9,bytes=99");
    server.quota("/a/b", "count=9,bytes=99");
    server.create("/a/b/c", "1");
    expect(server.stats("/a/b")).toBe("count=2,bytes=4");
    expect(server.stats("/a")).toBe("count=2,bytes=8");
  });

  test("stays as it is after its limits are deleted", () => {
    const server = serverWithQuota("count=9,bytes=99");
    server.delete("/zookeeper/quota/a/zookeeper_limits");
    server.create("/a/c", "1234567");
    expect(server.stats("/a")).toBe("count=2,bytes=8");
  });

  test("is counted anew when a snapshot is loaded, and followed from there", () => {
    const server = serverWithQuota("count=9,bytes=99");
    server.setData("/zookeeper/quota/a/zookeeper_stats", "count=700,bytes=700");
    server.data = load(serialize(server.data.freeze()));
    expect(server.stats("/a")).toBe("count=2,bytes=8");
    server.create("/a/c", "1");
    expect(server.stats("/a")).toBe("count=3,bytes=9");
  });

  test("a text that no one can read is left alone", () => {
    const server = serverWithQuota("count=9,bytes=99");
    server.setData("/zookeeper/quota/a/zookeeper_stats", "what?");
    server.create("/a/c", "1");
    expect(server.stats("/a")).toBe("what?");
  });

  test("limits and statistics directly under /zookeeper/quota or /zookeeper belong to no path and do no harm", () => {
    const server = new Server();
    for (const parent of ["/zookeeper", "/zookeeper/quota"]) {
      server.create(`${parent}/zookeeper_limits`, "count=1,bytes=1");
      server.delete(`${parent}/zookeeper_limits`);
    }
    server.create("/zookeeper/quota/zookeeper_stats", "");
    expect(server.stats("")).toBe("count=5,bytes=0");
  });

  test("has no version, no zxid and no digest of its own", () => {
    const server = serverWithQuota("count=9,bytes=99");
    const row = rowOf(server.data, "/zookeeper/quota/a/zookeeper_stats");
    const before = [server.data.tree.version(row), server.data.tree.mzxid(row), server.data.tree.digest(row)];
    server.create("/a/c", "1");
    expect([server.data.tree.version(row), server.data.tree.mzxid(row), server.data.tree.digest(row)]).toEqual(before);
  });
});

describe("limits", () => {
  test("a soft limit is told as soft, a hard one as hard, and a hard count hides what the bytes would say", () => {
    const soft = serverWithQuota("count=2,bytes=8");
    expect(soft.check("/a/c", 1, 1)).toEqual([
      { path: "/a", of: "count", isHard: false, current: 3, limit: 2 },
      { path: "/a", of: "bytes", isHard: false, current: 9, limit: 8 },
    ]);
    const hard = serverWithQuota("count=-1,bytes=-1=;byteHardLimit=8;countHardLimit=2");
    expect(hard.check("/a/c", 1, 1)).toEqual([{ path: "/a", of: "count", isHard: true, current: 3, limit: 2 }]);
    expect(hard.check("/a/b", 1, 0)).toEqual([{ path: "/a", of: "bytes", isHard: true, current: 9, limit: 8 }]);
  });

  test("a change that stays within the limits, or outside of the quota, exceeds nothing", () => {
    const server = serverWithQuota("count=3,bytes=9");
    expect(server.check("/a/c", 1, 1)).toEqual([]);
    expect(server.check("/b", 100, 1)).toEqual([]);
    expect(server.check("/a/b", 0, 0)).toEqual([]);
  });
});

describe("the text of limits and statistics", () => {
  test.each([
    ["", "count=-1,bytes=-1"],
    ["count=5,bytes=10", "count=5,bytes=10"],
    ["bytes=10;count=+5", "count=5,bytes=10"],
    ["count=1,bytes=2=;byteHardLimit=3;countHardLimit=4", "count=1,bytes=2=;byteHardLimit=3;countHardLimit=4"],
    ["countHardLimit=4,,b==", null],
    ["count=1,x=7,a=8,", "count=1,bytes=-1=;a=8;x=7"],
    ["count==5", "count=-1,bytes=-1"],
    ["count=", null],
    ["count", null],
    ["count=five", null],
    [",count=1", null],
  ])("%j is read as %j", (text, expected) => {
    expect(StatsTrack.parse(text)?.toString() ?? null).toBe(expected);
  });
});
