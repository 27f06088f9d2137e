/**
 * A txn log file, as ZooKeeper 3.9.5 writes it. All numbers are big-endian.
 *
 *   file    = header entry* zeros
 *   header  = int magic 0x5a4b4c47 "ZKLG" · int version 2 · long dbid 0                     (16 bytes)
 *   entry   = long checksum · int length · payload · byte 0x42 "B"                          (13 bytes around the payload)
 *   payload = TxnHeader{long clientId, int cxid, long zxid, long time, int type} · txn record · [TxnDigest]
 *
 * The checksum is the Adler-32 of the payload alone. The file's name is `log.<zxid of its first entry, in hex>`. It is
 * extended by zeros in steps, so that a sync after an append rarely has to write a new size.
 *
 * An entry is valid when its length is positive, it ends inside the file with "B", and the checksum fits. The first entry
 * with length 0 ends the file. The crash argument: header and directory entry are synced before the first entry is
 * written, and a batch of entries is written only after the one before it was synced. So after a crash every entry that
 * was acknowledged is valid, and only the last batch can be torn; its missing 512-byte sectors read as zeros.
 */
export const LOG_MAGIC = 0x5a4b4c47;
export const LOG_VERSION = 2;
export const LOG_HEADER_SIZE = 16;

/** Bytes of an entry before its payload. */
export const ENTRY_HEAD_SIZE = 12;
/** Bytes of an entry besides its payload. */
export const ENTRY_OVERHEAD = 13;
export const ENTRY_END = 0x42;

/** TxnHeader alone: no valid payload is shorter. */
export const PAYLOAD_MIN = 32;
const ZXID_OFFSET = 12;
const TYPE_OFFSET = 28;

/** The disk writes sectors whole or not at all. */
export const SECTOR_SIZE = 512;

export function logName(zxid: number): string {
  return `log.${zxid.toString(16)}`;
}

/** @returns the zxid in a txn log's name, or -1 if the file is none (Java's tools leave `log.5.fixed` and the like) */
export function zxidOfLogName(name: string): number {
  return /^log\.[0-9a-f]{1,14}$/.test(name) ? Number.parseInt(name.slice(4), 16) : -1;
}

export function encodeLogHeader(): Uint8Array {
  const header = new Uint8Array(LOG_HEADER_SIZE);
  const view = new DataView(header.buffer);
  view.setInt32(0, LOG_MAGIC);
  view.setInt32(4, LOG_VERSION);
  return header;
}

export function readInt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

export function putInt(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** The zxid of the payload that starts at `start`, which has at least {@link PAYLOAD_MIN} bytes. */
export function zxidOfPayload(bytes: Uint8Array, start: number): number {
  return readInt(bytes, start + ZXID_OFFSET) * 0x1_0000_0000 + (readInt(bytes, start + ZXID_OFFSET + 4) >>> 0);
}

/** The txn's type, an opcode. */
export function typeOfPayload(bytes: Uint8Array, start: number): number {
  return readInt(bytes, start + TYPE_OFFSET);
}

export function epochOf(zxid: number): number {
  return Math.floor(zxid / 0x1_0000_0000);
}

/**
 * Whether `next` may follow `previous` in one history: the next txn of the same epoch, or the first one of a later epoch.
 * Failed requests are logged too, so a counter has no legal holes (rule D3).
 */
export function follows(previous: number, next: number): boolean {
  return next === previous + 1 || (epochOf(next) > epochOf(previous) && next % 0x1_0000_0000 === 1);
}

export function hex(zxid: number): string {
  return zxid < 0 ? `-0x${(-zxid).toString(16)}` : `0x${zxid.toString(16)}`;
}
