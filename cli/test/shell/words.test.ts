import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoted, wordsOf } from "../../src/shell/line.js";
import { parseOptions } from "../../src/shell/options.js";
import { COMMANDS, usageText } from "../../src/shell/registry.js";

describe("a line is split into words", () => {
  test.each([
    ["get /a", ["get", "/a"]],
    ["  get\t/a  ", ["get", "/a"]],
    ['create /a "two words"', ["create", "/a", "two words"]],
    ["create /a 'it\"s'", ["create", "/a", 'it"s']],
    ['create /a ""', ["create", "/a", ""]],
    ['set /a {"a":1,"b":"x y"}', ["set", "/a", '{"a":1,"b":"x', 'y"}']],
    ["set /a it's", ["set", "/a", "it's"]],
    ['set /a "open end', ["set", "/a", "open", "end"]],
    ['create "a"b', ["create", "a", "b"]],
    ["", []],
    [" ", [" "]],
    ['"', []],
  ])("%j", (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });

  test("whatever the line, words hold only what stands in it, in its order, and splitting ends", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (line) => {
        let at = 0;
        for (const word of wordsOf(line)) {
          const found = line.indexOf(word, at);
          expect(found).toBeGreaterThanOrEqual(at);
          at = found + word.length;
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a quoted word comes back as it was, among others", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 12 }), { minLength: 1, maxLength: 5 }), (words) => {
        const quotes = words.map(quoted);
        fc.pre(quotes.every((word) => word !== null));
        expect(wordsOf(quotes.join(" "))).toEqual(words);
      }),
      { numRuns: 2000 },
    );
  });

  test("a long line of quotes is split in no time to speak of", () => {
    expect(wordsOf(`x ${'"'.repeat(100_001)}`).length).toBe(50_001);
  });
});

describe("options are told from words as Commons CLI does", () => {
  const create = COMMANDS.get("create")!.specs;
  const setquota = COMMANDS.get("setquota")!.specs;

  test.each([
    [["create", "-s", "-e", "/a"], { s: null, e: null }, ["create", "/a"]],
    [["create", "-se", "/a"], { s: null, e: null }, ["create", "/a"]],
    [["create", "/a", "-t", "5"], { t: "5" }, ["create", "/a"]],
    [["create", "-t5", "/a"], { t: "5" }, ["create", "/a"]],
    [["create", "-t=5", "/a"], { t: "5" }, ["create", "/a"]],
    [["create", "-st", "5", "/a"], { s: null, t: "5" }, ["create", "/a"]],
    [["create", "-t", "-5", "/a"], { t: "-5" }, ["create", "/a"]],
    [["create", "--", "-s", "/a"], {}, ["create", "-s", "/a"]],
    [["create", "-t", '"5"', "/a"], { t: "5" }, ["create", "/a"]],
    [["create", "-t", "1", "-t", "2", "/a"], { t: "1" }, ["create", "/a"]],
  ])("%j", (words, options, rest) => {
    const parsed = parseOptions(create, words);
    expect(parsed.words).toEqual(rest);
    for (const name of ["s", "e", "c", "t"]) {
      expect([name, parsed.has(name), parsed.value(name) ?? null]).toEqual([
        name,
        name in options,
        (options as Record<string, string | null>)[name] ?? null,
      ]);
    }
  });

  test.each([
    [["create", "-z", "/a"], "UnrecognizedOptionException: Unrecognized option: -z"],
    [["create", "-sz", "/a"], "UnrecognizedOptionException: Unrecognized option: -sz"],
    [["create", "--s", "/a"], "UnrecognizedOptionException: Unrecognized option: --s"],
    [["create", "/a", "-t"], "MissingArgumentException: Missing argument for option: t"],
    [["create", "-t", "-s", "/a"], "MissingArgumentException: Missing argument for option: t"],
  ])("%j is refused", (words, message) => {
    expect(() => parseOptions(create, words)).toThrow(`org.apache.commons.cli.${message}`);
  });

  test("of a group of options one has to be given, and only one", () => {
    expect(() => parseOptions(setquota, ["setquota", "/a"])).toThrow(
      "MissingOptionException: Missing required option: [-n num soft quota, -b bytes soft quota, -N num hard quota, -B bytes hard quota]",
    );
    expect(() => parseOptions(setquota, ["setquota", "-n", "1", "-B", "2", "/a"])).toThrow(
      "AlreadySelectedException: The option 'B' was specified but an option from this group has already been selected: 'n'",
    );
    expect(parseOptions(setquota, ["setquota", "-n", "1", "-n", "2", "/a"]).value("n")).toBe("1");
  });

  test("whatever the words, each is a word or an option of the result, or there is a ShellError", () => {
    const word = fc.oneof(fc.constantFrom("-s", "-t", "-st", "--", "-", "-5", "/a", ""), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        try {
          const parsed = parseOptions(create, ["create", ...words]);
          for (const found of parsed.words) expect(["create", ...words]).toContain(found);
        } catch (error) {
          expect((error as { code?: unknown }).code).toBe("USAGE");
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the table of commands", () => {
  test("every command has a summary, examples that name a command, and a description of its JSON", () => {
    for (const { name, summary, examples, json } of COMMANDS.values()) {
      expect([name, summary !== "", examples.length > 0, json !== ""]).toEqual([name, true, true, true]);
    }
  });

  test("zkCli's list of commands begins and ends as in ZooKeeper 3.9.5", () => {
    const lines = usageText().split("\n");
    expect(lines.length).toBe(30);
    expect(lines[0]).toBe("ZooKeeper -server host:port -client-configuration properties-file cmd args");
    expect(lines[1]).toMatch(/^\taddWatch \[-m mode] path # optional mode/);
    expect(lines[2]).toBe("\taddauth scheme auth");
    expect(lines[28]).toBe("\twhoami ");
  });
});
