import type { Writer } from "@quoll/jute";
import { LearnerInfo } from "@quoll/jute";
import { PacketType } from "./packet-type.js";

/** In packets whose zxid means nothing. */
export const NO_ZXID = -1;

/** The protocol that servers since 3.4 speak; older learners know no epochs. */
export const PROTOCOL_VERSION = 0x10000;

/**
 * Stands behind the LearnerInfo of a Quoll server, and behind the protocol version in its LEADERINFO. ZooKeeper's servers
 * read the parts that they know and do not look further.
 */
export const QUOLL_MARK = 0x51756f6c;

/** A packet without data. */
export function writePlain(out: Writer, type: PacketType, zxid: number): void {
  out.int(type);
  out.long(zxid);
  out.int(-1);
  out.int(-1);
}

/** A packet whose data stands at `start` to `end` of `bytes`, without identities. */
export function writeData(
  out: Writer,
  type: PacketType,
  zxid: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  out.int(type);
  out.long(zxid);
  out.span(bytes, start, end);
  out.int(-1);
}

/** What a learner says first. */
export function writeLearnerInfo(
  out: Writer,
  type: PacketType.FOLLOWERINFO | PacketType.OBSERVERINFO,
  acceptedEpochZxid: number,
  sid: number,
  configVersion: number,
): void {
  out.int(type);
  out.long(acceptedEpochZxid);
  out.int(24);
  LearnerInfo.encode(out, { serverid: sid, protocolVersion: PROTOCOL_VERSION, configVersion });
  out.int(QUOLL_MARK);
  out.int(-1);
}

export function writeLeaderInfo(out: Writer, epochZxid: number): void {
  out.int(PacketType.LEADERINFO);
  out.long(epochZxid);
  out.int(8);
  out.int(PROTOCOL_VERSION);
  out.int(QUOLL_MARK);
  out.int(-1);
}

/** @param currentEpoch - -1 if this epoch was accepted before: it is not to be counted again */
export function writeAckEpoch(out: Writer, lastZxid: number, currentEpoch: number): void {
  out.int(PacketType.ACKEPOCH);
  out.long(lastZxid);
  out.int(4);
  out.int(currentEpoch);
  out.int(-1);
}

/** @param config - text of the newest membership; null for learners of an old protocol */
export function writeNewLeader(out: Writer, epochZxid: number, config: Uint8Array | null): void {
  if (config === null) writePlain(out, PacketType.NEWLEADER, epochZxid);
  else writeData(out, PacketType.NEWLEADER, epochZxid, config, 0, config.length);
}

/** A client's request, from a learner to its leader. `authInfo` is the vector of identities as it stands on the wire. */
export function writeRequest(
  out: Writer,
  sessionHi: number,
  sessionLo: number,
  cxid: number,
  opcode: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  authInfo: Uint8Array,
): void {
  out.int(PacketType.REQUEST);
  out.long(NO_ZXID);
  out.int(16 + end - start);
  out.int(sessionHi);
  out.int(sessionLo);
  out.int(cxid);
  out.int(opcode);
  out.raw(bytes, start, end);
  if (authInfo.length === 0) out.int(-1);
  else out.raw(authInfo, 0, authInfo.length);
}

export function writeRevalidate(out: Writer, sessionHi: number, sessionLo: number, timeoutMs: number): void {
  out.int(PacketType.REVALIDATE);
  out.long(NO_ZXID);
  out.int(12);
  out.int(sessionHi);
  out.int(sessionLo);
  out.int(timeoutMs);
  out.int(-1);
}

export function writeRevalidated(out: Writer, sessionHi: number, sessionLo: number, isValid: boolean): void {
  out.int(PacketType.REVALIDATE);
  out.long(NO_ZXID);
  out.int(9);
  out.int(sessionHi);
  out.int(sessionLo);
  out.bool(isValid);
  out.int(-1);
}

/** @param leaderSid - who leads from now on */
export function writeCommitAndActivate(out: Writer, zxid: number, leaderSid: number): void {
  out.int(PacketType.COMMITANDACTIVATE);
  out.long(zxid);
  out.int(8);
  out.long(leaderSid);
  out.int(-1);
}

export function writeInformAndActivate(
  out: Writer,
  zxid: number,
  leaderSid: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  out.int(PacketType.INFORMANDACTIVATE);
  out.long(zxid);
  out.int(8 + end - start);
  out.long(leaderSid);
  out.raw(bytes, start, end);
  out.int(-1);
}

/** What stands behind a snapshot on the wire, as a string. */
export const SNAPSHOT_SIGNATURE = "BenWasHere";
