import fc, { type Arbitrary } from "fast-check";
import { type FieldType, Long, type RecordType } from "../src/index.js";

/** Any record of this type, with a taste for the ends of ranges, null and empty. */
export function anyRecord<T>(type: RecordType<T>): Arbitrary<T> {
  const fields = Object.fromEntries(type.fields.map(({ name, type }) => [name, anyValue(type)]));
  return fc.record(fields, { noNullPrototype: true }) as unknown as Arbitrary<T>;
}

const int = fc.integer();

function anyValue(type: FieldType): Arbitrary<unknown> {
  switch (type) {
    case "byte":
      return fc.integer({ min: -128, max: 127 });
    case "boolean":
      return fc.boolean();
    case "int":
      return int;
    case "long":
      return fc.oneof(fc.maxSafeInteger(), int);
    case "bits":
      return fc.tuple(int, int).map(([hi, lo]) => new Long(hi, lo));
    case "bigint":
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case "float":
      return fc.float();
    case "double":
      return fc.double();
    case "ustring":
      return fc.option(fc.oneof(fc.string(), fc.string({ unit: unitWithoutSurrogates })));
    case "buffer":
      return fc.option(fc.uint8Array());
  }
  if ("record" in type) return anyRecord(type.record());
  if ("vector" in type) return fc.option(fc.array(anyValue(type.vector), { maxLength: 5 }));
  const entry = fc.tuple(anyValue(type.map.key), anyValue(type.map.value));
  return fc.option(fc.array(entry, { maxLength: 5 }).map((entries) => new Map(entries)));
}

/** Java's writer does not give surrogates back: see the tests of its string coding. */
const unitWithoutSurrogates = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0xffff }))
  .map((unit) => String.fromCharCode(unit));
