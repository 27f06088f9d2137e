import { setMaxListeners } from "node:events";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WalkFraction } from "../../src/shell/transfer/progress.js";
import { isBehind } from "../../src/shell/transfer/read-subtree.js";
import { parseExportLine, recordLine } from "../../src/shell/transfer/record.js";
import { walk } from "../../src/shell/walk.js";
import { type TestShell, World } from "./world.js";

const world = new World();
let shell: TestShell;
let file: string;

beforeAll(async () => {
  await world.start();
  shell = await world.shell();
  file = join(world.dir, "export.jsonl");
  await shell.do("create /app root");
  for (const a of ["b", "a", "a.b", "ü"]) {
    await shell.do(`create /app/${a} ${a}`);
    for (let i = 0; i < 5; i++) await shell.do(`create /app/${a}/${i} '{"i":${i}}'`);
  }
  await shell.do("create /app/null");
  await shell.do("set -b /app/a/0 AP8=");
  await shell.do("setAcl /app/b/1 world:anyone:r,ip:127.0.0.1:cdrwa");
  await shell.do("create -e /app/eph x");
});
afterAll(() => world.end());

const lines = () => readFileSync(file, "utf8").trimEnd().split("\n");

describe("an export", () => {
  test("has a head, a line for each znode, parents first, and an end with a checksum", async () => {
    expect(await shell.do(`export /app ${file}`)).toBe(`${file}: 26 znodes, 146 of data; 1 ephemerals left out\n`);
    expect(JSON.parse(lines()[0]!)).toEqual({ quollExport: 1, root: "/app" });
    expect(JSON.parse(lines().at(-1)!)).toEqual({
      end: true,
      znodes: 26,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const paths = lines()
      .slice(1, -1)
      .map((line) => (JSON.parse(line) as { path: string }).path);
    expect(paths.slice(0, 3)).toEqual(["", "/a", "/a/0"]);
    for (const [i, path] of paths.entries()) expect(i === 0 || isBehind(path, paths[i - 1]!)).toBe(true);
  });

  test("replaces no file unasked", async () => {
    expect((await shell.run(`export /app ${file}`)).err).toBe(`${file} is there already\n`);
  });

  test("that was cut off anywhere is continued to the same file", async () => {
    const whole = readFileSync(file);
    for (const size of [
      0,
      10,
      40,
      200,
      Math.floor(whole.length / 2),
      whole.length - 150,
      whole.length - 5,
      whole.length,
    ]) {
      writeFileSync(file, whole);
      truncateSync(file, size);
      const { exitCode, err } = await shell.run(`export -resume /app ${file}`);
      if (size > 0 && size < 30) expect([size, exitCode]).toEqual([size, 1]);
      else expect([size, exitCode, err]).toEqual([size, 0, size === whole.length ? `${file} is whole already\n` : ""]);
      if (exitCode === 0) expect(readFileSync(file, "utf8")).toBe(whole.toString());
    }
  });

  test("goes to standard output without a file, whatever the format", async () => {
    expect(await shell.do("export /app")).toBe(readFileSync(file, "utf8"));
    expect(await shell.do("export /app -o json")).toBe(readFileSync(file, "utf8"));
  });
});

describe("an import", () => {
  test("is first tried without a change", async () => {
    expect(await shell.do(`import -n ${file} /copy`)).toBe(
      "/copy: 26 would be created, 0 would be changed, 0 there already\n",
    );
    expect((await shell.run("stat /copy")).exitCode).toBe(1);
  });

  test("creates everything with data and ACLs, and reads it back", async () => {
    expect(await shell.json(`import ${file} /copy`)).toEqual([
      { path: "/copy", file, created: 26, changed: 0, same: 0, differing: [], isDry: false, verified: true, wrong: [] },
    ]);
    const copy = join(world.dir, "copy.jsonl");
    await shell.do(`export /copy ${copy}`);
    expect(readFileSync(copy, "utf8").split("\n").slice(1, -2)).toEqual(lines().slice(1, -1));
  });

  test("that was interrupted is run again, and only what is missing is created", async () => {
    await shell.do("deleteall /copy/a");
    expect(await shell.do(`import ${file} /copy`)).toBe(
      "/copy: 6 created, 0 changed, 20 there already; all of it read back and equal\n",
    );
  });

  test("leaves alone what differs, says so, and changes it when asked", async () => {
    await shell.do("set /copy/b other");
    expect(await shell.run(`import ${file} /copy`)).toMatchObject({
      exitCode: 1,
      err: "1 are there and differ: /copy/b\n",
    });
    expect(await shell.do("get /copy/b")).toBe("other\n");
    expect(await shell.do(`import -f ${file} /copy`)).toContain("1 changed");
    expect(await shell.do("get /copy/b")).toBe("b\n");
  });

  test("without ACLs, at a rate, unverified", async () => {
    expect(await shell.do(`import -open -unverified -rate 100000 ${file} /open`)).toBe(
      "/open: 26 created, 0 changed, 0 there already\n",
    );
    expect(await shell.do("getAcl /open/b/1")).toBe("'world,'anyone\n: cdrwa\n");
  });

  test("of a file that was cut off or changed is refused", async () => {
    const whole = readFileSync(file, "utf8");
    const bad = join(world.dir, "bad.jsonl");
    const tryIt = async (text: string) => {
      writeFileSync(bad, text);
      return (await shell.run(`import -n ${bad} /bad`)).err;
    };
    expect(await tryIt(whole.split("\n").slice(0, -3).join("\n"))).toContain("is not whole");
    expect(
      await tryIt(
        whole.replace('"root"', '"toor"').replace('"toor":', '"root":').replace('"data":"root"', '"data":"tree"'),
      ),
    ).toContain("checksum does not fit");
    expect(await tryIt("{}\n")).toContain("is not an export");
    expect(await tryIt("")).toContain("is empty");
    expect(await tryIt(whole.replace('{"path":"/a/1"', "{"))).toContain(":5: not a line of an export");
    expect((await shell.run("import /missing.jsonl")).err).toBe("/missing.jsonl: no such file\n");
    expect(existsSync(bad)).toBe(true);
  });

  test("needs a parent, and never writes ZooKeeper's own znodes", async () => {
    expect((await shell.run(`import ${file} /no/parent`)).err).toBe("Node does not exist: /no\n");
    expect((await shell.run(`import ${file} /zookeeper/x`)).exitCode).toBe(1);
  });
});

test("a record comes back from its line, whatever data and ACL", () => {
  const entry = fc.record({
    scheme: fc.string(),
    id: fc.string({ unit: "grapheme" }),
    perms: fc.integer({ min: 0, max: 31 }),
  });
  const record = fc.record({
    path: fc.string({ unit: "grapheme" }).map((name) => `/${name}`),
    data: fc.option(fc.uint8Array()),
    acl: fc.array(entry, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(record, (written) => {
      const line = recordLine(written);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      const parsed = parseExportLine(line.trimEnd());
      expect(parsed).toMatchObject({ type: "record", record: { path: written.path, acl: written.acl } });
      const data = parsed?.type === "record" ? parsed.record.data : undefined;
      expect(data === null ? null : [...data!]).toEqual(written.data === null ? null : [...written.data]);
    }),
  );
});

test("a walk has a bounded number of requests on the way", async () => {
  const client = shell.shell.session!;
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  let most = 0;
  let znodes = 0;
  let fraction = 0;
  const progress = new WalkFraction();
  for (let i = 0; i < 300; i++) await client.create(`/app/b/many${i}`);
  for await (const { depth, children } of walk(client, "/", { signal })) {
    most = Math.max(most, client.pending);
    znodes++;
    const next = progress.visit(depth, children.length);
    expect(next).toBeGreaterThanOrEqual(fraction);
    fraction = next;
  }
  expect(most).toBeGreaterThan(8);
  expect(most).toBeLessThanOrEqual(64);
  expect(znodes).toBeGreaterThan(300);
  expect(fraction).toBeLessThan(1);
});
