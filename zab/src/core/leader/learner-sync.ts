import { invariant, type Writer } from "@quoll/jute";
import type { Link } from "../link.js";
import { PacketType } from "../quorum-packet/packet-type.js";
import { SNAPSHOT_SIGNATURE, writeData, writePlain } from "../quorum-packet/packet-writers.js";
import type { LogReading, LogSink, Replica } from "../replica.js";
import { type LearnerState, planAt, planSync, type SyncPlan, type SyncPlanOptions } from "./sync-plan.js";

/** Bytes that wait for a learner above which the reading of a log or a snapshot pauses until it has read. */
const PAUSE_BYTES = 1 << 20;

export interface LearnerSyncEvents {
  /**
   * What the learner gets is fixed as of now: whatever is proposed or committed from here on must follow it. Called again
   * if another way is taken, and then counts alone.
   */
  pointTaken(): void;
  done(): void;
  failed(reason: string): void;
}

/** Brings one learner to the leader's state: writes DIFF, TRUNC or SNAP and the data that belongs to it, as fast as it is read. */
export class LearnerSync {
  /** Whether it is a snapshot that is being sent. */
  isSnapshot = false;
  private reading: LogReading | null = null;
  private stopSnapshot: (() => void) | null = null;
  private resumeSnapshot: (() => void) | null = null;
  /** The last txn that was sent. */
  private sentZxid = 0;
  private isOver = false;

  /** @param snapshotZxidMin - a snapshot is sent as of this zxid at least: the epoch that the leader has begun, or 0 */
  constructor(
    private readonly link: Link,
    private readonly replica: Replica,
    private readonly learner: LearnerState,
    private readonly options: SyncPlanOptions,
    private readonly snapshotZxidMin: number,
    private readonly events: LearnerSyncEvents,
  ) {}

  /** @returns what it tries first */
  start(): SyncPlan["kind"] {
    const { replica } = this;
    const leader = {
      committedZxid: replica.lastCommittedZxid,
      currentEpoch: replica.currentEpoch,
      history: replica.history,
    };
    const plan = planSync(leader, this.learner, this.options);
    this.events.pointTaken();
    if (plan.kind === "snap") this.sendSnapshot();
    else if (plan.kind === "log") this.sendLog(plan.sizeLimit);
    else this.sendMemory(plan);
    return plan.kind;
  }

  /** The learner has read. */
  drained(): void {
    if (this.isOver || this.isFull()) return;
    this.reading?.resume();
    const resume = this.resumeSnapshot;
    this.resumeSnapshot = null;
    resume?.();
  }

  stop(): void {
    this.isOver = true;
    this.reading?.stop();
    this.stopSnapshot?.();
  }

  private get out(): Writer {
    return this.link.out;
  }

  private isFull(): boolean {
    return this.link.out.at + this.link.unsentBytes > PAUSE_BYTES;
  }

  private finish(): void {
    this.isOver = true;
    this.link.touch();
    this.events.done();
  }

  private fail(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.events.failed(reason);
  }

  // --- from memory

  private sendMemory(plan: SyncPlan & { kind: "diff" | "trunc" }): void {
    const committedZxid = this.replica.lastCommittedZxid;
    const after = plan.kind === "diff" ? plan.after : plan.to;
    this.writeOperation(plan, committedZxid);
    if (after !== committedZxid) {
      this.replica.history.forEachAfter(after, (bytes, start, end, zxid) => this.writeTxn(bytes, start, end, zxid));
      invariant(this.sentZxid === committedZxid, "the history in memory ends with the last committed txn");
    }
    this.finish();
  }

  private writeOperation(plan: SyncPlan & { kind: "diff" | "trunc" }, committedZxid: number): void {
    if (plan.kind === "diff") writePlain(this.out, PacketType.DIFF, committedZxid);
    else writePlain(this.out, PacketType.TRUNC, plan.to);
  }

  private writeTxn(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    writeData(this.out, PacketType.PROPOSAL, zxid, bytes, start, end);
    writePlain(this.out, PacketType.COMMIT, zxid);
    this.sentZxid = zxid;
  }

  // --- from the log on disk

  private sendLog(sizeLimit: number): void {
    const { replica, learner } = this;
    const committedZxid = replica.lastCommittedZxid;
    let isFirst = true;
    let isUseless = false;
    const sink: LogSink = {
      txn: (bytes, start, end, zxid) => {
        if (this.isOver || isUseless) return false;
        if (isFirst) {
          isFirst = false;
          const plan = zxid > learner.lastZxid ? null : planAt(zxid, 0, learner);
          if (plan === null || plan.kind === "snap" || plan.kind === "log") {
            isUseless = true;
            if (this.reading !== null) this.sendSnapshotInstead(this.reading);
            return false;
          }
          this.writeOperation(plan, committedZxid);
          this.sentZxid = zxid;
        } else {
          this.writeTxn(bytes, start, end, zxid);
        }
        this.link.touch();
        return !this.isFull();
      },
      end: () => {
        if (this.isOver || isUseless) return;
        if (this.sentZxid === committedZxid) this.finish();
        else this.fail(`the log on disk ends with 0x${this.sentZxid.toString(16)}`);
      },
      failed: (reason) => {
        if (!isUseless) this.fail(reason);
      },
    };
    const reading = replica.history.readLog(learner.lastZxid, sizeLimit, sink);
    if (this.isOver) return;
    if (reading === null || isUseless) this.sendSnapshotInstead(reading);
    else this.reading = reading;
  }

  private sendSnapshotInstead(reading: LogReading | null): void {
    reading?.stop();
    this.reading = null;
    this.events.pointTaken();
    this.sendSnapshot();
  }

  // --- the whole state

  private sendSnapshot(): void {
    this.isSnapshot = true;
    const { out } = this;
    const committedZxid = this.replica.lastCommittedZxid;
    writePlain(out, PacketType.SNAP, Math.max(committedZxid, this.snapshotZxidMin));
    const { zxid, stop } = this.replica.sendSnapshot({
      bytes: (chunk, resume) => {
        if (this.isOver) return false;
        this.out.raw(chunk, 0, chunk.length);
        this.link.touch();
        if (!this.isFull()) return true;
        this.resumeSnapshot = resume;
        return false;
      },
      end: () => {
        if (this.isOver) return;
        this.out.string(SNAPSHOT_SIGNATURE);
        this.finish();
      },
      failed: (reason) => this.fail(reason),
    });
    invariant(zxid === committedZxid, "a snapshot is sent as of the last committed txn");
    this.stopSnapshot = stop;
    if (this.isOver) stop();
  }
}
