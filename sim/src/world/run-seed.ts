import { applyMutant } from "../mutants/index.js";
import { type Fault, faultsOf } from "./faults.js";
import { type Outcome, World } from "./world.js";
import { worldOptions } from "./world-options.js";

/** Told what happens, for people. */
export type Trace = (atMs: number, what: string) => void;

/** Runs one seed. @param faults - those of the seed unless others are given */
export function runSeed(seed: number, faults: readonly Fault[] | null = null, trace: Trace | null = null): Outcome {
  const options = worldOptions(seed);
  const world = new World(seed, options, faults ?? faultsOf(seed, options));
  world.kernel.trace = trace;
  return world.run();
}

/** Runs one seed with one decision of the servers changed. */
export function runMutant(seed: number, mutant: string): Outcome {
  const undo = applyMutant(mutant);
  try {
    return runSeed(seed);
  } finally {
    undo();
  }
}

/**
 * Leaves out faults as long as the same invariant still breaks: halves, quarters, single ones.
 * @param runsMax - how many runs it may take
 */
export function shrunkenFaults(seed: number, invariant: string, runsMax: number): Fault[] {
  let faults = faultsOf(seed, worldOptions(seed));
  let runs = 0;
  const stillBreaks = (candidate: readonly Fault[]): boolean => {
    runs++;
    return runSeed(seed, candidate).violation?.invariant === invariant;
  };
  for (
    let size = Math.ceil(faults.length / 2);
    size >= 1 && runs < runsMax;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < faults.length && runs < runsMax; ) {
      const candidate = [...faults.slice(0, at), ...faults.slice(at + size)];
      if (stillBreaks(candidate)) faults = candidate;
      else at += size;
    }
  }
  return faults;
}
