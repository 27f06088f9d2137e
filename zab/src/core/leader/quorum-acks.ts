import type { QuorumVerifier } from "../membership/index.js";

/**
 * How far each server has the leader's proposals on its disk, and from that, what is committed. A server acknowledges in
 * the order of the log, so its last acknowledgement stands for all before it.
 */
export class QuorumAcks {
  private readonly acked = new Map<number, number>();
  private readonly having = new Set<number>();

  /** @returns whether this says something new */
  ack(sid: number, zxid: number): boolean {
    const before = this.acked.get(sid);
    if (before !== undefined && before >= zxid) return false;
    this.acked.set(sid, zxid);
    return true;
  }

  /**
   * The server is brought to the leader's committed state: what it has acknowledged beyond that may be cut off its log, so
   * that it counts only when it is acknowledged again.
   */
  forget(sid: number): void {
    this.acked.delete(sid);
  }

  /** The last txn that the server has acknowledged; -1 if there is none. */
  ackedBy(sid: number): number {
    return this.acked.get(sid) ?? -1;
  }

  /**
   * The last zxid after `committed` that a quorum of each of the verifiers has, at most `newest`.
   * @returns `committed` if there is none
   */
  committable(committed: number, newest: number, verifiers: readonly QuorumVerifier[]): number {
    let best = committed;
    for (const zxid of this.acked.values()) {
      const candidate = Math.min(zxid, newest);
      if (candidate > best && this.isHeldByQuorum(candidate, verifiers)) best = candidate;
    }
    return best;
  }

  private isHeldByQuorum(zxid: number, verifiers: readonly QuorumVerifier[]): boolean {
    this.having.clear();
    for (const [sid, acked] of this.acked) if (acked >= zxid) this.having.add(sid);
    for (let i = 0; i < verifiers.length; i++) if (!verifiers[i].containsQuorum(this.having)) return false;
    return true;
  }

  /** Who has a txn on its disk. */
  holders(zxid: number): number[] {
    return [...this.acked].filter(([, acked]) => acked >= zxid).map(([sid]) => sid);
  }
}
