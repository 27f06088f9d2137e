/** Where something stands in a definition, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The text of one definition file, and the lines in it. */
export class SourceFile {
  private readonly lineStarts: readonly number[];

  constructor(
    /** As it shall appear in messages. */
    readonly path: string,
    readonly text: string,
  ) {
    const starts = [0];
    for (const match of text.matchAll(/\r\n|\r|\n/g)) starts.push(match.index + match[0].length);
    this.lineStarts = starts;
  }

  /** @param offset - in UTF-16 code units from the start of the text */
  position(offset: number): Position {
    let line = this.lineStarts.length;
    while (line > 1 && this.lineStarts[line - 1] > offset) line--;
    return { line, column: offset - this.lineStarts[line - 1] + 1 };
  }

  /** A line's text without its end. */
  lineText(line: number): string {
    return this.text.slice(this.lineStarts[line - 1], this.lineStarts[line]).replace(/[\r\n]+$/, "");
  }
}
