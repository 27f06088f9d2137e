import { describe, expect, it } from "vitest";
import { World } from "./world.js";

describe("an ensemble", () => {
  it("elects a leader that serves, and commits a write on every server", () => {
    const world = new World({ voters: 3, observers: 1 });
    world.boot();
    world.untilServing();
    world.write("a");
    world.untilEqual();
    expect([1, 2, 3, 4].map((sid) => world.values(sid))).toEqual([["a"], ["a"], ["a"], ["a"]]);
  });
});
