export { InvariantError, invariant, ProtocolError, QuollError } from "./core/errors.js";
export { Long } from "./core/long.js";
export { type Limits, Reader, UNLIMITED } from "./core/reader.js";
export { decodeUtf8, encodeUtf8, utf8Length } from "./core/utf8.js";
export { Writer } from "./core/writer.js";
