/** The znode whose existence tells members of a double barrier that all have entered. */
export const READY = "ready";

/** What a member that leaves has to do next. */
export type LeaveStep =
  | { readonly step: "done"; readonly deleteOwn: boolean }
  /** Delete the own znode if asked to, then wait for the end of that of `member`. */
  | { readonly step: "wait"; readonly member: string; readonly deleteOwn: boolean };

/**
 * The protocol of leaving: all but the lowest member delete their znodes and wait for the lowest one's end; the lowest
 * waits for the highest, again and again, until it is alone.
 * @param children - of the barrier
 * @param own - the member's znode, which is among the children unless it was deleted
 */
export function leaveStep(children: readonly string[], own: string): LeaveStep {
  const members = children.filter((name) => name !== READY).sort();
  const isThere = members.includes(own);
  if (members.length === 0) return { step: "done", deleteOwn: false };
  if (isThere && members.length === 1) return { step: "done", deleteOwn: true };
  if (isThere && members[0] === own) return { step: "wait", member: members[members.length - 1], deleteOwn: false };
  return { step: "wait", member: members[0], deleteOwn: isThere };
}

/** Whether so many members have come that all may enter. */
export function isComplete(children: readonly string[], memberCount: number): boolean {
  return children.filter((name) => name !== READY).length >= memberCount;
}
