/** A znode's name in two parts: what its creator chose, and the number that the server has put behind it. */
export interface SequentialName {
  /** All of the name before the number. */
  readonly stem: string;
  /** The parent's count of created children, an int32: it becomes negative after 2^31 of them. */
  readonly sequence: number;
}

/**
 * Splits the name of a sequential znode whose creator's part ends in `marker`.
 * The server writes the number as Java's `%010d` does: ten digits; once the parent's count has run over, a minus and ten
 * digits, or nine. A marker may itself end in a minus (`lock-`), which is then not the number's.
 * @returns null if the name is none of these
 */
export function parseSequentialName(name: string, marker: string): SequentialName | null {
  for (const width of [10, 11]) {
    const digits = name.slice(-width);
    const stem = name.slice(0, -width);
    if (!stem.endsWith(marker) || !(width === 10 ? /^(\d{10}|-\d{9})$/ : /^-\d{10}$/).test(digits)) continue;
    const sequence = Number(digits);
    if (sequence <= 0x7fffffff && sequence >= -0x80000000) return { stem, sequence };
  }
  return null;
}

/**
 * Orders sequence numbers by age, also where the parent's count has run over from 2^31 - 1 to -2^31: of two numbers the
 * older one is that from which fewer than 2^31 steps lead to the other.
 */
export function compareSequences(a: number, b: number): number {
  return (a - b) | 0;
}
