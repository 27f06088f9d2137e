import type { CstElement, CstNode, IToken } from "chevrotain";
import type { ClassNode, FieldNode, FileNode, ModuleNode, Name, PrimitiveName, TypeNode } from "./ast.js";
import { Comments } from "./comments.js";
import type { Diagnostic } from "./diagnostic.js";
import { parser } from "./grammar.js";
import { tokenize } from "./lexer.js";
import type { SourceFile } from "./source-file.js";

export interface Parsed {
  /** What could be read; parts with errors may be missing. */
  readonly node: FileNode;
  readonly diagnostics: readonly Diagnostic[];
}

export function parse(file: SourceFile): Parsed {
  const { tokens, comments, diagnostics } = tokenize(file);
  parser.input = tokens;
  const tree = parser.file();
  // The token for the end of the file has no place of its own: its errors point behind what came last.
  const end = (tokens.at(-1)?.endOffset ?? -1) + 1;
  const syntaxErrors = parser.errors.map(({ message, token }) => {
    return { file, offset: Number.isNaN(token.startOffset) ? end : token.startOffset, message };
  });
  const node = new Builder(file, new Comments(tokens, comments)).file(tree);
  return { node, diagnostics: [...diagnostics, ...syntaxErrors] };
}

/** Makes the syntax tree out of the parser's. What recovery left incomplete is left out. */
class Builder {
  constructor(
    private readonly source: SourceFile,
    private readonly comments: Comments,
  ) {}

  file(tree: CstNode | undefined): FileNode {
    const includes = nodes(tree, "include").flatMap((node) => {
      const [token] = tokens(node, "FileName");
      return token ? [this.name(token, token.image.slice(1, -1))] : [];
    });
    return { file: this.source, includes, modules: nodes(tree, "module").flatMap((node) => this.module(node)) };
  }

  private module(node: CstNode): ModuleNode[] {
    const name = this.qualified(nodes(node, "name")[0]);
    if (name === null) return [];
    const comment = this.head(node, "Module");
    return [{ name, comment, classes: nodes(node, "class").flatMap((child) => this.class(child)) }];
  }

  private class(node: CstNode): ClassNode[] {
    const [name] = tokens(node, "name");
    if (name === undefined) return [];
    const fields = nodes(node, "field").flatMap((child) => this.field(child));
    return [{ name: this.name(name), comment: this.head(node, "Class"), fields }];
  }

  /** The comment from above the keyword to behind the brace. */
  private head(node: CstNode, keyword: string): string {
    const [first] = tokens(node, keyword);
    const [brace] = tokens(node, "LeftBrace");
    return first === undefined ? "" : this.comments.around(first, brace ?? first);
  }

  private field(node: CstNode): FieldNode[] {
    const type = this.type(nodes(node, "type")[0]);
    const [name] = tokens(node, "name");
    const first = firstToken(node);
    if (type === null || name === undefined || first === null) return [];
    const [semicolon] = tokens(node, "Semicolon");
    return [{ name: this.name(name), comment: this.comments.around(first, semicolon ?? name), type }];
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
