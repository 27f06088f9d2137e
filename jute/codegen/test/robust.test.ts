import fc from "fast-check";
import { expect, test } from "vitest";
import { compile, defaults } from "../src/index.js";

const words =
  'include module class vector map byte boolean int long float double ustring buffer { } < > ; , . "f.jute" "open A B a b ' +
  "// /* */ @bits $ 1 \n \t é";

/** Nearly a definition: most of the words stand where they may. */
const almost = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom("int a;", "vector<int> b;", "A c;", "long d; // @bits\n", "map<int,A> e;"),
      },
      { weight: 3, arbitrary: fc.constantFrom("class A {", "class B {", "}", "module m {", "} }") },
      { weight: 1, arbitrary: fc.constantFrom(...words.split(" ")) },
    ),
    { maxLength: 40 },
  )
  .map((parts) => `module m { class A { ${parts.join(" ")} } }`);

const soup = fc.array(fc.constantFrom(...words.split(" ")), { maxLength: 60 }).map((parts) => parts.join(" "));

test("whatever the text, the compiler reports errors or generates code, and every error has a place within the file", () => {
  let generated = 0;
  fc.assert(
    fc.property(fc.oneof(almost, soup, fc.string()), (text) => {
      const { outputs, errors } = compile(["m.jute"], (path) => (path === "m.jute" ? text : null), defaults);
      expect(outputs.length === 0).toBe(errors.length > 0);
      generated += outputs.length;
      const lines = text.split(/\r\n|\r|\n/);
      for (const error of errors) {
        const [, line, column] = /^m\.jute:(\d+):(\d+): expected /.exec(error) ?? [];
        expect(Number(line), error).toBeLessThanOrEqual(lines.length);
        expect(Number(column), error).toBeLessThanOrEqual(lines[Number(line) - 1].length + 1);
      }
    }),
    { numRuns: 3000, examples: [["module m { class A { int a; } }"]] },
  );
  expect(generated).toBeGreaterThan(0);
});
