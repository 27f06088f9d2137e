import type { OptionSpec } from "../options.js";

/** A table of options as Commons CLI prints it, with a line end after each. */
export function optionsText(options: readonly OptionSpec[]): string {
  const sorted = [...options].sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
  const heads = sorted.map(({ name, argument }) => ` -${name}${argument === undefined ? "" : " <arg>"}`);
  const width = Math.max(...heads.map((head) => head.length));
  return sorted.map(({ help }, i) => `${heads[i]!.padEnd(width)}   ${help}\n`).join("");
}
