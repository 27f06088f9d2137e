import type { Long } from "./long.js";
import type { FieldType, RecordType } from "./record.js";

/** Whether two records hold the same values, null and empty being different. NaN equals NaN, and 0 differs from -0. */
export function equalRecords<T>(type: RecordType<T>, a: T, b: T): boolean {
  if (a === b) return true;
  for (const field of type.fields) {
    const key = field.name as keyof T;
    if (!equalValues(field.type, a[key], b[key])) return false;
  }
  return true;
}

function equalValues(type: FieldType, a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a === null || b === null) return false;
  if (type === "bits") return (a as Long).equals(b as Long);
  if (type === "buffer") return equalBytes(a as Uint8Array, b as Uint8Array);
  if (typeof type === "string") return false;
  if ("record" in type) return equalRecords(type.record(), a, b);
  if ("vector" in type) return equalVectors(type.vector, a as readonly unknown[], b as readonly unknown[]);
  return equalMaps(type.map, a as ReadonlyMap<unknown, unknown>, b as ReadonlyMap<unknown, unknown>);
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function equalVectors(type: FieldType, a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => equalValues(type, value, b[i]));
}

/** Maps are equal whatever the order of their entries. Keys are compared by value, which takes quadratic time. */
function equalMaps(
  type: { readonly key: FieldType; readonly value: FieldType },
  a: ReadonlyMap<unknown, unknown>,
  b: ReadonlyMap<unknown, unknown>,
): boolean {
  if (a.size !== b.size) return false;
  const unmatched = new Set(b.entries());
  for (const [key, value] of a) {
    let found = false;
    for (const entry of unmatched) {
      if (equalValues(type.key, key, entry[0]) && equalValues(type.value, value, entry[1])) {
        unmatched.delete(entry);
        found = true;
        break;
      }
    }
    if (!found) return false;
  }
  return true;
}
