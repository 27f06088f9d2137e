import { QuollError } from "@quoll/client";

/** A recipe waited as long as it was allowed to, and has left nothing behind. */
export class WaitTimeoutError extends QuollError {
  readonly code = "WAIT_TIMEOUT";

  constructor(
    /** What it was about. */
    readonly path: string,
    /** How long it waited. */
    readonly timeoutMs: number,
  ) {
    super(
      timeoutMs === 0
        ? `${path} is not free`
        : `${path} was waited for in vain, ${timeoutMs} ms; give a higher timeoutMs, or ask waiters() who is before us`,
    );
  }
}

/** Why something that was held is held no more: the reason of the `signal` of a lock, a lease, a leadership. */
export class LostError extends QuollError {
  readonly code = "LOST";

  constructor(
    /** Of the znode that stood for it. */
    readonly path: string,
    /**
     * - `sessionEnded`: the server said so: others may hold it already;
     * - `sessionSuspect`: nothing was heard for so long that the session may have expired;
     * - `deleted`: somebody has deleted the znode;
     */
    readonly why: "sessionEnded" | "sessionSuspect" | "deleted",
  ) {
    super(
      `${path} is held no more: ${
        why === "sessionEnded"
          ? "its session has ended"
          : why === "deleted"
            ? "its znode was deleted"
            : "its session may have expired, since no server has answered for a whole session timeout"
      }`,
    );
  }
}

/** What stands in a znode is not what this recipe, or the library that it shares its znodes with, would have written. */
export class FormatError extends QuollError {
  readonly code = "FORMAT";

  constructor(
    /** What it was about. */
    readonly path: string,
    expected: string,
  ) {
    super(`${path} does not hold ${expected}; if something else uses that znode, choose another path`);
  }
}

/** A recipe was used after its `close`, or before its `start`. */
export class NotRunningError extends QuollError {
  readonly code = "NOT_RUNNING";

  constructor(what: string) {
    super(`${what} is not running: it was closed, or not started yet`);
  }
}
