import type { PrimitiveName } from "./ast.js";

/** A module as the emitter needs it: all names resolved, all errors excluded. */
export interface ModuleModel {
  readonly name: string;
  readonly comment: string;
  /** Base names of the definition files that it stands in. */
  readonly sources: readonly string[];
  readonly classes: readonly ClassModel[];
}

export interface ClassModel {
  readonly name: string;
  readonly module: string;
  readonly comment: string;
  readonly fields: readonly FieldModel[];
}

export interface FieldModel {
  readonly name: string;
  /** Without annotations. */
  readonly comment: string;
  readonly type: TypeModel;
}

export type TypeModel =
  | { readonly kind: "primitive"; readonly primitive: Exclude<PrimitiveName, "long"> | LongMapping }
  | { readonly kind: "vector"; readonly element: TypeModel }
  | { readonly kind: "map"; readonly key: TypeModel; readonly value: TypeModel }
  | { readonly kind: "class"; readonly class: ClassModel };

/** What a 64-bit value is in TypeScript: a number (`long`), the runtime's `Long` (`bits`), or a bigint. */
export type LongMapping = "long" | "bits" | "bigint";

const primitiveBytes = { byte: 1, boolean: 1, int: 4, long: 8, bits: 8, bigint: 8, float: 4, double: 8 };

/** The fewest bytes that a value of this type takes on the wire. */
export function minBytes(type: TypeModel): number {
  switch (type.kind) {
    case "primitive":
      return type.primitive === "ustring" || type.primitive === "buffer" ? 4 : primitiveBytes[type.primitive];
    case "class":
      return type.class.fields.reduce((sum, field) => sum + minBytes(field.type), 0);
    default:
      return 4;
  }
}
