/**
 * Where a client stands:
 * - `connecting`: it has no session yet, or no more, and looks for a server;
 * - `connected`: it has a session, on a server that takes writes;
 * - `connectedReadOnly`: on a server without a quorum (only with `readOnly: true`); it goes on looking for another;
 * - `disconnected`: it has a session, which may still live, and looks for a server;
 * - `expired`: the server has ended the session. Said once, by a server, never guessed. Followed by `connecting`, with a
 *   new session, unless `renewSession` is false;
 * - `authFailed`: a server refused who we are; final;
 * - `closed`: by the user; final.
 */
export type SessionState =
  | "connecting"
  | "connected"
  | "connectedReadOnly"
  | "disconnected"
  | "expired"
  | "authFailed"
  | "closed";

/** Whether requests are answered now. */
export function isConnected(state: SessionState): boolean {
  return state === "connected" || state === "connectedReadOnly";
}
