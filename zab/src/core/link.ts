import type { Writer } from "@quoll/jute";

/** Where a server listens. IPv6 addresses stand without their brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * One connection between two servers, as the core sees it. The shell owns the socket (and TLS or SASL, which are done
 * before the core hears of the link): it sends {@link out} once per turn and tells the {@link LinkHandler} what happens.
 */
export interface Link {
  /** The other side's address, for log lines and limits. */
  readonly remoteAddress: string;
  /** What is to be sent. After writing to it call {@link touch}; whatever stays below the limits of its owner is kept. */
  readonly out: Writer;
  /** Bytes that were taken out of {@link out} but not yet by the kernel: the other side does not read fast enough. */
  readonly unsentBytes: number;
  /** `out` holds something: it leaves at the end of the turn. */
  touch(): void;
  /** Ends the connection after `out` is sent, or at once. Its handler is told nothing any more. */
  close(after?: "sent" | "now"): void;
}

/** Who owns a link: hears what comes from it. Nothing is called after {@link closed}. */
export interface LinkHandler {
  /** Bytes from the other side, valid during the call only. */
  received(bytes: Uint8Array): void;
  /** The other side has read: {@link Link.unsentBytes} has gone down. */
  drained(): void;
  /** The connection is gone, by the other side or by a failure. */
  closed(reason: string): void;
}

/** How a server is connected to. */
export interface Dialer {
  /**
   * Tries the addresses of one server, in order or at once, within a time.
   * @param connected - called with the link; returns who owns it
   * @param failed - called instead, with the reason; never both
   * @returns stops the attempt, after which neither is called
   */
  dial(
    addresses: readonly HostPort[],
    timeoutMs: number,
    connected: (link: Link) => LinkHandler,
    failed: (reason: string) => void,
  ): () => void;
}
