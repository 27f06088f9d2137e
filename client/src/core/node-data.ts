import { decodeUtf8 } from "@quoll/jute";
import type { Stat } from "./stat.js";

/** The data of a znode and its Stat, of one moment. */
export class NodeData {
  /**
   * @param data - the caller's own copy. Null, which is not the same as empty, if the znode was created with null
   * @param stat - of the same moment
   */
  constructor(
    readonly data: Uint8Array | null,
    readonly stat: Stat,
  ) {}

  /** The data as UTF-8; "" for null. What is not UTF-8 becomes U+FFFD. */
  text(): string {
    return this.data === null ? "" : decodeUtf8(this.data, 0, this.data.length);
  }

  /**
   * The data as JSON.
   * @param check - makes a `T` of what was parsed, or throws; without it the type is the caller's promise
   * @throws SyntaxError if it isn't JSON
   */
  json<T>(check?: (value: unknown) => T): T {
    const value: unknown = JSON.parse(this.text());
    return check === undefined ? (value as T) : check(value);
  }
}
