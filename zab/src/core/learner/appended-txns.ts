import { ProtocolError, type Writer } from "@quoll/jute";
import { Fifo } from "../fifo.js";
import { PacketType } from "../quorum-packet/packet-type.js";
import { writePlain } from "../quorum-packet/packet-writers.js";
import { counterOf, follows } from "../zxid.js";

declare const durable: unique symbol;

/** A zxid up to which the log is known to be durable. Only {@link AppendedTxns.synced} makes one. */
export type DurableZxid = number & { readonly [durable]: true };

/**
 * What a follower has put into its log in this term, and what of it may be acknowledged: only what is durable (rule
 * D30), each txn by itself and in order, and none before NEWLEADER (rule D21).
 */
export class AppendedTxns {
  private unacked = new Fifo<number>();
  private durableZxid: DurableZxid;

  /**
   * @param lastZxid - the last txn in the log, which is durable
   * @param acknowledges - false for an observer, whose log nobody asks for
   */
  constructor(
    public lastZxid: number,
    private readonly acknowledges: boolean,
  ) {
    this.durableZxid = lastZxid as DurableZxid;
  }

  get syncedZxid(): number {
    return this.durableZxid;
  }

  get isAllSynced(): boolean {
    return this.durableZxid >= this.lastZxid;
  }

  /** The log was cut, or its state replaced. */
  restart(lastZxid: number): void {
    this.lastZxid = lastZxid;
    this.durableZxid = lastZxid as DurableZxid;
    this.unacked = new Fifo();
  }

  /**
   * Whether a txn is to be appended: not if the log holds it already, as behind a snapshot that was newer than it said.
   * @throws {@link ProtocolError} when there would be a hole before it
   */
  isNew(zxid: number): boolean {
    if (zxid <= this.lastZxid) return false;
    if (this.lastZxid !== 0 && !follows(this.lastZxid, zxid) && !this.beginsEpoch(zxid)) {
      throw new ProtocolError(
        "zxid of a proposal",
        4,
        `the one after 0x${this.lastZxid.toString(16)}`,
        `0x${zxid.toString(16)}`,
      );
    }
    return true;
  }

  /** ZooKeeper's `testingonly.initialZxid` begins an epoch later than at 1; nothing else does. */
  private beginsEpoch(zxid: number): boolean {
    return counterOf(this.lastZxid) === 0 && zxid > this.lastZxid;
  }

  appended(zxid: number): void {
    this.lastZxid = zxid;
    if (this.acknowledges) this.unacked.push(zxid);
  }

  /** What came as committed: nobody waits for its acknowledgement. */
  skipAcks(committedZxid: number): void {
    const { unacked } = this;
    for (let zxid = unacked.peek(); zxid !== null && zxid <= committedZxid; zxid = unacked.peek()) unacked.shift();
  }

  /** The disk has told that everything up to `zxid` is durable. */
  synced(zxid: number): void {
    if (zxid > this.durableZxid) this.durableZxid = Math.min(zxid, this.lastZxid) as DurableZxid;
  }

  /**
   * Acknowledges what is durable.
   * @returns whether something was written
   */
  writeAcks(out: Writer): boolean {
    const { unacked, durableZxid } = this;
    let isAny = false;
    for (let zxid = unacked.peek(); zxid !== null && zxid <= durableZxid; zxid = unacked.peek()) {
      writeAck(out, zxid as DurableZxid);
      unacked.shift();
      isAny = true;
    }
    return isAny;
  }
}

function writeAck(out: Writer, zxid: DurableZxid): void {
  writePlain(out, PacketType.ACK, zxid);
}
