/** How a snapshot file is compressed; the value is the end of its name (`zookeeper.snapshot.compression.method`). */
export type Compression = "" | "gz" | "snappy";

/** Takes what a compressor produces. The bytes are valid during the call only. */
export type Output = (bytes: Uint8Array, start: number, end: number) => void;

/** Fills `into` from `start`, with at least one byte; returns how many. 0 is the end. */
export type Input = (into: Uint8Array, start: number, end: number) => number;

export interface Compressor {
  write(bytes: Uint8Array, start: number, end: number): void;
  /** Passes on what is still held back, and the stream's end. */
  finish(): void;
}

/** One compression, as a blocking stream in both directions. Malformed input is a ProtocolError. */
export interface SnapshotCodec {
  compressor(output: Output): Compressor;
  decompress(input: Input): Input;
}

/** The compressions that the machine offers. */
export type SnapshotCodecs = { readonly [name in "gz" | "snappy"]: SnapshotCodec };
