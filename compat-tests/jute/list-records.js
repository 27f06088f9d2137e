// Prints a line "class field type" for each field of each record, in the order of the wire.
import * as jute from "@quoll/jute";

for (const type of Object.values(jute)) {
  if (type.fields === undefined) continue;
  for (const field of type.fields) console.log(`${type.module}.${type.name} ${field.name} ${typeName(field.type)}`);
}

function typeName(type) {
  if (typeof type === "string") return type;
  if (type.vector) return `vector<${typeName(type.vector)}>`;
  const record = type.record();
  return `${record.module}.${record.name}`;
}
