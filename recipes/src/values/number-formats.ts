/**
 * How a number stands in a znode.
 *
 * | format | bytes | who |
 * | --- | --- | --- |
 * | `int32` | 4, big-endian | Curator's SharedCount and DistributedAtomicInteger, kazoo's Counter with `support_curator` |
 * | `int64` | 8, big-endian | Curator's DistributedAtomicLong |
 * | `decimal` | ASCII digits | kazoo's Counter |
 */
export type NumberFormat = "int32" | "int64" | "decimal";

const MIN: Record<NumberFormat, bigint> = { int32: -(2n ** 31n), int64: -(2n ** 63n), decimal: -(2n ** 63n) };
const MAX: Record<NumberFormat, bigint> = { int32: 2n ** 31n - 1n, int64: 2n ** 63n - 1n, decimal: 2n ** 63n - 1n };

/**
 * The data of a znode that holds this number.
 * @throws RangeError when the format has no room for it; unlike Java's, a counter never runs over
 */
export function encodeNumber(value: bigint, format: NumberFormat): Uint8Array {
  if (value < MIN[format] || value > MAX[format]) {
    throw new RangeError(`${value} does not fit into ${format}: it must be from ${MIN[format]} to ${MAX[format]}`);
  }
  if (format === "decimal") return new TextEncoder().encode(String(value));
  const bytes = new Uint8Array(format === "int32" ? 4 : 8);
  const view = new DataView(bytes.buffer);
  if (format === "int32") view.setInt32(0, Number(value));
  else view.setBigInt64(0, value);
  return bytes;
}

/**
 * The number in a znode's data.
 * @returns null if the data is none in this format; no data at all is one too, which the caller takes for its default
 */
export function decodeNumber(bytes: Uint8Array, format: NumberFormat): bigint | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case "int32":
      return bytes.length === 4 ? BigInt(view.getInt32(0)) : null;
    case "int64":
      return bytes.length === 8 ? view.getBigInt64(0) : null;
    case "decimal": {
      const text = new TextDecoder().decode(bytes);
      return /^-?\d+$/.test(text) ? BigInt(text) : null;
    }
  }
}
