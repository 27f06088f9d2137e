import { OpCode } from "../op-code.js";
import { type LogFile, listLogs } from "./data-directory.js";
import type { Disk } from "./disk.js";
import { join } from "./path.js";
import { follows, typeOfPayload } from "./txn-log-format.js";
import { type Tail, TxnLogReader } from "./txn-log-reader.js";

/** A place in the logs where a txn does not follow the one before it. */
export interface LogGap {
  readonly path: string;
  /** Offset of the entry behind the gap, or of the bytes that are no entry. */
  readonly offset: number;
  /** The last txn before the gap. */
  readonly after: number;
  /** The first txn behind it, or -1 when there is none. */
  readonly before: number;
  readonly problem: string;
}

/**
 * The txns of all logs of a directory, one after the other, without an allocation per txn. It does not stop at a gap but
 * tells of it; what a gap means is the caller's to say. Files may vanish meanwhile, as by a purge.
 */
export class LogChain {
  /** The window that holds the current payload. */
  bytes: Uint8Array = new Uint8Array(0);
  payloadStart = 0;
  payloadEnd = 0;
  zxid = -1;
  path = "";
  /** Of the current entry in its file. */
  offset = 0;
  /** The gap before the current txn, or null. */
  gap: LogGap | null = null;
  /** What stands behind the last txn of the last log, once {@link next} has returned false. */
  tail: Tail = { kind: "clean" };
  /** Bytes of the files that were read to their ends. */
  bytesDone = 0;

  private readonly logs: LogFile[];
  private index = 0;
  private reader: TxnLogReader | null = null;
  private previous = -1;
  private openTail: { path: string; offset: number; problem: string } | null = null;

  /** @param after - logs that only hold txns up to this one are left out; what comes may still start before it */
  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    after: number,
  ) {
    const logs = listLogs(disk, directory);
    let first = 0;
    while (first + 1 < logs.length && logs[first + 1].zxid <= after + 1) first++;
    this.logs = logs.slice(first);
  }

  /** Sizes of the files that are walked, in total. */
  get bytesTotal(): number {
    const paths = this.logs.map(({ name }) => join(this.directory, name)).filter((path) => this.disk.exists(path));
    return paths.reduce((sum, path) => sum + this.disk.size(path), 0);
  }

  /** Where the walk is, in the sense of {@link bytesTotal}. */
  get position(): number {
    return this.bytesDone + (this.reader === null ? 0 : this.reader.offset);
  }

  /** @returns whether there is another txn */
  next(): boolean {
    this.gap = null;
    for (;;) {
      if (this.reader === null) {
        if (this.index === this.logs.length) return this.finish();
        this.path = join(this.directory, this.logs[this.index++].name);
        // A purge beside us removes the oldest first; what then is missing shows as a gap, if it was needed.
        if (!this.disk.exists(this.path)) continue;
        this.reader = TxnLogReader.open(this.disk, this.path);
        if (this.reader === null) continue;
      }
      const { reader } = this;
      if (reader.next()) {
        this.take(reader);
        return true;
      }
      this.leave(reader);
    }
  }

  close(): void {
    this.reader?.close();
    this.reader = null;
  }

  private take(reader: TxnLogReader): void {
    this.bytes = reader.bytes;
    this.payloadStart = reader.payloadStart;
    this.payloadEnd = reader.payloadEnd;
    this.zxid = reader.zxid;
    this.offset = reader.offset;
    const { previous, zxid, path, offset } = this;
    // Java logs a request that it could not even decode as an error under the zxid that it gave out last.
    const isRepeated = zxid === previous && typeOfPayload(reader.bytes, reader.payloadStart) === OpCode.error;
    if (previous >= 0 && !follows(previous, zxid) && !isRepeated) {
      const problem = this.openTail?.problem ?? "the txns between them are missing";
      const place = this.openTail ?? { path, offset };
      this.gap = { path: place.path, offset: place.offset, after: previous, before: zxid, problem };
    }
    this.openTail = null;
    this.previous = zxid;
  }

  private leave(reader: TxnLogReader): void {
    this.tail = reader.tail();
    if (this.tail.kind === "damaged") {
      this.openTail = { path: reader.path, offset: reader.offset, problem: this.tail.problem };
    }
    this.bytesDone += reader.size;
    reader.close();
    this.reader = null;
  }

  private finish(): false {
    if (this.openTail !== null && this.tail.kind === "damaged") {
      this.gap = { ...this.openTail, after: this.previous, before: -1 };
    }
    return false;
  }
}
