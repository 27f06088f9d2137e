import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { cacheFolder } from "@quoll/compat-tests/peers/cache";
import type { Kind } from "./contender.js";
import { machine } from "./machine.js";
import { parseOptions, USAGE } from "./options.js";
import { count, markdown, show, turns } from "./report.js";
import type { MeasureResult, Row, RowResult, Run } from "./row.js";
import { rows as allRows } from "./rows/all.js";

/**
 * The command: `node bench/dist/compare.js --help`. Results go to `.cache/bench/compare.{json,md}`, row by row; those of a
 * few rows to `compare-rows.{json,md}`. A row that fails is told of and left out, and the exit code is then 1.
 */
let options: ReturnType<typeof parseOptions>;
try {
  if (process.argv.includes("--help")) throw new TypeError("");
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}`);
  process.exit((error as Error).message === "" ? 0 : 2);
}
const { names, list, merge, ...given } = options;
const settings = { ...given, against: given.against === null ? null : resolve(given.against) };
const rows = allRows.filter(({ name }) => names.length === 0 || names.some((wanted) => isWanted(name, wanted)));
if (list || rows.length === 0) {
  console.log(allRows.map(({ name, title }) => `${name.padEnd(18)} ${title}`).join("\n"));
  process.exit(list ? 0 : 2);
}

const folder = cacheFolder("bench");
// A few rows don't replace a run of all of them, unless they are to be put into it.
const name = names.length === 0 || merge ? "compare" : "compare-rows";
const file = join(folder, `${name}.json`);
const earlier = merge && existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Run).rows : [];
const startedAt = performance.now();
const results: RowResult[] = [];
let failures = 0;
for (const [i, row] of rows.entries()) {
  results.push(await measureRow(row, `${i + 1}/${rows.length} ${row.name}`));
  // A run that is broken off keeps what it has.
  save();
}
const run = save();
process.stdout.write(markdown(run));
process.stderr.write(`${seconds()} s; ${file}, ${name}.md\n`);
if (failures > 0) process.stderr.write(`${failures} measurements failed\n`);
process.exit(failures > 0 ? 1 : 0);

function save(): Run {
  const run: Run = { date: new Date().toISOString().slice(0, 16), machine: machine(), settings, rows: merged() };
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`);
  writeFileSync(join(folder, `${name}.md`), markdown(run));
  return run;
}

/** All rows that there are results of, the new ones before earlier ones, in the order of the table. */
function merged(): RowResult[] {
  return allRows.flatMap((row) => {
    const isRow = (result: RowResult) => result.name === row.name;
    return results.find(isRow) ?? earlier.find(isRow) ?? [];
  });
}

/** Each round gives each contender the same in turn. */
async function measureRow(row: Row, label: string): Promise<RowResult> {
  const kinds: Kind[] = [...row.kinds];
  if (settings.against !== null && kinds.includes("quoll")) kinds.push("older");
  const samples = new Map<string, Partial<Record<Kind, number[]>>>(row.measures.map(({ name }) => [name, {}]));
  const rounds = row.rounds?.(settings) ?? settings.rounds;
  for (let round = 0; round < rounds; round++) {
    for (const kind of turns(kinds, round)) {
      // The limit is steady, and its time is better spent on the others.
      if (kind === "loop" && round > 0) continue;
      const head = `${label}, ${kind}, round ${round + 1}/${rounds}`;
      const values = await row
        .measure(kind, settings, (line) => progress(`${head}: ${line}`))
        .catch((error: Error) => {
          progress(`${head}: FAILED: ${error.message}`);
          failures++;
          return {} as Record<string, number>;
        });
      for (const [name, value] of Object.entries(values)) {
        const byKind = samples.get(name);
        if (byKind === undefined) throw new Error(`${row.name} has no measure ${name}`);
        (byKind[kind] ??= []).push(value);
      }
      const shown = row.measures.filter(({ name }) => values[name] !== undefined);
      if (shown.length > 0)
        progress(`${head}: ${shown.map(({ name, unit }) => `${name} ${show(values[name])} ${unit}`).join(", ")}`);
    }
  }
  const measures: MeasureResult[] = row.measures.map((measure) => ({
    ...measure,
    samples: samples.get(measure.name)!,
  }));
  const { met, missed } = count({ date: "", machine: {}, settings, rows: [{ ...row, measures }] });
  if (met + missed > 0)
    progress(`${label}: ${missed === 0 ? "goal met" : `${missed} of ${met + missed} goals missed`}`);
  return { name: row.name, title: row.title, measures };
}

function progress(line: string): void {
  process.stderr.write(`[${seconds()} s] ${line}\n`);
}

function seconds(): string {
  return ((performance.now() - startedAt) / 1000).toFixed(0);
}

/** The name, or its beginning up to a dash: `get` asks for all gets. */
function isWanted(name: string, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}-`);
}
