import { nameOf } from "./path.js";

/** How often a subtree changed within an interval. */
export interface SubtreeCount {
  readonly path: string;
  created: number;
  deleted: number;
  changed: number;
}

/** Beyond so many subtrees the quietest are forgotten, and counted as others. */
const SUBTREES_MAX = 10_000;

/** Counts changes by subtree: each event counts for the ancestor of its path that is `depth` names below the root. */
export class SubtreeCounts {
  private counts = new Map<string, SubtreeCount>();
  total = 0;
  /** Changes of subtrees that were forgotten. */
  others = 0;

  constructor(
    private readonly root: string,
    private readonly depth: number,
  ) {}

  add(type: string, path: string): void {
    if (type !== "NodeCreated" && type !== "NodeDeleted" && type !== "NodeDataChanged") return;
    const subtree = this.subtreeOf(path);
    let count = this.counts.get(subtree);
    if (count === undefined) {
      if (this.counts.size >= SUBTREES_MAX) this.forgetQuiet();
      count = { path: subtree, created: 0, deleted: 0, changed: 0 };
      this.counts.set(subtree, count);
    }
    if (type === "NodeCreated") count.created++;
    else if (type === "NodeDeleted") count.deleted++;
    else count.changed++;
    this.total++;
  }

  /** The busiest subtrees, and a fresh start. */
  take(rows: number): SubtreeCount[] {
    const busiest = [...this.counts.values()].sort(byChanges).slice(0, rows);
    this.counts = new Map();
    this.total = 0;
    this.others = 0;
    return busiest;
  }

  private subtreeOf(path: string): string {
    const prefix = this.root === "/" ? "" : this.root;
    const names = path
      .slice(prefix.length)
      .split("/")
      .slice(1, this.depth + 1);
    return names.length === 0 || nameOf(path) === "" ? this.root : `${prefix}/${names.join("/")}`;
  }

  private forgetQuiet(): void {
    const kept = [...this.counts.values()].sort(byChanges);
    for (const { created, deleted, changed } of kept.splice(SUBTREES_MAX / 2))
      this.others += created + deleted + changed;
    this.counts = new Map(kept.map((count) => [count.path, count]));
  }
}

function byChanges(a: SubtreeCount, b: SubtreeCount): number {
  const sum = (count: SubtreeCount) => count.created + count.deleted + count.changed;
  return sum(b) - sum(a) || (a.path < b.path ? -1 : 1);
}
