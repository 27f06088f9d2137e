import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGES = ["jute/wire", "client", "recipes"];

let dir: string;
const files = new Map<string, string[]>();
const tarballs: string[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "quoll-packages-"));
  for (const folder of PACKAGES) {
    const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", dir], {
      cwd: join(ROOT, folder),
    });
    const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
    tarballs.push(join(dir, packed.filename));
    files.set(
      folder,
      packed.files.map(({ path }) => path),
    );
  }
}, 60_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each(PACKAGES)("%s packs what it needs and nothing else", (folder) => {
  const all = files.get(folder) as string[];
  for (const file of ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"]) {
    expect(all).toContain(file);
  }
  const allowed = /^(?:package\.json|README\.md|LICENSE|dist\/.*\.(?:js|d\.ts)|protocol\/\w+\.jute)$/;
  expect(all.filter((file) => !allowed.test(file))).toEqual([]);
  // Each module has its types, and each type its module.
  const modules = all.filter((file) => file.endsWith(".js")).map((file) => file.slice(0, -3));
  const types = all.filter((file) => file.endsWith(".d.ts")).map((file) => file.slice(0, -5));
  expect(types.sort()).toEqual(modules.sort());
});

test("the tarballs install into an empty project without a network, and work there", async () => {
  const project = mkdtempSync(join(dir, "project-"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs], {
    cwd: project,
  });
  expect(readdirSync(join(project, "node_modules", "@quoll")).sort()).toEqual(["client", "jute", "recipes"]);
  writeFileSync(
    join(project, "use.js"),
    `import { createClient, isKeeperError, op } from "@quoll/client";
     import * as recipes from "@quoll/recipes";
     const zk = createClient("127.0.0.1:1/app", { operationTimeoutMs: 50 });
     const error = await zk.multi([op.create("/a", "1")]).catch((caught) => caught);
     await zk.close();
     console.log(isKeeperError(error, "OperationTimeout"), error.outcome, zk.state, typeof recipes.Mutex);`,
  );
  const { stdout } = await run(process.execPath, ["use.js"], { cwd: project });
  expect(stdout).toBe("true notSent closed function\n");

  writeFileSync(
    join(project, "use.ts"),
    `import { connect, op, type Stat } from "@quoll/client";
     import { Mutex } from "@quoll/recipes";
     const zk = await connect("localhost");
     const [path, stat] = await zk.multi([op.create("/a", "1"), op.setData("/b", null)]);
     export const typed: [string, Stat] = [path, stat];
     export const mutex: Mutex = new Mutex(zk, "/lock");
     // @ts-expect-error: the second result is no string
     export const wrong: [string, string] = [path, stat];`,
  );
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node"];
  await run(tsc, [...options, "--typeRoots", join(ROOT, "node_modules", "@types"), "use.ts"], { cwd: project });
}, 60_000);
