import type { SourceFile } from "./source-file.js";

/** A word of the definition, and where it stands. */
export interface Name {
  readonly text: string;
  readonly file: SourceFile;
  readonly offset: number;
}

export interface FileNode {
  readonly file: SourceFile;
  readonly includes: readonly Name[];
  readonly modules: readonly ModuleNode[];
}

export interface ModuleNode {
  readonly name: Name;
  readonly comment: string;
  readonly classes: readonly ClassNode[];
}

export interface ClassNode {
  readonly name: Name;
  /** The text of the comments that belong to it, without their marks; empty if there is none. */
  readonly comment: string;
  readonly fields: readonly FieldNode[];
}

export interface FieldNode {
  readonly name: Name;
  readonly comment: string;
  readonly type: TypeNode;
}

export type PrimitiveName = "byte" | "boolean" | "int" | "long" | "float" | "double" | "ustring" | "buffer";

export type TypeNode =
  | { readonly kind: "primitive"; readonly primitive: PrimitiveName }
  | { readonly kind: "vector"; readonly element: TypeNode }
  | { readonly kind: "map"; readonly key: TypeNode; readonly value: TypeNode }
  | { readonly kind: "class"; readonly name: Name };
