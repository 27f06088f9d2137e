import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

/**
 * What a field holds, as its definition says. The three names for a 64-bit value differ only in TypeScript:
 * `long` is a number (a count within 2^53), `bits` a {@link Long}, `bigint` a bigint.
 */
export type FieldType =
  | "byte"
  | "boolean"
  | "int"
  | "long"
  | "bits"
  | "bigint"
  | "float"
  | "double"
  | "ustring"
  | "buffer"
  | { readonly vector: FieldType }
  | { readonly map: { readonly key: FieldType; readonly value: FieldType } }
  // A function, so that modules may refer to each other whatever the order in which they are loaded.
  | { readonly record: () => RecordType<unknown> };

export interface Field {
  readonly name: string;
  readonly type: FieldType;
}

/** Everything known about one class of a `.jute` file. Printing and comparing are derived from `fields`. */
export interface RecordType<T> {
  /** The class's own name, for instance `Stat`. */
  readonly name: string;
  /** The module that it belongs to, for instance `org.apache.zookeeper.data`. */
  readonly module: string;
  /** In the order of the wire. */
  readonly fields: readonly Field[];
  encode(writer: Writer, value: T): void;
  /**
   * Reads one record and leaves the reader behind it. Buffers are views of the reader's bytes.
   * @throws ProtocolError if the bytes end early or a length lies; nothing is allocated on the word of such a length
   */
  decode(reader: Reader): T;
}
