/** Which library made a contender's znode, as far as its name tells. Quoll's own recipes use these names too. */
export type LockFamily = "curator" | "kazoo" | "other";

/** `lease` is one of a semaphore's, `latch` a leader latch's. */
export type LockKind = "lock" | "read" | "write" | "latch" | "lease";

/** A child that contends for its parent. */
export interface Contender {
  readonly name: string;
  readonly kind: LockKind;
  readonly family: LockFamily;
  readonly sequence: number;
}

/** What stands before the number in the names of contenders. */
const MARKERS: ReadonlyArray<readonly [marker: string, kind: LockKind, family: LockFamily]> = [
  ["__rlock__", "read", "kazoo"],
  ["__lock__", "lock", "kazoo"],
  ["__READ__", "read", "curator"],
  ["__WRIT__", "write", "curator"],
  ["latch-", "latch", "curator"],
  ["lease-", "lease", "curator"],
  ["lock-", "lock", "curator"],
];

/** A number as the server puts it behind a name: ten digits, and negative ones once the counter has run over. */
const NUMBERED = /^(.*?)(-?\d{10}|-\d{9})$/s;

/** The contender that a name belongs to, or null: then the child is something else. */
export function contenderOf(name: string): Contender | null {
  const [, stem, digits] = NUMBERED.exec(name) ?? [];
  if (stem === undefined || digits === undefined) return null;
  // `lock--000000001` can be split in two ways; the minus is the name's where a name with it fits.
  for (const [text, number] of [
    [stem + (digits.startsWith("-") ? "-" : ""), digits.replace(/^-/, "")],
    [stem, digits],
  ] as const) {
    for (const [marker, kind, family] of MARKERS) {
      if (!text.endsWith(marker) || number === "") continue;
      const isGo = family === "curator" && /^_c_[0-9a-f]{32}-/.test(text);
      const isBare = family === "curator" && !text.startsWith("_c_");
      return { name, kind, family: isGo || isBare ? "other" : family, sequence: Number(number) };
    }
  }
  return null;
}

export interface LockState {
  readonly holders: readonly Contender[];
  /** In the order in which they will hold it. */
  readonly waiters: readonly Contender[];
}

/**
 * Who holds a lock and who waits, from the names of its children: the oldest holds it, and with it the readers that
 * follow a reader at once. All leases of a semaphore are held. Null if no child contends.
 */
export function lockStateOf(children: readonly string[]): LockState | null {
  const contenders = children.map(contenderOf).filter((contender) => contender !== null);
  if (contenders.length === 0) return null;
  // The parent's counter wraps at 2^31: the difference says who is older.
  contenders.sort((a, b) => (a.sequence - b.sequence) | 0 || (a.name < b.name ? -1 : 1));
  if (contenders[0]!.kind === "lease") return { holders: contenders, waiters: [] };
  let held = 1;
  if (contenders[0]!.kind === "read") while (contenders[held]?.kind === "read") held++;
  return { holders: contenders.slice(0, held), waiters: contenders.slice(held) };
}
