import { KeeperCode } from "../keeper-code.js";
import type { SessionOwner, SessionTracker } from "./session-tracker.js";

/**
 * Whether a session may do what it asks for: where its writes are decided, which is at the leader or at a server by itself.
 *
 * Where local sessions are enabled, a session that the leader does not know may be a local one of another server, and is
 * taken for that unless its id was given by the leader.
 */
export class SessionChecks {
  /**
   * @param unknown - the code for a session that nobody knows: SessionExpired in an ensemble
   * @param serverId - this server's, the top byte of the ids that it gives; -1 where local sessions are not enabled
   */
  constructor(
    private readonly sessions: SessionTracker,
    private readonly unknown: KeeperCode.UnknownSession | KeeperCode.SessionExpired,
    private readonly serverId: number,
  ) {}

  /** @returns Ok, UnknownSession, SessionExpired, or SessionMoved if the session has another owner */
  check(idHi: number, idLo: number, owner: SessionOwner): KeeperCode {
    const code = this.sessions.check(idHi, idLo, owner);
    if (code !== KeeperCode.UnknownSession) return code;
    return this.serverId >= 0 && idHi >>> 24 !== this.serverId ? KeeperCode.Ok : this.unknown;
  }

  /** The same for what only a session may do that all servers know: to own ephemeral znodes. */
  checkGlobal(idHi: number, idLo: number, owner: SessionOwner): KeeperCode {
    const code = this.sessions.check(idHi, idLo, owner);
    if (code === KeeperCode.UnknownSession) return KeeperCode.SessionExpired;
    if (code === KeeperCode.Ok && this.sessions.get(idHi, idLo)!.isLocal) return KeeperCode.EphemeralOnLocalSession;
    return code;
  }
}
