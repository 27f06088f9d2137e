import type { SnapshotPolicy } from "../storage/snapshot-policy.js";

/** Knows after which txn the next snapshot is due. The log begins a new file there. */
export class SnapshotSchedule {
  private afterZxid = -1;

  /**
   * @param roll - begins a new file of the log with the next record
   * @param due - called when the tree is as the snapshot is to hold it
   */
  constructor(
    private readonly policy: SnapshotPolicy,
    private readonly roll: () => void,
    private readonly due: () => void,
  ) {}

  /** A txn was appended to the log. */
  logged(size: number, zxid: number): void {
    if (!this.policy.appended(size)) return;
    this.roll();
    this.afterZxid = zxid;
  }

  /** A txn was applied. */
  applied(zxid: number): void {
    if (zxid === this.afterZxid) this.due();
  }
}
