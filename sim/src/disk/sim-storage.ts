import { Writer } from "@quoll/jute";
import type { EpochKind, ReplicaStorage } from "@quoll/server/core/replica/replica-storage";
import type { TxnLogSink } from "@quoll/server/core/server-core";
import { type Directories, listLogs, listSnapshots } from "@quoll/server/core/storage/data-directory";
import { writeNumberFile } from "@quoll/server/core/storage/number-file";
import { join } from "@quoll/server/core/storage/path";
import { announceReplacement, finishReplacement } from "@quoll/server/core/storage/replace-state";
import { type TreeSnapshotOptions, writeTreeSnapshot } from "@quoll/server/core/storage/tree-snapshot";
import { truncateLog } from "@quoll/server/core/storage/truncate";
import { ENTRY_END, ENTRY_HEAD_SIZE, ENTRY_OVERHEAD, putInt } from "@quoll/server/core/storage/txn-log-format";
import { TxnLogReader } from "@quoll/server/core/storage/txn-log-reader";
import { ROLL_BEFORE, type TxnLogOptions, TxnLogWriter } from "@quoll/server/core/storage/txn-log-writer";
import type { DataTree } from "@quoll/server/core/tree/data-tree";
import { type FrozenTree, serializeFrozen } from "@quoll/server/core/tree/frozen-tree";
import type { LogReading, LogSink, SnapshotSink } from "@quoll/zab";
import type { RandomStream } from "../kernel/random.js";
import { NO_CODECS } from "./no-codecs.js";
import type { SimDisk } from "./sim-disk.js";

/** The process whose disk it is. */
export interface StorageHost {
  readonly disk: SimDisk;
  readonly random: RandomStream;
  /** Lets something happen later, as an event of the process, unless it ends before. */
  later(delayMs: number, what: string, run: () => void): void;
  recover(): DataTree;
  synced(zxid: number): void;
  appended(bytes: Uint8Array, start: number, end: number, zxid: number): void;
  truncating(zxid: number): void;
  truncated(zxid: number): void;
  replacing(zxid: number): void;
  replaced(): void;
}

export interface StorageOptions {
  readonly directories: Directories;
  readonly log: TxnLogOptions;
  readonly snapshot: TreeSnapshotOptions;
}

/** Above so many bytes that are not durable no more requests are read. */
const IN_FLIGHT_MAX = 256 * 1024;

/**
 * The disk of a simulated server, with the shape of production's: the log syncs in groups, jobs are done one after another,
 * transfers go on beside. A batch is written when its sync begins, and durable when it ends.
 */
export class SimStorage implements ReplicaStorage {
  readonly log: TxnLogSink;
  private writer: TxnLogWriter;
  private syncedZxid: number;
  private pending: Uint8Array[] = [];
  private pendingZxid = 0;
  private pendingBytes = 0;
  private inFlight = 0;
  private isSyncing = false;
  private rollNext = false;
  private waiting: (() => void)[] = [];
  /** Each calls what it is given when it is done. */
  private readonly jobs: ((done: () => void) => void)[] = [];
  private isBusy = false;

  constructor(
    private readonly host: StorageHost,
    private readonly options: StorageOptions,
    lastZxid: number,
  ) {
    this.syncedZxid = lastZxid;
    this.writer = this.openLog(lastZxid);
    const self = this;
    this.log = {
      append: (bytes, start, end, zxid) => self.append(bytes, start, end, zxid),
      roll: () => {
        self.rollNext = true;
      },
      get isFull() {
        return self.inFlight > IN_FLIGHT_MAX;
      },
    };
  }

  private openLog(lastZxid: number): TxnLogWriter {
    return new TxnLogWriter(this.host.disk, this.options.directories.logDirectory, this.options.log, lastZxid);
  }

  // --- the log

  private append(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    const length = end - start;
    const entry = new Uint8Array(ENTRY_OVERHEAD + length);
    putInt(entry, 0, this.rollNext ? ROLL_BEFORE : 0);
    this.rollNext = false;
    putInt(entry, 8, length);
    entry.set(bytes.subarray(start, end), ENTRY_HEAD_SIZE);
    entry[entry.length - 1] = ENTRY_END;
    this.pending.push(entry);
    this.pendingZxid = zxid;
    this.pendingBytes += entry.length;
    this.inFlight += entry.length;
    this.host.appended(bytes, start, end, zxid);
  }

  /** Wakes the log, once per turn. */
  flush(): void {
    if (this.pending.length > 0 && !this.isSyncing) this.sync();
  }

  private sync(): void {
    const { host, writer, pendingZxid, pendingBytes } = this;
    const batch = new Uint8Array(pendingBytes);
    let at = 0;
    for (const entry of this.pending) {
      batch.set(entry, at);
      at += entry.length;
    }
    this.pending = [];
    this.pendingBytes = 0;
    this.isSyncing = true;
    host.later(0, "write", () => {
      writer.append(batch, 0, batch.length);
      host.later(host.disk.delayMs(), "sync", () => {
        writer.commit();
        this.isSyncing = false;
        this.inFlight -= batch.length;
        this.syncedZxid = pendingZxid;
        host.synced(pendingZxid);
        writer.markSynced();
        if (this.pending.length > 0) this.sync();
        else for (const resume of this.waiting.splice(0)) resume();
      });
    });
  }

  private whenAllIsSynced(then: () => void): void {
    if (this.inFlight === 0) then();
    else this.waiting.push(() => this.whenAllIsSynced(then));
  }

  // --- jobs

  private enqueue(job: (done: () => void) => void): void {
    this.jobs.push(job);
    this.next();
  }

  private next(): void {
    const job = this.jobs[0];
    if (this.isBusy || job === undefined) return;
    this.isBusy = true;
    this.host.later(this.host.disk.delayMs() / 2, "job", () =>
      job(() => {
        this.isBusy = false;
        this.jobs.shift();
        this.next();
      }),
    );
  }

  storeEpoch(kind: EpochKind, epoch: number, done: () => void): void {
    this.enqueue((finished) => {
      const { host, options } = this;
      writeNumberFile(host.disk, join(options.directories.snapDirectory, `${kind}Epoch`), epoch);
      host.later(host.disk.delayMs(), `${kind} epoch ${epoch}`, () => {
        finished();
        done();
      });
    });
  }

  whenDurable(done: () => void): void {
    this.enqueue((finished) =>
      this.whenAllIsSynced(() => {
        finished();
        done();
      }),
    );
  }

  truncate(zxid: number, done: (tree: DataTree) => void): void {
    this.enqueue((finished) =>
      this.whenAllIsSynced(() => {
        const { host, options } = this;
        this.writer.close();
        host.truncating(zxid);
        truncateLog(host.disk, options.directories, zxid);
        host.later(host.disk.delayMs(), "truncated", () => {
          const tree = host.recover();
          const last = tree.lastProcessedZxid;
          this.reopenLog(last);
          host.truncated(last);
          finished();
          done(tree);
        });
      }),
    );
  }

  replace(frozen: FrozenTree, done: () => void): void {
    const { host, options } = this;
    const { directories, snapshot } = options;
    const zxid = frozen.lastProcessedZxid;
    this.enqueue((finished) =>
      this.whenAllIsSynced(() => {
        this.writer.close();
        host.replacing(zxid);
        announceReplacement(host.disk, directories.snapDirectory, zxid);
        host.later(host.disk.delayMs(), "snapshot of the leader", () => {
          writeTreeSnapshot(host.disk, directories.snapDirectory, NO_CODECS, frozen, snapshot, () => {});
          host.later(host.disk.delayMs(), "replaced", () => {
            finishReplacement(host.disk, directories);
            this.reopenLog(zxid);
            host.replaced();
            finished();
            done();
          });
        });
      }),
    );
  }

  private reopenLog(lastZxid: number): void {
    this.syncedZxid = lastZxid;
    this.rollNext = false;
    this.writer = this.openLog(lastZxid);
  }

  // --- reading

  get snapshotSize(): number {
    const { snapDirectory } = this.options.directories;
    const newest = listSnapshots(this.host.disk, snapDirectory).at(0);
    return newest === undefined ? 0 : this.host.disk.size(join(snapDirectory, newest.name));
  }

  readLog(fromZxid: number, sizeLimit: number, sink: LogSink): LogReading | null {
    const { disk } = this.host;
    const { logDirectory } = this.options.directories;
    const logs = listLogs(disk, logDirectory);
    const first = logs.findIndex((_, i) => i + 1 === logs.length || logs[i + 1]!.zxid > fromZxid);
    if (first < 0 || logs[first]!.zxid > fromZxid) return null;
    let size = this.writer.currentPosition;
    for (const { name } of logs.slice(first, -1)) size += disk.size(join(logDirectory, name));
    if (size > sizeLimit) return null;
    const reading = new Reading(this.host, sink);
    const toZxid = this.syncedZxid;
    this.host.later(disk.delayMs() / 4, "log is read", () => {
      reading.begin(readTxns(disk, logDirectory, fromZxid, toZxid));
    });
    return reading;
  }

  sendState(frozen: FrozenTree, sink: SnapshotSink): () => void {
    const { host } = this;
    const writer = new Writer(16 * 1024);
    serializeFrozen(frozen, { writer, drain: () => {} });
    const bytes = writer.take();
    let at = 0;
    let isOver = false;
    const piece = (): void => {
      if (isOver) return;
      if (at === bytes.length) {
        isOver = true;
        sink.end();
        return;
      }
      const size = Math.min(bytes.length - at, host.random.between(1, 8192));
      at += size;
      if (sink.bytes(bytes.slice(at - size, at), next)) next();
    };
    const next = (): void => host.later(host.random.fraction() * 2, "a piece of the state", piece);
    next();
    return () => {
      isOver = true;
    };
  }
}

interface ReadTxn {
  readonly zxid: number;
  readonly bytes: Uint8Array;
}

/** The last txn that is at most `fromZxid`, and those after it. */
function readTxns(disk: SimDisk, logDirectory: string, fromZxid: number, toZxid: number): ReadTxn[] {
  let txns: ReadTxn[] = [];
  for (const { name } of listLogs(disk, logDirectory)) {
    const reader = TxnLogReader.open(disk, join(logDirectory, name));
    if (reader === null) continue;
    while (reader.next() && reader.zxid <= toZxid) {
      if (reader.zxid <= fromZxid) txns = [];
      txns.push({ zxid: reader.zxid, bytes: reader.bytes.slice(reader.payloadStart, reader.payloadEnd) });
    }
    reader.close();
  }
  return txns;
}

/** Txns of the log on their way to a learner, a few at a time. */
class Reading implements LogReading {
  private txns: ReadTxn[] | null = null;
  private at = 0;
  private isPaused = false;
  private isOver = false;

  constructor(
    private readonly host: StorageHost,
    private readonly sink: LogSink,
  ) {}

  begin(txns: ReadTxn[]): void {
    this.txns = txns;
    this.deliver();
  }

  resume(): void {
    this.isPaused = false;
    this.deliver();
  }

  stop(): void {
    this.isOver = true;
  }

  private deliver(): void {
    const { txns } = this;
    if (txns === null) return;
    let count = this.host.random.between(1, 20);
    while (!this.isOver && !this.isPaused && this.at < txns.length && count-- > 0) {
      const { bytes, zxid } = txns[this.at++]!;
      this.isPaused = !this.sink.txn(bytes, 0, bytes.length, zxid);
    }
    if (this.isOver || this.isPaused) return;
    if (this.at < txns.length) {
      this.host.later(this.host.random.fraction(), "more of the log", () => this.deliver());
      return;
    }
    this.isOver = true;
    this.sink.end();
  }
}
