import { type Limits, Reader, UNLIMITED } from "./reader.js";
import type { RecordType } from "./record.js";
import { Writer } from "./writer.js";

/**
 * Decodes the record that `bytes` starts with. Bytes behind it are ignored, as Java does.
 * @throws ProtocolError if they do not hold one
 */
export function decodeRecord<T>(type: RecordType<T>, bytes: Uint8Array, limits: Limits = UNLIMITED): T {
  return type.decode(new Reader(bytes, 0, bytes.length, limits));
}

/** Encodes one record into bytes of its own. On hot paths use `type.encode` with a writer that is kept. */
export function encodeRecord<T>(type: RecordType<T>, value: T): Uint8Array {
  const writer = new Writer();
  type.encode(writer, value);
  return writer.take();
}
