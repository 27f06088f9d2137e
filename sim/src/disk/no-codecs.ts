import type { SnapshotCodec, SnapshotCodecs } from "@quoll/server/core/storage/snapshot-codec";

const none: SnapshotCodec = {
  compressor: () => {
    throw new Error("snapshots are not compressed here");
  },
  decompress: () => {
    throw new Error("snapshots are not compressed here");
  },
};

/** The simulated servers write their snapshots as they are. */
export const NO_CODECS: SnapshotCodecs = { gz: none, snappy: none };
