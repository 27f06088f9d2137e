import { ProtocolError } from "@quoll/jute";
import { packetName } from "./packet-type.js";

const NO_BYTES = new Uint8Array(0);

/** Bytes of all identities of a request's client, and how many there may be. */
const AUTHINFO_BYTES_MAX = 256 * 1024;
const AUTHINFO_COUNT_MAX = 1024;

/** int type, long zxid, and the length of the data. */
const HEAD_BYTES = 16;

/**
 * Finds the packets in what a link delivers, however it is cut into chunks. Between servers, records stand back to back
 * with no length around them:
 *
 *     int type · long zxid · int length (-1: null) + data · int count (-1: null) + count × (string scheme, string id)
 *
 * A packet is not decoded into an object: {@link next} stops at it and says where its parts are, in place when the chunk
 * holds the whole packet. All lengths are checked before anything is kept, so that no more than one packet is.
 *
 *     parser.push(chunk);
 *     while (parser.next()) handle(parser);
 *     parser.keep(); // before the chunk is gone
 */
export class PacketParser {
  /** The packet's parts: valid until {@link next}, {@link push} or {@link keep} is called. */
  type = 0;
  zxid = 0;
  hasData = false;
  dataStart = 0;
  dataEnd = 0;
  /** The vector of identities with its count, as it stands on the wire. */
  authStart = 0;
  authEnd = 0;

  /** What is being parsed: the last chunk, or {@link kept}. */
  bytes: Uint8Array = NO_BYTES;
  /** The first byte that was not parsed yet. */
  at = 0;
  end = 0;
  private kept: Uint8Array = NO_BYTES;

  /** @param dataMax - bytes of one packet's data */
  constructor(public dataMax: number) {}

  /** Bytes that came and were not parsed yet. */
  get unparsed(): number {
    return this.end - this.at;
  }

  /** Adds what came. The chunk must not change before {@link keep} is called. */
  push(chunk: Uint8Array): void {
    if (this.at === this.end) {
      this.bytes = chunk;
      this.at = 0;
      this.end = chunk.length;
      return;
    }
    this.keep();
    this.makeRoom(chunk.length);
    this.kept.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Keeps what is left, as the chunk that it stands in is about to change. */
  keep(): void {
    if (this.bytes === this.kept) return;
    const length = this.end - this.at;
    if (length === 0) {
      this.bytes = NO_BYTES;
      this.at = this.end = 0;
      return;
    }
    if (this.kept.length < length) this.kept = new Uint8Array(Math.max(1024, length));
    this.kept.set(this.bytes.subarray(this.at, this.end));
    this.bytes = this.kept;
    this.at = 0;
    this.end = length;
  }

  private makeRoom(count: number): void {
    if (this.end + count <= this.kept.length) return;
    const length = this.end - this.at;
    const needed = length + count;
    const target = needed <= this.kept.length ? this.kept : new Uint8Array(Math.max(needed, this.kept.length * 2));
    target.set(this.kept.subarray(this.at, this.end));
    this.kept = this.bytes = target;
    this.at = 0;
    this.end = length;
  }

  /** Passes over bytes that are no packet: those of a snapshot. */
  skip(count: number): void {
    this.at += count;
  }

  /**
   * Goes on to the next packet, if all of it has come.
   * @throws {@link ProtocolError} when what came can't be a packet
   */
  next(): boolean {
    const { bytes, at, end } = this;
    if (end - at < HEAD_BYTES) return false;
    const length = int(bytes, at + 12);
    if (length < -1 || length > this.dataMax) {
      throw new ProtocolError(
        `data length of ${packetName(int(bytes, at))}`,
        12,
        `-1 to ${this.dataMax}`,
        String(length),
      );
    }
    const dataEnd = at + HEAD_BYTES + Math.max(length, 0);
    if (end - dataEnd < 4) return false;
    const authEnd = int(bytes, dataEnd) === -1 ? dataEnd + 4 : this.endOfAuthInfo(dataEnd);
    if (authEnd < 0) return false;

    const zxid = int(bytes, at + 4) * 0x1_0000_0000 + (int(bytes, at + 8) >>> 0);
    if (!Number.isSafeInteger(zxid)) throw new ProtocolError("zxid", 4, "a number within 2^53", String(zxid));
    this.type = int(bytes, at);
    this.zxid = zxid;
    this.hasData = length >= 0;
    this.dataStart = at + HEAD_BYTES;
    this.dataEnd = dataEnd;
    this.authStart = dataEnd;
    this.authEnd = authEnd;
    this.at = authEnd;
    return true;
  }

  /** @returns where the vector of identities at `start` ends, or -1 if not all of it has come */
  private endOfAuthInfo(start: number): number {
    const { bytes, end } = this;
    const count = int(bytes, start);
    if (count < 0 || count > AUTHINFO_COUNT_MAX) {
      throw new ProtocolError("authinfo count", start - this.at, `-1 to ${AUTHINFO_COUNT_MAX}`, String(count));
    }
    let at = start + 4;
    for (let i = 0; i < count * 2; i++) {
      if (end - at < 4) return -1;
      const length = int(bytes, at);
      if (length < -1 || at - start + length > AUTHINFO_BYTES_MAX) {
        throw new ProtocolError(
          "authinfo string length",
          at - this.at,
          `-1 to ${AUTHINFO_BYTES_MAX} with all others`,
          String(length),
        );
      }
      at += 4 + Math.max(length, 0);
      if (at > end) return -1;
    }
    return at;
  }
}

function int(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
