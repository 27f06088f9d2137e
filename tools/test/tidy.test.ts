import { expect, test } from "vitest";
import { readText, repositoryFiles } from "../repository-files.js";
import { untidiness } from "../tidy.js";

test("no file names a machine's paths, a registry's host, or work left to do", () => {
  const files = repositoryFiles().filter((path) => !path.startsWith("tools/test/"));
  const found = files.flatMap((path) =>
    untidiness(readText(path)).map(({ line, problem }) => `${path}:${line}: ${problem}`),
  );
  expect(found).toEqual([]);
});

test.each([
  ["cd /work/main", "a path of one machine"],
  ["cp /tmp/scratch-1/a b", "a path of one machine"],
  ["\n\nHOME=/root/x", "a path of one machine"],
  ["https://registry.npmjs.org/", "a package registry's host"],
  ["// TODO: later", "something left to do"],
])("what must not stand in a file is found: %s", (text, problem) => {
  expect(untidiness(text)).toEqual([{ line: text.split("\n").length, problem: expect.stringContaining(problem) }]);
});

test.each(["compat-tests/work/a", "an autodoor", "mktemp -p /tmp", "http://maven.apache.org/POM/4.0.0"])(
  "what may stand in a file is not reported: %s",
  (text) => {
    expect(untidiness(text)).toEqual([]);
  },
);

test("every workspace says its licence, its runtime and what it is, and has the same scripts", () => {
  const root = JSON.parse(readText("package.json"));
  const scripts = ["build", "test", "generate", "bench", "fix", "verify"];
  for (const folder of [".", ...root.workspaces]) {
    const manifest = JSON.parse(readText(folder === "." ? "package.json" : `${folder}/package.json`));
    expect(manifest, folder).toMatchObject({
      license: "Apache-2.0",
      type: "module",
      engines: { node: ">=20.19" },
      description: expect.stringMatching(/.{20}/),
    });
    expect(Object.keys(manifest.scripts), folder).toEqual(expect.arrayContaining(scripts));
  }
  expect(readText("LICENSE")).toContain("Apache License");
});

test("docs/dependencies.md has a line for every dependency, and no line for another", () => {
  const root = JSON.parse(readText("package.json"));
  const manifests = [".", ...root.workspaces].map((folder: string) => JSON.parse(readText(`${folder}/package.json`)));
  const ours = new Set(manifests.map(({ name }) => name));
  const used = new Set(
    manifests.flatMap((manifest) => Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })),
  );
  const listed = [...readText("docs/dependencies.md").matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]);
  expect([...new Set(listed)].sort()).toEqual([...used].filter((name) => !ours.has(name)).sort());
});
