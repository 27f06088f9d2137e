import type { SourceFile } from "./source-file.js";

/** One error in a definition. */
export interface Diagnostic {
  readonly file: SourceFile;
  /** Where in the file, counted from 0 in UTF-16 code units. */
  readonly offset: number;
  /** What was expected and what stood there instead. */
  readonly message: string;
}

/**
 * The diagnostic as people and editors read it:
 * ```
 * shop.jute:3:9: expected a field name, got ";"
 *     3 |     int ;
 *       |         ^
 * ```
 */
export function formatDiagnostic({ file, offset, message }: Diagnostic): string {
  const { line, column } = file.position(offset);
  const text = file.lineText(line);
  const gutter = String(line).padStart(5);
  // Tabs stay tabs, so that the caret stands right whatever their width.
  const indent = text.slice(0, column - 1).replace(/[^\t]/g, " ");
  return `${file.path}:${line}:${column}: ${message}\n${gutter} | ${text}\n${" ".repeat(gutter.length)} | ${indent}^`;
}

/** File by file in the order in which they were read, each from top to bottom, without repetitions. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[], files: readonly SourceFile[]): Diagnostic[] {
  const seen = new Set<string>();
  return [...diagnostics]
    .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.offset - b.offset)
    .filter((diagnostic) => {
      const text = formatDiagnostic(diagnostic);
      return !seen.has(text) && seen.add(text);
    });
}
