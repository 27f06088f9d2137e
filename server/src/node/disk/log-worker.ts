import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { DiskError } from "../../core/storage/storage-error.js";
import { ENTRY_OVERHEAD, readInt } from "../../core/storage/txn-log-format.js";
import { TxnLogWriter } from "../../core/storage/txn-log-writer.js";
import { DiskRoom } from "./disk-room.js";
import { type LogRing, type LogWorkerData, Order, SKIP, SyncWord, Word } from "./log-ring.js";
import { NodeDisk } from "./node-disk.js";

/**
 * The thread that owns the txn log. It sleeps until the ring has entries, writes all there are, syncs once, and reports
 * the position. It never returns to its event loop, so nothing else can delay a sync.
 */
class LogWorker {
  private ring!: LogRing;
  private control!: Int32Array;
  private bytes!: Uint8Array;
  /** Bytes of this ring that were taken out; wraps like {@link Word.produced}. */
  private consumed = 0;
  /** Where the next entry starts in the ring. */
  private at = 0;
  /** Bytes taken out of all rings. */
  private position = 0;
  private readonly syncTimes: Float64Array;

  constructor(
    private readonly port: MessagePort,
    private readonly data: LogWorkerData,
    private readonly writer: TxnLogWriter,
  ) {
    this.syncTimes = new Float64Array(data.syncTimes);
    this.use(data.ring);
  }

  run(): void {
    for (;;) {
      const calls = Atomics.load(this.control, Word.calls);
      // The order is read before what was produced: whatever was produced before it was given is then seen.
      const order = Atomics.load(this.control, Word.order);
      const produced = Atomics.load(this.control, Word.produced);
      if (produced !== this.consumed) {
        this.take(produced);
        this.port.postMessage(this.position);
        this.writer.markSynced();
        continue;
      }
      if (order === Order.close) break;
      if (order === Order.nextRing) this.use(this.receiveRing());
      else Atomics.wait(this.control, Word.calls, calls);
    }
    this.writer.close();
  }

  private use(ring: LogRing): void {
    this.ring = ring;
    this.control = new Int32Array(this.ring.control);
    this.bytes = new Uint8Array(ring.bytes);
    this.consumed = 0;
    this.at = 0;
  }

  private receiveRing(): LogRing {
    const received = receiveMessageOnPort(this.port);
    if (received === undefined) throw new Error("no ring was posted");
    return received.message as LogRing;
  }

  /** Writes and syncs everything up to `produced`. */
  private take(produced: number): void {
    const { bytes, writer } = this;
    let left = (produced - this.consumed) | 0;
    this.consumed = produced;
    this.position += left;
    let start = this.at;
    while (left > 0) {
      const room = bytes.length - this.at;
      if (room < 4 || readInt(bytes, this.at) === SKIP) {
        writer.append(bytes, start, this.at);
        left -= room;
        this.at = start = 0;
        continue;
      }
      const size = ENTRY_OVERHEAD + readInt(bytes, this.at + 8);
      this.at += size;
      left -= size;
    }
    writer.append(bytes, start, this.at);
    this.sync();
  }

  private sync(): void {
    const { data, syncTimes, writer } = this;
    const before = performance.now();
    writer.commit();
    const ms = performance.now() - before;
    syncTimes[SyncWord.lastMs] = ms;
    if (ms > syncTimes[SyncWord.maxMs]) syncTimes[SyncWord.maxMs] = ms;
    syncTimes[SyncWord.totalMs] += ms;
    syncTimes[SyncWord.position] = writer.currentPosition;
    syncTimes[SyncWord.count]++;
    if (data.forceSync && ms > data.slowSyncMs) {
      this.port.postMessage({ kind: "slowSync", ms, path: writer.currentPath, size: writer.currentPosition });
    }
  }
}

const port = parentPort!;
const data = workerData as LogWorkerData;
try {
  const { directory, lastZxid } = data;
  const syncTimes = new Float64Array(data.syncTimes);
  const report = (isThere: boolean, freeBytes: number) => port.postMessage({ kind: "room", isThere, freeBytes });
  const isClosing = () => syncTimes[SyncWord.closing] !== 0;
  const room = data.reserveBytes > 0 ? new DiskRoom(directory, data.reserveBytes, report, isClosing) : null;
  new LogWorker(port, data, new TxnLogWriter(new NodeDisk(), directory, data, lastZxid, room)).run();
} catch (error) {
  const { operation, path, errno } =
    error instanceof DiskError ? error : { operation: "append", path: data.directory, errno: "INTERNAL" };
  const message = error instanceof DiskError ? error.message : String((error as Error).stack);
  port.postMessage({ kind: "failed", operation, path, errno, message });
}
port.close();
