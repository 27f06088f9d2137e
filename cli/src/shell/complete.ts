import type { Command } from "./command.js";
import { childOf } from "./path.js";

/** The names of a znode's children, or null when they cannot be had. */
export type ChildrenOf = (path: string) => Promise<readonly string[] | null>;

/**
 * What can stand at the end of a line.
 * @returns candidates for the last word, and the part of the line that they replace
 */
export async function completionsOf(
  line: string,
  commands: ReadonlyMap<string, Command>,
  childrenOf: ChildrenOf,
): Promise<[candidates: string[], replaced: string]> {
  const [, before, quote, word] = /^((?:.*[ \t])?)(["']?)([^ \t]*)$/.exec(unquotedSpaces(line)) ?? ["", "", "", line];
  const replaced = `${quote}${word}`;
  const earlier = before!.trim().split(/\s+/);
  if (before!.trim() === "" || (earlier[0] === "help" && earlier.length === 1)) {
    return [startingWith([...commands.keys()], word!), replaced];
  }
  if (earlier.at(-1) === "-o") return [startingWith(["json", "text"], word!), replaced];
  if (word!.startsWith("-")) return [startingWith(optionsOf(commands.get(earlier[0]!)), word!), replaced];
  if (!word!.startsWith("/")) return [[], replaced];
  return [await pathsFor(word!, quote!, childrenOf), line.slice(line.length - replaced.length)];
}

/** A path with a space is quoted, so that its spaces do not end a word; they are looked at as other characters here. */
function unquotedSpaces(line: string): string {
  const open = /^(?:[^"']|"[^"]*"|'[^']*')*?(?:^|[ \t])(["'][^"']*)$/.exec(line)?.[1];
  return open === undefined ? line : line.slice(0, -open.length) + open.replace(/[ \t]/g, "\u00a0");
}

async function pathsFor(word: string, quote: string, childrenOf: ChildrenOf): Promise<string[]> {
  const typed = word.replace(/\u00a0/g, " ");
  const slash = typed.lastIndexOf("/");
  const parent = slash === 0 ? "/" : typed.slice(0, slash);
  const names = (await childrenOf(parent)) ?? [];
  const paths = startingWith(
    names.map((name) => childOf(parent, name)),
    typed,
  );
  return paths.map((path) => {
    const mark = quote !== "" ? quote : /[ \t]/.test(path) ? '"' : "";
    return `${mark}${path}${mark !== "" && paths.length === 1 ? mark : ""}`;
  });
}

function optionsOf(command: Command | undefined): string[] {
  return [...(command?.specs.options ?? []).map(({ name }) => `-${name}`), "-o"];
}

function startingWith(words: readonly string[], start: string): string[] {
  return [...new Set(words)].filter((word) => word.startsWith(start)).sort();
}
