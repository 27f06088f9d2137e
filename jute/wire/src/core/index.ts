export { decodeRecord, encodeRecord } from "./codec.js";
export { equalRecords } from "./equal.js";
export { InvariantError, invariant, ProtocolError, QuollError } from "./errors.js";
export { formatRecord } from "./format.js";
export { Long } from "./long.js";
export { type Limits, Reader, UNLIMITED } from "./reader.js";
export type { Field, FieldType, RecordType } from "./record.js";
export { decodeUtf8, encodeUtf8, utf8Length } from "./utf8.js";
export { Writer } from "./writer.js";
