import * as jute from "../src/index.js";

function isRecordType(value: unknown): value is jute.RecordType<unknown> {
  return typeof value === "object" && value !== null && "fields" in value && "decode" in value;
}

/** Every record of the protocol, by its full name. */
export const recordTypes: ReadonlyMap<string, jute.RecordType<unknown>> = new Map(
  Object.values<unknown>(jute)
    .filter(isRecordType)
    .map((type) => [`${type.module}.${type.name}`, type]),
);
