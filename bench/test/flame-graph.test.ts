import { expect, test } from "vitest";
import { type CpuProfile, callTree, flameGraph, foldedStacks, hottest } from "../src/flame-graph.js";

const node = (id: number, functionName: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url: id < 3 ? "" : "file:///x/core.js", lineNumber: 9 },
  children,
});

/** (root) calls turn, which calls read twice, from two nodes; then the thread is idle. */
const profile: CpuProfile = {
  nodes: [node(1, "(root)", [2, 3]), node(2, "(idle)"), node(3, "turn", [4, 5]), node(4, "read"), node(5, "read")],
  samples: [3, 4, 5, 2, 4],
  timeDeltas: [10, 20, 30, 1000, 5],
};

test("waiting is left out, and calls of one function from one place are one frame", () => {
  const tree = callTree(profile);
  expect(tree).toEqual({
    name: "(root)",
    micros: 65,
    children: [
      { name: "turn core.js:10", micros: 65, children: [{ name: "read core.js:10", micros: 55, children: [] }] },
    ],
  });
});

test("the beginning is left out when it is asked for", () => {
  expect(callTree(profile, 0.03).micros).toBe(35);
});

test("folded stacks have each stack's own time", () => {
  expect(foldedStacks(callTree(profile))).toBe(
    "(root);turn core.js:10 10\n(root);turn core.js:10;read core.js:10 55\n",
  );
});

test("the hottest functions come first, by their own time", () => {
  const [first, second] = hottest(callTree(profile), 2);
  expect(first).toEqual({ name: "read core.js:10", share: 55 / 65 });
  expect(second?.name).toBe("turn core.js:10");
});

test("the graph has a box for each frame, and is a document for a profile without samples too", () => {
  expect(flameGraph(callTree(profile), "a & b").match(/<g>/g)).toHaveLength(3);
  const empty = flameGraph(callTree({ ...profile, samples: [], timeDeltas: [] }), "nothing");
  expect(empty).toContain("</svg>");
  expect(empty).not.toContain("NaN");
});
