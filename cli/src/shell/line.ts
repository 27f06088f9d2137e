/** What Java's `\s` matches; JavaScript's knows more kinds of space. */
const SPACE = "[ \\t\\n\\v\\f\\r]";
const NO_SPACE = "[^ \\t\\n\\v\\f\\r]";
const WORD = new RegExp(`${SPACE}*([^"']${NO_SPACE}*|"[^"]*"|'[^']*')${SPACE}*`, "g");
const QUOTED = /^(['"])(.*)\1$/;

/**
 * Splits a line into words as zkCli does. A word that begins with a quote ends at the next such quote and loses both;
 * quotes further inside a word are ordinary characters, and there is no escape. A quote that is never closed is skipped.
 * @returns no words for an empty line; a line of nothing but spaces is one word, a space, as in zkCli
 */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, word] of line.matchAll(WORD)) words.push(QUOTED.test(word!) ? word!.slice(1, -1) : word!);
  return words;
}

/** Writes a word so that {@link wordsOf} reads it again; null if no quoting can carry it (both quotes and a space). */
export function quoted(word: string): string | null {
  const isPlain = word !== "" && !/^["']/.test(word) && !new RegExp(SPACE).test(word);
  if (isPlain) return word;
  if (/[\n\r\u2028\u2029]/.test(word)) return null;
  if (!word.includes('"')) return `"${word}"`;
  return word.includes("'") ? null : `'${word}'`;
}
