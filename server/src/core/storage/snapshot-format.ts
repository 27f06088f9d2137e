import type { Compression } from "./snapshot-codec.js";

/**
 * A snapshot file, as ZooKeeper 3.9.5 writes it. All numbers are big-endian; the whole may be compressed.
 *
 *   file     = header body seal [digest seal] [last seal]
 *   header   = int magic 0x5a4b534e "ZKSN" · int version 2 · long dbid -1                     (16 bytes)
 *   body     = sessions · ACL cache · znodes, closed by the path "/"; written and read by the tree
 *   seal     = long checksum · string "/"                                                     (13 bytes)
 *   digest   = long zxid · int digestVersion · long digest                                    (20 bytes)
 *   last     = long lastProcessedZxid                                                         (8 bytes)
 *
 * The checksum is the Adler-32 of everything before the seal, earlier seals included. The digest is that of the tree at
 * its zxid; zxid 0 stands for none. The file's name is `snapshot.<zxid in hex>` and `.gz` or `.snappy`. Java's snapshots
 * are fuzzy: they may hold changes of later txns, and the digest's zxid tells up to where. Ours are exact.
 *
 * The crash argument: the file is written under a name that neither Java nor we take for a snapshot, synced, renamed, and
 * the directory is synced.
 */
export const SNAPSHOT_MAGIC = 0x5a4b534e;
export const SNAPSHOT_VERSION = 2;
export const SNAPSHOT_HEADER_SIZE = 16;
export const SEAL_SIZE = 13;

/** Java would take `snapshot.5.tmp` for a snapshot. */
export const TEMPORARY_PREFIX = "tmp.";

/** The tree's digest in a snapshot. */
export interface SnapshotDigest {
  /** The txn after which the tree has this digest; 0 when there is none. */
  readonly zxid: number;
  readonly version: number;
  readonly hi: number;
  readonly lo: number;
}

export interface SnapshotName {
  readonly name: string;
  readonly zxid: number;
  readonly compression: Compression;
}

export function snapshotName(zxid: number, compression: Compression): string {
  return `snapshot.${zxid.toString(16)}${compression === "" ? "" : `.${compression}`}`;
}

/** @returns null when the file is no snapshot */
export function parseSnapshotName(name: string): SnapshotName | null {
  const match = /^snapshot\.([0-9a-f]{1,14})(?:\.(gz|snappy))?$/.exec(name);
  if (match === null) return null;
  return { name, zxid: Number.parseInt(match[1], 16), compression: (match[2] ?? "") as Compression };
}
