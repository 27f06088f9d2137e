import type { Random } from "../capabilities.js";

/**
 * Decides when a snapshot is due: after `snapCount` txns or `snapSizeLimitInKb` of log, each chosen anew at random between
 * half of it and all of it, so that the servers of an ensemble do not take theirs at the same time.
 */
export class SnapshotPolicy {
  private txns: number;
  private bytes: number;
  private txnLimit = 0;
  private byteLimit = 0;

  /**
   * @param snapCount - at least 2
   * @param snapSizeBytes - 0 or less turns the limit by size off
   * @param txns - in the log since the last snapshot, when the server starts
   * @param bytes - the size of those
   */
  constructor(
    private readonly snapCount: number,
    private readonly snapSizeBytes: number,
    private readonly random: Random,
    txns = 0,
    bytes = 0,
  ) {
    this.txns = txns;
    this.bytes = bytes;
    this.drawLimits();
  }

  /**
   * Counts one txn.
   * @param size - bytes of its payload
   * @returns whether the log is to be rolled behind it, and a snapshot taken once it is applied; the count then starts anew
   */
  appended(size: number): boolean {
    this.txns++;
    this.bytes += size;
    if (this.txns <= this.txnLimit && (this.snapSizeBytes <= 0 || this.bytes <= this.byteLimit)) return false;
    this.txns = 0;
    this.bytes = 0;
    this.drawLimits();
    return true;
  }

  private drawLimits(): void {
    const { snapCount, snapSizeBytes } = this;
    const half = Math.floor(snapCount / 2);
    this.txnLimit = half + (half > 0 ? (this.random.int32() >>> 0) % half : 0);
    // 4 GiB and more do not fit into 32 random bits.
    this.byteLimit = snapSizeBytes / 2 + ((this.random.int32() >>> 0) / 0x1_0000_0000) * (snapSizeBytes / 2);
  }
}
