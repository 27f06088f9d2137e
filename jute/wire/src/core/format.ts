import type { FieldType, RecordType } from "./record.js";

/**
 * A record as one line for logs and people: `ACL{perms=31, id=Id{scheme='world', id='anyone'}}`.
 * Buffers are hex behind a `#`, bits are hex behind `0x`, and null is told from empty. The text is not meant to be
 * parsed, and it is not masked: passwords in a record appear in it.
 */
export function formatRecord<T>(type: RecordType<T>, value: T): string {
  const fields = type.fields.map((field) => `${field.name}=${formatValue(field.type, value[field.name as keyof T])}`);
  return `${type.name}{${fields.join(", ")}}`;
}

function formatValue(type: FieldType, value: unknown): string {
  if (value === null) return "null";
  if (type === "ustring") return quote(value as string);
  if (type === "buffer") return `#${hex(value as Uint8Array)}`;
  if (typeof type === "string") return String(value);
  if ("record" in type) return formatRecord(type.record(), value);
  if ("vector" in type) {
    return `[${(value as readonly unknown[]).map((element) => formatValue(type.vector, element)).join(", ")}]`;
  }
  const entries = [...(value as ReadonlyMap<unknown, unknown>)];
  return `{${entries.map(([k, v]) => `${formatValue(type.map.key, k)}: ${formatValue(type.map.value, v)}`).join(", ")}}`;
}

/** Control characters are escaped, so that no peer's string can forge a line of a log. */
function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
