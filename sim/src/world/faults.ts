import { RandomStream } from "../kernel/random.js";
import type { WorldOptions } from "./world-options.js";

export type FaultKind =
  | "kill"
  | "power"
  | "power-all"
  | "crash-in-call"
  | "pause"
  | "cut-one-way"
  | "cut-both"
  | "isolate"
  | "reset"
  | "stall"
  | "EIO"
  | "ENOSPC"
  | "short-write"
  | "wall-jump"
  | "rolling"
  | "wipe"
  | "rot";

export const FAULT_KINDS: readonly FaultKind[] = [
  "kill",
  "power",
  "power-all",
  "crash-in-call",
  "pause",
  "cut-one-way",
  "cut-both",
  "isolate",
  "reset",
  "stall",
  "EIO",
  "ENOSPC",
  "short-write",
  "wall-jump",
  "rolling",
  "wipe",
  "rot",
];

/** Something that goes wrong at a time, for a time. Whatever else it needs is decided by `dice`, so that faults can be left out. */
export interface Fault {
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly durationMs: number;
  /** Whom it is aimed at: anybody, or whoever leads then. */
  readonly target: "any" | "leader";
  readonly dice: number;
}

/** The faults of a seed: a random subset of the kinds, at random times. */
export function faultsOf(seed: number, options: WorldOptions): Fault[] {
  const random = new RandomStream(seed, "faults");
  const kinds = FAULT_KINDS.filter(() => random.chance(0.4));
  if (kinds.length === 0 || random.chance(0.03)) return [];
  const faults: Fault[] = [];
  const meanPauseMs = random.pick([200, 700, 2000]);
  const { tickTimeMs, syncLimit } = options.settings;
  for (let atMs = 500; atMs < options.safetyMs; atMs += random.fraction() * 2 * meanPauseMs) {
    const isLong = random.chance(0.3);
    faults.push({
      atMs,
      kind: random.pick(kinds),
      durationMs: random.fraction() * (isLong ? 2 * syncLimit * tickTimeMs : tickTimeMs),
      target: random.chance(0.4) ? "leader" : "any",
      dice: random.int32() >>> 0,
    });
  }
  return faults;
}

export function describeFault({ atMs, kind, durationMs, target, dice }: Fault): string {
  return `${atMs.toFixed(0).padStart(6)} ms  ${kind} of ${target} for ${durationMs.toFixed(0)} ms (${dice})`;
}
