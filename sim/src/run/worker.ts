import { runMutant, runSeed } from "../world/run-seed.js";

/** One seed to run, with a mutant or without. */
export interface Task {
  readonly seed: number;
  readonly mutant: string | null;
  /** Run it twice, and compare the events' hashes. */
  readonly twice: boolean;
}

/** What became of it. */
export interface Report extends Task {
  readonly invariant: string | null;
  readonly message: string;
  readonly simulatedMs: number;
  readonly operations: number;
  readonly events: number;
  readonly counters: readonly (readonly [string, number])[];
}

/** The child process: runs what it is sent. */
export function work(): void {
  process.on("message", (task: Task) => {
    process.send!(report(task));
  });
  process.on("disconnect", () => process.exit(0));
}

function report(task: Task): Report {
  const run = () => (task.mutant === null ? runSeed(task.seed) : runMutant(task.seed, task.mutant));
  const outcome = run();
  const { violation, simulatedMs, operations, events, counters } = outcome;
  const again = task.twice ? run().hash : outcome.hash;
  const isSame = again === outcome.hash;
  return {
    ...task,
    invariant: violation?.invariant ?? (isSame ? null : "Determinism"),
    message: violation?.message ?? (isSame ? "" : `Determinism: hash ${outcome.hash} and then ${again}`),
    simulatedMs,
    operations,
    events,
    counters: [...counters],
  };
}
