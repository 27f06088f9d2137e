import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CheckVersionTxn, CreateTxn, DeleteTxn, ErrorTxn, Long, SetDataTxn } from "@quoll/jute";
import { NodeDisk, OpCode, TxnLogReader } from "@quoll/server/storage";
import { beforeAll, describe, expect, test } from "vitest";
import { type TxnLogOptions, txnlog } from "../../src/offline/txnlog.js";
import { capture, jsonLines } from "./captured.js";
import { newPath, OPEN, part, TestDatabase } from "./database.js";

const OTHER = new Long(0x20000, 2);
let database: TestDatabase;
let log: string;

beforeAll(() => {
  process.env["TZ"] = "UTC";
  database = new TestDatabase(newPath())
    .createSession()
    .create("/a", "one")
    .create("/a/b,}", null)
    .create("/e", "x\n", OTHER, true)
    .set("/a", "zwei ü", 1)
    .setAcl("/a", [{ perms: 1, id: { scheme: "ip", id: "10.0.0.1" } }, ...OPEN], 1)
    .multi(
      part(OpCode.create, CreateTxn, { path: "/m", data: null, acl: OPEN, ephemeral: false, parentCVersion: 3 }),
      part(OpCode.check, CheckVersionTxn, { path: "/a", version: 1 }),
      part(OpCode.setData, SetDataTxn, { path: "/a", data: Buffer.from("3"), version: 2 }),
    )
    .multi(part(OpCode.delete, DeleteTxn, { path: "/none" }), part(OpCode.error, ErrorTxn, { err: -101 }))
    .delete("/a/b,}")
    .error(-110)
    .closeSession(["/e"], OTHER)
    .close()
    .create("/later", "")
    .close();
  log = join(database.logDirectory, "log.1");
});

function run(place: string, options: Partial<TxnLogOptions> = {}) {
  return capture((terminal) => txnlog(place, { output: "text", ...options }, terminal));
}

/** A copy of the log with one byte of the entry changed that has this zxid. */
function spoilt(zxid: number, place: "checksum" | "payload" | "end"): string {
  const disk = new NodeDisk();
  const reader = TxnLogReader.open(disk, log)!;
  while (reader.next() && reader.zxid !== zxid);
  const size = reader.payloadEnd - reader.payloadStart;
  const offset = reader.offset + { checksum: 7, payload: 12 + size - 1, end: 12 + size }[place];
  reader.close();
  const path = `${newPath()}.log`;
  const bytes = readFileSync(log);
  bytes[offset]! ^= 0x55;
  writeFileSync(path, bytes);
  return path;
}

describe("printing", () => {
  test("a log is printed as TxnLogToolkit prints it", async () => {
    const { code, out } = await run(log);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "ZooKeeper Transactional Log File with dbid 0 txnlog format version 2",
        "3/1/26, 12:00:00 PM UTC session 0x100000abc0001 cxid 0x1 zxid 0x1 createSession 30000",
        "3/1/26, 12:00:01 PM UTC session 0x100000abc0001 cxid 0x2 zxid 0x2 create /a,one,[31,s{'world,'anyone}",
        "],false,-1",
        "3/1/26, 12:00:02 PM UTC session 0x100000abc0001 cxid 0x3 zxid 0x3 create /a/b,},,[31,s{'world,'anyone}",
        "],false,-1",
        "3/1/26, 12:00:03 PM UTC session 0x2000000000002 cxid 0x4 zxid 0x4 create /e,x",
        ",[31,s{'world,'anyone}",
        "],true,-1",
        "3/1/26, 12:00:04 PM UTC session 0x100000abc0001 cxid 0x5 zxid 0x5 setData /a,zwei ü,1",
        "3/1/26, 12:00:05 PM UTC session 0x100000abc0001 cxid 0x6 zxid 0x6 setACL '/a,v{s{1,s{'ip,'10.0.0.1}},s{31,s{'world,'anyone}}},1",
        "3/1/26, 12:00:06 PM UTC session 0x100000abc0001 cxid 0x7 zxid 0x7 multi create:\0\0\0\x02/m\ufffd\ufffd\ufffd\ufffd\0\0\0\x01\0\0\0\x1f\0\0\0\x05world\0\0\0\x06anyone\0\0\0\0\x03;check:\0\0\0\x02/a\0\0\0\x01;setData:\0\0\0\x02/a\0\0\0\x013\0\0\0\x02",
        "3/1/26, 12:00:07 PM UTC session 0x100000abc0001 cxid 0x8 zxid 0x8 multi delete:\0\0\0\x05/none;error:\ufffd\ufffd\ufffd\ufffd",
        "3/1/26, 12:00:08 PM UTC session 0x100000abc0001 cxid 0x9 zxid 0x9 delete '/a/b%2C%7D",
        "3/1/26, 12:00:09 PM UTC session 0x100000abc0001 cxid 0xa zxid 0xa error -110",
        "3/1/26, 12:00:10 PM UTC session 0x2000000000002 cxid 0xb zxid 0xb closeSession v{'/e}",
        "EOF reached after 11 txns.",
        "",
      ].join("\n"),
    );
  });

  test("a data directory and a zoo.cfg stand for all logs, in order", async () => {
    const cfg = `${newPath()}.cfg`;
    writeFileSync(cfg, `# mine\ndataDir=${database.dataDir}\nclientPort=nonsense\n`);
    for (const place of [database.dataDir, database.logDirectory, cfg]) {
      const { out } = await run(place, { output: "json" });
      expect(jsonLines(out).map(({ zxid }) => zxid)).toEqual(
        ["1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c"].map((digit) => `0x${digit}`),
      );
    }
  });

  test("JSON lines have every field, text as text and other bytes in base64", async () => {
    const { out } = await run(log, { output: "json" });
    const lines = jsonLines(out);
    expect(lines[1]).toMatchObject({
      time: "2026-03-01T12:00:01.000Z",
      zxid: "0x2",
      session: "0x100000abc0001",
      cxid: 2,
      type: "create",
      path: "/a",
      data: "one",
      acl: [{ perms: 31, scheme: "world", id: "anyone" }],
      mode: "persistent",
      digestVersion: 2,
      digest: database.digests.get(2),
    });
    expect(lines[2]).toMatchObject({ data: null });
    expect(lines[3]).toMatchObject({ mode: "ephemeral" });
    expect(lines[6]).toMatchObject({
      type: "multi",
      parts: [{ type: "create" }, { type: "check", version: 1 }, { type: "setData", data: "3" }],
    });
  });

  test("a file that is no log is refused with exit code 22, and a missing one with 1 and Java's words", async () => {
    const path = newPath();
    writeFileSync(path, "this is no log, but long enough");
    expect(await run(path)).toMatchObject({ code: 22, err: expect.stringContaining(`${path}: expected a txn log`) });
    expect(await run(`${path}.none`)).toMatchObject({
      code: 1,
      err: `File doesn't exist or not readable: ${path}.none\n`,
    });
  });

  test("a torn last entry is the end, as for Java's tool", async () => {
    const path = newPath();
    writeFileSync(path, readFileSync(log).subarray(0, statSync(log).size - 5));
    expect(await run(path)).toMatchObject({ code: 0, out: expect.stringMatching(/EOF reached after 10 txns\.\n$/) });
  });

  test("a wrong checksum is told and the entry printed twice, as by Java's tool", async () => {
    const { code, out } = await run(spoilt(5, "checksum"));
    expect(code).toBe(0);
    const line = "3/1/26, 12:00:04 PM UTC session 0x100000abc0001 cxid 0x5 zxid 0x5 setData /a,zwei ü,1\n";
    expect(out).toContain(`CRC ERROR - ${line}${line}`);
    expect(out).toContain("EOF reached after 11 txns.");
  });

  test("an entry without its end mark ends the printing with exit code 1", async () => {
    expect(await run(spoilt(5, "end"))).toMatchObject({ code: 1, err: "Last transaction was partial.\n" });
  });

  test("an impossible length is an error with file, offset and remedy", async () => {
    const path = newPath();
    const bytes = Buffer.concat([readFileSync(log).subarray(0, 16), Buffer.alloc(64, 0xff)]);
    writeFileSync(path, bytes);
    expect(await run(path)).toMatchObject({
      code: 20,
      err: expect.stringMatching(/at byte 16: Unreasonable length = -1: .*quoll verify/),
    });
  });
});

describe("choosing", () => {
  test.each<[string, Partial<TxnLogOptions>, string[]]>([
    ["a path, in multis too", { path: "/a" }, ["2", "5", "6", "7"]],
    ["a subtree", { subtree: "/a" }, ["2", "3", "5", "6", "7", "9"]],
    ["the root's subtree", { subtree: "/", type: "delete" }, ["8", "9"]],
    ["a path that a closing session deletes", { path: "/e" }, ["4", "b"]],
    ["a session", { session: "2000000000002" }, ["4", "b"]],
    ["a range of zxids", { from: "0x3", to: "5" }, ["3", "4", "5"]],
    ["a range of times", { since: "2026-03-01T12:00:02Z", until: "2026-03-01 12:00:03Z" }, ["3", "4"]],
    ["types", { type: "delete,SETACL" }, ["6", "8", "9"]],
    ["several conditions", { subtree: "/a", from: "6", type: "setData" }, ["7"]],
  ])("%s", async (_, options, zxids) => {
    const { out } = await run(log, { ...options, output: "json" });
    expect(jsonLines(out).map(({ zxid }) => zxid)).toEqual(zxids.map((zxid) => `0x${zxid}`));
  });

  test.each<[Partial<TxnLogOptions>, string]>([
    [{ from: "0xzz" }, "zxid is 0xzz; it must be a hexadecimal number such as 0x1a2b, or a decimal one"],
    [{ session: "me" }, "session is me; it must be a hexadecimal number such as 0x1000060a0b0001"],
    [{ since: "yesterday" }, "time is yesterday; it must be for instance 2026-03-01T12:30:00"],
    [{ path: "a" }, "path is a; it must be an absolute path"],
    [{ type: "getData" }, "type is getData; it must be among create, create2"],
    [{ output: "xml" }, "output is xml; it must be text or json"],
  ])("a value that can't be understood is an error that says what can: %j", async (options, message) => {
    expect(await run(log, options)).toMatchObject({ code: 2, err: expect.stringContaining(message) });
  });
});

describe("repairing and chopping", () => {
  test("-r -y writes a copy with right checksums", async () => {
    const path = spoilt(5, "checksum");
    const { code, out } = await run(path, { recover: true, yes: true });
    expect(code).toBe(0);
    expect(out).toContain("CRC FIXED - 3/1/26, 12:00:04 PM UTC");
    expect(out).toContain(`Recovery file ${path}.fixed has been written with 1 fixed CRC error(s)\n`);
    expect(readFileSync(`${path}.fixed`)).toEqual(readFileSync(log));
    expect(await run(path, { recover: true, yes: true })).toMatchObject({
      code: 1,
      err: `Recovery file ${path}.fixed already exists or not writable\n`,
    });
  });

  test("a log that ends partially is not repaired, and nothing is left behind", async () => {
    const path = spoilt(5, "end");
    expect(await run(path, { recover: true, yes: true })).toMatchObject({ code: 1 });
    expect(existsSync(`${path}.fixed`)).toBe(false);
  });

  test("-c -z writes a copy up to that txn", async () => {
    const path = newPath();
    copyFileSync(log, path);
    const { code, out } = await run(path, { chop: true, zxid: "0x5" });
    expect(code).toBe(0);
    expect(out).toBe(
      "ZooKeeper Transactional Log File with dbid 0 txnlog format version 2\nChopping at 5 new log has 5 records\n",
    );
    const chopped = await run(`${path}.chopped5`, { output: "json" });
    expect(jsonLines(chopped.out)).toHaveLength(5);
  });

  test.each([
    ["0xb", "EOF reached after 11 txns.\n"],
    ["0", "This log does not contain zxid 0\n"],
  ])("a log is not chopped at %s, where nothing would be cut off or kept, and no file is left", async (zxid, text) => {
    const { code, out } = await run(log, { chop: true, zxid });
    expect(code).toBe(1);
    expect(out).toContain(`${text}Got exception: Failed to chop log.1\n`);
    expect(existsSync(`${log}.chopped${Number(zxid)}`)).toBe(false);
  });

  test("a damaged log is not chopped", async () => {
    const path = spoilt(3, "payload");
    expect(await run(path, { chop: true, zxid: "5" })).toMatchObject({
      code: 20,
      err: expect.stringContaining("CRC doesn't match. Nothing was written."),
    });
    expect(existsSync(`${path}.chopped5`)).toBe(false);
  });
});

describe("verifying", () => {
  test("sound logs are told with their ranges", async () => {
    const { code, out } = await run(database.dataDir, { verify: true });
    expect(code).toBe(0);
    expect(out).toMatch(
      /^ok {7}\S+log\.1 {2}.*, 11 txns, 0x1 to 0xb, 2026-03-01T12:00:00.000Z to .*\nok .*1 txns, 0xc to 0xc/,
    );
  });

  test("damage is exit code 20, with its place", async () => {
    const { code, out } = await run(spoilt(5, "payload"), { verify: true, output: "json" });
    expect(code).toBe(20);
    expect(jsonLines(out)).toMatchObject([
      { state: "damaged", txns: 4, problem: expect.stringMatching(/^at byte \d+: valid entries follow/) },
    ]);
  });

  test("a torn end is exit code 19", async () => {
    const path = newPath();
    writeFileSync(path, readFileSync(log).subarray(0, statSync(log).size - 5));
    expect(await run(path, { verify: true })).toMatchObject({ code: 19, out: expect.stringMatching(/^torn/) });
  });
});
