import type { Connection } from "../connection.js";
import { KeeperCode } from "../keeper-code.js";
import { OpCode } from "../op-code.js";
import type { Pending } from "../request/pending.js";
import type { Session } from "../session/session-tracker.js";
import type { Role, RoleServer } from "./role.js";

/**
 * A server that has lost its ensemble and still shows what it has, to clients that said that they are content with that.
 * Their sessions are local ones; nothing is decided here.
 */
export class ReadOnly implements Role {
  readonly mode = "read-only";
  readonly asksForSync = true;
  readonly outstanding = 0;

  constructor(private readonly server: RoleServer) {}

  get zxid(): number {
    return this.server.tree.lastProcessedZxid;
  }

  tick(): void {}

  forEachUncommitted(): void {}

  /** Never called: every new session is a local one. */
  createSession(connection: Connection): void {
    this.server.end(connection);
  }

  /** Whether it is alive only a leader knows: its client looks for one, and must not be told that it is not. */
  resumeSession(connection: Connection, idHi: number, idLo: number): void {
    if (this.server.tree.sessions.has(idHi, idLo)) this.server.end(connection);
    else this.server.refuse(connection);
  }

  closeSession(connection: Connection, xid: number): void {
    this.write(connection, OpCode.closeSession, xid);
  }

  expired(_session: Session): void {}

  detached(_connection: Connection): void {}

  write(connection: Connection, type: number, xid: number): void {
    this.server.answerByCode(connection, type, xid, KeeperCode.NotReadOnly);
  }

  awaitSync(pending: Pending): void {
    pending.err = KeeperCode.NotReadOnly;
    this.server.syncDone(pending);
  }
}
