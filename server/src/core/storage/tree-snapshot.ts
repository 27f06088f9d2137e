import { type FrozenTree, serializeFrozen } from "../tree/frozen-tree.js";
import type { Disk } from "./disk.js";
import type { Compression, SnapshotCodecs } from "./snapshot-codec.js";
import { type WrittenSnapshot, writeSnapshot } from "./snapshot-writer.js";

export interface TreeSnapshotOptions {
  readonly compression: Compression;
  readonly digestEnabled: boolean;
  /** `serializeLastProcessedZxid.enabled` */
  readonly lastProcessedZxid: boolean;
}

/**
 * Writes a frozen tree as a snapshot.
 * @param pace - called after each piece of the file
 * @throws DiskError
 */
export function writeTreeSnapshot(
  disk: Disk,
  directory: string,
  codecs: SnapshotCodecs,
  frozen: FrozenTree,
  options: TreeSnapshotOptions,
  pace: (bytes: number) => void,
): WrittenSnapshot {
  const { compression, digestEnabled, lastProcessedZxid } = options;
  const { digestZxid: zxid, digestVersion: version, digestHi: hi, digestLo: lo } = frozen;
  const digest = digestEnabled && !frozen.mayBeFuzzy ? { zxid, version, hi, lo } : null;
  const all = { zxid: frozen.lastProcessedZxid, compression, digest, lastProcessedZxid, pace };
  return writeSnapshot(disk, directory, codecs, all, (sink) => serializeFrozen(frozen, sink));
}
