/**
 * A program's text with its comments blanked, and once more with its strings blanked too: lines and columns stay, so that
 * rules about code don't trip over words in comments.
 */
export interface SourceText {
  /** Without comments; strings stand as they are. For finding imports. */
  readonly withStrings: string;
  /** Without comments and without the contents of strings and regular expressions. For finding names. */
  readonly code: string;
}

/** After one of these, or at the start, a slash begins a regular expression; elsewhere it divides. */
const BEFORE_REGEX = /(?:^|[=(,:;[!&|?{}+*%<>~^-]|\breturn|\btypeof|\bcase)\s*$/;

export function sourceText(text: string): SourceText {
  const withStrings = [...text];
  const code = [...text];
  const blank = (into: string[], from: number, to: number) => {
    for (let i = from; i < to; i++) if (into[i] !== "\n") into[i] = " ";
  };
  /** Depths of braces at which a template literal goes on. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  // In characters, not UTF-16 units, as the arrays are.
  const chars = [...text];
  const endOf = (from: number, quote: string) => {
    let i = from;
    while (i < chars.length && chars[i] !== quote && chars[i] !== "\n") i += chars[i] === "\\" ? 2 : 1;
    return i;
  };
  const template = (from: number) => {
    let i = from;
    while (i < chars.length && chars[i] !== "`" && !(chars[i] === "$" && chars[i + 1] === "{")) {
      i += chars[i] === "\\" ? 2 : 1;
    }
    blank(code, from, Math.min(i, chars.length));
    if (chars[i] === "$") {
      templates.push(depth++);
      return i + 2;
    }
    return i + 1;
  };
  while (at < chars.length) {
    const char = chars[at];
    const next = chars[at + 1];
    if (char === "/" && (next === "/" || next === "*")) {
      let end = at + 2;
      if (next === "/") while (end < chars.length && chars[end] !== "\n") end++;
      else {
        while (end < chars.length && !(chars[end] === "*" && chars[end + 1] === "/")) end++;
        end = Math.min(end + 2, chars.length);
      }
      blank(code, at, end);
      blank(withStrings, at, end);
      at = end;
    } else if (char === '"' || char === "'") {
      const end = endOf(at + 1, char);
      blank(code, at + 1, Math.min(end, chars.length));
      at = end + 1;
    } else if (char === "`") {
      at = template(at + 1);
    } else if (char === "}" && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      at = template(at + 1);
    } else if (char === "/" && BEFORE_REGEX.test(lineBefore(code, at))) {
      let end = at + 1;
      for (let inClass = false; end < chars.length && chars[end] !== "\n"; end++) {
        if (chars[end] === "\\") end++;
        else if (chars[end] === "[") inClass = true;
        else if (chars[end] === "]") inClass = false;
        else if (chars[end] === "/" && !inClass) break;
      }
      blank(code, at + 1, Math.min(end, chars.length));
      at = end + 1;
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      at++;
    }
  }
  return { withStrings: withStrings.join(""), code: code.join("") };
}

function lineBefore(code: string[], at: number): string {
  const start = Math.max(0, at - 80);
  const before = code.slice(start, at).join("");
  return before.slice(before.lastIndexOf("\n") + 1);
}
