import { expect, test } from "vitest";
import { curvePlots } from "../src/curve-plots.js";
import { replaceSection } from "../src/sections.js";

const DOCUMENT = "# Title\n<!-- table: begin. Filled in. -->\nold\nlines\n<!-- table: end -->\nrest\n";

test("a section is replaced between its markers, and again with the same outcome", () => {
  const once = replaceSection(DOCUMENT, "table", "\nnew\n\n");
  expect(once).toBe("# Title\n<!-- table: begin. Filled in. -->\nnew\n<!-- table: end -->\nrest\n");
  expect(replaceSection(once, "table", "new")).toBe(once);
});

test("a document without the section is refused", () => {
  expect(() => replaceSection(DOCUMENT, "plots", "x")).toThrow("the document has no section plots");
});

test("only curves with points are drawn, with a line for each contender that was measured", () => {
  const plots = curvePlots({
    curves: {
      depth: [
        { kind: "quoll", x: 1, ys: { get: 10, set: 5 } },
        { kind: "quoll", x: 16, ys: { get: 100, set: 50 } },
        { kind: "zookeeper", x: 1, ys: { get: 4, set: 2 } },
      ],
      watches: [],
    },
  });
  expect(plots.map(({ file }) => file)).toEqual(["depth.svg"]);
  expect(plots[0]?.svg.match(/<circle/g)).toHaveLength(6);
  expect(plots[0]?.svg).toContain("ZooKeeper, set");
});

test("a single contender's lines are named by what they show", () => {
  const [plot] = curvePlots({ curves: { depth: [{ kind: "quoll", x: 1, ys: { get: 10, set: 5 } }] } });
  expect(plot?.svg).toContain(">set</text>");
});
