import { Long, ProtocolError, Writer } from "@quoll/jute";
import { adler32 } from "../../src/core/storage/adler32.js";
import type { ByteSink, ByteSource } from "../../src/core/storage/byte-stream.js";
import type { StateFactory, StateMachine } from "../../src/core/storage/state-machine.js";
import {
  ENTRY_END,
  ENTRY_HEAD_SIZE,
  ENTRY_OVERHEAD,
  putInt,
  zxidOfPayload,
} from "../../src/core/storage/txn-log-format.js";

/** The smallest state that notices a missing, doubled or reordered txn: the zxids in order, and a checksum over all payloads. */
export class ToyState implements StateMachine {
  lastProcessedZxid = 0;
  zxids: number[] = [];
  checksum = 1;

  digestMismatches = 0;
  mayBeFuzzy = false;
  private expected: { readonly zxid: number; readonly digest: Long } | null = null;

  get digest(): Long {
    return new Long(this.zxids.length, this.checksum | 0);
  }

  get isFuzzy(): boolean {
    return this.expected !== null;
  }

  expectDigest(zxid: number, _version: number, digest: Long): void {
    this.expected = { zxid, digest };
  }

  compareSnapshotDigest(zxid: number): void {
    const { expected } = this;
    if (expected === null || expected.zxid !== zxid) return;
    this.expected = null;
    if (!expected.digest.equals(this.digest)) this.digestMismatches++;
  }

  apply(bytes: Uint8Array, start: number, end: number): void {
    const zxid = zxidOfPayload(bytes, start);
    this.lastProcessedZxid = zxid;
    this.zxids.push(zxid);
    this.checksum = adler32(bytes, start, end, this.checksum);
    this.compareSnapshotDigest(zxid);
  }

  /** A snapshot's body that holds the state as the data of the root. */
  write(sink: ByteSink): void {
    const { writer } = sink;
    writer.int(0);
    writer.int(0);
    writer.string("");
    writer.int(8 + 8 * this.zxids.length);
    writer.int(this.zxids.length);
    writer.int(this.checksum | 0);
    for (const zxid of this.zxids) {
      writer.long(zxid);
      sink.drain();
    }
    writer.long(-1);
    for (let i = 0; i < 15; i++) writer.int(0);
    writer.string("/");
  }

  static read(source: ByteSource): ToyState {
    const { reader } = source;
    const state = new ToyState();
    source.need(24);
    if (reader.int() !== 0 || reader.int() !== 0 || reader.int() !== 0)
      throw new ProtocolError("toy state", 0, "0 0 0", "other");
    reader.int();
    const count = reader.int();
    state.checksum = reader.int() >>> 0;
    for (let i = 0; i < count; i++) {
      source.need(8);
      state.zxids.push(reader.long());
    }
    source.need(8 + 60 + 5);
    reader.at += 8 + 60 + 5;
    return state;
  }
}

export const toyFactory: StateFactory<ToyState> = {
  create: () => new ToyState(),
  load: (source) => ToyState.read(source),
};

/** A txn's payload: a header of type error and a body of `size` bytes that depend on the zxid. */
export function payloadOf(zxid: number, size = 20): Uint8Array {
  const writer = new Writer();
  writer.long(0x1234);
  writer.int(zxid | 0);
  writer.long(zxid);
  writer.long(1_700_000_000_000 + zxid);
  writer.int(-1);
  for (let i = 0; i < size; i++) writer.byte((zxid * 31 + i * 7) % 255 || 1);
  return writer.take();
}

/** Entries as they are handed to the log writer: with blank checksums. */
export function entriesOf(payloads: readonly Uint8Array[], flags = 0): Uint8Array {
  const bytes = new Uint8Array(payloads.reduce((sum, payload) => sum + payload.length + ENTRY_OVERHEAD, 0));
  let at = 0;
  for (const payload of payloads) {
    putInt(bytes, at, at === 0 ? flags : 0);
    putInt(bytes, at + 8, payload.length);
    bytes.set(payload, at + ENTRY_HEAD_SIZE);
    at += ENTRY_OVERHEAD + payload.length;
    bytes[at - 1] = ENTRY_END;
  }
  return bytes;
}
