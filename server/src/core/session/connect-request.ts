import type { Reader, Writer } from "@quoll/jute";
import { PASSWORD_BYTES, writeSessionPassword } from "./session-password.js";

/** What a client asks for with its first frame. One is used for all of them. */
export class ConnectRequestFrame {
  lastZxidSeen = 0;
  timeoutMs = 0;
  /** Both 0 for a new session. */
  sessionHi = 0;
  sessionLo = 0;
  passwordStart = 0;
  passwordEnd = 0;
  /** Clients before 3.4 have no such byte, and then the answer has none. */
  knowsReadOnly = false;
  /** Whether a server that only reads will do. */
  readOnly = false;

  /**
   * ConnectRequest{int protocolVersion, long lastZxidSeen, int timeOut, long sessionId, buffer passwd[, bool readOnly]}.
   * @throws ProtocolError
   */
  read(reader: Reader): void {
    reader.int();
    this.lastZxidSeen = reader.int() * 0x1_0000_0000 + (reader.int() >>> 0);
    this.timeoutMs = reader.int();
    this.sessionHi = reader.int();
    this.sessionLo = reader.int();
    const length = reader.length("passwd");
    this.passwordStart = reader.at;
    if (length > 0) reader.at += length;
    this.passwordEnd = reader.at;
    this.knowsReadOnly = reader.remaining > 0;
    this.readOnly = this.knowsReadOnly && reader.bool();
  }
}

/**
 * Appends the answer, with its length: ConnectResponse{int protocolVersion, int timeOut, long sessionId, buffer passwd
 * [, bool readOnly]}.
 * @param timeoutMs - 0, as the id, when the client has no session
 * @param isReadOnly - whether this server only reads; null for a client that does not know the byte
 */
export function writeConnectResponse(
  out: Writer,
  timeoutMs: number,
  sessionHi: number,
  sessionLo: number,
  isReadOnly: boolean | null,
): void {
  const at = out.at;
  out.int(0);
  out.int(0);
  out.int(timeoutMs);
  out.int(sessionHi);
  out.int(sessionLo);
  out.int(PASSWORD_BYTES);
  out.reserve(PASSWORD_BYTES);
  if (timeoutMs > 0) writeSessionPassword(sessionHi, sessionLo, out.bytes, out.at);
  else out.bytes.fill(0, out.at, out.at + PASSWORD_BYTES);
  out.at += PASSWORD_BYTES;
  if (isReadOnly !== null) out.bool(isReadOnly);
  out.patchInt(at, out.at - at - 4);
}
