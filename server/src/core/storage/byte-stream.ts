import type { Reader, Writer } from "@quoll/jute";

/** Where a snapshot's body goes. Records are written to `writer`; between records `drain` may hand them on. */
export interface ByteSink {
  readonly writer: Writer;
  /** To be called between records: empties `writer` when it holds enough. */
  drain(): void;
}

/** Where a snapshot's body comes from: a window onto a file that may be larger than memory. */
export interface ByteSource {
  readonly reader: Reader;
  /**
   * Makes at least `count` bytes available behind `reader.at`.
   * @throws ProtocolError when the file ends before
   */
  need(count: number): void;
}
