import { Reader, Writer } from "@quoll/jute";
import { packetName } from "../../src/core/quorum-packet/packet-type.js";
import { entryOf, txnBytes } from "./memory-replica.js";

/** The numbers of the packets on the wire, by name. */
export const Type = {
  REQUEST: 1,
  PROPOSAL: 2,
  ACK: 3,
  COMMIT: 4,
  PING: 5,
  REVALIDATE: 6,
  SYNC: 7,
  INFORM: 8,
  COMMITANDACTIVATE: 9,
  NEWLEADER: 10,
  FOLLOWERINFO: 11,
  UPTODATE: 12,
  DIFF: 13,
  TRUNC: 14,
  SNAP: 15,
  OBSERVERINFO: 16,
  LEADERINFO: 17,
  ACKEPOCH: 18,
  INFORMANDACTIVATE: 19,
} as const;

/** A packet as bytes, written without the code under test. */
export function packet(type: number, zxid: number, data: Uint8Array | null = null): Uint8Array {
  const writer = new Writer();
  writer.int(type);
  writer.long(zxid);
  writer.buffer(data);
  writer.int(-1);
  return writer.take();
}

export const ints = (...values: number[]): Uint8Array => {
  const writer = new Writer();
  for (const value of values) writer.int(value);
  return writer.take();
};

export const text = (value: string): Uint8Array => new Uint8Array([...value].map((c) => c.charCodeAt(0)));

export const proposal = (zxid: number, value: string): Uint8Array => packet(Type.PROPOSAL, zxid, txnBytes(zxid, value));
export const inform = (zxid: number, value: string): Uint8Array => packet(Type.INFORM, zxid, txnBytes(zxid, value));
export const commit = (zxid: number): Uint8Array => packet(Type.COMMIT, zxid);
export const ack = (zxid: number): Uint8Array => packet(Type.ACK, zxid);
export const leaderInfo = (epochZxid: number): Uint8Array => packet(Type.LEADERINFO, epochZxid, ints(0x10000));
export const ackEpoch = (zxid: number, currentEpoch: number): Uint8Array =>
  packet(Type.ACKEPOCH, zxid, ints(currentEpoch));

/** What a learner of ZooKeeper says first. */
export function learnerInfo(
  sid: number,
  acceptedEpochZxid = 0,
  { type = Type.FOLLOWERINFO as number, configVersion = 0, isQuoll = false } = {},
): Uint8Array {
  const data = new Writer();
  data.long(sid);
  data.int(0x10000);
  data.long(configVersion);
  if (isQuoll) data.int(0x51756f6c);
  return packet(type, acceptedEpochZxid, data.take());
}

/** A whole state, with its packet before it and its signature behind it. */
export function snapshot(
  zxid: number,
  entries: readonly (readonly [number, string])[],
  signature = "BenWasHere",
): Uint8Array {
  const writer = new Writer();
  const head = packet(Type.SNAP, zxid);
  writer.raw(head, 0, head.length);
  const lengthAt = writer.at;
  writer.int(0);
  for (const [entryZxid, value] of entries) {
    writer.long(entryZxid);
    writer.string(value);
  }
  writer.patchInt(lengthAt, writer.at - lengthAt - 4);
  writer.string(signature);
  return writer.take();
}

/** What was sent, a line for each packet: its name, its zxid, and what it carries. Read without the code under test. */
export function linesOf(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  const reader = new Reader(bytes);
  while (reader.remaining > 0) {
    const type = reader.int();
    const zxid = reader.long();
    const data = reader.buffer();
    const authCount = reader.int();
    for (let i = 0; i < authCount * 2; i++) reader.string();
    const line = `${packetName(type)} ${zxid < 0 ? zxid : zxid.toString(16)}${contents(type, data)}`;
    if (type !== Type.SNAP) {
      lines.push(line);
      continue;
    }
    const end = reader.int() + reader.at;
    const values: string[] = [];
    while (reader.at < end) {
      reader.long();
      values.push(reader.string() ?? "");
    }
    lines.push(`${line} [${values}] ${reader.string()}`);
  }
  return lines;
}

function contents(type: number, data: Uint8Array | null): string {
  if (data === null) return "";
  const reader = new Reader(data);
  switch (type) {
    case Type.PROPOSAL:
    case Type.INFORM:
      return ` ${entryOf(data, 0, data.length).value}`;
    case Type.LEADERINFO:
    case Type.ACKEPOCH:
      return ` ${reader.int()}`;
    case Type.FOLLOWERINFO:
    case Type.OBSERVERINFO:
      return ` sid ${reader.long()}`;
    case Type.COMMITANDACTIVATE:
    case Type.INFORMANDACTIVATE:
      return ` leader ${reader.long()}`;
    case Type.NEWLEADER:
      return "";
    default:
      return ` ${[...data]}`;
  }
}
