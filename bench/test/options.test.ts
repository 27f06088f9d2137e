import { expect, test } from "vitest";
import { parseOptions } from "../src/options.js";

test("without arguments everything is measured at full size", () => {
  expect(parseOptions([])).toMatchObject({ rounds: 3, znodes: 1_000_000, against: null, names: [] });
});

test("a quick run is small, and what is given overrules it", () => {
  expect(parseOptions(["--quick", "--rounds", "2", "get-1x1"])).toMatchObject({
    rounds: 2,
    znodes: 100_000,
    names: ["get-1x1"],
  });
});

test("what is no positive number or no option is refused", () => {
  expect(() => parseOptions(["--secs", "soon"])).toThrow("--secs wants a positive number, not soon");
  expect(() => parseOptions(["--fast"])).toThrow("--fast");
});
