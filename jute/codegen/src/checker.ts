import { basename } from "node:path";
import type { ClassNode, FieldNode, FileNode, ModuleNode, Name, TypeNode } from "./ast.js";
import type { Diagnostic } from "./diagnostic.js";
import type { ClassModel, FieldModel, LongMapping, ModuleModel, TypeModel } from "./model.js";
import { isReserved } from "./reserved.js";

export interface Checked {
  /** In the order of the definitions. Of use only if there are no errors. */
  readonly modules: readonly ModuleModel[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Resolves names and finds what the grammar cannot: duplicates, unknown types, reserved names, classes inside themselves.
 * @param long - what a `long` without `@bits` is
 * @param allDeclared - whether a type that is not among the classes is an error
 */
export function check(files: readonly FileNode[], long: LongMapping, allDeclared: boolean): Checked {
  return new Checker(long, allDeclared).check(files);
}

const bits = /(^|\s)@bits\b:?[ \t]*/;

/** A class under construction: its fields are filled in when all names are known. */
interface Draft extends ClassModel {
  readonly fields: FieldModel[];
  readonly node: ClassNode;
}

class Checker {
  private readonly diagnostics: Diagnostic[] = [];
  private readonly modules = new Map<string, { comments: string[]; sources: Set<string>; classes: Draft[] }>();
  private readonly classes = new Map<string, Draft>();

  constructor(
    private readonly long: LongMapping,
    private readonly allDeclared: boolean,
  ) {}

  check(files: readonly FileNode[]): Checked {
    for (const { modules } of files) for (const module of modules) this.declare(module);
    for (const draft of this.classes.values()) this.fill(draft);
    for (const draft of this.classes.values()) this.refuseCycles(draft);
    const modules = [...this.modules].map(([name, { comments, sources, classes }]) => ({
      name,
      comment: comments.join("\n\n"),
      sources: [...sources],
      classes,
    }));
    return { modules, diagnostics: this.diagnostics };
  }

  private declare({ name, comment, classes }: ModuleNode): void {
    const module = this.modules.get(name.text) ?? { comments: [], sources: new Set(), classes: [] };
    this.modules.set(name.text, module);
    if (comment !== "") module.comments.push(comment);
    module.sources.add(basename(name.file.path));
    for (const node of classes) {
      const fullName = `${name.text}.${node.name.text}`;
      const first = this.classes.get(fullName);
      if (first !== undefined) {
        this.error(node.name, `expected a new class name, got "${node.name.text}" again: ${place(first.node.name)}`);
        continue;
      }
      if (isReserved(node.name.text)) {
        this.error(
          node.name,
          `expected a class name, got "${node.name.text}", which the generated code needs for itself`,
        );
      }
      const draft = { name: node.name.text, module: name.text, comment: node.comment, fields: [], node };
      module.classes.push(draft);
      this.classes.set(fullName, draft);
    }
  }

  private fill(draft: Draft): void {
    const seen = new Map<string, Name>();
    for (const field of draft.node.fields) {
      const first = seen.get(field.name.text);
      if (first !== undefined) {
        this.error(field.name, `expected a new field name, got "${field.name.text}" again: ${place(first)}`);
        continue;
      }
      seen.set(field.name.text, field.name);
      const type = this.field(draft, field);
      if (type !== null) draft.fields.push(type);
    }
  }

  private field(draft: Draft, { name, comment, type }: FieldNode): FieldModel | null {
    const marked = bits.test(comment);
    if (marked && !holdsLong(type)) {
      this.error(name, `expected a field with a long in it, because its comment says @bits, got "${name.text}"`);
    }
    const resolved = this.resolve(draft.module, type, marked ? "bits" : this.long);
    return resolved && { name: name.text, comment: comment.replace(bits, "$1").trim(), type: resolved };
  }

  private resolve(module: string, type: TypeNode, long: LongMapping): TypeModel | null {
    switch (type.kind) {
      case "primitive":
        return { kind: "primitive", primitive: type.primitive === "long" ? long : type.primitive };
      case "vector": {
        const element = this.resolve(module, type.element, long);
        return element && { kind: "vector", element };
      }
      case "map": {
        const key = this.resolve(module, type.key, long);
        const value = this.resolve(module, type.value, long);
        return key && value && { kind: "map", key, value };
      }
      case "class": {
        const { text } = type.name;
        const found = this.classes.get(text.includes(".") ? text : `${module}.${text}`);
        if (found !== undefined) return { kind: "class", class: found };
        if (this.allDeclared)
          this.error(type.name, `expected a type, got "${text}", which no module defines${this.hint(text)}`);
        return null;
      }
    }
  }

  /** Where else a class of this name is. */
  private hint(text: string): string {
    const name = text.slice(text.lastIndexOf(".") + 1);
    const others = [...this.classes.values()].filter((draft) => draft.name === name);
    return others.length === 0 ? "" : ` (did you mean ${others.map((o) => `${o.module}.${o.name}`).join(" or ")}?)`;
  }

  /** A class that holds itself could be nested without end, so that a few bytes would exhaust a decoder's stack. */
  private refuseCycles(draft: Draft): void {
    const visited = new Set<ClassModel>();
    const reaches = (type: TypeModel): boolean => {
      if (type.kind === "vector") return reaches(type.element);
      if (type.kind === "map") return reaches(type.key) || reaches(type.value);
      if (type.kind !== "class") return false;
      if (type.class === draft) return true;
      if (visited.has(type.class)) return false;
      visited.add(type.class);
      return type.class.fields.some((field) => reaches(field.type));
    };
    for (const field of draft.fields) {
      if (!reaches(field.type)) continue;
      const { name } = draft.node.fields.find((node) => node.name.text === field.name) as FieldNode;
      this.error(name, `expected a type that does not hold ${draft.name} itself, got one that does in "${name.text}"`);
    }
  }

  private error({ file, offset }: Name, message: string): void {
    this.diagnostics.push({ file, offset, message });
  }
}

function holdsLong(type: TypeNode): boolean {
  if (type.kind === "vector") return holdsLong(type.element);
  if (type.kind === "map") return holdsLong(type.key) || holdsLong(type.value);
  return type.kind === "primitive" && type.primitive === "long";
}

function place({ file, offset }: Name): string {
  return `it stands at ${file.path}:${file.position(offset).line} already`;
}
