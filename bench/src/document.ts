import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, REPOSITORY } from "@quoll/compat-tests/peers/cache";
import { type Curves, curvePlots } from "./curve-plots.js";
import { markdown } from "./report.js";
import type { Run } from "./row.js";
import { replaceSection } from "./sections.js";

/** Fills the figures and plots of docs/performance.md in, from what the last runs have left in `.cache/bench`. */
const file = join(REPOSITORY, "docs", "performance.md");
const results = cacheFolder("bench");
let document = readFileSync(file, "utf8");

const run = read<Run>("compare.json");
if (run !== null) document = replaceSection(document, "table", markdown(run));

const curves = read<Curves>("curves.json");
if (curves !== null) {
  const folder = join(REPOSITORY, "docs", "performance");
  mkdirSync(folder, { recursive: true });
  const plots = curvePlots(curves);
  for (const { file: name, svg } of plots) writeFileSync(join(folder, name), svg);
  const images = plots.map(({ file: name, title }) => `![${title}](performance/${name})`);
  const measuredOn = Object.entries(curves.machine ?? {}).map(([name, value]) => `${name} ${value}`);
  document = replaceSection(
    document,
    "plots",
    `${images.join("\n\n")}\n\n${measuredOn.join(", ")}; ${curves.date ?? ""}.`,
  );
}
writeFileSync(file, document);
console.log(`${file}: ${run === null ? "no table" : "table"}, ${curves === null ? "no plots" : "plots"}`);

function read<T>(name: string): T | null {
  const path = join(results, name);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : null;
}
