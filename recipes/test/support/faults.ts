import fc from "fast-check";
import type { World } from "./world.js";

/** Something that goes wrong at some time. */
export interface Fault {
  readonly kind: "disconnect" | "cut" | "pause" | "restart";
  readonly process: number;
  readonly atMs: number;
  readonly forMs: number;
}

/** Faults of `count` processes within `withinMs`: too short and long enough for a session of 4 s to expire. */
export function faults(count: number, withinMs: number): fc.Arbitrary<Fault[]> {
  return fc.array(
    fc.record({
      kind: fc.constantFrom("disconnect", "cut", "cut", "pause", "pause", "restart"),
      process: fc.nat(count - 1),
      atMs: fc.nat(withinMs),
      forMs: fc.integer({ min: 1, max: 9000 }),
    }),
    { maxLength: 8 },
  );
}

/** Lets them happen to the world's first processes. */
export function plan(world: World, list: readonly Fault[]): void {
  for (const { kind, process, atMs, forMs } of list) {
    world.after(atMs, () => {
      const victim = world.processes[process]!;
      if (kind === "disconnect") victim.disconnect();
      else if (kind === "cut") victim.cut(forMs);
      else if (kind === "pause") victim.pause(forMs);
      else world.restart(Math.min(forMs, 3000));
    });
  }
}
