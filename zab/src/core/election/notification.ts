import { encodeUtf8, ProtocolError, Reader, utf8Length, Writer } from "@quoll/jute";
import { epochOf } from "../zxid.js";
import { ANONYMOUS_SID, NO_VOTE, readLong, ServerState, type Vote, writeLong } from "./vote.js";

/**
 * What a server tells another in an election: its vote, or, when it has one, its leader.
 *
 * | bytes | field | |
 * | --- | --- | --- |
 * | 4 | state | 0 looking, 1 following, 2 leading, 3 observing |
 * | 8 | leader | sid of the candidate |
 * | 8 | zxid | its last txn |
 * | 8 | electionEpoch | the round |
 * | 8 | peerEpoch | its epoch; absent in messages of 28 bytes, where it is the zxid's |
 * | 4 | version | 2; absent in messages of 28 and 36 bytes, not looked at in those of 40: they count as version 0 |
 * | 4 + N | configuration | length and UTF-8 text; with version 2 only |
 * | 4 | mark | ours: tells Quoll servers from others. ZooKeeper does not look behind the configuration |
 */
export interface Notification extends Vote {
  readonly state: ServerState;
  readonly version: number;
  /** The sender's configuration: `configStart` to `configEnd` of the message; equal when there is none. */
  readonly configStart: number;
  readonly configEnd: number;
  /** Whether a Quoll server has sent it. Nothing but the length of a wait depends on it. */
  readonly isQuoll: boolean;
}

const VERSION = 2;
const MARK = 0x51_55_4f_4c;
const EPOCH_MAX = 0xffff_ffff;

/**
 * The last round. Far beyond what elections can reach, so that only hostile bytes come near it; a server stays there
 * rather than go on to numbers that can't be told.
 */
export const ROUND_MAX = 2 ** 52;

/** Encodes a notification, ready to be sent behind its length. */
export function encodeNotification(state: ServerState, vote: Vote, config: Uint8Array): Uint8Array {
  const writer = new Writer(48 + config.length);
  writer.int(state);
  writeLong(writer, vote.leader);
  writeLong(writer, vote.zxid);
  writer.long(vote.electionEpoch);
  writeLong(writer, vote.peerEpoch);
  writer.int(VERSION);
  writer.span(config, 0, config.length);
  writer.int(MARK);
  return writer.take();
}

/**
 * Decodes a message of any generation.
 * @throws {@link ProtocolError} too short, a length that lies, a state or a number that no server can have
 */
export function decodeNotification(bytes: Uint8Array, start: number, end: number): Notification {
  const length = end - start;
  if (length < 28) throw new ProtocolError("notification", start, "at least 28 bytes", `${length}`);
  const reader = new Reader(bytes, start, end);
  const state = reader.int();
  if (state < ServerState.looking || state > ServerState.observing) {
    throw new ProtocolError("state", start, "0 to 3", String(state));
  }
  const leader = within(reader, "leader", Number.MAX_SAFE_INTEGER);
  const zxid = within(reader, "zxid", Number.MAX_SAFE_INTEGER);
  const electionEpoch = within(reader, "electionEpoch", ROUND_MAX);
  if (electionEpoch === NO_VOTE) throw new ProtocolError("electionEpoch", start + 20, "a round", "none");
  let peerEpoch = zxid >= 0 ? epochOf(zxid) : zxid;
  let version = 0;
  let configStart = end;
  let configEnd = end;
  if (length !== 28) {
    peerEpoch = within(reader, "peerEpoch", EPOCH_MAX);
    if (length !== 36 && length !== 40) version = reader.int();
  }
  if (version >= VERSION) {
    const configLength = reader.length("configuration");
    if (configLength < 0) throw new ProtocolError("configuration length", start + 40, "at least 0", "-1");
    configStart = reader.at;
    configEnd = configStart + configLength;
    reader.at = configEnd;
  }
  const isQuoll = reader.remaining === 4 && version === VERSION && reader.int() === MARK;
  return {
    state: state as ServerState,
    leader,
    zxid,
    electionEpoch,
    peerEpoch,
    version,
    configStart,
    configEnd,
    isQuoll,
  };
}

/** A number from -1 to `max`, or that of a server without a vote. */
function within(reader: Reader, what: string, max: number): number {
  const at = reader.at;
  const value = readLong(reader, what);
  if (value !== NO_VOTE && (value < -1 || value > max || value === ANONYMOUS_SID)) {
    throw new ProtocolError(what, at, `-1 to ${max}`, String(value));
  }
  return value;
}

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  encodeUtf8(text, bytes, 0);
  return bytes;
}
