import { parseArgs } from "node:util";
import { MUTANTS } from "./mutants/index.js";
import { replay } from "./run/replay.js";
import { runMutants, runSeeds } from "./run/run-seeds.js";
import { work } from "./run/worker.js";

const USAGE = `usage: npm run sim -- --seed N [--quiet]       replay one seed, with a trace
       npm run sim -- --seeds N [--from N] [--jobs N] [--minutes N]
       npm run sim -- --mutants [id,id] [--seeds N]  which changed decisions are noticed, and after how many seeds`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
    minutes: { type: "string", default: "0" },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string" },
    quiet: { type: "boolean", default: false },
    worker: { type: "boolean", default: false },
  },
  allowPositionals: true,
  strict: true,
});

const from = Number(values.from);
const jobs = Number(values.jobs);

if (values.worker) {
  work();
} else if (values.mutants || values.mutant !== undefined) {
  const ids = values.mutant === undefined ? MUTANTS.map(({ id }) => id) : values.mutant.split(",");
  process.exitCode = await runMutants(ids, from, Number(values.seeds ?? "100"), jobs);
} else if (values.seed !== undefined) {
  process.exitCode = replay(Number(values.seed), values.quiet);
} else if (values.seeds !== undefined) {
  process.exitCode = await runSeeds(from, Number(values.seeds), jobs, Number(values.minutes));
} else {
  console.error(USAGE);
  process.exitCode = 2;
}
