import { statSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { InvariantError } from "@quoll/jute";
import type { LogReading, LogSink, SnapshotSink } from "@quoll/zab";
import type { EpochKind, ReplicaStorage } from "../../core/replica/replica-storage.js";
import type { TxnLogSink } from "../../core/server-core.js";
import { type Directories, listLogs, listSnapshots } from "../../core/storage/data-directory.js";
import { DiskError } from "../../core/storage/storage-error.js";
import type { TreeSnapshotOptions } from "../../core/storage/tree-snapshot.js";
import type { DataTree } from "../../core/tree/data-tree.js";
import type { FrozenTree } from "../../core/tree/frozen-tree.js";
import { LogClient, type LogClientOptions, type LogEvents, type SyncTimes } from "./log-client.js";
import { readLogInWorker } from "./log-reading.js";
import { NodeDisk } from "./node-disk.js";
import { writeSnapshotInWorker } from "./snapshot-job.js";
import { sendStateInWorker } from "./state-sending.js";

/** What the storage worker is asked for, one job at a time. */
export type StorageJob =
  | { readonly kind: "epoch"; readonly directories: Directories; readonly name: EpochKind; readonly epoch: number }
  | { readonly kind: "truncate"; readonly directories: Directories; readonly zxid: number }
  | { readonly kind: "announce"; readonly directories: Directories; readonly zxid: number }
  | { readonly kind: "replace"; readonly directories: Directories };

/** What it answers. */
export type StorageReport =
  | { readonly kind: "done"; readonly result: boolean }
  | { readonly kind: "failed"; readonly operation: string; readonly path: string; readonly errno: string };

export interface ReplicaDiskOptions {
  readonly directories: Directories;
  /** Without `lastZxid`, which changes. */
  readonly log: Omit<LogClientOptions, "lastZxid">;
  readonly snapshot: TreeSnapshotOptions;
  readonly lastZxid: number;
}

export interface ReplicaDiskEvents extends LogEvents {
  /** Called before anything is reported: something happens. */
  turn(): void;
  /** Recovers the directories as they are now. @throws what recovery throws */
  recover(): DataTree;
}

/** The disk of a replica on this machine: the log in its thread, jobs in another, long transfers in threads of their own. */
export class ReplicaDisk implements ReplicaStorage {
  readonly log: TxnLogSink;
  private client: LogClient;
  private syncedZxid: number;
  private jobs: Promise<void> = Promise.resolve();
  private worker: Worker | null = null;
  private answer: ((report: StorageReport) => void) | null = null;
  /** Who waits until everything appended is durable. */
  private waiting: (() => void)[] = [];
  private failed = false;

  constructor(
    private readonly options: ReplicaDiskOptions,
    private readonly events: ReplicaDiskEvents,
  ) {
    this.syncedZxid = options.lastZxid;
    this.client = this.openLog(options.lastZxid);
    const self = this;
    this.log = {
      append: (bytes, start, end, zxid) => self.client.append(bytes, start, end, zxid),
      roll: () => self.client.roll(),
      get isFull() {
        return self.client.isFull;
      },
    };
  }

  get times(): SyncTimes {
    return this.client.times;
  }

  /** Wakes the log's thread, once per turn. */
  flush(): void {
    this.client.flush();
  }

  /** Makes durable what was appended and ends the threads. */
  async close(): Promise<void> {
    await this.jobs;
    await this.client.close();
    await this.worker?.terminate();
  }

  get snapshotSize(): number {
    const { snapDirectory } = this.options.directories;
    const newest = listSnapshots(new NodeDisk(), snapDirectory).at(0);
    return newest === undefined ? 0 : statSync(join(snapDirectory, newest.name)).size;
  }

  storeEpoch(name: EpochKind, epoch: number, done: () => void): void {
    this.enqueue(async () => {
      await this.ask({ kind: "epoch", directories: this.options.directories, name, epoch });
      return done;
    });
  }

  whenDurable(done: () => void): void {
    this.enqueue(async () => {
      await this.durable();
      return done;
    });
  }

  truncate(zxid: number, done: (tree: DataTree) => void): void {
    this.enqueue(async () => {
      await this.client.close();
      await this.ask({ kind: "truncate", directories: this.options.directories, zxid });
      const tree = this.events.recover();
      this.reopenLog(tree.lastProcessedZxid);
      return () => done(tree);
    });
  }

  replace(frozen: FrozenTree, done: () => void): void {
    const { directories, snapshot } = this.options;
    const zxid = frozen.lastProcessedZxid;
    this.enqueue(async () => {
      await this.client.close();
      await this.ask({ kind: "announce", directories, zxid });
      await writeSnapshotInWorker({ kind: "write", frozen, directory: directories.snapDirectory, ...snapshot });
      await this.ask({ kind: "replace", directories });
      this.reopenLog(zxid);
      return done;
    });
  }

  readLog(fromZxid: number, sizeLimit: number, sink: LogSink): LogReading | null {
    const { logDirectory } = this.options.directories;
    const logs = listLogs(new NodeDisk(), logDirectory);
    const first = logs.findIndex((_, i) => i + 1 === logs.length || logs[i + 1].zxid > fromZxid);
    if (first < 0 || logs[first].zxid > fromZxid) return null;
    let size = this.client.currentLogSize;
    for (const { name } of logs.slice(first, -1)) size += statSync(join(logDirectory, name)).size;
    if (size > sizeLimit) return null;
    return readLogInWorker(logDirectory, fromZxid, this.syncedZxid, sink, () => this.events.turn());
  }

  sendState(frozen: FrozenTree, sink: SnapshotSink): () => void {
    return sendStateInWorker(frozen, sink, () => this.events.turn());
  }

  // --- jobs

  /** @param job - resolves with what is to be called when it is done */
  private enqueue(job: () => Promise<() => void>): void {
    this.jobs = this.jobs.then(job).then(
      (done) => {
        if (this.failed) return;
        this.events.turn();
        done();
      },
      (error: Error) => this.fail(error),
    );
  }

  private ask(job: StorageJob): Promise<boolean> {
    this.worker ??= this.startWorker();
    return new Promise((resolve, reject) => {
      this.answer = (report) => {
        this.answer = null;
        if (report.kind === "done") resolve(report.result);
        else reject(new DiskError(report.operation, report.path, report.errno));
      };
      this.worker!.postMessage(job);
    });
  }

  private startWorker(): Worker {
    const worker = new Worker(new URL("./storage-worker.js", import.meta.url), { name: "storage" });
    worker.on("message", (report: StorageReport) => this.answer?.(report));
    worker.on("error", (error) => this.fail(error));
    worker.unref();
    return worker;
  }

  private durable(): Promise<void> {
    if (this.client.bytesInFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  // --- the log

  private openLog(lastZxid: number): LogClient {
    return new LogClient(
      { ...this.options.log, lastZxid },
      {
        onSynced: (zxid, term) => {
          this.syncedZxid = zxid;
          this.events.onSynced(zxid, term);
          if (this.client.bytesInFlight > 0 || this.waiting.length === 0) return;
          for (const resolve of this.waiting.splice(0)) resolve();
        },
        onFailure: (error) => this.fail(error),
        onSlowSync: (ms, path, size) => this.events.onSlowSync(ms, path, size),
        onRoom: (isThere, freeBytes) => this.events.onRoom?.(isThere, freeBytes),
      },
    );
  }

  private reopenLog(lastZxid: number): void {
    this.syncedZxid = lastZxid;
    this.client = this.openLog(lastZxid);
  }

  private fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    this.events.onFailure(error instanceof DiskError ? error : new InvariantError(String(error.stack)));
  }
}
