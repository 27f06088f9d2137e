import type { CstElement, CstNode, IRecognitionException, IToken } from "chevrotain";
import type { ClassNode, FieldNode, FileNode, ModuleNode, Name, PrimitiveName, TypeNode } from "./ast.js";
import { Comments } from "./comments.js";
import type { Diagnostic } from "./diagnostic.js";
import { expectations, parser } from "./grammar.js";
import { describeToken, FileName, tokenize } from "./lexer.js";
import type { SourceFile } from "./source-file.js";

export interface Parsed {
  /** What could be read; parts with errors may be missing. */
  readonly node: FileNode;
  readonly diagnostics: readonly Diagnostic[];
  /** False if an error may have swallowed whole classes: then a type that looks unknown may just not have been read. */
  readonly allDeclared: boolean;
}

export function parse(file: SourceFile): Parsed {
  const { tokens, comments, diagnostics } = tokenize(file);
  parser.input = tokens;
  const tree = parser.file();
  const syntaxErrors = parser.errors.map((error) => ({
    file,
    offset: offsetOf(error, tokens),
    message: error.message,
  }));
  const builder = new Builder(file, new Comments(tokens, comments));
  const node = builder.file(tree);
  return {
    node,
    diagnostics: [...diagnostics, ...syntaxErrors, ...builder.diagnostics],
    allDeclared: parser.errors.every(({ context }) => context.ruleStack.includes("field")),
  };
}

/** Where an error is shown: at the token in its way, but a missing semicolon where it is missing. */
function offsetOf({ token, context }: IRecognitionException, tokens: readonly IToken[]): number {
  // The token for the end of the file has no place of its own.
  const atEnd = Number.isNaN(token.startOffset);
  const previous = tokens[atEnd ? tokens.length - 1 : tokens.indexOf(token) - 1];
  // The rule of a field asks for no other token itself.
  const semicolon = context.ruleStack.at(-1) === "field";
  if (previous !== undefined && (atEnd || (semicolon && previous.endLine !== token.startLine))) {
    return previous.startOffset + previous.image.length;
  }
  return atEnd ? 0 : token.startOffset;
}

/** Makes the syntax tree out of the parser's. What recovery left incomplete is left out. */
class Builder {
  /** What is empty and must not be. */
  readonly diagnostics: Diagnostic[] = [];

  constructor(
    private readonly source: SourceFile,
    private readonly comments: Comments,
  ) {}

  file(tree: CstNode | undefined): FileNode {
    const includes = nodes(tree, "include").flatMap((node) => {
      const [token] = tokens(node, "FileName");
      return token?.tokenType === FileName ? [this.name(token, token.image.slice(1, -1))] : [];
    });
    const modules = nodes(tree, "module");
    if (includes.length + modules.length === 0) this.refuseEmpty("file", tokens(tree, "EOF")[0], tree);
    return { file: this.source, includes, modules: modules.flatMap((node) => this.module(node)) };
  }

  private module(node: CstNode): ModuleNode[] {
    const name = this.qualified(nodes(node, "name")[0]);
    if (name === null) return [];
    const comment = this.head(node, "Module");
    const classes = nodes(node, "class");
    if (classes.length === 0) this.refuseEmpty("module", tokens(node, "RightBrace")[0], node);
    return [{ name, comment, classes: classes.flatMap((child) => this.class(child)) }];
  }

  private class(node: CstNode): ClassNode[] {
    const fields = nodes(node, "field");
    if (fields.length === 0) this.refuseEmpty("class", tokens(node, "RightBrace")[0], node);
    const name = this.qualified(nodes(node, "name")[0]);
    if (name === null) return [];
    return [{ name, comment: this.head(node, "Class"), fields: fields.flatMap((child) => this.field(child)) }];
  }

  private refuseEmpty(rule: string, end: IToken | undefined, node: CstNode | undefined): void {
    // A part that the parser gave up on has its error already.
    if (end === undefined || node?.recoveredNode) return;
    const offset = Number.isNaN(end.startOffset) ? this.source.text.length : end.startOffset;
    this.diagnostics.push({
      file: this.source,
      offset,
      message: `expected ${expectations[rule]}, got ${describeToken(end)}`,
    });
  }

  /** The comment from above the keyword to behind the brace. */
  private head(node: CstNode, keyword: string): string {
    const [first] = tokens(node, keyword);
    const [brace] = tokens(node, "LeftBrace");
    return first === undefined ? "" : this.comments.around(first, brace ?? first);
  }

  private field(node: CstNode): FieldNode[] {
    const type = this.type(nodes(node, "type")[0]);
    const name = this.qualified(nodes(node, "name")[0]);
    const first = firstToken(node);
    if (type === null || name === null || first === null) return [];
    const [semicolon] = tokens(node, "Semicolon");
    return [{ name, comment: this.comments.around(first, semicolon ?? first), type }];
  }

  private type(node: CstNode | undefined): TypeNode | null {
    const [primitive] = tokens(node, "primitive");
    if (primitive) return { kind: "primitive", primitive: primitive.image as PrimitiveName };
    const [vector] = nodes(node, "vector");
    if (vector) {
      const element = this.type(nodes(vector, "element")[0]);
      return element && { kind: "vector", element };
    }
    const [map] = nodes(node, "map");
    if (map) {
      const key = this.type(nodes(map, "key")[0]);
      const value = this.type(nodes(map, "value")[0]);
      return key && value && { kind: "map", key, value };
    }
    const name = this.qualified(nodes(node, "qualified")[0]);
    return name && { kind: "class", name };
  }

  private qualified(node: CstNode | undefined): Name | null {
    const parts = tokens(node, "part");
    return parts.length === 0 ? null : this.name(parts[0], parts.map((part) => part.image).join("."));
  }

  private name(token: IToken, text = token.image): Name {
    return { text, file: this.source, offset: token.startOffset };
  }
}

function children(node: CstNode | undefined, label: string): readonly CstElement[] {
  return node?.children[label] ?? [];
}

function nodes(node: CstNode | undefined, label: string): CstNode[] {
  return children(node, label).filter((child): child is CstNode => "children" in child);
}

/** Without those that recovery has invented. */
function tokens(node: CstNode | undefined, label: string): IToken[] {
  return children(node, label).filter((child): child is IToken => "image" in child && !child.isInsertedInRecovery);
}

function firstToken(node: CstNode): IToken | null {
  let first: IToken | null = null;
  for (const child of Object.values(node.children).flat()) {
    const token = "image" in child ? child : firstToken(child);
    if (token === null || Number.isNaN(token.startOffset)) continue;
    if (first === null || token.startOffset < first.startOffset) first = token;
  }
  return first;
}
