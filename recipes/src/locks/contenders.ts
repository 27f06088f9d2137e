import { compareSequences, parseSequentialName } from "../names/sequence.js";

/** Whether a contender excludes all others, or only those that exclude. */
export type ContenderKind = "exclusive" | "shared";

/**
 * What stands before the sequence number in the name of a contender's znode, and what such a contender is.
 * All children of a lock's znode that end in one of its markers and a number contend; others are ignored.
 */
export interface Marker {
  /** The last part of the name before its number. */
  readonly text: string;
  /** What such a contender is. */
  readonly kind: ContenderKind;
}

/**
 * The markers of all libraries whose locks can be shared: `lock-` of Curator, go-zk and ZooKeeper's own recipes,
 * `__READ__` and `__WRIT__` of Curator's read-write lock, `__lock__` and `__rlock__` of kazoo.
 */
export const LOCK_MARKERS: readonly Marker[] = [
  { text: "lock-", kind: "exclusive" },
  { text: "__WRIT__", kind: "exclusive" },
  { text: "__READ__", kind: "shared" },
  { text: "__rlock__", kind: "shared" },
  { text: "__lock__", kind: "exclusive" },
];

/** Curator's leader latch. */
export const LATCH_MARKERS: readonly Marker[] = [{ text: "latch-", kind: "exclusive" }];

/** A child of a lock's znode that contends for it. */
export interface Contender {
  readonly name: string;
  /** What such a contender is. */
  readonly kind: ContenderKind;
  /** The server's number: its age. */
  readonly sequence: number;
}

/** The children that contend, the oldest first. */
export function contendersOf(children: readonly string[], markers: readonly Marker[]): Contender[] {
  const contenders: Contender[] = [];
  for (const name of children) {
    for (const { text, kind } of markers) {
      const parsed = parseSequentialName(name, text);
      if (parsed === null) continue;
      contenders.push({ name, kind, sequence: parsed.sequence });
      break;
    }
  }
  return contenders.sort(compareContenders);
}

/**
 * A holder of a write lock that wants to keep reading makes a shared contender with the number of its exclusive one. The
 * exclusive one comes first, so that both have the same contenders before them.
 */
function compareContenders(a: Contender, b: Contender): number {
  const byAge = compareSequences(a.sequence, b.sequence);
  if (byAge !== 0) return byAge;
  if (a.kind !== b.kind) return a.kind === "exclusive" ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** What a contender learns from the list of children. */
export type Turn =
  | { readonly state: "holds" }
  /** `behind` is the one contender whose end can change anything. */
  | { readonly state: "waits"; readonly behind: string }
  /** Its znode is not there: it was deleted, or its session has ended. */
  | { readonly state: "gone" };

/**
 * Whether the contender `own` holds the lock, and if not, whose end it has to wait for.
 *
 * An exclusive contender waits for the one just before it: each release wakes one waiter. A shared one waits for the last
 * exclusive one before it: what is before that must be gone before it is, or has given up, and each release wakes just
 * those who then hold the lock together.
 */
export function turnOf(children: readonly string[], own: string, markers: readonly Marker[]): Turn {
  const contenders = contendersOf(children, markers);
  const at = contenders.findIndex(({ name }) => name === own);
  if (at < 0) return { state: "gone" };
  for (let i = at - 1; i >= 0; i--) {
    if (contenders[at].kind === "exclusive" || contenders[i].kind === "exclusive") {
      return { state: "waits", behind: contenders[i].name };
    }
  }
  return { state: "holds" };
}

/** Splits contenders, the oldest first, into those that hold the lock now and those that wait. */
export function holdersAndWaiters(contenders: readonly Contender[]): { holders: Contender[]; waiters: Contender[] } {
  let held = 0;
  if (contenders.length > 0) {
    held = 1;
    if (contenders[0].kind === "shared") {
      while (held < contenders.length && contenders[held].kind === "shared") held++;
    }
  }
  return { holders: contenders.slice(0, held), waiters: contenders.slice(held) };
}
