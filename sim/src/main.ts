import { faultsOf } from "./world/faults.js";
import { World } from "./world/world.js";
import { worldOptions } from "./world/world-options.js";

const seed = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 1);
for (let s = seed; s < seed + count; s++) {
  const options = worldOptions(s);
  const world = new World(s, options, faultsOf(s, options));
  if (process.argv[4] === "trace") world.kernel.trace = (at, what) => console.log(at.toFixed(2).padStart(10), what);
  const t = performance.now();
  const o = world.run();
  console.log(
    s,
    options.voters,
    o.violation === null ? "ok" : o.violation.message,
    o.hash.toString(16),
    o.events,
    Math.round(o.simulatedMs),
    o.operations,
    o.committed,
    `${Math.round(performance.now() - t)}ms`,
  );
  if (count === 1) console.log(o.counters);
}
