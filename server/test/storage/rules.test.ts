import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const TESTS = new URL("../", import.meta.url);
const RULES = [1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 20, 21, 22, 23, 24, 30, 31, 32, 33, 34, 35, 40, 41, 42, 43, 44].map(
  (n) => `D${n}`,
);

test("every rule of docs/durability.md names tests, and these exist", () => {
  const text = readFileSync(new URL("../../../docs/durability.md", import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => /^\| D\d+ \|/.test(line));
  expect(rows.map((row) => row.split(" ")[1])).toEqual(expect.arrayContaining(RULES));
  for (const row of rows) {
    const heldBy = row.split(" | ")[2].replace(/ \|$/, "");
    const named = [...heldBy.matchAll(/`([^`]+)`(?:: ([^·]+))?/g)];
    expect(named.length, row).toBeGreaterThan(0);
    for (const [, file, name] of named) {
      const path = new URL(`${file}.test.ts`, TESTS);
      expect(existsSync(path), file).toBe(true);
      if (name !== undefined) expect(readFileSync(path, "utf8"), `${file}: ${name}`).toMatch(nameOfTest(name.trim()));
    }
  }
});

/** A name in quotation marks that begins so. */
function nameOfTest(beginning: string): RegExp {
  return new RegExp(`["\`]${beginning.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
}
