import { describe, expect, test } from "vitest";
import { parseProperties } from "../../src/node/config/properties.js";

const pairs = (text: string) => parseProperties(text, "zoo.cfg").map(({ key, value, line }) => [key, value, line]);

describe("properties file", () => {
  test.each([
    ["equals sign", "a=b", [["a", "b", 1]]],
    ["colon", "a:b", [["a", "b", 1]]],
    ["white space", "a b c", [["a", "b c", 1]]],
    ["white space around the separator", " a \t=\f b ", [["a", "b ", 1]]],
    ["only the first separator counts", "a = = b", [["a", "= b", 1]]],
    ["a key alone has an empty value", "a", [["a", "", 1]]],
    ["comments and blank lines are counted but left out", "# x\n\n ! y\n\t\na=1", [["a", "1", 5]]],
    ["# inside a value is no comment", "a=1 # x", [["a", "1 # x", 1]]],
    [
      "a backslash joins lines and drops the next one's indent",
      "a=1\\\n   2\nb=3",
      [
        ["a", "12", 1],
        ["b", "3", 3],
      ],
    ],
    ["a comment sign begins no comment in a joined line", "a=1\\\n#2", [["a", "1#2", 1]]],
    [
      "two backslashes are one, and join nothing",
      "a=1\\\\\nb=2",
      [
        ["a", "1\\", 1],
        ["b", "2", 2],
      ],
    ],
    ["escaped separators belong to the key", "a\\=\\:\\ b=c", [["a=: b", "c", 1]]],
    ["escapes", "a=\\t\\n\\r\\f\\q\\u0041", [["a", "\t\n\r\fqA", 1]]],
    [
      "all three ends of line",
      "a=1\rb=2\r\nc=3\n",
      [
        ["a", "1", 1],
        ["b", "2", 2],
        ["c", "3", 3],
      ],
    ],
    [
      "equal keys are all given, in order",
      "a=1\na=2",
      [
        ["a", "1", 1],
        ["a", "2", 2],
      ],
    ],
  ])("%s", (_, text, expected) => {
    expect(pairs(text)).toEqual(expected);
  });

  test("a malformed unicode escape is refused with its line", () => {
    expect(() => pairs("a=1\nb=\\u12")).toThrow("zoo.cfg:2: \\u12 is not a character; write \\u and four hex digits");
  });
});
