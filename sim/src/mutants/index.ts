import type { Mutant } from "./mutant.js";
import { SERVER_MUTANTS } from "./server-mutants.js";
import { ZAB_MUTANTS } from "./zab-mutants.js";

export const MUTANTS: readonly Mutant[] = [...ZAB_MUTANTS, ...SERVER_MUTANTS];

/** Switches a mutant on in this process. @returns switches it off */
export function applyMutant(id: string): () => void {
  const mutant = MUTANTS.find((each) => each.id === id);
  if (mutant === undefined)
    throw new Error(`there is no mutant ${id}; there are ${MUTANTS.map((each) => each.id).join(", ")}`);
  return mutant.apply();
}
