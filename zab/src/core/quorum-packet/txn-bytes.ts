import { decodeUtf8, ProtocolError, Reader } from "@quoll/jute";

/** long clientId, int cxid, long zxid, long time, int type: what every txn begins with. */
const TXN_HEADER_BYTES = 32;
const ZXID_AT = 12;
const TYPE_AT = 28;
const OP_RECONFIG = 16;

/**
 * Checks that what a proposal carries is a txn with its zxid.
 * @throws {@link ProtocolError} when it is none
 */
export function checkTxn(bytes: Uint8Array, start: number, end: number, zxid: number): void {
  if (end - start < TXN_HEADER_BYTES) {
    throw new ProtocolError("txn", 0, `at least ${TXN_HEADER_BYTES} bytes`, String(end - start));
  }
  const own = int(bytes, start + ZXID_AT) * 0x1_0000_0000 + (int(bytes, start + ZXID_AT + 4) >>> 0);
  if (own !== zxid) throw new ProtocolError("zxid of a txn", ZXID_AT, zxid.toString(16), own.toString(16));
}

/** Whether a txn changes the membership. */
export function isReconfig(bytes: Uint8Array, start: number): boolean {
  return int(bytes, start + TYPE_AT) === OP_RECONFIG;
}

/**
 * The text of the new membership in a txn that changes it: the data of a setData to `/zookeeper/config`.
 * @throws {@link ProtocolError} when it holds none
 */
export function configOfReconfig(bytes: Uint8Array, start: number, end: number): string {
  const reader = new Reader(bytes, start + TXN_HEADER_BYTES, end);
  reader.string();
  const data = reader.buffer();
  if (data === null) throw new ProtocolError("membership of a reconfig txn", TXN_HEADER_BYTES, "a text", "null");
  return decodeUtf8(data, 0, data.length);
}

function int(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
