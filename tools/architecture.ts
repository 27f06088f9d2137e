import { posix } from "node:path";
import { sourceText } from "./source-text.js";

/** What a workspace is called, and which of the others it may import. */
interface Workspace {
  readonly folder: string;
  readonly name: string;
  readonly mayImport: readonly string[] | "any";
  /** What its tests and benchmarks may import beyond that, by path too. */
  readonly testsMayImport?: readonly string[];
}

/** The arrows of ARCHITECTURE.md. Nothing that is shipped imports compat-tests, bench or sim. */
const WORKSPACES: readonly Workspace[] = [
  { folder: "jute/codegen", name: "jute-ts-codegen", mayImport: [], testsMayImport: ["@quoll/jute"] },
  { folder: "jute/wire", name: "@quoll/jute", mayImport: [] },
  { folder: "zab", name: "@quoll/zab", mayImport: ["@quoll/jute"] },
  { folder: "server", name: "@quoll/server", mayImport: ["@quoll/zab", "@quoll/jute"] },
  { folder: "client", name: "@quoll/client", mayImport: ["@quoll/jute"], testsMayImport: ["@quoll/server"] },
  {
    folder: "recipes",
    name: "@quoll/recipes",
    mayImport: ["@quoll/client"],
    testsMayImport: ["@quoll/server", "@quoll/jute"],
  },
  {
    folder: "cli",
    name: "quoll",
    mayImport: ["@quoll/server", "@quoll/client", "@quoll/recipes", "@quoll/zab", "@quoll/jute"],
  },
  { folder: "sim", name: "@quoll/sim", mayImport: ["@quoll/server", "@quoll/zab", "@quoll/client", "@quoll/jute"] },
  { folder: "compat-tests", name: "@quoll/compat-tests", mayImport: "any" },
  { folder: "bench", name: "@quoll/bench", mayImport: "any" },
];

/** What a pure core must not name: the compiler hides most of it already, but not all of it and not from a cast. */
const IMPURE =
  /\b(?:Date|Buffer|process|performance|console|globalThis|crypto|require|setTimeout|setInterval|setImmediate|queueMicrotask|TextEncoder|TextDecoder|Promise|async|await)\b|\bMath\.random\b/g;

const PURE = /\/src\/(?:core|gen)\//;
const IMPORT = /\b(?:from|import)\s*\(?\s*(["'])([^"'\n]+)\1/g;

export interface Violation {
  readonly line: number;
  readonly problem: string;
}

/**
 * Checks one source file against the arrows between workspaces and the purity of `core/`.
 * @param path - from the root of the repository, with slashes
 */
export function architectureViolations(path: string, text: string): Violation[] {
  const workspace = WORKSPACES.find(({ folder }) => path.startsWith(`${folder}/`));
  if (workspace === undefined) return [];
  const found: Violation[] = [];
  const report = (index: number, problem: string) => {
    found.push({ line: text.slice(0, index).split("\n").length, problem });
  };
  const { withStrings, code } = sourceText(text);
  const isPure = PURE.test(path);
  for (const match of withStrings.matchAll(IMPORT)) {
    // Words in a string, or a name that ends in `from`.
    if (code[match.index] === " " || code[match.index - 1] === ".") continue;
    const problem = importProblem(workspace, path, match[2], isPure);
    if (problem !== null) report(match.index, problem);
  }
  if (isPure) {
    for (const match of code.matchAll(IMPURE)) {
      // A property or a method of that name is somebody else's.
      if (code[match.index - 1] === ".") continue;
      report(match.index, `${match[0]} in a pure core: it comes in by the constructor or as an event`);
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

function importProblem(workspace: Workspace, path: string, specifier: string, isPure: boolean): string | null {
  const shipped = path.startsWith(`${workspace.folder}/src/`);
  const relative = specifier.startsWith(".");
  const target = relative ? posix.normalize(posix.join(posix.dirname(path), specifier)) : specifier;
  const other = WORKSPACES.find(({ name, folder }) => {
    const door = relative ? folder : name;
    return target === door || target.startsWith(`${door}/`);
  });
  if (other === workspace) {
    return isPure && relative && !PURE.test(target) ? `core imports ${specifier}, which is not core` : null;
  }
  if (relative && (shipped || other === undefined)) {
    return `${specifier} leaves the workspace ${workspace.name}: import the other one by its name`;
  }
  if (other === undefined) return isPure ? `core imports ${specifier}, which is not of this project` : null;
  const { mayImport, testsMayImport = [] } = workspace;
  const allowed =
    mayImport === "any" || mayImport.includes(other.name) || (!shipped && testsMayImport.includes(other.name));
  return allowed ? null : `${workspace.name} may not import ${other.name}`;
}
