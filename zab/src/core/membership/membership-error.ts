import { QuollError } from "@quoll/jute";

/** A configuration of the ensemble that can't be one: what another server sent, a `.dynamic` file, a znode. */
export class MembershipError extends QuollError {
  readonly code = "MEMBERSHIP";
  /**
   * @param what - the part that is wrong: a line's key, or the whole
   * @param problem - what is wrong with it, and what would be accepted
   * @param line - from 1, or 0 if it is none of them
   */
  constructor(
    readonly what: string,
    readonly problem: string,
    readonly line = 0,
  ) {
    super(`${line > 0 ? `line ${line}: ` : ""}${what} ${problem}`);
  }
}
