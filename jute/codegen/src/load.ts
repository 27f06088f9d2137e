import { dirname, join } from "node:path";
import type { FileNode } from "./ast.js";
import type { Diagnostic } from "./diagnostic.js";
import { parse } from "./parser.js";
import { SourceFile } from "./source-file.js";

/** Gives the text of a file, or null if there is none. */
export type ReadFile = (path: string) => string | null;

export interface Loaded {
  /** Every file once: an included one before the one that includes it. */
  readonly nodes: readonly FileNode[];
  readonly diagnostics: readonly Diagnostic[];
  /** Of the given files, those that do not exist. */
  readonly missing: readonly string[];
  /** Whether every class of every file is known, so that a type that is not among them is an error. */
  readonly allDeclared: boolean;
}

/** Reads and parses the given files and what they include. A path in an include is relative to the file it stands in. */
export function load(paths: readonly string[], readFile: ReadFile): Loaded {
  const nodes: FileNode[] = [];
  const diagnostics: Diagnostic[] = [];
  const seen = new Set<string>();
  let allDeclared = true;

  function visit(path: string): boolean {
    if (seen.has(path)) return true;
    seen.add(path);
    const text = readFile(path);
    if (text === null) {
      allDeclared = false;
      return false;
    }
    const file = new SourceFile(path, text);
    const parsed = parse(file);
    diagnostics.push(...parsed.diagnostics);
    allDeclared &&= parsed.allDeclared;
    for (const include of parsed.node.includes) {
      if (!visit(join(dirname(path), include.text))) {
        const message = `expected a definition file, got ${JSON.stringify(include.text)}, which cannot be read`;
        diagnostics.push({ file, offset: include.offset, message });
      }
    }
    nodes.push(parsed.node);
    return true;
  }

  const missing = paths.filter((path) => !visit(join(path)));
  return { nodes, diagnostics, missing, allDeclared };
}
