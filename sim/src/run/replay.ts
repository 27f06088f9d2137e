import { describeFault } from "../world/faults.js";
import { runSeed, shrunkenFaults } from "../world/run-seed.js";
import { worldOptions } from "../world/world-options.js";

const SHRINKING_RUNS_MAX = 200;
const TRACE_LINES_MAX = 400;
/** What a reader of a trace wants: not every byte that moves and timer that fires. */
const READABLE = /FAULT| (?:info|WARN|ERROR) |faults end|starts|restarts|lost power|failed|goes on|mended/;

/** Replays one seed; if it fails, with as few faults as will do. @returns the exit code */
export function replay(seed: number, isQuiet: boolean): number {
  console.log(`seed ${seed}: ${JSON.stringify(worldOptions(seed))}`);
  const outcome = runSeed(seed);
  const { violation, counters, hash, events, simulatedMs, operations } = outcome;
  console.log(
    `${events} events, ${(simulatedMs / 1000).toFixed(1)} s simulated, ${operations} operations, hash ${hash}`,
  );
  for (const [what, n] of counters) console.log(`${String(n).padStart(9)}  ${what}`);
  if (violation === null) {
    console.log("1 passed, 0 failed");
    return 0;
  }
  console.log(violation.message);
  const faults = shrunkenFaults(seed, violation.invariant, SHRINKING_RUNS_MAX);
  console.log(`with these ${faults.length} faults it still breaks:`);
  for (const fault of faults) console.log(`  ${describeFault(fault)}`);
  if (!isQuiet) {
    const lines: string[] = [];
    const last = runSeed(seed, faults, (atMs, what) => {
      if (READABLE.test(what)) lines.push(`${atMs.toFixed(1).padStart(9)}  ${what}`);
    });
    for (const line of lines.slice(-TRACE_LINES_MAX)) console.log(line);
    console.log(last.violation?.message);
  }
  console.log("0 passed, 1 failed");
  return 1;
}
