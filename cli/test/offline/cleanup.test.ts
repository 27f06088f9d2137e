import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type CleanupOptions, cleanup } from "../../src/offline/cleanup.js";
import { capture, jsonLines } from "./captured.js";
import { newPath, TestDatabase } from "./database.js";

function run(places: readonly string[], options: Partial<CleanupOptions>) {
  return capture((terminal) => cleanup(places, { output: "text", ...options }, terminal));
}

function sample(dataLogDir?: string): TestDatabase {
  const database = new TestDatabase(newPath(), dataLogDir);
  for (let i = 1; i <= 5; i++) database.create(`/${i}`).snapshot().roll();
  return database.close();
}

const KEPT = ["log.4", "log.5", "snapshot.3", "snapshot.4", "snapshot.5"];

test("old snapshots and logs go, each with Java's line", async () => {
  process.env["TZ"] = "UTC";
  const { dataDir, snapDirectory } = sample();
  const { code, out } = await run([dataDir], { count: "3" });
  expect(code).toBe(0);
  const line = (name: string) =>
    `Removing file: \\w{3} \\d+, \\d{4}, \\d+:\\d\\d:\\d\\d [AP]M\\t${join(snapDirectory, name)}\\n`;
  const names = ["snapshot.0", "snapshot.1", "snapshot.2", "log.1", "log.2"];
  expect(out).toMatch(new RegExp(`^${names.map(line).join("")}`));
  expect(readdirSync(snapDirectory).filter((name) => name !== "quoll.synced")).toEqual(expect.arrayContaining(KEPT));
  expect(readdirSync(snapDirectory)).not.toContain("log.1");
});

test("two directories, by name or by zoo.cfg; --dry-run removes nothing", async () => {
  const { dataDir, dataLogDir, snapDirectory, logDirectory } = sample(newPath());
  const cfg = newPath();
  writeFileSync(cfg, `dataDir = ${dataDir}\ndataLogDir = ${dataLogDir}\n`);
  for (const places of [[dataLogDir, dataDir], [cfg]]) {
    const { code, out } = await run(places, { count: "3", dryRun: true, output: "json" });
    expect(code).toBe(0);
    expect(jsonLines(out)[0]).toMatchObject({ path: join(snapDirectory, "snapshot.0"), removed: false });
  }
  expect(readdirSync(logDirectory)).toContain("log.1");
  expect(await run([cfg], { count: "3" })).toMatchObject({ code: 0 });
  expect(readdirSync(logDirectory)).not.toContain("log.1");
});

test.each<[string, string[], Partial<CleanupOptions>, string]>([
  ["no count", ["."], {}, ""],
  ["a count below 3", ["."], { count: "2" }, "count should be greater than or equal to 3\n"],
  ["a count that is none", ["."], { count: "many" }, "'many' can not be parsed to integer.\n"],
  ["a directory that is not there", ["/none"], { count: "3" }, "Path '/none' does not exist. \n"],
  ["three directories", [".", ".", "."], { count: "3" }, ""],
])("%s is answered by Java's words and exit code 1", async (_, places, options, err) => {
  const result = await run(places, options);
  expect(result).toMatchObject({ code: 1, err });
  expect(result.out).toMatch(/^Usage:\nPurgeTxnLog dataLogDir \[snapDir\] -n count\n\tdataLogDir -- path/);
});

test("with too few valid snapshots nothing is removed, and the reason given", async () => {
  const { dataDir, snapDirectory } = sample();
  for (const name of ["snapshot.5", "snapshot.4", "snapshot.3", "snapshot.2"]) {
    const bytes = readFileSync(join(snapDirectory, name));
    bytes[100]! ^= 1;
    writeFileSync(join(snapDirectory, name), bytes);
  }
  expect(await run([dataDir], { count: "3" })).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringContaining("Nothing was removed: only 2 of 6 snapshots are valid."),
  });
});
