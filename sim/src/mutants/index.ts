export interface Mutant {
  readonly id: string;
  readonly catalogue: string;
  readonly what: string;
  apply(): () => void;
}
export const MUTANTS: readonly Mutant[] = [];
export function applyMutant(id: string): () => void {
  return MUTANTS.find((m) => m.id === id)!.apply();
}
