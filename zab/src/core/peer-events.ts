import type { Broadcast, Forward, LeaderService, LearnerService } from "./service.js";

/** What the server of an established leader has of it. */
export interface Leadership extends Broadcast {
  /**
   * Calls `then` as soon as a quorum has shown that it followed this leader after now, so that nothing can have been
   * committed elsewhere before: what a local client's sync waits for. It is never called when the term ends before.
   * Several calls share a round.
   */
  confirm(then: () => void): void;
}

/** What a {@link QuorumPeer} tells its shell. */
export interface PeerEvents {
  /** An election begins: log and state are equal, and no term is under way. */
  looking(): void;
  /**
   * A quorum has acknowledged this leader and has its history: writes may be proposed, beginning with the zxid
   * `firstZxidOf(epoch) + 1`.
   * {@link LeaderService.committed} must have applied the txns when it returns.
   */
  leading(leadership: Leadership, epoch: number): LeaderService;
  /**
   * The state is up to date with the leader: clients may be served. From now on proposals go to `Replica.append`, and
   * commits to {@link LearnerService.committed}, which must have applied them when it returns; `Replica.commit` is not
   * called any more in this term.
   */
  following(forward: Forward, leaderSid: number, epoch: number): LearnerService;
  /** As {@link following}, as an observer: a txn is appended and committed at once. */
  observing(forward: Forward, leaderSid: number, epoch: number): LearnerService;
  /**
   * The service that was begun by {@link leading}, {@link following} or {@link observing} is over: nothing that it was
   * doing may be answered to clients any more, its connections are closed, and its calls are ignored. Follows a service
   * always, and comes before `Replica.settle`.
   */
  ended(reason: string): void;
  /** A membership was proposed, in the text form of `/zookeeper/config`: it must be on disk when this returns. */
  membershipProposed(text: string): void;
  /** A membership is in force. */
  membershipActivated(text: string): void;
}
