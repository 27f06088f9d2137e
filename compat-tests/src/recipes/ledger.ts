/**
 * The ledger is a file in which all processes of a scenario write their steps, each with one append: appends to one file
 * have an order, whatever the clocks say. Lines are `WHO STEP ARGUMENTS`:
 *
 * ```
 * WHO try                          wants the lock
 * WHO begin KIND TOKEN             holds it: W exclusively, R with other readers, L one of the leases
 * WHO end KIND TOKEN VALUE         about to release it; VALUE is 1 more than the highest of the ends of W before its begin
 * WHO failed REASON                an operation failed, what it held is released or given up
 * WHO lost                         knows that its session is lost
 * WHO paused | resumed | killed    what the conductor did to it
 * WHO offer ITEM, WHO put ITEM     a producer, before and after
 * WHO got ITEM                     a consumer
 * - disturbed                      the conductor stopped a server
 * ```
 */
export interface Step {
  readonly who: string;
  readonly step: string;
  readonly args: readonly string[];
}

export function parseLedger(text: string): Step[] {
  const steps: Step[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [who, step, ...args] = line.split(" ");
    steps.push({ who: who!, step: step ?? "", args });
  }
  return steps;
}

export interface LockReport {
  /** Each a rule that was broken, with the line. */
  readonly violations: readonly string[];
  /** Sections that began, by process. */
  readonly sections: ReadonlyMap<string, number>;
  /** Sections of paused, killed or expired processes that a later token has ended. */
  readonly fenced: number;
  /** The counter at the end: ends of W that count. */
  readonly counter: number;
}

interface Section {
  readonly kind: string;
  readonly token: bigint;
}

/**
 * Replays the ledger of a lock.
 * - Sections exclude each other: W all others, R all W, L all but `leases - 1` others.
 * - What excludes comes with a higher token than all that held before.
 * - The counter grows by one with each W that ended, though all read it and write it back without any protection.
 *
 * A process that was paused, was killed or has lost its session may be overtaken: its lock is given to the next while it
 * can't know. That is what tokens are for: what it does under its old one does not count.
 * @param leases - of a semaphore; 1 for locks
 */
export function checkLocks(steps: readonly Step[], leases = 1): LockReport {
  const violations: string[] = [];
  const sections = new Map<string, number>();
  const open = new Map<string, Section>();
  const excused = new Set<string>();
  let fenced = 0;
  let counter = 0;
  let lastToken = 0n;
  let lastExclusive = 0n;

  for (const [at, { who, step, args }] of steps.entries()) {
    const here = `line ${at + 1}: ${who} ${step} ${args.join(" ")}`;
    switch (step) {
      case "paused":
      case "killed":
      case "lost":
        excused.add(who);
        break;
      case "try":
      case "failed":
        open.delete(who);
        break;
      case "begin": {
        const section: Section = { kind: args[0]!, token: BigInt(args[1]!) };
        const isStale = section.kind !== "L" && section.token <= (section.kind === "W" ? lastToken : lastExclusive);
        if (isStale) {
          if (excused.has(who)) fenced++;
          else violations.push(`${here}: a token that is not higher than those before`);
          break;
        }
        const others = [...open].filter(([other, { kind }]) => other !== who && conflicts(kind, section.kind));
        const room = section.kind === "L" ? leases - 1 : 0;
        for (const [other] of others) {
          if (others.length <= room || !excused.has(other)) continue;
          open.delete(other);
          fenced++;
        }
        const left = others.filter(([other]) => open.has(other));
        if (left.length > room) {
          violations.push(
            `${here}: while ${left.map(([other, o]) => `${other} holds ${o.kind} ${o.token}`).join(", ")}`,
          );
        }
        open.set(who, section);
        sections.set(who, (sections.get(who) ?? 0) + 1);
        if (section.token > lastToken) lastToken = section.token;
        if (section.kind === "W" && section.token > lastExclusive) lastExclusive = section.token;
        break;
      }
      case "end": {
        const section = open.get(who);
        if (section === undefined || String(section.token) !== args[1]) {
          if (!excused.has(who)) violations.push(`${here}: it did not hold that`);
          break;
        }
        open.delete(who);
        excused.delete(who);
        if (section.kind !== "W") break;
        counter++;
        if (Number(args[2]) !== counter)
          violations.push(`${here}: the counter should be ${counter}: an update was lost`);
        break;
      }
    }
  }
  return { violations, sections, fenced, counter };
}

function conflicts(a: string, b: string): boolean {
  return a === "L" || a === "W" || b === "W";
}

export interface QueueReport {
  readonly violations: readonly string[];
  readonly put: number;
  readonly got: ReadonlyMap<string, number>;
  /** Items that were handed out again because their first consumer was killed, paused or failed: "at least once". */
  readonly repeated: number;
}

/**
 * Replays the ledger of a queue whose consumers take an item, and remove it after they are done with it.
 * - Nothing is lost: what was put is consumed, or still there at the end.
 * - Nothing is made up: what is consumed was offered.
 * - Nothing is doubled, but for what the contract says: an item whose consumer fails, dies or loses its session is handed
 *   out again, and one whose put was answered by a lost connection may have been put twice.
 * @param left - the items that are still there
 */
export function checkQueue(steps: readonly Step[], left: readonly string[]): QueueReport {
  const violations: string[] = [];
  const offered = new Set<string>();
  const pending = new Set<string>();
  const doubtful = new Set<string>();
  const put = new Set<string>();
  const got = new Map<string, string[]>();
  const excused = new Set<string>();
  const counts = new Map<string, number>();
  const lastOf = new Map<string, string>();
  let repeated = 0;
  for (const [at, { who, step, args }] of steps.entries()) {
    const item = args[0] ?? "";
    switch (step) {
      case "offer":
        offered.add(item);
        pending.add(item);
        break;
      case "put":
        put.add(item);
        pending.delete(item);
        break;
      case "disturbed":
        for (const open of pending) doubtful.add(open);
        for (const open of lastOf.values()) doubtful.add(open);
        break;
      case "paused":
      case "killed":
      case "lost":
      case "failed": {
        excused.add(who);
        const last = lastOf.get(who);
        if (last !== undefined) doubtful.add(last);
        for (const open of pending) if (open.startsWith(`${who}:`)) doubtful.add(open);
        break;
      }
      case "got": {
        counts.set(who, (counts.get(who) ?? 0) + 1);
        if (!offered.has(item)) violations.push(`line ${at + 1}: ${who} got ${item}, which nobody put`);
        const before = got.get(item);
        if (before === undefined) got.set(item, [who]);
        else {
          repeated++;
          if (!doubtful.has(item))
            violations.push(`line ${at + 1}: ${who} got ${item}, which ${before.join(", ")} had`);
          before.push(who);
        }
        lastOf.set(who, item);
        break;
      }
    }
  }
  const there = new Set(left);
  for (const item of put) if (!got.has(item) && !there.has(item)) violations.push(`${item} was put and is lost`);
  return { violations, put: put.size, got: counts, repeated };
}
