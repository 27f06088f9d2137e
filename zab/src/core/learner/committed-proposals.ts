import { Fifo } from "../fifo.js";

interface Proposal {
  readonly zxid: number;
  readonly txn: Uint8Array;
}

/** Proposals that an observer was sent while it is synchronized, until their commits come. */
export class CommittedProposals {
  private readonly proposals = new Fifo<Proposal>();

  /** The bytes are copied. */
  add(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    this.proposals.push({ zxid, txn: bytes.slice(start, end) });
  }

  /** Takes out the proposal that is committed, and those before it, which never will be. @returns null if it is not there */
  take(zxid: number): Uint8Array | null {
    for (let first = this.proposals.peek(); first !== null && first.zxid <= zxid; first = this.proposals.peek()) {
      this.proposals.shift();
      if (first.zxid === zxid) return first.txn;
    }
    return null;
  }
}
