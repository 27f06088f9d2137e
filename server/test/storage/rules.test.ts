import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const TESTS = new URL("../", import.meta.url);
const RULES = [
  "D1",
  "D2",
  "D3",
  "D4",
  "D5",
  "D6",
  "D30",
  "D31",
  "D32",
  "D33",
  "D34",
  "D35",
  "D40",
  "D41",
  "D43",
  "D44",
];

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
