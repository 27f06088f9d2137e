import type { History } from "../replica.js";
import { counterOf, epochOf } from "../zxid.js";

/** How a learner is brought to the leader's state. */
export type SyncPlan =
  /** DIFF: what the memory holds after `after`; nothing, if the learner is up to date. */
  | { readonly kind: "diff"; readonly after: number }
  /** TRUNC to the last txn that both have, then as with `diff`. */
  | { readonly kind: "trunc"; readonly to: number }
  /** The log on disk, if its first txn shows that it reaches back to the learner's; else a snapshot. */
  | { readonly kind: "log"; readonly sizeLimit: number }
  /** SNAP: the whole state. */
  | { readonly kind: "snap" };

/** What the learner has told of itself. */
export interface LearnerState {
  /** Its last logged zxid. With counter 0: everything before that epoch. -1: its data is damaged. */
  readonly lastZxid: number;
  /** Whether it is a Quoll server, which makes txns behind a TRUNC durable before it acknowledges them. */
  readonly isQuoll: boolean;
}

/** What the leader has. */
export interface LeaderState {
  readonly committedZxid: number;
  readonly currentEpoch: number;
  readonly history: History;
}

export interface SyncPlanOptions {
  readonly snapshotSizeFactor: number;
  readonly forceSnapshotSync: boolean;
}

const SNAP: SyncPlan = { kind: "snap" };

/**
 * Decides how to synchronize. The history of committed txns that an elected leader has is a prefix or an extension of
 * the learner's, up to what was never committed; only that may be taken out of the learner again.
 *
 * As ZooKeeper's leaders do, TRUNC is sent to a learner that is ahead, and SNAP to one whose history leaves ours in an
 * older epoch: ZooKeeper's learners can't truncate into another epoch, and do not sync what they get behind a TRUNC. Quoll's do
 * both, and get the cheaper TRUNC with txns.
 */
export function planSync(leader: LeaderState, learner: LearnerState, options: SyncPlanOptions): SyncPlan {
  const { committedZxid, history } = leader;
  const { lastZxid } = learner;
  if (options.forceSnapshotSync || lastZxid < 0) return SNAP;
  if (lastZxid === committedZxid) return { kind: "diff", after: lastZxid };
  if (lastZxid > committedZxid) return planForLearnerAhead(leader, lastZxid);
  const memoryReaches = history.maxZxid !== 0 && history.maxZxid === committedZxid;
  if (memoryReaches && history.minZxid === lastZxid + 1) return { kind: "diff", after: lastZxid };
  if (memoryReaches && history.minZxid <= lastZxid) return planFromMemory(history, learner);
  if (options.snapshotSizeFactor <= 0) return SNAP;
  return { kind: "log", sizeLimit: Math.floor(history.snapshotSize * options.snapshotSizeFactor) };
}

function planForLearnerAhead(leader: LeaderState, lastZxid: number): SyncPlan {
  const { committedZxid, currentEpoch } = leader;
  // It has seen the beginning of an epoch that wrote nothing: everything that it has is committed, and we have as much.
  if (counterOf(lastZxid) === 0) {
    return currentEpoch >= epochOf(lastZxid) ? { kind: "diff", after: committedZxid } : SNAP;
  }
  // There is no txn at which to cut.
  if (counterOf(committedZxid) === 0) return SNAP;
  return { kind: "trunc", to: committedZxid };
}

function planFromMemory(history: History, learner: LearnerState): SyncPlan {
  let before = 0;
  let after = 0;
  history.forEachAfter(history.minZxid - 1, (_bytes, _start, _end, zxid) => {
    if (zxid <= learner.lastZxid) before = zxid;
    else if (after === 0) after = zxid;
  });
  return planAt(before, after, learner);
}

/**
 * Decides by the leader's txns around the learner's last one.
 * @param before - the leader's last txn that is at most the learner's last
 * @param after - the leader's next txn; 0 when that is not known
 */
export function planAt(before: number, after: number, learner: LearnerState): SyncPlan {
  const { lastZxid } = learner;
  if (before === lastZxid || counterOf(lastZxid) === 0) return { kind: "diff", after: lastZxid };
  const isSameEpoch = epochOf(before) === epochOf(lastZxid);
  if (isSameEpoch && (learner.isQuoll || epochOf(after) === epochOf(lastZxid))) return { kind: "trunc", to: before };
  return SNAP;
}
