import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { MUTANTS } from "../mutants/index.js";
import type { Report, Task } from "./worker.js";

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));
const HOUR_MS = 3_600_000;

/** Child processes that run seeds, one each at a time. */
class Crew {
  private readonly children: ChildProcess[] = [];

  /** @param nextTask - null when there is nothing more to do */
  constructor(
    jobs: number,
    private readonly nextTask: () => Task | null,
    private readonly done: (report: Report) => void,
  ) {
    for (let i = 0; i < jobs; i++) this.children.push(fork(MAIN, ["--worker"]));
  }

  /** Resolves when all is done. */
  async run(): Promise<void> {
    await Promise.all(this.children.map((child) => this.feed(child)));
  }

  private feed(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      let task: Task | null = null;
      const next = (): void => {
        task = this.nextTask();
        if (task !== null) {
          child.send(task);
          return;
        }
        child.removeAllListeners();
        child.disconnect();
        resolve();
      };
      child.on("message", (report: Report) => {
        this.done(report);
        next();
      });
      child.on("exit", (code) => reject(new Error(`the process that ran seed ${task?.seed} has ended with ${code}`)));
      next();
    });
  }
}

/** Runs many seeds. @returns the exit code */
export async function runSeeds(from: number, count: number, jobs: number, minutes: number): Promise<number> {
  const startedAtMs = performance.now();
  const endsAtMs = minutes > 0 ? startedAtMs + minutes * 60_000 : Number.POSITIVE_INFINITY;
  const totals = new Map<string, number>();
  const failures: Report[] = [];
  let next = from;
  let done = 0;
  let simulatedMs = 0;
  let operations = 0;
  let shownAtMs = startedAtMs;
  const crew = new Crew(
    Math.min(jobs, count),
    () => {
      if (next >= from + count || performance.now() >= endsAtMs) return null;
      const seed = next++;
      return { seed, mutant: null, twice: seed % 100 === 0 };
    },
    (report) => {
      done++;
      simulatedMs += report.simulatedMs;
      operations += report.operations;
      for (const [what, n] of report.counters) totals.set(what, (totals.get(what) ?? 0) + n);
      if (report.invariant !== null) {
        failures.push(report);
        console.log(`seed ${report.seed} failed: ${report.message}`);
      }
      const nowMs = performance.now();
      if (nowMs - shownAtMs < 10_000) return;
      shownAtMs = nowMs;
      const leftS = (((nowMs - startedAtMs) / done) * (count - done)) / 1000;
      console.log(
        `${done} of ${count} seeds, ${(simulatedMs / HOUR_MS).toFixed(2)} h simulated, ${faults(totals)} faults, ${operations} operations, ${failures.length} failed, about ${leftS.toFixed(0)} s left`,
      );
    },
  );
  await crew.run();
  for (const [what, n] of [...totals].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${String(n).padStart(9)}  ${what}`);
  console.log(`${(simulatedMs / HOUR_MS).toFixed(2)} h simulated, ${operations} operations, ${faults(totals)} faults`);
  for (const { seed, message } of failures)
    console.log(`failed: npm run sim -- --seed ${seed}    ${message.split("\n")[0]}`);
  console.log(`${done - failures.length} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

function faults(totals: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [what, n] of totals) if (what.startsWith("fault ")) sum += n;
  return sum;
}

/** Runs mutants until each is caught. @returns the exit code: 1 if one is not */
export async function runMutants(
  ids: readonly string[],
  from: number,
  seedsMax: number,
  jobs: number,
): Promise<number> {
  const open = [...ids];
  const seeds = new Map<string, number>();
  const caught = new Map<string, Report>();
  const tried = new Map<string, number>();
  const crew = new Crew(
    jobs,
    () => {
      for (let id = open.shift(); id !== undefined; id = open.shift()) {
        const seed = seeds.get(id) ?? from;
        if (caught.has(id) || seed >= from + seedsMax) continue;
        seeds.set(id, seed + 1);
        open.push(id);
        return { seed, mutant: id, twice: false };
      }
      return null;
    },
    (report) => {
      const id = report.mutant!;
      tried.set(id, (tried.get(id) ?? 0) + 1);
      if (report.invariant === null || caught.has(id)) return;
      caught.set(id, report);
      console.log(`${id}: caught after ${tried.get(id)} seeds by ${report.message.split("\n")[0]}`);
    },
  );
  await crew.run();
  console.log("| mutant | catalogue | what is changed | caught by | seeds |");
  console.log("| --- | --- | --- | --- | --- |");
  for (const id of ids) {
    const { catalogue, what } = MUTANTS.find((mutant) => mutant.id === id)!;
    const report = caught.get(id);
    const count = report === undefined ? `not in ${tried.get(id) ?? 0}` : String(report.seed - from + 1);
    console.log(`| ${id} | ${catalogue} | ${what} | ${report?.invariant ?? "–"} | ${count} |`);
  }
  console.log(`${caught.size} caught, ${ids.length - caught.size} not caught`);
  return caught.size === ids.length ? 0 : 1;
}
