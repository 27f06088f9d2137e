import { ProtocolError, Reader, Writer } from "@quoll/jute";
import type {
  History,
  LogReading,
  LogSink,
  Replica,
  ReplicaEvents,
  SnapshotReceiver,
  SnapshotSink,
} from "../../src/core/index.js";

/** A txn as the test's servers have it. */
export interface Entry {
  readonly zxid: number;
  readonly value: string;
}

/** What survives a crash. */
export interface Disk {
  acceptedEpoch: number;
  currentEpoch: number;
  snapshot: { zxid: number; entries: Entry[] };
  log: Entry[];
  isDamaged: boolean;
}

export function emptyDisk(): Disk {
  return { acceptedEpoch: 0, currentEpoch: 0, snapshot: { zxid: 0, entries: [] }, log: [], isDamaged: false };
}

export interface Hooks {
  /** Does something after the disk's time. */
  later(task: () => void): void;
  /** A number within [0, n). */
  below(n: number): number;
}

/** Something that takes the disk's time: what it does when it begins, and when it is done. */
interface DiskTask {
  readonly begin: () => void;
  readonly done: () => void;
}

/** The bytes of a txn: a TxnHeader of an error txn, then the value. */
export function txnBytes(zxid: number, value: string): Uint8Array {
  const writer = new Writer();
  writer.long(1);
  writer.int(1);
  writer.long(zxid);
  writer.long(0);
  writer.int(-1);
  writer.string(value);
  return writer.take();
}

export function entryOf(bytes: Uint8Array, start: number, end: number): Entry {
  const reader = new Reader(bytes, start, end);
  reader.long();
  reader.int();
  const zxid = reader.long();
  reader.long();
  reader.int();
  return { zxid, value: reader.string() ?? "" };
}

/**
 * A replica in memory: the state is the list of all txns, the disk is an object that a test keeps over crashes. What is
 * asked of the disk is done in order, a while later; a crash leaves what is not done undone.
 */
export class MemoryReplica implements Replica {
  events!: ReplicaEvents;
  acceptedEpoch: number;
  currentEpoch: number;
  /** All that is in the log and in the snapshot below it. */
  entries: Entry[];
  /** How many of them are applied. */
  applied: number;
  /** The zxid of the snapshot, when nothing came after it. */
  private baseZxid: number;
  /** How many are in the snapshot. */
  private baseCount: number;
  private isDead = false;
  private isSyncAsked = false;
  /** The log and the snapshots have one thread, the epochs another. */
  private readonly tasks: DiskTask[] = [];
  private readonly epochTasks: DiskTask[] = [];
  /** Committed txns that are kept in memory. */
  historyMax = 5;
  snapshotSize = 1000;
  isDamaged: boolean;

  constructor(
    readonly disk: Disk,
    private readonly hooks: Hooks,
  ) {
    this.acceptedEpoch = disk.acceptedEpoch;
    this.currentEpoch = disk.currentEpoch;
    this.isDamaged = disk.isDamaged;
    this.entries = [...disk.snapshot.entries, ...disk.log];
    this.applied = this.entries.length;
    this.baseZxid = disk.snapshot.zxid;
    this.baseCount = disk.snapshot.entries.length;
  }

  get lastLoggedZxid(): number {
    return Math.max(this.baseZxid, this.entries.at(-1)?.zxid ?? 0);
  }

  get lastCommittedZxid(): number {
    const last = this.applied === 0 ? 0 : this.entries[this.applied - 1].zxid;
    return this.applied <= this.baseCount ? Math.max(this.baseZxid, last) : last;
  }

  /** The process ends: of what is in the log but not synced, any prefix may be on the disk. */
  crash(): void {
    this.isDead = true;
    const unsynced = this.entries.slice(this.disk.snapshot.entries.length + this.disk.log.length);
    this.disk.log.push(...unsynced.slice(0, this.hooks.below(unsynced.length + 1)));
  }

  private ask(done: () => void, begin: () => void = () => {}, tasks = this.tasks): void {
    tasks.push({ begin, done });
    if (tasks.length === 1) this.work(tasks);
  }

  private work(tasks: DiskTask[]): void {
    tasks[0].begin();
    this.hooks.later(() => {
      if (this.isDead) return;
      tasks[0].done();
      tasks.shift();
      if (tasks.length > 0) this.work(tasks);
    });
  }

  private askEpoch(done: () => void): void {
    this.ask(done, () => {}, this.epochTasks);
  }

  storeAcceptedEpoch(epoch: number): void {
    this.askEpoch(() => {
      this.disk.acceptedEpoch = this.acceptedEpoch = epoch;
      this.events.epochStored("accepted", epoch);
    });
  }

  storeCurrentEpoch(epoch: number): void {
    this.askEpoch(() => {
      this.disk.currentEpoch = this.currentEpoch = epoch;
      this.events.epochStored("current", epoch);
    });
  }

  append(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    const entry = entryOf(bytes, start, end);
    if (entry.zxid !== zxid || zxid <= this.lastLoggedZxid)
      throw new Error(`append of ${zxid} after ${this.lastLoggedZxid}`);
    this.entries.push(entry);
    if (this.isSyncAsked) return;
    this.isSyncAsked = true;
    // What comes while the disk syncs waits for the next time.
    let count = 0;
    let synced = 0;
    this.ask(
      () => {
        this.sync(count);
        this.events.synced(synced);
      },
      () => {
        this.isSyncAsked = false;
        count = this.entries.length;
        synced = this.lastLoggedZxid;
      },
    );
  }

  private sync(count: number): void {
    this.disk.log.push(...this.entries.slice(this.baseCount + this.disk.log.length, count));
  }

  commit(zxid: number): void {
    while (this.applied < this.entries.length && this.entries[this.applied].zxid <= zxid) this.applied++;
  }

  truncate(zxid: number): void {
    this.ask(() => {
      while ((this.entries.at(-1)?.zxid ?? 0) > zxid && this.entries.length > this.baseCount) this.entries.pop();
      this.disk.log.length = this.entries.length - this.baseCount;
      this.applied = this.entries.length;
      if (this.lastLoggedZxid !== zxid) this.isDamaged = this.disk.isDamaged = true;
      this.events.truncated(this.lastLoggedZxid);
    });
  }

  settle(): void {
    this.ask(() => {
      this.sync(this.entries.length);
      this.applied = this.entries.length;
      // Nothing that was asked before may be answered later.
      this.askEpoch(() => this.events.settled());
    });
  }

  receiveSnapshot(zxid: number): SnapshotReceiver {
    const received = new Writer();
    let isAbandoned = false;
    const stored = (): void => {
      const reader = new Reader(received.bytes, 4, received.at);
      const entries: Entry[] = [];
      while (reader.remaining > 0) entries.push({ zxid: reader.long(), value: reader.string() ?? "" });
      this.ask(() => {
        if (isAbandoned) return;
        this.disk.snapshot = { zxid, entries };
        this.disk.log = [];
        this.disk.isDamaged = this.isDamaged = false;
        this.entries = [...entries];
        this.applied = this.baseCount = entries.length;
        this.baseZxid = zxid;
        this.events.snapshotStored(zxid);
      });
    };
    const receiver = {
      isComplete: false,
      write: (bytes: Uint8Array, start: number, end: number): number => {
        let at = start;
        while (at < end && !receiver.isComplete) {
          received.raw(bytes, at, at + 1);
          at++;
          if (received.at < 4) continue;
          const length = new Reader(received.bytes, 0, 4).int();
          if (length < 0 || length > 1 << 24) throw new ProtocolError("snapshot", 0, "a length", String(length));
          if (received.at === 4 + length) {
            receiver.isComplete = true;
            stored();
          }
        }
        return at - start;
      },
      abandon: (): void => {
        isAbandoned = true;
      },
    };
    return receiver;
  }

  sendSnapshot(sink: SnapshotSink): { readonly zxid: number; stop(): void } {
    const body = new Writer();
    body.int(0);
    for (const { zxid, value } of this.entries.slice(0, this.applied)) {
      body.long(zxid);
      body.string(value);
    }
    body.patchInt(0, body.at - 4);
    const bytes = body.take();
    let at = 0;
    let isStopped = false;
    const go = (): void => {
      if (isStopped || this.isDead) return;
      const end = Math.min(bytes.length, at + 1 + this.hooks.below(60));
      const chunk = bytes.slice(at, end);
      at = end;
      const goOn = sink.bytes(chunk, () => this.hooks.later(go));
      if (at === bytes.length) sink.end();
      else if (goOn) this.hooks.later(go);
    };
    this.hooks.later(go);
    return {
      zxid: this.lastCommittedZxid,
      stop: () => {
        isStopped = true;
      },
    };
  }

  readonly history: History = this.makeHistory();

  private makeHistory(): History {
    const replica = this;
    return {
      get minZxid() {
        return replica.inMemory()[0]?.zxid ?? 0;
      },
      get maxZxid() {
        return replica.inMemory().at(-1)?.zxid ?? 0;
      },
      get snapshotSize() {
        return replica.snapshotSize;
      },
      forEachAfter(zxid, visit) {
        for (const entry of replica.inMemory()) {
          if (entry.zxid <= zxid) continue;
          const bytes = txnBytes(entry.zxid, entry.value);
          visit(bytes, 0, bytes.length, entry.zxid);
        }
      },
      readLog: (zxid, sizeLimit, sink) => replica.readLog(zxid, sizeLimit, sink),
    };
  }

  private inMemory(): Entry[] {
    return this.entries.slice(Math.max(this.baseCount, this.applied - this.historyMax), this.applied);
  }

  private readLog(zxid: number, sizeLimit: number, sink: LogSink): LogReading | null {
    const log = this.entries.slice(this.baseCount, this.applied);
    const first = log.findLastIndex((entry) => entry.zxid <= zxid);
    if (first < 0 || (log.length - first) * 40 > sizeLimit) return null;
    let at = first;
    let isStopped = false;
    const go = (): void => {
      if (isStopped || this.isDead) return;
      while (at < log.length) {
        const { zxid: next, value } = log[at++];
        const bytes = txnBytes(next, value);
        if (!sink.txn(bytes, 0, bytes.length, next)) return;
      }
      sink.end();
    };
    this.hooks.later(go);
    return {
      resume: go,
      stop: () => {
        isStopped = true;
      },
    };
  }

  /** Puts what is committed into a snapshot and forgets the log below it, as a purge does. */
  compact(): void {
    if (this.tasks.length > 0 || this.epochTasks.length > 0 || this.applied !== this.entries.length) return;
    this.disk.snapshot = { zxid: this.lastCommittedZxid, entries: [...this.entries] };
    this.disk.log = [];
    this.baseCount = this.entries.length;
    this.baseZxid = this.lastCommittedZxid;
  }
}
