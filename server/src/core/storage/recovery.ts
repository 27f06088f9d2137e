import { Long, ProtocolError } from "@quoll/jute";
import type { Log } from "../capabilities.js";
import { OpCode } from "../op-code.js";
import {
  type Directories,
  type LogFile,
  listLogs,
  listSnapshots,
  prepareDirectories,
  removeTemporaries,
} from "./data-directory.js";
import type { Disk } from "./disk.js";
import { join, parentOf } from "./path.js";
import type { SnapshotCodecs } from "./snapshot-codec.js";
import type { SnapshotDigest, SnapshotName } from "./snapshot-format.js";
import { readSnapshot } from "./snapshot-reader.js";
import type { StateFactory, StateMachine } from "./state-machine.js";
import { DamagedError, DataDirectoryError } from "./storage-error.js";
import { readSyncMark, type SyncPoint } from "./sync-mark.js";
import { epochOf, follows, hex, LOG_HEADER_SIZE, logName, typeOfPayload } from "./txn-log-format.js";
import { type Tail, TxnLogReader } from "./txn-log-reader.js";

export interface RecoveryOptions extends Directories {
  /** `zookeeper.datadir.autocreate`: create missing directories. */
  readonly autocreateDirectories: boolean;
  /** `zookeeper.db.autocreate`: start a new database in an empty directory even without the file `initialize`. */
  readonly autocreateDatabase: boolean;
  /** `zookeeper.snapshot.trust.empty`: accept txn logs without any snapshot. */
  readonly trustEmptySnapshot: boolean;
  /** `zookeeper.testingonly.initialZxid`: the first txn of a new database follows it. */
  readonly initialZxid: number;
  /** Go on with a warning when the tree's digest is not the one that was logged, as Java does; otherwise it is damage. */
  readonly acceptDigestMismatch: boolean;
}

/** Told what recovery is at, for a progress line. */
export interface RecoveryProgress {
  snapshot(name: string, bytesDone: number, bytesTotal: number): void;
  log(name: string, bytesDone: number, bytesTotal: number): void;
  /** A txn was replayed. The bytes are valid during the call only. */
  txn?(bytes: Uint8Array, start: number, end: number, zxid: number): void;
}

export interface Recovered<S> {
  readonly state: S;
  /** The last txn in the state; the log goes on from here. */
  readonly lastZxid: number;
  /** Of the snapshot that was loaded, or -1. */
  readonly snapshotZxid: number;
  /** Txns taken from the log, and the bytes of those entries: {@link SnapshotPolicy} counts on from here. */
  readonly txnsReplayed: number;
  readonly logBytes: number;
  /** A new database: `snapshot.0` is to be written before anything else. */
  readonly isNew: boolean;
}

/**
 * Brings back exactly the txns that were acknowledged, or says precisely why it cannot.
 *
 * 1. The newest snapshot that verifies wholly is loaded (D2).
 * 2. The logs are replayed from the snapshot's zxid; every txn must follow the one before it (D3).
 * 3. The end of the last log may be torn: it is cut off (D4). Anything else out of order is {@link DamagedError}.
 * 4. All files that were read are synced, since what a killed server wrote may be in the page cache only (D5).
 *
 * Nothing is changed on disk before all checks have passed, so that a crash in here, or a refusal, leaves things as they were.
 *
 * @throws DamagedError, DataDirectoryError, FormatError, DiskError
 */
export function recover<S extends StateMachine>(
  disk: Disk,
  codecs: SnapshotCodecs,
  factory: StateFactory<S>,
  options: RecoveryOptions,
  progress: RecoveryProgress,
  log: Log,
): Recovered<S> {
  return new Recovery(disk, codecs, factory, options, progress, log).run();
}

/** A log file's end that is to be cut off, or the whole file when nothing of it remains. */
interface Cut {
  readonly path: string;
  readonly size: number;
}

class Recovery<S extends StateMachine> {
  private state!: S;
  private snapshotZxid = -1;
  /** The zxid of the digest in the snapshot: the snapshot may hold changes of txns up to it. */
  private fuzzyUpTo = -1;
  private reportedMismatches = 0;
  private syncPoint: SyncPoint | null = null;
  private txnsReplayed = 0;
  private logBytes = 0;
  private readonly cuts: Cut[] = [];

  constructor(
    private readonly disk: Disk,
    private readonly codecs: SnapshotCodecs,
    private readonly factory: StateFactory<S>,
    private readonly options: RecoveryOptions,
    private readonly progress: RecoveryProgress,
    private readonly log: Log,
  ) {}

  run(): Recovered<S> {
    const { disk, options } = this;
    const { logDirectory, snapDirectory } = options;
    prepareDirectories(disk, options, options.autocreateDirectories);
    const snapshots = listSnapshots(disk, snapDirectory);
    const logs = listLogs(disk, logDirectory);
    this.syncPoint = readSyncMark(disk, logDirectory);
    this.loadSnapshot(snapshots);
    let isNew = false;
    if (this.snapshotZxid < 0) {
      isNew = this.startWithoutSnapshot(logs);
      this.state = this.factory.create();
      this.state.lastProcessedZxid = options.initialZxid;
    }
    const first = this.replay(logs);
    this.checkReach(snapshots, logs);
    this.makeDurable(logs.slice(first));
    removeTemporaries(disk, snapDirectory);
    if (isNew) this.forgetInitializeFile();
    return {
      state: this.state,
      lastZxid: this.state.lastProcessedZxid,
      snapshotZxid: this.snapshotZxid,
      txnsReplayed: this.txnsReplayed,
      logBytes: this.logBytes,
      isNew,
    };
  }

  private loadSnapshot(snapshots: SnapshotName[]): void {
    const { disk, codecs, options, factory, log } = this;
    for (const snapshot of snapshots) {
      const report = (done: number, total: number) => this.progress.snapshot(snapshot.name, done, total);
      try {
        const loaded = readSnapshot(disk, options.snapDirectory, snapshot, codecs, report, (source) =>
          factory.load(source),
        );
        const state = loaded.body;
        // Java replays from the zxid in the name, so that is what the name promises; a fuzzy snapshot may hold more.
        state.lastProcessedZxid = snapshot.zxid;
        this.checkSnapshotDigest(state, loaded.digest);
        this.state = state;
        this.snapshotZxid = snapshot.zxid;
        return;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        log.warn(
          { file: join(options.snapDirectory, snapshot.name), error: error.message },
          "snapshot is not valid, trying the one before",
        );
      }
    }
  }

  private checkSnapshotDigest(state: S, digest: SnapshotDigest | null): void {
    this.reportedMismatches = 0;
    this.fuzzyUpTo = -1;
    const zxid = state.lastProcessedZxid;
    if (digest === null) {
      // The first snapshot of all is empty, and so has none.
      state.mayBeFuzzy = zxid > 0;
      return;
    }
    state.expectDigest(digest.zxid, digest.version, new Long(digest.hi, digest.lo), zxid);
    state.compareSnapshotDigest(zxid);
    if (state.isFuzzy) this.fuzzyUpTo = digest.zxid;
    if (state.digestMismatches === 0) return;
    if (!this.options.acceptDigestMismatch) {
      throw new ProtocolError("snapshot digest", 0, "the digest of the tree", "another one");
    }
    this.reportedMismatches = state.digestMismatches;
    this.log.warn({ zxid: hex(zxid) }, "the digest in the snapshot is not the tree's");
  }

  /** @returns whether this is a new database rather than logs that are trusted without a snapshot */
  private startWithoutSnapshot(logs: LogFile[]): boolean {
    const { options, disk } = this;
    const { logDirectory, snapDirectory } = options;
    const holdsTxns = logs.some((file) => this.firstZxidOf(file) !== null);
    if (holdsTxns) {
      if (options.trustEmptySnapshot) {
        this.log.warn(
          { directory: snapDirectory },
          "no snapshot found, replaying the txn logs alone (snapshot.trust.empty)",
        );
        return false;
      }
      throw new DamagedError({
        file: snapDirectory,
        offset: -1,
        problem: "there are txn logs but no valid snapshot",
        lost: "everything that only the snapshots held",
      });
    }
    if (!options.autocreateDatabase && !disk.exists(this.initializeFile())) {
      throw new DataDirectoryError(
        logDirectory,
        "there is no database, and starting a new one is turned off (zookeeper.db.autocreate is false)",
        `Check dataDir and dataLogDir; to start a new database, create the file ${this.initializeFile()}.`,
      );
    }
    return true;
  }

  private initializeFile(): string {
    return join(parentOf(this.options.logDirectory), "initialize");
  }

  private forgetInitializeFile(): void {
    const { disk } = this;
    const file = this.initializeFile();
    if (!disk.exists(file)) return;
    disk.remove(file);
    disk.syncDirectory(parentOf(file));
  }

  /** @returns the zxid of a log's first valid entry, or null when it has none */
  private firstZxidOf(file: LogFile): number | null {
    const reader = TxnLogReader.open(this.disk, join(this.options.logDirectory, file.name));
    if (reader === null) return null;
    const zxid = reader.next() ? reader.zxid : null;
    reader.close();
    return zxid;
  }

  /** @returns the index of the first log that was read */
  private replay(logs: LogFile[]): number {
    const start = this.state.lastProcessedZxid;
    let first = 0;
    while (first + 1 < logs.length && logs[first + 1].zxid <= start + 1) first++;
    /** The last zxid seen in the logs, applied or not. */
    let previous = -1;
    /** An unclean end of the log before, which is all right only if the next log goes on from there. */
    let openTail: { path: string; offset: number; problem: string } | null = null;
    for (let i = first; i < logs.length; i++) {
      const path = join(this.options.logDirectory, logs[i].name);
      const isLast = i === logs.length - 1;
      const reader = TxnLogReader.open(this.disk, path);
      if (reader === null) {
        if (isLast) this.cut(path, 0, "the file was created but never filled");
        continue;
      }
      try {
        while (reader.next()) {
          const { zxid } = reader;
          if (openTail !== null && zxid !== previous + 1 && previous >= start) {
            this.damaged(openTail.path, openTail.offset, openTail.problem, this.range(previous + 1, zxid - 1));
          }
          openTail = null;
          this.checkOrder(reader, previous, zxid, start);
          previous = zxid;
          if (zxid > start && zxid !== this.state.lastProcessedZxid) this.apply(reader);
        }
        const tail = reader.tail();
        if (isLast) this.finishLastLog(reader, tail, previous);
        else if (tail.kind === "damaged") openTail = { path, offset: reader.offset, problem: tail.problem };
      } finally {
        reader.close();
      }
    }
    if (openTail !== null) {
      this.damaged(openTail.path, openTail.offset, openTail.problem, `txns after ${hex(this.state.lastProcessedZxid)}`);
    }
    return first;
  }

  private checkOrder(reader: TxnLogReader, previous: number, zxid: number, start: number): void {
    if (previous >= 0) {
      if (follows(previous, zxid)) return;
      // Java logs a request that it could not even decode as an error under the zxid that it gave out last.
      if (zxid === previous && typeOfPayload(reader.bytes, reader.payloadStart) === OpCode.error) return;
      if (zxid <= previous) {
        this.damaged(
          reader.path,
          reader.offset,
          `txn ${hex(zxid)} stands after txn ${hex(previous)}`,
          "the order of the txns from here on",
        );
      }
      // Before the snapshot a gap loses nothing, and older files may have been replaced by it.
      if (zxid <= start || follows(start, zxid)) return;
      this.damaged(
        reader.path,
        reader.offset,
        `txn ${hex(zxid)} follows txn ${hex(previous)}`,
        this.range(previous + 1, zxid - 1),
      );
    }
    if (zxid <= start || follows(start, zxid)) return;
    this.damaged(
      reader.path,
      reader.offset,
      `the first txn in the logs is ${hex(zxid)}, but the snapshot ends at ${hex(start)}`,
      this.range(start + 1, zxid - 1),
    );
  }

  private apply(reader: TxnLogReader): void {
    const { state } = this;
    const size = reader.payloadEnd - reader.payloadStart;
    try {
      state.apply(reader.bytes, reader.payloadStart, reader.payloadEnd, null);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.damaged(
        reader.path,
        reader.offset,
        `txn ${hex(reader.zxid)} cannot be read (${error.message})`,
        `txns from ${hex(reader.zxid)} on`,
      );
    }
    this.progress.txn?.(reader.bytes, reader.payloadStart, reader.payloadEnd, reader.zxid);
    this.txnsReplayed++;
    this.logBytes += size;
    if (state.digestMismatches !== this.reportedMismatches) this.digestMismatch(reader);
    if (this.txnsReplayed % 65536 === 0) this.progress.log(reader.path, reader.offset, reader.size);
  }

  private digestMismatch(reader: TxnLogReader): void {
    if (!this.options.acceptDigestMismatch) {
      this.damaged(
        reader.path,
        reader.offset,
        `the tree's digest after txn ${hex(reader.zxid)} is not the one that was logged ` +
          "(ZooKeeper only counts this; zookeeper.digest.acceptMismatch=true starts all the same)",
        "one or more txns before this one, or parts of them",
      );
    }
    if (this.reportedMismatches === 0) {
      this.log.warn({ file: reader.path, zxid: hex(reader.zxid) }, "the digest that was logged is not the tree's");
    }
    this.reportedMismatches = this.state.digestMismatches;
  }

  private finishLastLog(reader: TxnLogReader, tail: Tail, previous: number): void {
    const { offset, path } = reader;
    const lastGood = Math.max(previous, this.state.lastProcessedZxid);
    const point = this.syncPoint;
    const isMarked = point !== null && join(this.options.logDirectory, logName(point.logZxid)) === path;
    if (isMarked && offset < point.position) {
      const problem =
        tail.kind === "damaged" ? tail.problem : "the log ends before the place up to which it was synced";
      this.damaged(path, offset, problem, this.range(lastGood + 1, point.lastZxid));
    }
    // Above the mark, a power failure may have left some entries of the last batch and not others.
    const isTorn = tail.kind === "torn" || (isMarked && tail.kind === "damaged" && tail.missesPart);
    if (tail.kind === "damaged" && !isTorn) {
      const to = tail.nextZxid >= 0 ? this.range(lastGood + 1, tail.nextZxid - 1) : `txns after ${hex(lastGood)}`;
      this.damaged(path, offset, tail.problem, to);
    }
    if (offset === LOG_HEADER_SIZE) this.cut(path, 0, "the file holds no complete txn");
    else if (isTorn) this.cut(path, offset, "a crash left the last txns half-written; they were never acknowledged");
  }

  private cut(path: string, size: number, reason: string): void {
    this.log.warn({ file: path, size, reason }, size === 0 ? "txn log will be removed" : "txn log will be cut off");
    this.cuts.push({ path, size });
  }

  /** What a snapshot's name promises must have been reached, whichever snapshot was loaded. */
  private checkReach(snapshots: SnapshotName[], logs: LogFile[]): void {
    const newest = snapshots.at(0);
    const last = this.state.lastProcessedZxid;
    if (newest !== undefined && newest.zxid > last) {
      this.damaged(
        join(this.options.snapDirectory, newest.name),
        -1,
        `the snapshot is not valid, and the ${logs.length} txn logs only reach txn ${hex(last)}`,
        this.range(last + 1, newest.zxid),
      );
    }
    const point = this.syncPoint;
    if (point !== null && point.lastZxid > last) {
      this.damaged(
        join(this.options.logDirectory, logName(point.logZxid)),
        -1,
        `the log was synced up to txn ${hex(point.lastZxid)}, but the logs only reach ${hex(last)}`,
        this.range(last + 1, point.lastZxid),
      );
    }
    if (this.state.isInDoubt === true && !this.options.acceptDigestMismatch) {
      this.damaged(
        join(this.options.snapDirectory, `snapshot.${this.snapshotZxid.toString(16)}`),
        -1,
        `the digest in the snapshot is not the tree's after txn ${hex(last)}, the last one`,
        "one or more txns before this one, or parts of them",
      );
    }
    if (this.state.isFuzzy && this.fuzzyUpTo > last) {
      // The snapshot holds changes of txns up to this zxid, which were logged before they were applied.
      this.damaged(
        join(this.options.snapDirectory, `snapshot.${this.snapshotZxid.toString(16)}`),
        -1,
        `the snapshot holds changes of txns up to ${hex(this.fuzzyUpTo)}, but the txn logs only reach ${hex(last)}`,
        this.range(last + 1, this.fuzzyUpTo),
      );
    }
  }

  /** Rules D4 and D5: the torn end goes, and what remains is durable, before anyone is told of it. */
  private makeDurable(logs: LogFile[]): void {
    const { disk } = this;
    const { logDirectory, snapDirectory } = this.options;
    for (const { path, size } of this.cuts) {
      if (size === 0) {
        disk.remove(path);
        continue;
      }
      const file = disk.open(path, "write");
      file.truncate(size);
      file.sync();
      file.close();
    }
    for (const { name } of logs) {
      const path = join(logDirectory, name);
      if (!disk.exists(path)) continue;
      const file = disk.open(path, "write");
      file.sync();
      file.close();
    }
    if (this.snapshotZxid >= 0) this.syncSnapshot();
    disk.syncDirectory(logDirectory);
    if (snapDirectory !== logDirectory) disk.syncDirectory(snapDirectory);
  }

  /** Java leaves syncing its snapshots to the operating system. */
  private syncSnapshot(): void {
    const { disk } = this;
    const { snapDirectory } = this.options;
    for (const snapshot of listSnapshots(disk, snapDirectory)) {
      if (snapshot.zxid !== this.snapshotZxid) continue;
      const file = disk.open(join(snapDirectory, snapshot.name), "write");
      file.sync();
      file.close();
    }
  }

  private range(from: number, to: number): string {
    if (to <= from) return `txn ${hex(from)}`;
    if (epochOf(from) === epochOf(to)) return `txns ${hex(from)} to ${hex(to)} (${to - from + 1} of them)`;
    return `txns from ${hex(from)} to before ${hex(to + 1)}`;
  }

  private damaged(file: string, offset: number, problem: string, lost: string): never {
    throw new DamagedError({ file, offset, problem, lost });
  }
}
