import { check } from "./checker.js";
import { formatDiagnostic, sortDiagnostics } from "./diagnostic.js";
import { emit } from "./emitter.js";
import { load, type ReadFile } from "./load.js";

export interface CompileOptions {
  /** What a `long` without `@bits` is in TypeScript. A number refuses, when decoded, what is beyond 2^53. */
  readonly long: "bigint" | "number";
  /** What the generated files import the runtime from, for instance `@quoll/jute` or a relative path. */
  readonly runtime: string;
  /** Left out where a file is named for its module, for instance `org.apache.zookeeper`. Empty: nothing is. */
  readonly stripPrefix: string;
}

export const defaults: CompileOptions = { long: "bigint", runtime: "@quoll/jute", stripPrefix: "" };

export interface Output {
  /** File name within the output folder. */
  readonly name: string;
  readonly text: string;
}

export interface Compiled {
  /** One per module, sorted by name. Empty if there are errors. */
  readonly outputs: readonly Output[];
  /** Ready to print, in the order of the files and lines. */
  readonly errors: readonly string[];
}

/** Compiles definitions and what they include. The same definitions give the same text on every machine. */
export function compile(paths: readonly string[], readFile: ReadFile, options: CompileOptions): Compiled {
  const { nodes, diagnostics, missing, allDeclared } = load(paths, readFile);
  const long = options.long === "number" ? "long" : options.long;
  const checked = check(nodes, long, allDeclared);
  const sorted = sortDiagnostics(
    [...diagnostics, ...checked.diagnostics],
    nodes.map((node) => node.file),
  );
  const errors = [
    ...missing.map((path) => `${path}: expected a definition file, but it cannot be read`),
    ...sorted.map(formatDiagnostic),
  ];
  if (errors.length > 0) return { outputs: [], errors };

  const fileOf = (module: string) => fileName(module, options.stripPrefix);
  const outputs = checked.modules
    .filter((module) => module.classes.length > 0)
    .map((module) => ({ name: `${fileOf(module.name)}.ts`, text: emit(module, { runtime: options.runtime, fileOf }) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { outputs, errors };
}

function fileName(module: string, stripPrefix: string): string {
  const prefix = stripPrefix === "" || stripPrefix.endsWith(".") ? stripPrefix : `${stripPrefix}.`;
  return module.startsWith(prefix) ? module.slice(prefix.length) : module;
}
