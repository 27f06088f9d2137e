/** A decision of the servers that is changed. */
export interface Mutant {
  readonly id: string;
  /** In the catalogue of ZooKeeper's bugs, and the rule that it breaks. */
  readonly catalogue: string;
  readonly what: string;
  /** Changes it. @returns changes it back */
  apply(): () => void;
}

type Method = (...args: never[]) => unknown;

/**
 * Puts another method into the place of one. The classes that are shipped have no switch for this: their prototypes are
 * changed from here, in the simulator's own process.
 * @param make - gets the original
 */
export function patched<T extends object>(
  prototype: T,
  name: string,
  make: (original: (this: unknown, ...args: unknown[]) => unknown) => (this: never, ...args: never[]) => unknown,
): () => void {
  const methods = prototype as unknown as Record<string, Method>;
  const original = methods[name];
  if (typeof original !== "function") throw new Error(`there is no method ${name} to change`);
  methods[name] = make(original as (this: unknown, ...args: unknown[]) => unknown) as Method;
  return () => {
    methods[name] = original;
  };
}
