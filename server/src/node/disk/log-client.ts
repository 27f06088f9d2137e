import { Worker } from "node:worker_threads";
import { InvariantError, invariant } from "@quoll/jute";
import { DiskError } from "../../core/storage/storage-error.js";
import { ENTRY_END, ENTRY_HEAD_SIZE, ENTRY_OVERHEAD, PAYLOAD_MIN, putInt } from "../../core/storage/txn-log-format.js";
import { ROLL_BEFORE, type TxnLogOptions } from "../../core/storage/txn-log-writer.js";
import {
  createRing,
  type LogReport,
  type LogRing,
  type LogWorkerData,
  Order,
  SKIP,
  SyncWord,
  Word,
} from "./log-ring.js";

export interface LogClientOptions extends TxnLogOptions {
  /** `version-2` under dataLogDir. */
  readonly directory: string;
  /** The txn that the first one appended follows: what recovery found. */
  readonly lastZxid: number;
  /** `fsync.warningthresholdms` */
  readonly slowSyncMs: number;
  /** What stays free on the disk; with less, txns wait until there is room again. 0 or absent: the log fills the disk. */
  readonly reserveBytes?: number;
  /** Above so many bytes {@link LogClient.isFull}. */
  readonly inFlightMax: number;
}

/** All are called from the event loop, never from within `append` or `flush`. */
export interface LogEvents {
  /** All txns up to `zxid` that were appended in `term` are durable (or written, if forceSync is off). */
  onSynced(zxid: number, term: number): void;
  /** The log can not be used any more: nothing after the last `onSynced` may be acknowledged, and the process must end (D33). */
  onFailure(error: Error): void;
  /** A sync took longer than the limit. */
  onSlowSync(ms: number, path: string, size: number): void;
  /** The disk has no room for more of the log, or has it again. Until then nothing more is reported durable. */
  onRoom?(isThere: boolean, freeBytes: number): void;
}

export interface SyncTimes {
  readonly count: number;
  readonly lastMs: number;
  readonly maxMs: number;
  readonly totalMs: number;
}

const RING_SIZE = 4 << 20;

/**
 * The txn log, as the main thread has it. Records are copied into memory that is shared with the log worker; `flush` wakes
 * the worker, once per turn; what arrives while a sync runs shares the next one.
 */
export class LogClient {
  /** Belongs to what is appended from now on. Completions of another term than this are not reported any more (D34). */
  term = 0;

  private readonly worker: Worker;
  private readonly syncTimes = new Float64Array(new SharedArrayBuffer(8 * SyncWord.words));
  private ring: LogRing;
  private control: Int32Array;
  private bytes: Uint8Array;
  /** Where the next entry goes in the ring. */
  private at = 0;
  /** Bytes put into the ring, wrapping, and how many of them the worker knows of. */
  private produced = 0;
  private published = 0;
  /** Bytes put into this ring and all before it, and at which of them this ring began. */
  private position = 0;
  private ringStart = 0;
  /** Up to here everything is durable. */
  private synced = 0;
  private rollNext = false;
  private failed = false;
  private closing: (() => void) | null = null;
  private closed = false;

  // A queue of what was flushed and not reported yet, as a ring of plain numbers.
  private marks = 0;
  private firstMark = 0;
  private markPosition = new Float64Array(64);
  private markZxid = new Float64Array(64);
  private markTerm = new Float64Array(64);
  private lastZxid: number;

  constructor(
    private readonly options: LogClientOptions,
    private readonly events: LogEvents,
  ) {
    this.lastZxid = options.lastZxid;
    this.ring = createRing(RING_SIZE);
    this.control = new Int32Array(this.ring.control);
    this.bytes = new Uint8Array(this.ring.bytes);
    const { directory, preAllocBytes, sizeLimitBytes, forceSync, lastZxid, slowSyncMs, reserveBytes = 0 } = options;
    const workerData: LogWorkerData = {
      ring: this.ring,
      syncTimes: this.syncTimes.buffer as SharedArrayBuffer,
      directory,
      preAllocBytes,
      sizeLimitBytes,
      forceSync,
      lastZxid,
      slowSyncMs,
      reserveBytes,
    };
    this.worker = new Worker(new URL("./log-worker.js", import.meta.url), { workerData, name: "txn log" });
    this.worker.on("message", (report: LogReport) => this.onReport(report));
    this.worker.on("error", (error: Error) => this.fail(error));
    this.worker.on("exit", () => this.onExit());
  }

  /** Bytes that were appended and are not durable yet. */
  get bytesInFlight(): number {
    return this.position - this.synced;
  }

  /** Whether so much is in flight that no more requests should be read from clients. `append` still works. */
  get isFull(): boolean {
    return this.bytesInFlight > this.options.inFlightMax;
  }

  /** Bytes of the current log file that hold txns. */
  get currentLogSize(): number {
    return this.syncTimes[SyncWord.position];
  }

  get times(): SyncTimes {
    const t = this.syncTimes;
    return {
      count: t[SyncWord.count],
      lastMs: t[SyncWord.lastMs],
      maxMs: t[SyncWord.maxMs],
      totalMs: t[SyncWord.totalMs],
    };
  }

  /** Starts `times` anew. */
  resetTimes(): void {
    this.syncTimes.fill(0, SyncWord.count, SyncWord.position);
  }

  /** Copies a txn's payload, `start` to `end` of `bytes`; the worker hears of it with the next {@link flush}. */
  append(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    const length = end - start;
    invariant(length >= PAYLOAD_MIN && this.closing === null, "a txn is too short, or comes after the log was closed");
    const size = length + ENTRY_OVERHEAD;
    this.reserve(size);
    const ring = this.bytes;
    const at = this.at;
    putInt(ring, at, this.rollNext ? ROLL_BEFORE : 0);
    this.rollNext = false;
    putInt(ring, at + 8, length);
    const payload = at + ENTRY_HEAD_SIZE;
    // A view costs more than copying a few hundred bytes one by one.
    if (length < 256) for (let i = 0; i < length; i++) ring[payload + i] = bytes[start + i];
    else ring.set(bytes.subarray(start, end), payload);
    ring[payload + length] = ENTRY_END;
    this.lastZxid = zxid;
    this.advance(size);
  }

  /** Wakes the worker, if something was appended. To be called once per turn of the event loop. */
  flush(): void {
    if (this.published === this.produced) return;
    this.published = this.produced;
    this.addMark();
    Atomics.store(this.control, Word.produced, this.produced);
    this.call();
  }

  /** The next txn starts a new file. */
  roll(): void {
    this.rollNext = true;
  }

  /**
   * Makes everything durable and ends the worker. `onSynced` is called for the last txns before this settles.
   * @throws nothing: a failure is reported by `onFailure`
   */
  close(): Promise<void> {
    invariant(this.closing === null, "the log is closed twice");
    return new Promise((resolve) => {
      this.closing = resolve;
      if (this.closed || this.failed) {
        resolve();
        return;
      }
      this.flush();
      this.syncTimes[SyncWord.closing] = 1;
      this.order(Order.close);
    });
  }

  private order(order: number): void {
    Atomics.store(this.control, Word.order, order);
    this.call();
  }

  private call(): void {
    Atomics.add(this.control, Word.calls, 1);
    Atomics.notify(this.control, Word.calls);
  }

  private advance(size: number): void {
    this.at += size;
    this.produced = (this.produced + size) | 0;
    this.position += size;
  }

  /** Makes `size` bytes available at `at`, skipping the ring's end or taking a larger ring. */
  private reserve(size: number): void {
    const capacity = this.bytes.length;
    const used = this.position - Math.max(this.synced, this.ringStart);
    const toEnd = capacity - this.at;
    if (size <= toEnd) {
      if (used + size > capacity) this.growRing(size);
      return;
    }
    if (used + toEnd + size > capacity) {
      this.growRing(size);
      return;
    }
    if (toEnd >= 4) putInt(this.bytes, this.at, SKIP);
    this.advance(toEnd);
    this.at = 0;
  }

  /** Backpressure should keep it from coming to this; a txn larger than the ring also does. */
  private growRing(size: number): void {
    this.flush();
    const ring = createRing(Math.max(2 * this.bytes.length, 4 * size));
    this.worker.postMessage(ring);
    this.order(Order.nextRing);
    this.ring = ring;
    this.control = new Int32Array(ring.control);
    this.bytes = new Uint8Array(ring.bytes);
    this.at = 0;
    this.produced = this.published = 0;
    this.ringStart = this.position;
  }

  private addMark(): void {
    if (this.marks === this.markPosition.length) this.growMarks();
    const i = (this.firstMark + this.marks) & (this.markPosition.length - 1);
    this.markPosition[i] = this.position;
    this.markZxid[i] = this.lastZxid;
    this.markTerm[i] = this.term;
    this.marks++;
  }

  private growMarks(): void {
    const grow = (old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(2 * old.length);
      for (let i = 0; i < old.length; i++) larger[i] = old[(this.firstMark + i) & (old.length - 1)];
      return larger;
    };
    this.markPosition = grow(this.markPosition);
    this.markZxid = grow(this.markZxid);
    this.markTerm = grow(this.markTerm);
    this.firstMark = 0;
  }

  private onReport(report: LogReport): void {
    if (typeof report === "number") this.onPosition(report);
    else if (report.kind === "room") this.events.onRoom?.(report.isThere, report.freeBytes);
    else if (report.kind === "slowSync") this.events.onSlowSync(report.ms, report.path, report.size);
    else if (report.errno === "INTERNAL") this.fail(new InvariantError(report.message));
    else this.fail(new DiskError(report.operation, report.path, report.errno));
  }

  private onPosition(position: number): void {
    if (this.failed) return;
    this.synced = position;
    let zxid = -1;
    while (this.marks > 0 && this.markPosition[this.firstMark] <= position) {
      // A late completion of an earlier term changes nothing.
      if (this.markTerm[this.firstMark] === this.term) zxid = this.markZxid[this.firstMark];
      this.firstMark = (this.firstMark + 1) & (this.markPosition.length - 1);
      this.marks--;
    }
    if (zxid >= 0) this.events.onSynced(zxid, this.term);
  }

  private fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    this.events.onFailure(error);
    this.closing?.();
  }

  private onExit(): void {
    this.closed = true;
    if (this.closing === null) this.fail(new InvariantError("the log worker ended by itself"));
    else this.closing();
  }
}
