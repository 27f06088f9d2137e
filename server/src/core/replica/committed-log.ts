import { invariant } from "@quoll/jute";
import { follows } from "@quoll/zab";

const BYTES_MIN = 64 * 1024;
/** Txns can be a megabyte each; what does not fit is read from the log on disk. */
const BYTES_MAX = 16 << 20;

/**
 * The newest committed txns, in one ring of bytes without an object per txn: what a learner that was away for a short while
 * is brought up to date from. (ZooKeeper: ZKDatabase.committedLog, `commitLogCount`.)
 */
export class CommittedLog {
  private bytes = new Uint8Array(BYTES_MIN);
  /** Where the next txn goes, if it fits before the end. */
  private at = 0;
  private readonly zxids: Float64Array;
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private first = 0;
  private count = 0;

  /** @param capacity - how many txns are kept at most; at least 1 */
  constructor(private readonly capacity: number) {
    this.zxids = new Float64Array(capacity);
    this.starts = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
  }

  /** The oldest txn that is kept; 0 when there is none. */
  get minZxid(): number {
    return this.count === 0 ? 0 : this.zxids[this.first];
  }

  /** The newest txn; 0 when there is none. */
  get maxZxid(): number {
    return this.count === 0 ? 0 : this.zxids[this.index(this.count - 1)];
  }

  /** Takes the next txn. The bytes are copied. */
  add(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    invariant(
      this.count === 0 || follows(this.maxZxid, zxid),
      () => `txn 0x${zxid.toString(16)} is committed after 0x${this.maxZxid.toString(16)}`,
    );
    if (this.count === this.capacity) this.dropFirst();
    const length = end - start;
    if (length > BYTES_MAX) {
      this.clear();
      return;
    }
    const at = this.place(length);
    this.bytes.set(bytes.subarray(start, end), at);
    const i = this.index(this.count++);
    this.zxids[i] = zxid;
    this.starts[i] = at;
    this.ends[i] = at + length;
    this.at = at + length;
  }

  /** Visits the txns after `zxid`, oldest first. */
  forEachAfter(zxid: number, visit: (bytes: Uint8Array, start: number, end: number, zxid: number) => void): void {
    for (let n = 0; n < this.count; n++) {
      const i = this.index(n);
      if (this.zxids[i] > zxid) visit(this.bytes, this.starts[i], this.ends[i], this.zxids[i]);
    }
  }

  clear(): void {
    this.count = this.first = this.at = 0;
  }

  private index(n: number): number {
    const i = this.first + n;
    return i < this.capacity ? i : i - this.capacity;
  }

  private dropFirst(): void {
    this.first = this.index(1);
    this.count--;
  }

  /** @returns where `length` bytes may be written: behind the newest txn, or at the start, over txns that are given up */
  private place(length: number): number {
    for (;;) {
      if (this.count === 0) this.at = 0;
      if (this.at + length > this.bytes.length) {
        // Nothing that lies between here and the end may be left when writing goes on at the start.
        const fits = length <= this.bytes.length;
        if (fits && this.isFree(this.at, this.bytes.length) && this.isFree(0, length)) return 0;
      } else if (this.isFree(this.at, this.at + length)) {
        return this.at;
      }
      if (this.bytes.length < BYTES_MAX) this.grow();
      else this.dropFirst();
    }
  }

  /** The oldest txn is the next in the way, wherever the ring stands. */
  private isFree(start: number, end: number): boolean {
    if (this.count === 0) return true;
    const oldest = this.starts[this.first];
    const newestEnd = this.ends[this.index(this.count - 1)];
    if (oldest < newestEnd) return end <= oldest || start >= newestEnd;
    return start >= newestEnd && end <= oldest;
  }

  private grow(): void {
    const larger = new Uint8Array(2 * this.bytes.length);
    let at = 0;
    for (let n = 0; n < this.count; n++) {
      const i = this.index(n);
      const length = this.ends[i] - this.starts[i];
      larger.set(this.bytes.subarray(this.starts[i], this.ends[i]), at);
      this.starts[i] = at;
      at += length;
      this.ends[i] = at;
    }
    this.bytes = larger;
    this.at = at;
  }
}
