/** The root of every error that Quoll raises on purpose. Callers branch on the class and on `code`, never on the text. */
export abstract class QuollError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Bytes that a peer, a client or a file gave us do not follow the format. Never our bug, so never fatal by itself. */
export class ProtocolError extends QuollError {
  readonly code = "PROTOCOL";
  /**
   * @param what - the thing that was being read, for instance `buffer length`
   * @param offset - where in the given bytes, counted from their first byte
   * @param expected - what the format accepts there
   * @param got - what stood there
   */
  constructor(
    readonly what: string,
    readonly offset: number,
    readonly expected: string,
    readonly got: string,
  ) {
    super(`${what} at byte ${offset}: expected ${expected}, got ${got}`);
  }
}

/** A broken invariant: our own bug. It is logged and ends the process; nothing is served from a state that may be wrong. */
export class InvariantError extends QuollError {
  readonly code = "INVARIANT";
}

/** Checks an invariant. The message is a constant or a closure, so that nothing is built while it holds. */
export function invariant(holds: boolean, message: string | (() => string)): asserts holds {
  if (!holds) throw new InvariantError(typeof message === "string" ? message : message());
}
