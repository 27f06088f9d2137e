import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { encodeRecord, equalRecords, formatRecord, Long, ProtocolError, Reader } from "../../wire/src/index.js";
import { type CompileOptions, compile, defaults } from "../src/index.js";
import { Everything, IntVector, Vectors } from "./gen/shop.stock.js";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const options: CompileOptions = { ...defaults, runtime: "../../../wire/src/index.js" };

/** Compiles files that exist only here. */
function compileTexts(files: Record<string, string>, changed: Partial<CompileOptions> = {}) {
  return compile(Object.keys(files).slice(0, 1), (path) => files[path] ?? null, { ...defaults, ...changed });
}

function compileFolder(...names: string[]) {
  return compile(
    names,
    (path) => {
      try {
        return readFileSync(here(`definitions/${path}`), "utf8");
      } catch {
        return null;
      }
    },
    options,
  );
}

describe("what is generated", () => {
  const { outputs, errors } = compileFolder("all-types.jute");

  test("every type, nested types, comments and other modules become the recorded code (record anew with vitest -u)", async () => {
    expect(errors).toEqual([]);
    expect(outputs.map(({ name }) => name)).toEqual(["shop.common.ts", "shop.stock.ts"]);
    for (const { name, text } of outputs) await expect(text).toMatchFileSnapshot(`gen/${name}`);
  });

  test("the recorded code passes the compiler at its strictest", () => {
    const flags = "--noEmit --strict --module nodenext --target es2022 --verbatimModuleSyntax --noUnusedLocals";
    const run = () =>
      execFileSync(
        process.execPath,
        [
          here("../../../node_modules/typescript/bin/tsc"),
          "--ignoreConfig",
          ...flags.split(" "),
          "--types",
          "",
          "--exactOptionalPropertyTypes",
          here("gen/shop.stock.ts"),
        ],
        { encoding: "utf8", stdio: "pipe" },
      );
    expect(run()).toBe("");
  });

  test("the same definitions give the same text, in whatever order the files are named", () => {
    expect(compileFolder("all-types.jute").outputs).toEqual(outputs);
    const bothWays = [compileFolder("all-types.jute", "common.jute"), compileFolder("common.jute", "all-types.jute")];
    expect(bothWays[0].outputs).toEqual(outputs);
    expect(bothWays[1].outputs).toEqual(outputs);
  });

  test("line ends of another system change nothing", () => {
    const text = "/** A\n * b */\nmodule m { class C {\n// d\nint a; // e\n} }\n";
    expect(compileTexts({ "m.jute": text.replaceAll("\n", "\r\n") })).toEqual(compileTexts({ "m.jute": text }));
  });

  test("a long is what the option says, unless its comment says @bits", () => {
    const files = { "m.jute": "module m { class C { long a; long b; // @bits: opaque\n} }" };
    const [asBigint] = compileTexts(files).outputs;
    const [asNumber] = compileTexts(files, { long: "number" }).outputs;
    expect(asBigint.text).toContain("readonly a: bigint;\n  /** opaque */\n  readonly b: Long;");
    expect(asBigint.text).toContain("a: reader.bigint(),\n      b: reader.bits(),");
    expect(asNumber.text).toContain("readonly a: number;\n  /** opaque */\n  readonly b: Long;");
    expect(asNumber.text).toContain("a: reader.long(),\n      b: reader.bits(),");
  });

  test("a prefix of module names is left out of file names and of imports between them", () => {
    const files = {
      "m.jute":
        "module x.y.a { class C { int i; } } module x.b { class D { x.y.a.C c; } } module z { class E { int i; } }",
    };
    const { outputs } = compileTexts(files, { stripPrefix: "x" });
    expect(outputs.map(({ name }) => name)).toEqual(["b.ts", "y.a.ts", "z.ts"]);
    expect(outputs[0].text).toContain('import { C } from "./y.a.js";');
  });
});

describe("what the generated code does", () => {
  const value: Everything = {
    aByte: -128,
    aBoolean: true,
    anInt: -1,
    aLong: -(2n ** 63n),
    someBits: new Long(-1, 5),
    manyBits: [new Long(0, 1), new Long(1, 0)],
    aFloat: 0.5,
    aDouble: -0.1,
    aString: "é",
    aBuffer: Uint8Array.of(1, 255),
    aTag: { name: null },
    otherTag: { label: "it's" },
    later: { classes: 1, delete: 2, constructor: 3, moduleName: 4 },
    strings: ["a", "", null],
    nested: [[1, 2], [], null],
    otherTags: null,
    prices: new Map([
      ["a", 1n],
      [null, 2n],
    ]),
    deep: new Map([[1, [new Map([["k", { name: "n" }]]), null]]]),
    bytes: [1, -1],
    booleans: [true, false],
    more: [{ nested: null }],
  };

  test("a record of all types is encoded byte by byte as the format says, and comes back", () => {
    const bytes = encodeRecord(Everything, value);
    const hex = `
      80 01 ffffffff 8000000000000000 ffffffff00000005
      00000002 0000000000000001 0000000100000000
      3f000000 bfb999999999999a
      00000002 c3a9  00000002 01ff  ffffffff  00000004 69742773
      00000001 00000002 00000003 00000004
      00000003 00000001 61 00000000 ffffffff
      00000003 00000002 00000001 00000002 00000000 ffffffff
      ffffffff
      00000002 00000001 61 0000000000000001 ffffffff 0000000000000002
      00000001 00000001 00000002 00000001 00000001 6b 00000001 6e ffffffff
      00000002 01ff
      00000002 0100
      00000001 ffffffff`;
    expect(Buffer.from(bytes).toString("hex")).toBe(hex.replace(/\s/g, ""));
    const reader = new Reader(bytes);
    const decoded = Everything.decode(reader);
    expect(decoded).toEqual(value);
    expect(reader.remaining).toBe(0);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => Everything.decode(new Reader(bytes, 0, length))).toThrow(ProtocolError);
    }
  });

  test("printing shows every type on one line, null and empty apart", () => {
    expect(formatRecord(Everything, value)).toBe(
      "Everything{aByte=-128, aBoolean=true, anInt=-1, aLong=-9223372036854775808, someBits=0xffffffff00000005, " +
        "manyBits=[0x1, 0x100000000], aFloat=0.5, aDouble=-0.1, aString='é', aBuffer=#01ff, aTag=Tag{name=null}, " +
        "otherTag=Tag{label='it\\'s'}, later=Later{classes=1, delete=2, constructor=3, moduleName=4}, " +
        "strings=['a', '', null], nested=[[1, 2], [], null], otherTags=null, prices={'a': 1, null: 2}, " +
        "deep={1: [{'k': Tag{name='n'}}, null]}, bytes=[1, -1], booleans=[true, false], more=[Everything2{nested=null}]}",
    );
  });

  test("a string cannot forge a line of a log", () => {
    expect(formatRecord(Everything, { ...value, aString: "a\n2026 \"INFO\" 'ok'\\\u0000" })).toContain(
      "aString='a\\n2026 \"INFO\" \\'ok\\'\\\\\\u0000',",
    );
  });

  test("records are equal by value, maps whatever the order of their entries", () => {
    const prices = new Map([...(value.prices ?? [])].reverse());
    const copy: Everything = { ...value, prices, deep: new Map([[1, [new Map([["k", { name: "n" }]]), null]]]) };
    expect(equalRecords(Everything, value, copy)).toBe(true);
    const others: Partial<Everything>[] = [
      { prices: new Map([["a", 1n]]) },
      {
        prices: new Map([
          ["a", 1n],
          [null, 3n],
        ]),
      },
      { prices: null },
      { deep: new Map([[1, [new Map([["k", { name: null }]]), null]]]) },
      { aFloat: -0.5 },
      { manyBits: [new Long(0, 1), new Long(1, 1)] },
      { nested: [[1, 2], null, null] },
      { strings: ["a", ""] },
      { aBuffer: Uint8Array.of(1) },
      { otherTag: { label: "" } },
    ];
    for (const other of others) expect(equalRecords(Everything, value, { ...value, ...other })).toBe(false);
    expect(equalRecords(Everything, { ...value, aDouble: Number.NaN }, { ...value, aDouble: Number.NaN })).toBe(true);
  });

  test("vectors whose types would have the same name keep their own functions", () => {
    const vectors = { ofClass: [{ a: 7 }], ofVector: [[1], null] };
    const bytes = encodeRecord(Vectors, vectors);
    expect(Vectors.decode(new Reader(bytes))).toEqual(vectors);
    expect(IntVector.fields).toEqual([{ name: "a", type: "int" }]);
  });

  test("a count of elements that cannot fit is refused before anything is read", () => {
    const hex = "00000002 00000001 00000001";
    const decode = () => Vectors.decode(new Reader(Uint8Array.from(Buffer.from(hex.replace(/ /g, ""), "hex")), 0, 11));
    expect(decode).toThrow("vector count at byte 0: expected -1 or what fits in the 7 bytes that remain, got 2");
  });
});

describe("errors", () => {
  test("all errors of syntax are found in one run, each with its place, what was expected, and its line", async () => {
    const { outputs, errors } = compileFolder("errors.jute");
    expect(outputs).toEqual([]);
    await expect(`${errors.join("\n\n")}\n`).toMatchFileSnapshot("gen/errors.txt");
  });

  test("all errors of meaning are found in one run", async () => {
    const { outputs, errors } = compileFolder("meaning.jute");
    expect(outputs).toEqual([]);
    await expect(`${errors.join("\n\n")}\n`).toMatchFileSnapshot("gen/meaning.txt");
  });

  test.each([
    ["", 'expected "module" or "include", got the end of the file'],
    ["// only a comment\n", 'expected "module" or "include", got the end of the file'],
    ["module", "expected a name, got the end of the file"],
    ["module a {", 'expected a class ("class Name { ... }") or "}", got the end of the file'],
    ["module a { class B { int c", 'expected ";", got the end of the file'],
    ["module a { class B { int 1c; } }", 'expected a name, a keyword or one of { } < > ; , . but got "1"'],
    ['include "a.jute";', 'expected "module" or "include", got ";"'],
    ["module a { class B { vector<int, int> c; } }", 'expected ">", got ","'],
  ])("%j is refused: %s", (text, message) => {
    const { errors } = compileTexts({ "m.jute": text });
    expect(errors.join("\n")).toContain(message);
  });

  test("an error in a field hides no unknown type, but a class or file that could not be read is not guessed about", () => {
    const inField = compileTexts({ "m.jute": "module m { class A { int; } class B { X x; } }" });
    expect(inField.errors.map((error) => error.split("\n")[0])).toEqual([
      'm.jute:1:25: expected a field name, got ";"',
      'm.jute:1:39: expected a type, got "X", which no module defines',
    ]);
    expect(compileTexts({ "m.jute": "module m { class { int i; } class B { X x; } }" }).errors).toHaveLength(1);
    expect(compileTexts({ "m.jute": 'include "x.jute" module m { class B { X x; } }' }).errors).toHaveLength(1);
  });

  test("a file that includes itself, or one that includes it, is read once", () => {
    const files = {
      "d/a.jute": 'include "../b.jute" include "a.jute" module m { class A { n.B b; } }',
      "b.jute": 'include "d/a.jute" module n { class B { int i; } }',
    };
    const { outputs, errors } = compileTexts(files);
    expect(errors).toEqual([]);
    expect(outputs.map(({ name }) => name)).toEqual(["m.ts", "n.ts"]);
  });

  test("an error in an included file is shown with that file's name", () => {
    const { errors } = compileTexts({
      "a.jute": 'include "b.jute" module m { class A { int i; } }',
      "b.jute": "module",
    });
    expect(errors).toEqual(["b.jute:1:7: expected a name, got the end of the file\n    1 | module\n      |       ^"]);
  });
});
