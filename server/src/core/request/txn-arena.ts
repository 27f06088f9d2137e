import { Writer } from "@quoll/jute";

const SEGMENT_BYTES = 256 * 1024;

/**
 * Where txns are encoded. A txn's bytes are read three times (log, apply, change records) and must stay as they are
 * until the last of these is done, so a full segment is left to them and to the collector, and a new one is begun.
 */
export class TxnArena {
  writer = new Writer(SEGMENT_BYTES);

  /** To be called before a txn of about `size` bytes. */
  begin(size: number): void {
    if (this.writer.at + size > this.writer.bytes.length) this.writer = new Writer(Math.max(SEGMENT_BYTES, size));
  }

  /** Nothing refers to any txn any more: the segment may be written anew. */
  reuse(): void {
    this.writer.reset();
  }
}
