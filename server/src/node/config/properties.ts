import { ConfigError } from "./config-error.js";

/** One `key=value` of a properties file, unescaped but not trimmed. */
export interface Property {
  readonly key: string;
  readonly value: string;
  /** The line on which it starts, 1 for the first. */
  readonly line: number;
}

/**
 * Reads the format of `java.util.Properties`: `#` and `!` comments, `=`, `:` or white space between key and value, a
 * backslash at the end of a line joins the next one to it, `\t \n \r \f \uXXXX` and `\c` for any other character.
 *
 * @param text - the file as ISO-8859-1, which is how Java reads it
 * @param file - its name, for errors
 * @returns every entry in file order; of equal keys Java keeps the last
 * @throws {@link ConfigError} a malformed `\uXXXX`
 */
export function parseProperties(text: string, file: string): Property[] {
  const properties: Property[] = [];
  for (const { content, line } of logicalLines(text)) properties.push(splitEntry(content, line, file));
  return properties;
}

interface LogicalLine {
  readonly content: string;
  readonly line: number;
}

/**
 * Joins continued lines and drops blank and comment lines. Leading white space of each natural line goes too. Java makes an
 * empty key of a lone backslash at the end of the file; here it is nothing.
 */
function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let content = "";
  let startLine = 1;
  let line = 0;
  for (const natural of text.split(/\r\n|\r|\n/)) {
    line++;
    const trimmed = natural.replace(/^[ \t\f]+/, "");
    if (content === "") {
      if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith("!")) continue;
      startLine = line;
    }
    content += trimmed;
    if (endsWithOpenBackslash(content)) {
      content = content.slice(0, -1);
    } else {
      lines.push({ content, line: startLine });
      content = "";
    }
  }
  if (content !== "") lines.push({ content, line: startLine });
  return lines;
}

/** A line goes on if it ends with an odd number of backslashes; an even number are escaped ones. */
function endsWithOpenBackslash(line: string): boolean {
  let count = 0;
  while (count < line.length && line[line.length - 1 - count] === "\\") count++;
  return count % 2 === 1;
}

function splitEntry(content: string, line: number, file: string): Property {
  let keyEnd = 0;
  while (keyEnd < content.length && !/[=: \t\f]/.test(content[keyEnd]!)) keyEnd += content[keyEnd] === "\\" ? 2 : 1;
  keyEnd = Math.min(keyEnd, content.length);
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(content.slice(keyEnd))![0];
  return {
    key: unescaped(content.slice(0, keyEnd), line, file),
    value: unescaped(content.slice(keyEnd + separator.length), line, file),
    line,
  };
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescaped(raw: string, line: number, file: string): string {
  return raw.replace(/\\(u[0-9a-fA-F]{0,4}|[\s\S]|$)/g, (_, code: string) => {
    if (!code.startsWith("u")) return ESCAPES[code] ?? code;
    if (code.length < 5) {
      throw new ConfigError({ file, line }, "", null, `\\${code} is not a character; write \\u and four hex digits`);
    }
    return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  });
}
