import { encodeUtf8, ProtocolError, Reader, utf8Length, type Writer } from "@quoll/jute";
import type { HostPort } from "../link.js";
import { textOfAddress } from "../membership/index.js";
import { ANONYMOUS_SID, readLong, writeLong } from "./vote.js";

/**
 * The first bytes on a connection to an election port: who is calling.
 *
 * | bytes | field | |
 * | --- | --- | --- |
 * | 8 | protocol version | -65536: one address; -65535: several, separated by a vertical bar. From 0 on it is the sid already, and all |
 * | 8 | sid | the caller's; `Long.MAX_VALUE` for an observer that is not listed |
 * | 4 + N | addresses | `host:port`, 1 to 2048 bytes of UTF-8. Read past, never used: a caller may write anything |
 */
export interface Hello {
  readonly sid: number;
  /** How many bytes it took. */
  readonly length: number;
}

const ONE_ADDRESS = -65536;
const SEVERAL_ADDRESSES = -65535;
const ADDRESSES_MAX = 2048;

/** Bytes of the longest hello. */
export const HELLO_MAX = 20 + ADDRESSES_MAX;

/** @param addresses - this server's own; empty when it has none in the configuration */
export function writeHello(writer: Writer, sid: number, addresses: readonly HostPort[], multiAddress: boolean): void {
  const told =
    addresses.length === 0 ? [{ host: "0.0.0.0", port: 0 }] : multiAddress ? addresses : addresses.slice(0, 1);
  const text = told.map(textOfAddress).join("|");
  writer.long(multiAddress ? SEVERAL_ADDRESSES : ONE_ADDRESS);
  writeLong(writer, sid);
  const length = utf8Length(text);
  writer.int(length);
  writer.reserve(length);
  writer.at = encodeUtf8(text, writer.bytes, writer.at);
}

/**
 * Reads a hello from what has come so far.
 * @returns null when more bytes are needed
 * @throws {@link ProtocolError} it is none
 */
export function readHello(bytes: Uint8Array, start: number, end: number): Hello | null {
  if (end - start < 8) return null;
  const reader = new Reader(bytes, start, end);
  const first = readLong(reader, "protocol version");
  if (first >= 0) return { sid: first, length: 8 };
  if (first !== ONE_ADDRESS && first !== SEVERAL_ADDRESSES) {
    throw new ProtocolError("protocol version", start, `${ONE_ADDRESS}, ${SEVERAL_ADDRESSES} or a sid`, String(first));
  }
  if (reader.remaining < 8) return null;
  const sid = readLong(reader, "sid");
  if (sid < 0) throw new ProtocolError("sid", start + 8, `0 to ${ANONYMOUS_SID}`, String(sid));
  if (reader.remaining < 4) return null;
  const length = reader.int();
  if (length < 1 || length > ADDRESSES_MAX) {
    throw new ProtocolError("length of addresses", start + 16, `1 to ${ADDRESSES_MAX}`, String(length));
  }
  return reader.remaining < length ? null : { sid, length: 20 + length };
}
