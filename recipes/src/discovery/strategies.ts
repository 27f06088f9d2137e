import type { ServiceInstance } from "./service-instance.js";

/**
 * Chooses one of a service's instances.
 * @param instances - those that are enabled and not down, in the order of their ids; may be empty
 * @returns null if there is none
 */
export type ProviderStrategy<T> = (instances: readonly ServiceInstance<T>[]) => ServiceInstance<T> | null;

/** Each in turn. */
export function roundRobin<T>(): ProviderStrategy<T> {
  let next = 0;
  return (instances) => {
    if (instances.length === 0) return null;
    const instance = instances[next % instances.length];
    next = (next + 1) % 0x40000000;
    return instance;
  };
}

/**
 * Any.
 * @param random - a number from 0 to below 1
 */
export function randomly<T>(random: () => number = Math.random): ProviderStrategy<T> {
  return (instances) => (instances.length === 0 ? null : instances[Math.floor(random() * instances.length)]);
}

/** The same as before as long as it is there; else what `choose` says. */
export function sticky<T>(choose: ProviderStrategy<T>): ProviderStrategy<T> {
  let id: string | null = null;
  return (instances) => {
    const same = instances.find((instance) => instance.id === id);
    if (same !== undefined) return same;
    const instance = choose(instances);
    id = instance?.id ?? null;
    return instance;
  };
}

/** When an instance counts as down. */
export interface DownInstancePolicy {
  /** For how long an error is remembered; 30,000 ms by default. */
  readonly timeoutMs?: number;
  /** With how many remembered errors an instance is not given out; 2 by default. */
  readonly errorThreshold?: number;
}

/** Counts the errors that users of instances report, and so says which are down. */
export class DownInstances {
  private readonly timeoutMs: number;
  private readonly errorThreshold: number;
  private readonly errors = new Map<string, { sinceMs: number; count: number }>();

  constructor({ timeoutMs = 30_000, errorThreshold = 2 }: DownInstancePolicy = {}) {
    this.timeoutMs = timeoutMs;
    this.errorThreshold = errorThreshold;
  }

  note(id: string, nowMs: number): void {
    this.forgetOld(nowMs);
    const known = this.errors.get(id);
    if (known === undefined) this.errors.set(id, { sinceMs: nowMs, count: 1 });
    else known.count++;
  }

  isDown(id: string, nowMs: number): boolean {
    this.forgetOld(nowMs);
    return (this.errors.get(id)?.count ?? 0) >= this.errorThreshold;
  }

  private forgetOld(nowMs: number): void {
    for (const [id, { sinceMs }] of this.errors) if (nowMs - sinceMs >= this.timeoutMs) this.errors.delete(id);
  }
}
