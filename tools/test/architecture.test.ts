import { expect, test } from "vitest";
import { architectureViolations } from "../architecture.js";
import { readText, repositoryFiles } from "../repository-files.js";
import { sourceText } from "../source-text.js";

const sources = repositoryFiles().filter((path) => /\.(?:ts|js|mjs)$/.test(path));

test("every source file keeps to the arrows between workspaces, and every core is pure", () => {
  expect(sources.length).toBeGreaterThan(100);
  const violations = sources.flatMap((path) =>
    architectureViolations(path, readText(path)).map(({ line, problem }) => `${path}:${line}: ${problem}`),
  );
  expect(violations).toEqual([]);
});

const CORE = "server/src/core/tree/data-tree.ts";

test.each([
  [CORE, 'import { readFileSync } from "node:fs";', 1, "core imports node:fs, which is not of this project"],
  [CORE, 'import pino from "pino";', 1, "core imports pino, which is not of this project"],
  [CORE, 'export * from "../../node/server.js";', 1, "core imports ../../node/server.js, which is not core"],
  [CORE, '\nconst later = import("../../node/server.js");', 2, "core imports ../../node/server.js, which is not core"],
  [CORE, "\n\nconst now = Date.now();", 3, "Date in a pure core"],
  [CORE, "const name = `${new Date()}`;", 1, "Date in a pure core"],
  [CORE, "const x = Math.random();", 1, "Math.random in a pure core"],
  [CORE, "const divided = 1 / 2; setTimeout(f, 1 / 2);", 1, "setTimeout in a pure core"],
  [CORE, "(globalThis as any).process.exit();", 1, "globalThis in a pure core"],
  [CORE, "async function wait() {}", 1, "async in a pure core"],
  [
    "jute/wire/src/core/a.ts",
    'import { startServer } from "@quoll/server";',
    1,
    "@quoll/jute may not import @quoll/server",
  ],
  [
    "server/test/a.test.ts",
    'import { compile } from "jute-ts-codegen";',
    1,
    "@quoll/server may not import jute-ts-codegen",
  ],
  ["server/src/node/a.ts", 'import "../../../cli/src/main.js";', 1, "leaves the workspace"],
  ["cli/src/a.ts", 'import { World } from "@quoll/sim";', 1, "quoll may not import @quoll/sim"],
  ["server/src/node/a.ts", 'import "@quoll/compat-tests";', 1, "@quoll/server may not import @quoll/compat-tests"],
  ["server/test/a.test.ts", 'import "../../cli/src/ask.js";', 1, "@quoll/server may not import quoll"],
  ["jute/codegen/src/a.ts", 'import "../../wire/src/index.js";', 1, "leaves the workspace"],
])("a violation is found with its line: %s: %s", (path, text, line, problem) => {
  const found = architectureViolations(path, text);
  expect(found[0]).toMatchObject({ line, problem: expect.stringContaining(problem) });
});

test.each([
  [CORE, 'import { Reader } from "@quoll/jute";\nimport { hex } from "../hex.js";'],
  [CORE, "/** Never calls Date.now(). */\n// nor setTimeout\nconst text = \"Date\" + 'process' + `await ${1} Buffer`;"],
  [CORE, "const quote = /[\"'/]Date/; stats.process(1); x.performance = 1;"],
  ["server/src/node/a.ts", 'import { hex } from "../core/hex.js";\nconst now = Date.now();'],
  ["bench/src/a.ts", 'import { startServer } from "@quoll/server";'],
  ["bench/src/a.ts", 'import { runSuite } from "@quoll/compat-tests";'],
  ["jute/codegen/test/a.test.ts", 'import "../../wire/src/index.js";'],
  ["compat-tests/a.mjs", 'import "../server/dist/core/tree/data-tree.js";'],
  [CORE, 'const text = \'imported from "/zookeeper/"\'; Array.from("node:fs");'],
  ["cli/src/a.ts", 'import { loadConfig } from "@quoll/server/internal";'],
  ["README.md", "Date.now()"],
])("what is allowed is not reported: %s: %s", (path, text) => {
  expect(architectureViolations(path, text)).toEqual([]);
});

test("blanking keeps the place of everything that stays", () => {
  const text = 'a /* b\nc */ "d" `e${f}g` h // i\n/j/ k';
  const { code, withStrings } = sourceText(text);
  expect(code).toBe('a     \n     " " ` ${f} ` h     \n/ / k');
  expect(withStrings).toBe('a     \n     "d" `e${f}g` h     \n/j/ k');
});
