import type { ServerAddress } from "../core/connect-string.js";

/**
 * Everything that a client needs from the outside: a clock, timers, chance and connections. {@link nodePlatform} gives
 * Node's; a test gives its own, and then a client runs under simulated time.
 */
export interface Platform {
  /** A monotonic clock, ms. Only differences count. */
  now(): number;
  /**
   * Calls back once, not before `delayMs` have passed.
   * @returns a function that takes it back
   */
  setTimer(delayMs: number, callback: () => void): () => void;
  /** Calls back at the end of this turn of the event loop: what is sent within a turn leaves as one write. */
  defer(callback: () => void): void;
  /** A number from 0 to below 1. */
  random(): number;
  /** A name that nobody else has, 36 characters as of a UUID. */
  uuid(): string;
  /**
   * Begins to connect, resolving the host's name anew.
   * @param handler - is called later, never from within this call; not at all any more once the connection is closed
   */
  connect(server: ServerAddress, handler: ConnectionHandler): Connection;
}

/** What happens to a connection. */
export interface ConnectionHandler {
  /** It can be written to. */
  opened(): void;
  /** Bytes came. They are valid only during this call. */
  received(bytes: Uint8Array): void;
  /** After `write` returned false: there is room again. */
  drained(): void;
  /** It could not be opened, or has ended; the last call. */
  closed(reason: string): void;
}

/** A byte stream to a server. */
export interface Connection {
  /**
   * Sends bytes, which are not changed afterwards.
   * @returns false if they wait in memory: then better wait for `drained`
   */
  write(bytes: Uint8Array): boolean;
  /** Ends it at once. The handler is not called any more. */
  close(): void;
}
