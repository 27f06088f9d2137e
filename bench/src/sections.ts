/**
 * Replaces what stands between `<!-- NAME: begin … -->` and `<!-- NAME: end -->`.
 * @throws Error when the document has no such section
 */
export function replaceSection(document: string, name: string, content: string): string {
  const begin = new RegExp(`<!-- ${name}: begin[^>]*-->\\n`).exec(document);
  const end = document.indexOf(`<!-- ${name}: end -->`);
  if (begin === null || end < begin.index) throw new Error(`the document has no section ${name}`);
  return `${document.slice(0, begin.index + begin[0].length)}${content.trim()}\n${document.slice(end)}`;
}
