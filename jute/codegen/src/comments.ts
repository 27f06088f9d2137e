import type { IToken } from "chevrotain";

/** Finds the comments that belong to a part of a definition: those above it, inside its line, or behind it. */
export class Comments {
  private readonly indexByOffset = new Map<number, number>();
  /** The comments before each token, and at the end those behind the last. */
  private readonly gaps: IToken[][];

  constructor(
    private readonly tokens: readonly IToken[],
    comments: readonly IToken[],
  ) {
    this.gaps = [...tokens, null].map(() => []);
    tokens.forEach((token, i) => {
      this.indexByOffset.set(token.startOffset, i);
    });
    let gap = 0;
    for (const comment of comments) {
      while (gap < tokens.length && tokens[gap].startOffset < comment.startOffset) gap++;
      this.gaps[gap].push(comment);
    }
  }

  /** The text of the comments from above the token `first` to the end of the line of the token `last`. */
  around(first: IToken, last: IToken): string {
    const from = this.indexByOffset.get(first.startOffset) ?? 0;
    const to = this.indexByOffset.get(last.startOffset) ?? from;
    const found = this.above(from);
    for (let i = from + 1; i <= to; i++) found.push(...this.gaps[i]);
    const lastLine = this.tokens[to].endLine;
    found.push(...this.gaps[to + 1].filter((comment) => comment.startLine === lastLine));
    return paragraphs(found);
  }

  private above(index: number): IToken[] {
    const comments = this.gaps[index];
    if (index > 0) {
      const previousLine = this.tokens[index - 1].endLine;
      return comments.filter((comment) => comment.startLine !== previousLine);
    }
    // At the top of a file, what an empty line separates from the first token is about the file (a licence, say).
    let nextLine = this.tokens[0].startLine ?? 1;
    let start = comments.length;
    while (start > 0 && nextLine - (comments[start - 1].endLine ?? 0) <= 1) nextLine = comments[--start].startLine ?? 1;
    return comments.slice(start);
  }
}

/** Joins comments; where an empty line separates two, an empty line stays. */
function paragraphs(comments: readonly IToken[]): string {
  let text = "";
  let previous: IToken | null = null;
  for (const comment of comments) {
    if (previous !== null) text += (comment.startLine ?? 0) - (previous.endLine ?? 0) > 1 ? "\n\n" : "\n";
    text += strip(comment.image);
    previous = comment;
  }
  return text.trim();
}

/** The words of a comment without its marks. */
function strip(image: string): string {
  if (image.startsWith("//")) return image.replace(/^\/\/+ ?/, "").trimEnd();
  return image
    .replace(/^\/\*+/, "")
    .replace(/\**\/$/, "")
    .split(/\r\n|\r|\n/)
    .map((line, i) => (i === 0 ? line.trim() : line.replace(/^\s*\*? ?/, "").trimEnd()))
    .join("\n")
    .trim();
}
