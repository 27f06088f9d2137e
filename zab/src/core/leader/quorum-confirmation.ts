/** A learner as a round sees it: how many pings it got, and how many it has answered. */
export interface Pinged {
  readonly sid: number;
  readonly pingsSent: number;
  readonly pingsAnswered: number;
}

/**
 * Finds out whether a quorum still follows this leader, at a moment after the question: by a round of pings, whose answers
 * come in order. A server that has answered had not joined another leader when the ping reached it, so no other leader can
 * have been established, let alone have committed anything, before the question.
 */
export class QuorumConfirmation {
  /** Asked during the round that is under way; they need the next one. */
  private waiting: (() => void)[] = [];
  /** What the round under way is for; empty when there is none. */
  private asked: (() => void)[] = [];
  private readonly sentBefore = new Map<Pinged, number>();
  private readonly confirmed = new Set<number>();

  /**
   * @param learners - those that are up to date
   * @param ping - sends a ping to each of them
   * @param isQuorum - whether these servers are one, in every membership that is in force
   */
  constructor(
    private readonly ownSid: number,
    private readonly learners: () => Iterable<Pinged>,
    private readonly ping: () => void,
    private readonly isQuorum: (sids: ReadonlySet<number>) => boolean,
  ) {}

  ask(then: () => void): void {
    this.waiting.push(then);
    if (this.asked.length === 0) this.beginRound();
  }

  /** A learner has answered a ping. */
  answered(learner: Pinged): void {
    if (this.asked.length === 0) return;
    if (learner.pingsAnswered <= (this.sentBefore.get(learner) ?? 0)) return;
    this.confirmed.add(learner.sid);
    this.endRoundIfConfirmed();
  }

  private beginRound(): void {
    this.asked = this.waiting;
    this.waiting = [];
    this.confirmed.clear();
    this.confirmed.add(this.ownSid);
    this.sentBefore.clear();
    for (const learner of this.learners()) this.sentBefore.set(learner, learner.pingsSent);
    this.ping();
    this.endRoundIfConfirmed();
  }

  private endRoundIfConfirmed(): void {
    if (!this.isQuorum(this.confirmed)) return;
    const { asked } = this;
    this.asked = [];
    for (const then of asked) then();
    if (this.waiting.length > 0 && this.asked.length === 0) this.beginRound();
  }
}
