import { createToken, type ILexingError, type IToken, Lexer, type TokenType } from "chevrotain";
import type { Diagnostic } from "./diagnostic.js";
import type { SourceFile } from "./source-file.js";

export const Identifier = createToken({ name: "Identifier", pattern: /[A-Za-z][A-Za-z0-9_]*/, label: "a name" });

function keyword(word: string): TokenType {
  return createToken({
    name: word[0].toUpperCase() + word.slice(1),
    pattern: word,
    label: `"${word}"`,
    longer_alt: Identifier,
  });
}

function symbol(name: string, pattern: string): TokenType {
  return createToken({ name, pattern, label: `"${pattern}"` });
}

export const Include = keyword("include");
export const Module = keyword("module");
export const Class = keyword("class");
export const Vector = keyword("vector");
export const MapOf = keyword("map");

/** The types that hold no other type. */
export const primitives: readonly TokenType[] = [
  "byte",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "ustring",
  "buffer",
].map(keyword);

export const LeftBrace = symbol("LeftBrace", "{");
export const RightBrace = symbol("RightBrace", "}");
export const Less = symbol("Less", "<");
export const Greater = symbol("Greater", ">");
export const Semicolon = symbol("Semicolon", ";");
export const Comma = symbol("Comma", ",");
export const Dot = symbol("Dot", ".");
export const FileName = createToken({ name: "FileName", pattern: /"[^"\r\n]+"/, label: "a file name in quotes" });

const comments = "comments";
const WhiteSpace = createToken({ name: "WhiteSpace", pattern: /\s+/, group: Lexer.SKIPPED, line_breaks: true });
const LineComment = createToken({ name: "LineComment", pattern: /\/\/[^\r\n]*/, group: comments });
const BlockComment = createToken({
  name: "BlockComment",
  pattern: /\/\*[\s\S]*?\*\//,
  group: comments,
  line_breaks: true,
});
// What never ends is a token too, so that the error says what is wrong with it. To the parser, a file name is one all the
// same: its error is enough.
const open = "open";
const OpenComment = createToken({ name: "OpenComment", pattern: /\/\*[\s\S]*/, group: open, line_breaks: true });
const OpenFileName = createToken({ name: "OpenFileName", pattern: /"[^"\r\n]*"?/, categories: FileName });

const keywords = [Include, Module, Class, Vector, MapOf, ...primitives];

/** Every token that the grammar may ask for. */
export const vocabulary: readonly TokenType[] = [
  ...keywords,
  Identifier,
  LeftBrace,
  RightBrace,
  Less,
  Greater,
  Semicolon,
  Comma,
  Dot,
  FileName,
  OpenFileName,
];

const lexer = new Lexer([WhiteSpace, LineComment, BlockComment, OpenComment, ...vocabulary], {
  positionTracking: "full",
});

export interface Tokens {
  readonly tokens: IToken[];
  /** Both kinds, in the order of the text. */
  readonly comments: readonly IToken[];
  readonly diagnostics: readonly Diagnostic[];
}

export function tokenize(file: SourceFile): Tokens {
  const result = lexer.tokenize(file.text);
  const diagnostics = result.errors.map((error) => unexpected(file, error));
  for (const { startOffset: offset } of result.groups[open]) {
    const message = 'expected "*/" before the end of the file: this comment is not closed';
    diagnostics.push({ file, offset, message });
  }
  for (const { tokenType, startOffset: offset, image } of result.tokens) {
    if (tokenType !== OpenFileName) continue;
    diagnostics.push({ file, offset, message: `expected a file name between two quotes on one line, got ${image}` });
  }
  return { tokens: result.tokens, comments: result.groups[comments], diagnostics };
}

function unexpected(file: SourceFile, { offset, length }: ILexingError): Diagnostic {
  const text = file.text.slice(offset, offset + length).split(/\s/, 1)[0];
  return {
    file,
    offset,
    message: `expected a name, a keyword or one of { } < > ; , . but got ${JSON.stringify(text)}`,
  };
}

/** How a message calls a token that stands in the text. */
export function describeToken(token: IToken): string {
  if (token.tokenType.name === "EOF") return "the end of the file";
  if (keywords.includes(token.tokenType)) return `the keyword "${token.image}"`;
  return token.image.startsWith('"') ? token.image : `"${token.image}"`;
}
