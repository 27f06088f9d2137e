import { rmSync } from "node:fs";
import { join } from "node:path";
import { CreateTxn, DeleteTxn, ErrorTxn, Long, SetDataTxn } from "@quoll/jute";
import { OpCode } from "@quoll/server/storage";
import { beforeAll, describe, expect, test } from "vitest";
import { type DiffOptions, diff } from "../../src/offline/diff.js";
import { type HistoryOptions, history } from "../../src/offline/history.js";
import { capture, jsonLines } from "./captured.js";
import { newPath, OPEN, part, TestDatabase } from "./database.js";

const OTHER = new Long(0x20000, 2);

function runHistory(path: string, place: string, options: Partial<HistoryOptions> = {}) {
  return capture((terminal) => history(path, place, { output: "text", ...options }, terminal));
}

function runDiff(from: string, to: string, place: string, options: Partial<DiffOptions> = {}) {
  return capture((terminal) => diff(from, to, place, { output: "text", path: "/", ...options }, terminal));
}

function sample(): TestDatabase {
  const read = [{ perms: 1, id: { scheme: "world", id: "anyone" } }];
  return new TestDatabase(newPath())
    .createSession()
    .create("/a", "one")
    .set("/a", "two\nlines", 1)
    .snapshot()
    .roll()
    .create("/a/e", "mine", OTHER, true)
    .setAcl("/a", read, 1)
    .multi(
      part(OpCode.setData, SetDataTxn, { path: "/a", data: Buffer.from([0, 255]), version: 2 }),
      part(OpCode.create, CreateTxn, { path: "/m", data: null, acl: OPEN, ephemeral: false, parentCVersion: -1 }),
    )
    .multi(part(OpCode.delete, DeleteTxn, { path: "/a" }), part(OpCode.error, ErrorTxn, { err: -101 }))
    .closeSession(["/a/e"], OTHER)
    .snapshot()
    .roll()
    .delete("/a")
    .create("/a", "two\nlines")
    .setAcl("/a", read, 1)
    .close();
}

let database: TestDatabase;
beforeAll(() => {
  database = sample();
});

describe("history", () => {
  test("tells each change with its value before and after, multis and closing sessions among them", async () => {
    const { code, out } = await runHistory("/a", database.dataDir);
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "2026-03-01T12:00:01.000Z  zxid 0x2  session 0x100000abc0001  create /a",
      '  + "one"',
      "2026-03-01T12:00:02.000Z  zxid 0x3  session 0x100000abc0001  setData /a  version 1",
      '  - "one"',
      '  + "two\\nlines"',
      "2026-03-01T12:00:04.000Z  zxid 0x5  session 0x100000abc0001  setACL /a  version 1",
      "  - acl world:anyone:cdrwa",
      "  + acl world:anyone:r",
      "2026-03-01T12:00:05.000Z  zxid 0x6  session 0x100000abc0001  setData /a  version 2",
      '  - "two\\nlines"',
      "  + base64 AP8=",
      "2026-03-01T12:00:08.000Z  zxid 0x9  session 0x100000abc0001  delete /a",
      "  - base64 AP8=",
      "2026-03-01T12:00:09.000Z  zxid 0xa  session 0x100000abc0001  create /a",
      '  + "two\\nlines"',
      "2026-03-01T12:00:10.000Z  zxid 0xb  session 0x100000abc0001  setACL /a  version 1",
      "  - acl world:anyone:cdrwa",
      "  + acl world:anyone:r",
      "",
    ]);
  });

  test("a subtree, in JSON, within a range of times", async () => {
    const { out } = await runHistory("/a", database.dataDir, {
      recursive: true,
      output: "json",
      since: "2026-03-01T12:00:03Z",
      until: "2026-03-01T12:00:07Z",
    });
    expect(jsonLines(out)).toMatchObject([
      { zxid: "0x4", path: "/a/e", before: null, after: { data: "mine", ephemeralOwner: "0x2000000000002" } },
      { zxid: "0x5", type: "setACL", before: { acl: [{ perms: 31 }] }, after: { acl: [{ perms: 1 }] } },
      { zxid: "0x6", before: { data: "two\nlines" }, after: { dataBase64: "AP8=" } },
      { zxid: "0x8", type: "closeSession", path: "/a/e", before: { data: "mine" }, after: null },
    ]);
  });

  test("without the first log, the old value comes from the snapshot", async () => {
    const later = sample();
    rmSync(join(later.logDirectory, "log.1"));
    const { out } = await runHistory("/a", later.dataDir, { output: "json" });
    expect(jsonLines(out).slice(0, 2)).toMatchObject([
      { zxid: "0x5", before: { acl: [{ perms: 31 }] } },
      { zxid: "0x6", before: { data: "two\nlines" } },
    ]);
  });

  test("what neither log nor snapshot tells is unknown, and a gap is told", async () => {
    const gap = sample();
    rmSync(join(gap.logDirectory, "log.4"));
    for (const name of ["snapshot.0", "snapshot.3", "snapshot.8"]) rmSync(join(gap.snapDirectory, name));
    const { out } = await runHistory("/a", gap.dataDir);
    expect(out).toContain(
      "(the logs have no txns between 0x3 and 0x9)\n" +
        "2026-03-01T12:00:08.000Z  zxid 0x9  session 0x100000abc0001  delete /a\n  - (unknown)\n",
    );
  });

  test("a path that never changed is exit code 1", async () => {
    expect(await runHistory("/nobody", database.dataDir)).toMatchObject({ code: 1, out: "" });
  });
});

describe("diff", () => {
  test("tells what was added, removed and changed", async () => {
    const { code, out } = await runDiff("0x2", "0x6", database.dataDir);
    expect(code).toBe(1);
    expect(out).toBe(
      [
        "~ /a",
        '    - "one"',
        "    + base64 AP8=",
        "    - acl world:anyone:cdrwa",
        "    + acl world:anyone:r",
        '+ /a/e  "mine"',
        "+ /m  (null)",
        "3 znodes differ between 0x2 and 0x6",
        "",
      ].join("\n"),
    );
  });

  test("what came and went in between is no difference, nor is a znode that was created anew with the same contents", async () => {
    expect(await runDiff("0x3", "now", database.dataDir, { path: "/a/e" })).toMatchObject({ code: 0 });
    expect(await runDiff("5", "11", database.dataDir)).toMatchObject({
      code: 1,
      out: '- /a/e  "mine"\n+ /m  (null)\n2 znodes differ between 0x5 and 0xb\n',
    });
  });

  test("the znodes that a closing session takes along are removed, named or not", async () => {
    const { out } = await runDiff("0x7", "0x8", database.dataDir, { output: "json" });
    expect(jsonLines(out)).toMatchObject([{ kind: "removed", path: "/a/e", before: { data: "mine" }, after: null }]);
  });

  test("times instead of zxids", async () => {
    const options = { times: true };
    expect(await runDiff("2026-03-01T12:00:01Z", "2026-03-01T12:00:02Z", database.dataDir, options)).toMatchObject({
      code: 1,
      out: '~ /a\n    - "one"\n    + "two\\nlines"\n1 znodes differ between 0x2 and 0x3\n',
    });
  });

  test.each([
    ["0x3", "0x2", 2, "is before"],
    ["0x2", "0x55", 0, ""],
    ["0x100", "0x200", 3, "zxid 0x100 is not covered. What is:\n  0x0 to 0xb"],
  ])("from %s to %s", async (from, to, code, text) => {
    const result = await runDiff(from, to, database.dataDir, { path: "/nobody" });
    expect(result.code).toBe(code);
    expect(result.err).toContain(text);
  });
});
