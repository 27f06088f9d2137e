/** The session timeout that a client gets: what it asked for, within the server's bounds. All in milliseconds. */
export function negotiateTimeout(
  requestedMs: number,
  minSessionTimeoutMs: number,
  maxSessionTimeoutMs: number,
): number {
  // In Java's order: if the bounds contradict each other, the upper one wins.
  return Math.min(Math.max(requestedMs, minSessionTimeoutMs), maxSessionTimeoutMs);
}
