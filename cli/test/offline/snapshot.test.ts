import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { JavaDates } from "../../src/offline/java-date.js";
import { inHashOrder, stringHash } from "../../src/offline/java-hash-order.js";
import { snapshot } from "../../src/offline/snapshot.js";
import { type CompareOptions, compareSnapshots } from "../../src/offline/snapshot-compare.js";
import { snapshotSizes, snapshotSummary } from "../../src/offline/snapshot-summary.js";
import { capture, jsonLines } from "./captured.js";
import { newPath, SESSION, TestDatabase } from "./database.js";

let database: TestDatabase;
let left: string;
let right: string;
beforeAll(() => {
  process.env["TZ"] = "UTC";
  database = new TestDatabase(newPath()).createSession().create("/a", "one").create("/a/b", "x".repeat(2000));
  database.create("/e", "mine", SESSION, true).snapshot("snappy");
  database.delete("/e").create("/a/c", "y".repeat(100)).set("/a/b", "", 1).snapshot("gz");
  left = join(database.snapDirectory, "snapshot.4.snappy");
  right = join(database.snapDirectory, "snapshot.7.gz");
});

describe("printing", () => {
  test("a snapshot is printed as SnapshotFormatter prints it", async () => {
    const { code, out } = await capture((terminal) => snapshot(left, { output: "text" }, terminal));
    expect(code).toBe(0);
    expect(out).toMatch(
      /^ZNode Details \(count=8\):\n----\n\/\n {2}cZxid = 0x00000000000000\n {2}ctime = Thu Jan 01 00:00:00 UTC 1970\n/,
    );
    expect(out).toContain(
      [
        "----",
        "/e",
        "  cZxid = 0x00000000000004",
        "  ctime = Sun Mar 01 12:00:03 UTC 2026",
        "  mZxid = 0x00000000000004",
        "  mtime = Sun Mar 01 12:00:03 UTC 2026",
        "  pZxid = 0x00000000000004",
        "  cversion = 0",
        "  dataVersion = 0",
        "  aclVersion = 0",
        "  ephemeralOwner = 0x0100000abc0001",
        "  dataLength = 4",
        "",
      ].join("\n"),
    );
    expect(out).toMatch(
      /----\nSession Details \(sid, timeout, ephemeralCount\):\n0x0100000abc0001, 30000, 1\n----\nLast zxid: 0x4\n$/,
    );
  });

  test("-d shows data in base64; with -json together it is refused", async () => {
    const withData = await capture((terminal) => snapshot(left, { data: true, output: "text" }, terminal));
    expect(withData.out).toContain("  data = bWluZQ==\n");
    const both = await capture((terminal) => snapshot(left, { data: true, json: true, output: "text" }, terminal));
    expect(both).toMatchObject({
      code: 2,
      err: "Cannot specify both data dump (-d) and json mode (-json) in same call\n",
    });
  });

  test("-json is what ncdu reads", async () => {
    const { out } = await capture((terminal) => snapshot(left, { json: true, output: "text" }, terminal));
    const [major, minor, program, root] = JSON.parse(out);
    expect([major, minor, program.progname]).toEqual([1, 0, "SnapshotFormatter.java"]);
    expect(root[0]).toEqual({ name: "/", asize: 0, dsize: 0, dev: 0, ino: 1001 });
    expect(JSON.stringify(root)).toContain('{"name":"b","asize":2000,"dsize":2000,');
  });

  test("-o json is one object for the file, each session and each znode", async () => {
    const { out } = await capture((terminal) => snapshot(database.dataDir, { output: "json" }, terminal));
    const lines = jsonLines(out);
    expect(lines[0]).toMatchObject({ kind: "snapshot", zxid: "0x7", znodes: 7, digest: database.digest });
    expect(lines[1]).toEqual({ kind: "session", session: "0x100000abc0001", timeoutMs: 30000, ephemerals: 0 });
    expect(lines.find(({ path }) => path === "/a/c")).toMatchObject({
      czxid: "0x6",
      acl: [{ perms: 31 }],
      children: 0,
    });
  });

  test("of a directory the newest valid snapshot is taken, and the damaged one before told", async () => {
    const other = new TestDatabase(newPath()).create("/x").snapshot().create("/y").snapshot();
    const path = join(other.snapDirectory, "snapshot.2");
    const bytes = readFileSync(path);
    bytes[200]! ^= 1;
    writeFileSync(path, bytes);
    const { code, out, err } = await capture((terminal) => snapshot(other.dataDir, { output: "text" }, terminal));
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/snapshot\.2: the snapshot is damaged or not complete: .* Trying the one before\./),
    ]);
    expect(out).toContain("Last zxid: 0x1\n");
    expect(await capture((terminal) => snapshot(path, { output: "text" }, terminal))).toMatchObject({ code: 20 });
  });
});

describe("measuring", () => {
  test("summary prints what SnapshotRecursiveSummary prints", async () => {
    const { out } = await capture((terminal) => snapshotSummary(left, "/a", 0, { output: "text" }, terminal));
    expect(out).toBe(" /a\n   children: 1\n   data: 2003\n\n");
    const top = await capture((terminal) => snapshotSummary(left, "/", 1, { output: "json" }, terminal));
    expect(jsonLines(top.out)).toEqual([
      { path: "/", level: 0, descendants: 6, bytes: 2007 },
      { path: "/a", level: 1, descendants: 1, bytes: 2003 },
      { path: "/zookeeper", level: 1, descendants: 2, bytes: 0 },
    ]);
  });

  test("sizes lists the largest subtrees first", async () => {
    const options = { path: "/", depth: 2, top: 3, output: "text" };
    const { out } = await capture((terminal) => snapshotSizes(left, options, terminal));
    expect(out.split("\n").map((line) => line.trim())).toEqual([
      "data  share     znodes  subtree",
      "2.0 KiB 100.0%          7  /",
      "2.0 KiB  99.8%          2  /a",
      "2.0 KiB  99.7%          1  /a/b",
      "",
    ]);
  });

  test("a znode that is not there is exit code 1", async () => {
    const { code, err } = await capture((terminal) => snapshotSummary(left, "/none", 0, { output: "text" }, terminal));
    expect([code, err]).toEqual([1, `${left}: there is no znode /none in this snapshot.\n`]);
  });
});

describe("comparing", () => {
  function compare(options: Partial<CompareOptions>, input: (string | null)[] = []) {
    const all = { left, right, bytes: 10, nodes: 100, output: "text", ...options };
    return capture((terminal) => compareSnapshots(all, terminal, () => input.shift() ?? null));
  }

  test("the differences are told depth by depth", async () => {
    const { code, out } = await compare({});
    expect(code).toBe(0);
    expect(out.replace(/\d\.\d{6}/g, "N").split("\n")).toEqual([
      "Successfully parsed options!",
      "Deserialized snapshot in snapshot.4.snappy in N seconds",
      "Processed data tree in N seconds",
      "Deserialized snapshot in snapshot.7.gz in N seconds",
      "Processed data tree in N seconds",
      "Node count: 7",
      "Total size: 2007",
      "Max depth: 3",
      "Count of nodes at depth 0: 1",
      "Count of nodes at depth 1: 3",
      "Count of nodes at depth 2: 3",
      "",
      "Node count: 7",
      "Total size: 103",
      "Max depth: 3",
      "Count of nodes at depth 0: 1",
      "Count of nodes at depth 1: 2",
      "Count of nodes at depth 2: 4",
      "",
      "Printing analysis for nodes difference larger than 10 bytes or node count difference larger than 100.",
      "Analysis for depth 0",
      "Node  found in both trees. Delta: -1904 bytes, 0 descendants",
      "Analysis for depth 1",
      "Node /a found in both trees. Delta: -1900 bytes, 1 descendants",
      "Analysis for depth 2",
      "Node /a/b found in both trees. Delta: -2000 bytes, 0 descendants",
      "Node /a/c found only in right tree. Descendant size: 100. Descendant count: 0",
      "All layers compared.",
      "",
    ]);
  });

  test("-o json tells the differences alone", async () => {
    const { out } = await compare({ output: "json", bytes: 3 });
    expect(jsonLines(out).find(({ path }) => path === "/e")).toEqual({
      path: "/e",
      in: "left",
      bytes: 4,
      descendants: 0,
    });
  });

  test("-i asks for depths and paths, and ends with its input", async () => {
    const { out } = await compare({ interactive: true }, ["", "/a", "/none", "7", "what", null]);
    expect(out).toContain("Current depth is 1\n- Press enter");
    expect(out).toContain("Analysis for node /a\nNode /a/b found in both trees.");
    expect(out).toContain("Path /none is neither found in left tree nor right tree.");
    expect(out).toContain("Depth must be in range [0, 2]");
    expect(out).toContain("Input what is not valid.");
  });
});

describe("as Java", () => {
  test.each([
    ["some names", "n0 n1 n2 n3 n4 n5 n6 n7 n8 n9 n10 n12 n11 n13"],
    [
      "names that meet in one bin",
      "AaAaAaAa AaAaAaBB AaAaBBAa AaAaBBBB AaBBAaAa AaBBAaBB AaBBBBAa AaBBBBBB BBAaAaAa q x y",
    ],
    ["longer names", "lock-39595ü lock-0ü lock-7919ü lock-31676ü lock-47514ü lock-15838ü lock-23757ü"],
  ])("a HashSet's order, as Java 17 has it: %s", (_, order) => {
    const names = order.split(" ").sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    expect(inHashOrder(names, names.map(stringHash), 8).join(" ")).toBe(order);
  });

  test("a HashMap's order of sessions, as Java 17 has it", () => {
    const order = "3b0004 380001 3a0003 3c0005 3e0007 390002 3d0006 370000 3f0008 43000c 400009 42000b 44000d 41000a";
    const ids = Array.from({ length: 14 }, (_, i) => 0xfb370000 + i * 0x10001);
    const hashes = ids.map((id) => 0x10000bd ^ id);
    const found = inHashOrder(ids, hashes, 16).map((id) => id.toString(16).slice(2));
    expect(found.join(" ")).toBe(order);
  });

  test("an order is a permutation", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.constantFrom(8, 16), (names, capacity) => {
        expect(inHashOrder(names, names.map(stringHash), capacity).sort()).toEqual([...names].sort());
      }),
    );
  });

  test.each([
    ["UTC", "11/2/26, 12:05:09 AM UTC", "Nov 2, 2026, 12:05:09 AM", "Mon Nov 02 00:05:09 UTC 2026"],
    ["America/New_York", "11/1/26, 7:05:09 PM EST", "Nov 1, 2026, 7:05:09 PM", "Sun Nov 01 19:05:09 EST 2026"],
    ["Europe/Berlin", "11/2/26, 1:05:09 AM CET", "Nov 2, 2026, 1:05:09 AM", "Mon Nov 02 01:05:09 CET 2026"],
    ["Asia/Kolkata", "11/2/26, 5:35:09 AM IST", "Nov 2, 2026, 5:35:09 AM", "Mon Nov 02 05:35:09 IST 2026"],
  ])("dates in %s", (zone, shortLong, medium, full) => {
    const dates = new JavaDates(zone);
    const ms = Date.UTC(2026, 10, 2, 0, 5, 9, 7);
    expect([dates.shortLong(ms), dates.medium(ms), dates.full(ms)]).toEqual([shortLong, medium, full]);
  });

  test("a time that no calendar has is shown as it is", () => {
    expect(new JavaDates("UTC").full(2 ** 53 - 1)).toBe("9007199254740991 ms");
  });
});
