import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Output, ProgressBar, sizeText } from "../../src/offline/terminal.js";
import { newPath, TestDatabase } from "./database.js";

const QUOLL = fileURLToPath(new URL("../../../bin/quoll", import.meta.url));
const MEASURE = fileURLToPath(new URL("../../bench/offline-memory.js", import.meta.url));

function quoll(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [QUOLL, ...args], { input, encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

describe("as a command", () => {
  test.each(["txnlog", "snapshot", "verify", "cleanup", "backup", "restore", "history", "diff"])(
    "%s --help has exit codes and examples",
    (command) => {
      const { code, out } = quoll([command, "--help"]);
      expect(code).toBe(0);
      expect(out).toMatch(/\nExit codes\n {2}0 [\s\S]*\nExamples\n {2}quoll /);
      for (const [, example] of out.matchAll(/\n {2}quoll (\w+)/g)) expect(example).toBe(command);
    },
  );

  test("options stand before or behind their operands, and -json has one dash", () => {
    const { snapDirectory } = new TestDatabase(newPath()).create("/a", "1").snapshot();
    const file = join(snapDirectory, "snapshot.1");
    expect(quoll(["snapshot", "-json", file]).out).toMatch(/^\[1,0,\{"progname"/);
    expect(quoll(["snapshot", file, "-d"]).out).toContain("  data = MQ==\n");
    expect(quoll(["snapshot", "sizes", file, "-o", "json"]).out).toContain('{"path":"/","bytes":1,"znodes":5}');
    expect(quoll(["snapshot", "compare", "-d", "-l", file, "-r", file, "-b", "1", "-n", "1"]).out).toContain(
      "Comparing /a to /a\nsame\n",
    );
  });

  test("errors are one line on standard error, with the tool's exit code", () => {
    expect(quoll(["verify", "/none/at/all"])).toEqual({
      code: 3,
      out: "",
      err: "/none/at/all: there is no such file or directory. Check the path.\n",
    });
  });

  test("txnlog -r asks at each wrong checksum, and Abort ends it without a file", () => {
    const database = new TestDatabase(newPath()).create("/a", "1").close();
    const log = join(database.logDirectory, "log.1");
    const path = newPath();
    const bytes = spoilChecksum(log);
    writeFileSync(path, bytes);
    expect(quoll(["txnlog", "-r", path], "a\n")).toMatchObject({ code: 0, err: "Recovery aborted.\n" });
    expect(quoll(["txnlog", "-r", path], "")).toMatchObject({
      code: 1,
      err: expect.stringContaining("-y answers yes"),
    });
    const fixed = quoll(["txnlog", "-r", path], "perhaps\nYes\n");
    expect(fixed.code).toBe(0);
    expect(fixed.out.match(/Would you like to fix it \(Yes\/No\/Abort\) \? /g)).toHaveLength(2);
    expect(fixed.out).toContain("has been written with 1 fixed CRC error(s)\n");
  });

  test("txnlog -f prints what is there and then what comes, over the roll of a file", async () => {
    const database = new TestDatabase(newPath(), undefined, 65536).create("/a", "1");
    const child = spawn(process.execPath, [QUOLL, "txnlog", "-f", "-o", "json", database.dataDir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      let seen = "";
      const comes = async (text: string) => {
        for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
          seen += chunk;
          if (seen.includes(text)) return;
        }
        throw new Error(`${text} did not come`);
      };
      await comes('"zxid":"0x1"');
      database.set("/a", "2", 1);
      await comes('"zxid":"0x2"');
      database.roll().set("/a", "3", 2).roll().set("/a", "4", 3);
      await comes('"zxid":"0x4"');
      const zxids = seen
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).zxid);
      expect(zxids).toEqual(["0x1", "0x2", "0x3", "0x4"]);
    } finally {
      child.kill();
    }
  });

  test("a log streams: 100 MB of it take no more memory than a start and a window", () => {
    const args = [MEASURE, "--mib", "96", "--only", "one znode,backup", "--json"];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    const { megabytes, results } = JSON.parse(stdout);
    expect(megabytes).toBeGreaterThan(99);
    expect(results.map(({ name }: { name: string }) => name)).toEqual([
      "txnlog, one znode as JSON",
      "history of one znode",
      "backup",
    ]);
    for (const { name, peakMegabytes } of results) expect([name, peakMegabytes < 150]).toEqual([name, true]);
  }, 60_000);
});

function spoilChecksum(log: string): Buffer {
  const bytes = readFileSync(log);
  bytes[23]! ^= 1;
  return bytes;
}

describe("the progress bar", () => {
  test("draws itself over, at most ten times a second, and removes itself", () => {
    let text = "";
    const output: Output = { write: (piece) => void (text += piece) };
    let nowMs = 0;
    const bar = new ProgressBar(output, () => nowMs);
    bar.show("copying log.1", 512, 2048);
    nowMs = 50;
    bar.show("copying log.1", 1024, 2048);
    nowMs = 101;
    bar.show("copying log.1", 1536, 2048);
    bar.clear();
    expect(text).toBe(
      `\r\x1b[K[${"#".repeat(8)}${"-".repeat(22)}]  25%  512 bytes of 2.0 KiB  copying log.1` +
        `\r\x1b[K[${"#".repeat(23)}${"-".repeat(7)}]  75%  1.5 KiB of 2.0 KiB  copying log.1` +
        "\r\x1b[K",
    );
  });

  test.each([
    [0, "0 bytes"],
    [1023, "1023 bytes"],
    [1536, "1.5 KiB"],
    [5 * 2 ** 30, "5.0 GiB"],
  ])("%d is %s", (bytes, text) => expect(sizeText(bytes)).toBe(text));
});
