import type { Writer } from "@quoll/jute";
import { LongMap } from "../long-map.js";
import type { Session } from "./session-tracker.js";

/** The sessions whose clients a learner has heard of since it last told its leader, with the timeout of each. */
export class TouchTable {
  private readonly timeouts = new LongMap<number>();
  /** Counts the times that the leader was told; a session that has the number of this time is in the table. */
  private round = 1;

  /** A request came: nothing is to be done for any but the first one since the leader was last told. */
  touch(session: Session, timeoutMs: number): void {
    if (session.touchRound === this.round) return;
    session.touchRound = this.round;
    this.timeouts.set(session.idHi, session.idLo, timeoutMs);
  }

  add(idHi: number, idLo: number, timeoutMs: number): void {
    this.timeouts.set(idHi, idLo, timeoutMs);
  }

  remove(idHi: number, idLo: number): void {
    this.timeouts.delete(idHi, idLo);
  }

  /** Writes all that is in the table, each as a long id and an int timeout in ms, and empties it. */
  writeTo(to: Writer): void {
    this.timeouts.forEach((timeoutMs, hi, lo) => {
      to.int(hi);
      to.int(lo);
      to.int(timeoutMs);
    });
    this.timeouts.clear();
    this.round++;
  }
}
