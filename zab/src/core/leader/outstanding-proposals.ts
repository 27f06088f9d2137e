import { invariant, Writer } from "@quoll/jute";
import { PacketType } from "../quorum-packet/packet-type.js";
import { writeData } from "../quorum-packet/packet-writers.js";

/** Behind type, zxid and length. */
const TXN_AT = 16;
/** The null vector of identities at the end. */
const TAIL_BYTES = 4;
/** Bytes of committed proposals above which the others are moved to the front. */
const COMPACT_BYTES = 1 << 20;

/**
 * The proposals that are not committed yet, oldest first, each as the packet that followers get. They are kept for
 * learners that join meanwhile, and for observers, which get a txn when it is committed.
 */
export class OutstandingProposals {
  /** All packets back to back; memory is reused as the oldest are committed. */
  private readonly packets = new Writer(1 << 16);
  private head = 0;
  /** The end of each packet, and its zxid; a ring of a power of two. */
  private ends = new Float64Array(1024);
  private zxids = new Float64Array(1024);
  private first = 0;
  length = 0;

  get bytes(): Uint8Array {
    return this.packets.bytes;
  }

  /** Where the oldest packet stands in {@link bytes}; its txn is {@link txnStart} to {@link txnEnd}. */
  get start(): number {
    return this.head;
  }

  get end(): number {
    return this.ends[this.first];
  }

  get txnStart(): number {
    return this.head + TXN_AT;
  }

  get txnEnd(): number {
    return this.end - TAIL_BYTES;
  }

  /** The zxid of the oldest; there must be one. */
  get firstZxid(): number {
    return this.zxids[this.first];
  }

  /** Where all packets end. */
  get allEnd(): number {
    return this.packets.at;
  }

  /** @returns where its packet begins; it ends at {@link allEnd} */
  add(bytes: Uint8Array, start: number, end: number, zxid: number): number {
    if (this.length === this.ends.length) this.grow();
    const at = this.packets.at;
    writeData(this.packets, PacketType.PROPOSAL, zxid, bytes, start, end);
    const slot = (this.first + this.length) & (this.ends.length - 1);
    this.ends[slot] = this.packets.at;
    this.zxids[slot] = zxid;
    this.length++;
    return at;
  }

  /** Takes the oldest out. */
  shift(): void {
    invariant(this.length > 0, "no proposal is outstanding");
    this.head = this.ends[this.first];
    this.first = (this.first + 1) & (this.ends.length - 1);
    this.length--;
    if (this.length === 0) {
      this.packets.reset();
      this.head = 0;
    } else if (this.head > COMPACT_BYTES && this.head * 2 > this.packets.at) {
      this.compact();
    }
  }

  /** Takes out all that are committed now. */
  shiftUpTo(zxid: number): void {
    while (this.length > 0 && this.firstZxid <= zxid) this.shift();
  }

  private compact(): void {
    const { packets, head } = this;
    packets.bytes.copyWithin(0, head, packets.at);
    packets.at -= head;
    this.head = 0;
    for (let i = 0; i < this.length; i++) this.ends[(this.first + i) & (this.ends.length - 1)] -= head;
  }

  private grow(): void {
    const size = this.ends.length;
    const ends = new Float64Array(size * 2);
    const zxids = new Float64Array(size * 2);
    for (let i = 0; i < this.length; i++) {
      ends[i] = this.ends[(this.first + i) & (size - 1)];
      zxids[i] = this.zxids[(this.first + i) & (size - 1)];
    }
    this.ends = ends;
    this.zxids = zxids;
    this.first = 0;
  }
}
