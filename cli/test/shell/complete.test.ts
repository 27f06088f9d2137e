import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { completionsOf } from "../../src/shell/complete.js";
import { appendHistory, historyPath, mayBeKept, readHistory } from "../../src/shell/history-file.js";
import { parseLaunchOptions } from "../../src/shell/launch-options.js";
import { linesOf } from "../../src/shell/lines.js";
import { COMMANDS } from "../../src/shell/registry.js";

const TREE: Record<string, string[]> = { "/": ["app", "apple", "zoo keeper"], "/app": ["b", "a"] };
const complete = (line: string) => completionsOf(line, COMMANDS, async (path) => TREE[path] ?? null);

describe("completion", () => {
  test.each([
    ["del", ["delete", "deleteall", "delquota"], "del"],
    ["help del", ["delete", "deleteall", "delquota"], "del"],
    ["ls /a", ["/app", "/apple"], "/a"],
    ["ls /app/", ["/app/a", "/app/b"], "/app/"],
    ["ls -s /zoo", ['"/zoo keeper"'], "/zoo"],
    ['ls "/zoo k', ['"/zoo keeper"'], '"/zoo k'],
    ["ls /missing/x", [], "/missing/x"],
    ["create -", ["-c", "-e", "-o", "-s", "-t"], "-"],
    ["import -r", ["-rate"], "-r"],
    ["get -o j", ["json"], "j"],
    ["set /a value", [], "value"],
    ["nonsense -", ["-o"], "-"],
  ])("of %j", async (line, candidates, replaced) => {
    expect(await complete(line)).toEqual([candidates, replaced]);
  });
});

describe("history", () => {
  const dir = mkdtempSync(join(tmpdir(), "quoll-history-"));
  afterAll(() => rmSync(dir, { recursive: true }));

  test("stands in the XDG state folder", () => {
    expect(historyPath({ XDG_STATE_HOME: "/state" })).toBe("/state/quoll/history");
    expect(historyPath({ XDG_STATE_HOME: "relative" })).toMatch(/\/\.local\/state\/quoll\/history$/);
  });

  test("holds no passwords, nor what begins with a space", () => {
    expect(["ls /", "addauth digest a:b", "  addauth digest a:b", " ls /", "redo 1", ""].map(mayBeKept)).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  test("is for its owner only, keeps what another shell wrote, and the newest thousand lines", () => {
    const file = join(dir, "deep", "history");
    expect(readHistory(file)).toEqual([]);
    expect(appendHistory(file, ["ls /", "addauth digest a:b"])).toBe(true);
    expect(
      appendHistory(
        file,
        Array.from({ length: 1000 }, (_, i) => `get /${i}`),
      ),
    ).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, "deep")).mode & 0o777).toBe(0o700);
    const lines = readHistory(file);
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([1000, "get /0", "get /999"]);
  });

  test("that cannot be written is no error", () => {
    writeFileSync(join(dir, "file"), "");
    expect(appendHistory(join(dir, "file", "history"), ["ls /"])).toBe(false);
    expect(readFileSync(join(dir, "file"), "utf8")).toBe("");
  });
});

describe("the command line", () => {
  test("has zkCli's options in front of a command, whose words are left alone", () => {
    const options = parseLaunchOptions([
      "-server",
      "h:1/a",
      "-r",
      "-timeout",
      "5",
      "-x",
      "ls",
      "-s",
      "/",
      "-o",
      "json",
    ]);
    expect(options).toMatchObject({ servers: "h:1/a", readOnly: true, timeoutMs: 5, unknown: ["-x"], format: "text" });
    expect(options.command).toEqual(["ls", "-s", "/", "-o", "json"]);
  });

  test("has zkCli's defaults", () => {
    expect(parseLaunchOptions([])).toMatchObject({
      servers: "localhost:2181",
      timeoutMs: 30_000,
      readOnly: false,
      waitsForConnection: false,
      clientConfiguration: null,
      command: [],
    });
  });

  test.each([
    [["-server"], "Error: no argument found for option -server"],
    [["-timeout", "soon"], "-timeout must be a number of milliseconds, not soon"],
    [["-o", "xml"], "-o must be json or text, not xml"],
  ])("%j is refused", (args, message) => {
    expect(() => parseLaunchOptions(args)).toThrow(message);
  });
});

test("lines are found wherever the stream is cut", async () => {
  const bytes = Buffer.from("grüße\r\n\nlast");
  for (let at = 0; at <= bytes.length; at++) {
    const lines: string[] = [];
    const stream = async function* () {
      yield bytes.subarray(0, at);
      yield bytes.subarray(at);
    };
    for await (const line of linesOf(stream())) lines.push(line);
    expect(lines).toEqual(["grüße", "", "last"]);
  }
});
