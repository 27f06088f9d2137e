// The data of an item of Curator's queues, which may hold several entries:
//
//   00010001        version
//   { 01            an entry follows
//     length        int32
//     bytes }*
//   02              the end

const VERSION = 0x00010001;
const ENTRY = 1;
const END = 2;

/** The data of a znode that holds these entries. */
export function encodeItem(entries: readonly Uint8Array[]): Uint8Array {
  let length = 5;
  for (const entry of entries) length += 5 + entry.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, VERSION);
  let at = 4;
  for (const entry of entries) {
    bytes[at] = ENTRY;
    view.setInt32(at + 1, entry.length);
    bytes.set(entry, at + 5);
    at += 5 + entry.length;
  }
  bytes[at] = END;
  return bytes;
}

/**
 * The entries of an item. They are views of `bytes`.
 * @returns null if it is no item of Curator's queues
 */
export function decodeItem(bytes: Uint8Array): Uint8Array[] | null {
  if (bytes.length < 5) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getInt32(0) !== VERSION) return null;
  const entries: Uint8Array[] = [];
  let at = 4;
  while (at < bytes.length) {
    const opcode = bytes[at];
    if (opcode === END) return entries;
    if (opcode !== ENTRY || at + 5 > bytes.length) return null;
    const length = view.getInt32(at + 1);
    at += 5;
    if (length < 0 || length > bytes.length - at) return null;
    entries.push(bytes.subarray(at, at + length));
    at += length;
  }
  return null;
}
