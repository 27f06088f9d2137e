import { ProtocolError, Reader } from "@quoll/jute";
import type { ByteSource } from "../storage/byte-stream.js";

const WINDOW_SIZE = 256 * 1024;

/** A snapshot's body that has come in pieces, which are let go of as they are read. */
export class ChunkSource implements ByteSource {
  readonly reader = new Reader(new Uint8Array(WINDOW_SIZE), 0, 0);
  private chunk = 0;
  private chunkAt = 0;

  constructor(private readonly chunks: (Uint8Array | null)[]) {}

  need(count: number): void {
    const { reader } = this;
    if (reader.end - reader.at >= count) return;
    reader.bytes.copyWithin(0, reader.at, reader.end);
    reader.end -= reader.at;
    reader.at = 0;
    while (reader.end < count || reader.end < reader.bytes.length / 2) {
      const chunk = this.chunk < this.chunks.length ? this.chunks[this.chunk]! : null;
      if (chunk === null) break;
      if (reader.end === reader.bytes.length) {
        const bytes = new Uint8Array(2 * reader.end);
        bytes.set(reader.bytes);
        reader.bytes = bytes;
      }
      const size = Math.min(chunk.length - this.chunkAt, reader.bytes.length - reader.end);
      reader.bytes.set(chunk.subarray(this.chunkAt, this.chunkAt + size), reader.end);
      reader.end += size;
      this.chunkAt += size;
      if (this.chunkAt === chunk.length) {
        this.chunks[this.chunk++] = null;
        this.chunkAt = 0;
      }
    }
    if (reader.end < count) {
      throw new ProtocolError(
        "state from the leader",
        reader.at,
        `${count} more bytes`,
        `${reader.end} before its end`,
      );
    }
  }
}
