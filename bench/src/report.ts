import type { Kind } from "./contender.js";
import type { MeasureResult, Run } from "./row.js";
import { relativeSpread, type Summary, summarize } from "./statistics.js";

export type Verdict = "met" | "missed" | "–";

/** Quoll's median by ZooKeeper's, or null where one of them was not measured. */
export function ratioToZooKeeper({ samples }: MeasureResult): number | null {
  return ratio(summaryOf(samples.quoll), summaryOf(samples.zookeeper));
}

/** Whether the goal is met; a dash where there is none, or nothing to compare with. */
export function verdict(measure: MeasureResult): Verdict {
  const { goal, better } = measure;
  if (goal === undefined) return "–";
  const value =
    goal.of === "zookeeper" ? ratioToZooKeeper(measure) : (summaryOf(measure.samples.quoll)?.median ?? null);
  if (value === null) return "–";
  return (better === "more" ? value >= goal.value : value <= goal.value) ? "met" : "missed";
}

/** The whole run as a Markdown table, with what it was measured on below. */
export function markdown(run: Run): string {
  const isAgainst = run.settings.against !== null;
  const heads = ["row", "measured", "ZooKeeper 3.9.5", "Quoll", "ratio", "goal", "", "of the bare loop"];
  if (isAgainst) heads.push("older Quoll", "now / older");
  const lines = [line(heads), line(heads.map((_, i) => (i < 2 || i === 6 ? "---" : "---:")))];
  for (const { title, measures } of run.rows) {
    for (const [i, measure] of measures.entries()) {
      const { quoll, zookeeper, loop, older } = measure.samples;
      const now = summaryOf(quoll);
      const cells = [
        i === 0 ? title : "",
        `${measure.name}, ${measure.unit}`,
        shown(summaryOf(zookeeper)),
        shown(now),
        times(ratioToZooKeeper(measure)),
        goalText(measure),
        verdict(measure),
        measure.name === "throughput" ? percent(ratio(now, summaryOf(loop))) : "",
      ];
      if (isAgainst) cells.push(shown(summaryOf(older)), times(ratio(now, summaryOf(older))));
      lines.push(line(cells));
    }
  }
  const { met, missed } = count(run);
  lines.push(
    "",
    `${met} goals met, ${missed} missed. Medians, and half the range of all rounds as ± where there was more than one round ` +
      `(${run.settings.rounds} × ${run.settings.secs} s). ${Object.entries(run.machine)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ")}; ${run.date}.`,
  );
  return `${lines.join("\n")}\n`;
}

export function count(run: Run): { met: number; missed: number } {
  const verdicts = run.rows.flatMap(({ measures }) => measures.map(verdict));
  return {
    met: verdicts.filter((one) => one === "met").length,
    missed: verdicts.filter((one) => one === "missed").length,
  };
}

/** Three digits or so: a median of a few rounds has no more. */
export function show(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  if (size >= 100) return value.toFixed(0);
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function shown(summary: Summary | null): string {
  if (summary === null) return "";
  const spread = summary.count > 1 ? ` ± ${(relativeSpread(summary) * 100).toFixed(0)} %` : "";
  return show(summary.median) + spread;
}

function goalText({ goal, better, unit }: MeasureResult): string {
  if (goal === undefined) return "";
  return `${better === "more" ? "≥" : "≤"} ${goal.value}${goal.of === "zookeeper" ? "×" : ` ${unit}`}`;
}

function summaryOf(samples: readonly number[] | undefined): Summary | null {
  return samples === undefined || samples.length === 0 ? null : summarize(samples);
}

function ratio(a: Summary | null, b: Summary | null): number | null {
  return a === null || b === null || b.median === 0 ? null : a.median / b.median;
}

function times(value: number | null): string {
  return value === null ? "" : `${value.toFixed(2)}×`;
}

function percent(value: number | null): string {
  return value === null ? "" : `${(value * 100).toFixed(0)} %`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Contenders in the order in which they take turns; every second round goes backwards, so that neither is always first. */
export function turns(kinds: readonly Kind[], round: number): readonly Kind[] {
  return round % 2 === 0 ? kinds : [...kinds].reverse();
}
