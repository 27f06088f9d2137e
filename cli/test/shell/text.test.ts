import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { expressionOfGlob } from "../../src/shell/commands/find.js";
import { checkPath } from "../../src/shell/path.js";
import { Style, wantsColor } from "../../src/shell/style.js";
import { SubtreeCounts } from "../../src/shell/subtree-counts.js";
import { aclFromJson, aclJson, aclText, parseAcl } from "../../src/shell/text/acl.js";
import { clientConfigText } from "../../src/shell/text/cluster-config.js";
import { ephemeralsOfDump, sessionsOfCons } from "../../src/shell/text/connections.js";
import { dataBrief, dataForPeople, dataFromJson, dataJson } from "../../src/shell/text/data.js";
import { hexDump } from "../../src/shell/text/hex-dump.js";
import { javaDate } from "../../src/shell/text/java-date.js";
import { KeeperShellError } from "../../src/shell/text/keeper-message.js";
import { StatsTrack } from "../../src/shell/text/stats-track.js";
import { durationMs, durationText, sizeBytes, sizeText } from "../../src/shell/text/units.js";

const PLAIN = new Style(false);

describe("ACLs", () => {
  test("are read and printed as zkCli does", () => {
    const { acl, problems } = parseAcl("world:anyone:cdrwa,digest:bob:hash=:r");
    expect(problems).toEqual([]);
    expect(aclText(acl)).toBe("'world,'anyone\n: cdrwa\n'digest,'bob:hash=\n: r\n");
  });

  test("what cannot be understood is named, and the rest is taken", () => {
    const { acl, problems } = parseAcl("nonsense,world:anyone:rx,");
    expect(problems).toEqual(["nonsense does not have the form scheme:id:perm", "Unknown perm type: x"]);
    expect(acl).toEqual([{ scheme: "world", id: "anyone", perms: 1 }]);
  });

  test("come back from JSON; other JSON is refused", () => {
    const { acl } = parseAcl("ip:10.0.0.0/8:rw,auth::cda");
    expect(aclFromJson(JSON.parse(JSON.stringify(aclJson(acl))))).toEqual(acl);
    for (const other of [null, {}, [1], [{ scheme: "world", id: "anyone", perms: "z" }], [{ scheme: "world" }]]) {
      expect(aclFromJson(other)).toBeNull();
    }
  });
});

describe("data", () => {
  test("comes back from JSON, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.option(
          fc.oneof(
            fc.uint8Array(),
            fc.string({ unit: "grapheme" }).map((text) => new TextEncoder().encode(text)),
          ),
        ),
        (data) => {
          const { data: text, encoding } = JSON.parse(JSON.stringify(dataJson(data))) as ReturnType<typeof dataJson>;
          const back = dataFromJson(text, encoding);
          expect(back === null ? null : [...back!]).toEqual(data === null ? null : [...data]);
        },
      ),
    );
  });

  test("a byte order mark survives", () => {
    const data = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61);
    const { data: text, encoding } = dataJson(data);
    expect([...dataFromJson(text, encoding)!]).toEqual([...data]);
  });

  test("JSON is indented for people, other text is not, and bytes are dumped", () => {
    const show = (text: string) => dataForPeople(new TextEncoder().encode(text), PLAIN);
    expect(show('{"a":[1,true],"b":"x: {y}"}')).toBe('{\n  "a": [\n    1,\n    true\n  ],\n  "b": "x: {y}"\n}');
    expect(show("{a}")).toBe("{a}");
    expect(dataForPeople(Uint8Array.of(0xff, 0), PLAIN)).toContain("|00000000| ff 00 ");
  });

  test("a number that JavaScript cannot hold is not shown as another one", () => {
    const text = '{"id":12345678901234567890}';
    expect(dataForPeople(new TextEncoder().encode(text), PLAIN)).toBe(text);
  });

  test("nothing in data can move a terminal's cursor", () => {
    const data = new TextEncoder().encode("\x1b[2Jgone");
    expect(dataForPeople(data, PLAIN)).not.toContain("\x1b");
    expect(dataBrief(data, 10)).toBe("<8 bytes>");
  });

  test("is cut for lists", () => {
    expect(dataBrief(new TextEncoder().encode("one\ntwo three"), 8)).toBe("one two…");
    expect(dataBrief(null, 8)).toBe("null");
  });
});

test("a hex dump of 17 bytes has two rows, of none nothing", () => {
  expect(hexDump(new Uint8Array())).toBe("");
  expect(
    hexDump(Uint8Array.from({ length: 17 }, (_, i) => 0x41 + i))
      .split("\n")
      .slice(3),
  ).toEqual([
    "|00000000| 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 |ABCDEFGHIJKLMNOP|",
    "|00000010| 51                                              |Q               |",
    "+--------+-------------------------------------------------+----------------+",
  ]);
});

describe("dates are Java's", () => {
  const before = process.env["TZ"];
  afterEach(() => {
    if (before === undefined) delete process.env["TZ"];
    else process.env["TZ"] = before;
  });

  test.each([
    ["UTC", 0, "Thu Jan 01 00:00:00 UTC 1970"],
    ["Europe/Berlin", 1_720_000_000_000, "Wed Jul 03 11:46:40 CEST 2024"],
    ["America/Sao_Paulo", 1_700_000_000_000, "Tue Nov 14 19:13:20 BRT 2023"],
    ["Asia/Kolkata", 1_700_000_000_000, "Wed Nov 15 03:43:20 IST 2023"],
    ["Etc/GMT+3", 1_700_000_000_000, "Tue Nov 14 19:13:20 GMT-03:00 2023"],
  ])("in %s", (zone, timeMs, text) => {
    process.env["TZ"] = zone;
    expect(javaDate(timeMs)).toBe(text);
  });
});

test("paths are refused in the words of ZooKeeper's client", () => {
  const problem = (path: string) => {
    try {
      checkPath(path);
    } catch (error) {
      return (error as Error).message;
    }
    return null;
  };
  expect(["/", "/a", "/a/b.c", "/..a", "/grüße"].map(problem)).toEqual([null, null, null, null, null]);
  expect(["", "a", "/a/", "/a//b", "/a/./b", "/a/..", "/a\u0001"].map(problem)).toEqual([
    "Path length must be > 0",
    "Path must start with / character",
    "Path must not end with / character",
    'Invalid path string "/a//b" caused by empty node name specified @3',
    'Invalid path string "/a/./b" caused by relative paths not allowed @3',
    'Invalid path string "/a/.." caused by relative paths not allowed @4',
    'Invalid path string "/a\u0001" caused by invalid character @2',
  ]);
});

test("quotas keep what older parsers expect", () => {
  const track = StatsTrack.parse("count=3,bytes=-1=;byteHardLimit=5;countHardLimit=-1");
  expect([track.get("count"), track.get("bytes"), track.get("byteHardLimit")]).toEqual([3, -1, 5]);
  track.set("bytes", 7);
  expect(track.toString()).toBe("count=3,bytes=7=;byteHardLimit=5;countHardLimit=-1");
  expect(StatsTrack.parse("count=1,bytes=2").toString()).toBe("count=1,bytes=2");
});

test("a configuration gives client addresses in the order of Java's hash table", () => {
  const lines = ["server.1=a:1:2:participant;10.0.0.1:2181", "server.2=b:1:2;2182", "server.3=c:1:2", "version=1f"];
  expect(clientConfigText(lines.join("\n"))).toBe("1f 0.0.0.0:2182,10.0.0.1:2181,");
});

test("refusals are worded as zkCli's", () => {
  expect(new KeeperShellError("NoNode", "/a").message).toBe("Node does not exist: /a");
  expect(new KeeperShellError("InvalidACL", null).message).toBe("Acl is not valid : null");
  expect(new KeeperShellError("ConnectionLoss", "/a").message).toBe("KeeperErrorCode = ConnectionLoss for /a");
  expect(new KeeperShellError("NoWatcher", null).message).toBe("KeeperErrorCode = No such watcher");
});

test("durations and sizes are read and written for people", () => {
  expect(["500ms", "30s", "5m", "2h", "7d", "1.5"].map((text) => durationMs("i", text))).toEqual([
    500, 30_000, 300_000, 7_200_000, 604_800_000, 1500,
  ]);
  expect(() => durationMs("i", "soon")).toThrow("-i must be a duration");
  expect(["100", "10k", "2M"].map((text) => sizeBytes("min", text))).toEqual([100, 10_240, 2_097_152]);
  expect([0, 999, 1536, 20_971_520].map(sizeText)).toEqual(["0", "999", "1.5k", "20M"]);
  expect([350, 12_000, 300_000, 86_400_000, 864_000_000].map(durationText)).toEqual([
    "350ms",
    "12s",
    "5m",
    "24h",
    "10d",
  ]);
});

test("globs match whole names, and their other characters stand for themselves", () => {
  expect(expressionOfGlob("lock-*").test("lock-0000000001")).toBe(true);
  expect(expressionOfGlob("lock-*").test("x-lock-1")).toBe(false);
  expect(expressionOfGlob("a.[!0-9]?").test("a.xy")).toBe(true);
  expect(expressionOfGlob("a.[!0-9]?").test("a.1y")).toBe(false);
  expect(expressionOfGlob("(a|b)+").test("(a|b)+")).toBe(true);
});

test("the answers to cons and dump are read", () => {
  const cons = [
    " /127.0.0.1:51524[0](queued=0,recved=1,sent=0)",
    " /10.0.0.7:40000[1](queued=0,recved=9,sent=9,sid=0x1000a,lop=PING,est=1700000000000,to=30000,lcxid=0x3)",
  ].join("\n");
  expect(sessionsOfCons(cons)).toEqual([
    { session: "0x1000a", client: "10.0.0.7:40000", timeoutMs: 30_000, sinceMs: 1_700_000_000_000 },
  ]);
  const dump =
    "SessionTracker dump:\nSession Sets (0)/(0):\nephemeral nodes dump:\nSessions with Ephemerals (1):\n0x1000a:\n\t/a\n\t/b\n";
  expect([...ephemeralsOfDump(dump)]).toEqual([["0x1000a", ["/a", "/b"]]]);
});

test("changes are counted by subtree, the busiest first, in bounded memory", () => {
  const counts = new SubtreeCounts("/app", 1);
  counts.add("NodeCreated", "/app/a/1");
  counts.add("NodeDataChanged", "/app/a/1");
  counts.add("NodeDeleted", "/app/b");
  counts.add("NodeDataChanged", "/app");
  counts.add("Gap", "/app");
  expect(counts.total).toBe(4);
  expect(counts.take(2)).toEqual([
    { path: "/app/a", created: 1, deleted: 0, changed: 1 },
    { path: "/app", created: 0, deleted: 0, changed: 1 },
  ]);
  expect([counts.total, counts.take(9)]).toEqual([0, []]);
  for (let i = 0; i < 25_000; i++) counts.add("NodeCreated", `/app/${i}`);
  expect(counts.others).toBeGreaterThan(0);
  expect(counts.total).toBe(25_000);
  expect(counts.take(100_000).length).toBeLessThanOrEqual(10_000);
});

test("colours are for terminals that want them", () => {
  expect([wantsColor({ TERM: "xterm" }), wantsColor({ TERM: "dumb" }), wantsColor({ NO_COLOR: "1" })]).toEqual([
    true,
    false,
    false,
  ]);
  expect([new Style(true).paint("red", "x"), PLAIN.paint("red", "x")]).toEqual(["\x1b[31mx\x1b[39m", "x"]);
});
