import type { Data } from "./options.js";

const encoder = new TextEncoder();

/** What a request carries for `data`. */
export function bytesOf(data: Data): Uint8Array | null {
  return typeof data === "string" ? encoder.encode(data) : data;
}

/** `value` as JSON in UTF-8, to be stored. {@link NodeData.json} reads it back. */
export function json(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError("undefined and functions have no JSON");
  return encoder.encode(text);
}
