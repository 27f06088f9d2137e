import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../src/command.js";

let folder = "";
let out = "";
let err = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jute-ts-codegen-"));
  writeFileSync(join(folder, "m.jute"), "module m { class A { int i; } } module n { class B { m.A a; } }");
  out = err = "";
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const gen = (name = "") => join(folder, "gen", name);

function command(...args: string[]): number {
  out = err = "";
  const streams = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  return run([join(folder, "m.jute"), "--out", gen(), ...args], streams);
}

test("the first run makes the folder and names the files written; the second finds nothing to do", () => {
  expect(command()).toBe(0);
  expect(out).toBe("m.ts\nn.ts\n");
  expect(readdirSync(gen())).toEqual(["m.ts", "n.ts"]);
  expect(command()).toBe(0);
  expect(out).toBe("");
});

test("--check passes on fresh files and writes nothing on stale ones, but names them and fails", () => {
  command();
  expect(command("--check")).toBe(0);
  expect(err).toBe("");
  writeFileSync(gen("m.ts"), "changed");
  rmSync(gen("n.ts"));
  expect(command("--check")).toBe(1);
  expect(err).toContain("m.ts, n.ts; generate them again");
  expect(readFileSync(gen("m.ts"), "utf8")).toBe("changed");
});

test("--check on a folder that does not exist fails", () => {
  expect(command("--check")).toBe(1);
  expect(err).toContain("m.ts, n.ts");
});

test("a generated file whose module is gone is stale and is removed; a file by someone else stays", () => {
  command();
  writeFileSync(gen("mine.ts"), "export {};");
  writeFileSync(join(folder, "m.jute"), "module m { class A { int i; } }");
  expect(command("--check")).toBe(1);
  expect(err).toContain("n.ts");
  expect(command()).toBe(0);
  expect(readdirSync(gen())).toEqual(["m.ts", "mine.ts"]);
});

test("a definition with errors writes nothing and fails, with the number of errors at the end", () => {
  writeFileSync(join(folder, "m.jute"), "module m { class A { int i } class B { X x; X x; } }");
  expect(command()).toBe(1);
  expect(err).toContain('m.jute:1:28: expected ";", got "}"');
  expect(err).toMatch(/3 errors, nothing was generated\n$/);
  expect(() => readdirSync(gen())).toThrow("ENOENT");
});

test("a missing definition file is an error", () => {
  rmSync(join(folder, "m.jute"));
  expect(command()).toBe(1);
  expect(err).toContain("m.jute: expected a definition file, but it cannot be read");
});

test("options reach the generated code", () => {
  writeFileSync(join(folder, "m.jute"), "module x.m { class A { long i; } }");
  expect(command("--long", "number", "--runtime", "./runtime.js", "--strip-prefix", "x")).toBe(0);
  const text = readFileSync(gen("m.ts"), "utf8");
  expect(text).toContain('import type { RecordType } from "./runtime.js";');
  expect(text).toContain("readonly i: number;");
});

test("a wrong command line fails and says why", () => {
  expect(command("--long", "string")).toBe(1);
  expect(err).toContain("Allowed choices are bigint, number");
  expect(command("--helpp")).toBe(1);
  expect(err).toContain("unknown option");
});

test("--help explains the options and succeeds", () => {
  expect(command("--help")).toBe(0);
  expect(out).toContain("--strip-prefix");
});
