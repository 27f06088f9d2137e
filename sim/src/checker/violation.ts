/** What must never happen has happened. */
export class Violation extends Error {
  /** @param invariant - its name, as in the table of mutants */
  constructor(
    readonly invariant: string,
    message: string,
  ) {
    super(`${invariant}: ${message}`);
  }
}

export function violated(invariant: string, message: string): never {
  throw new Violation(invariant, message);
}

export function hex(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}
