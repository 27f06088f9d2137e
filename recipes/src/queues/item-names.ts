/** What every item of Curator's queues is called at its beginning; others in the folder are ignored. */
export const ITEM_PREFIX = "queue-";

/**
 * The name of an item of a priority queue up to its sequence number: it sorts by priority, the lowest first, then by age.
 * @param priority - an int32
 */
export function priorityPrefix(priority: number): string {
  if ((priority | 0) !== priority) throw new RangeError(`priority ${priority} is not an int32`);
  return `${ITEM_PREFIX}${priority >= 0 ? "1" : "0"}${(priority >>> 0).toString(16).toUpperCase().padStart(8, "0")}`;
}

/**
 * The name of an item of a delay queue up to its sequence number.
 * @param dueMs - since 1970, when it may be consumed
 */
export function delayPrefix(dueMs: number): string {
  if (!Number.isSafeInteger(dueMs) || dueMs <= 0) throw new RangeError(`${dueMs} is no time in ms since 1970`);
  return `${ITEM_PREFIX}|${dueMs.toString(16).toUpperCase().padStart(8, "0")}|`;
}

/** When an item of a delay queue may be consumed, in ms since 1970; 0 (at once) if its name does not say. */
export function dueMsOf(name: string): number {
  const match = /.\|([0-9A-Fa-f]+)\|[^|]*$/.exec(name);
  return match === null ? 0 : Number.parseInt(match[1], 16);
}

/** The name of an item with an id up to its sequence number. `/` and `|` in the id become `_`. */
export function idPrefix(id: string): string {
  if (id === "") throw new RangeError("an item's id must not be empty");
  return `${ITEM_PREFIX}|${fixId(id)}|`;
}

/** An id as it stands in names. */
export function fixId(id: string): string {
  return id.replace(/[/|]/g, "_");
}

/** The id of an item, and the rest of its name, by which items of an id queue are ordered. */
export function idOf(name: string): { id: string; rest: string } {
  const first = name.indexOf("|");
  const second = name.indexOf("|", first + 1);
  if (first < 0 || second < 0) return { id: name, rest: name };
  return { id: name.slice(first + 1, second), rest: name.slice(0, first) + name.slice(second + 1) };
}

/** The name of an entry of kazoo's queues up to its sequence number; lower priorities come first. */
export function kazooEntryPrefix(priority: number): string {
  if (!Number.isInteger(priority) || priority < 0 || priority > 999) {
    throw new RangeError(`priority ${priority} is not between 0 and 999, as kazoo's queues want it`);
  }
  return `entry-${String(priority).padStart(3, "0")}-`;
}

/** Plain order of names by UTF-16 code units, which is that of the other libraries for the names that occur. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
