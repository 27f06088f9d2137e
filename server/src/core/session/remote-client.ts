import { Reader } from "@quoll/jute";
import type { Id } from "../acl/acl.js";
import { AuthInfo } from "../acl/auth-info.js";
import { sameBytes } from "../request/path.js";
import type { SessionOwner } from "./session-tracker.js";

/** The lengths of scheme and id. */
const ID_BYTES_MIN = 8;

/** A client of another server, as that server's requests show it to the leader. */
export class RemoteClient {
  private constructor(
    readonly owner: SessionOwner,
    readonly auth: AuthInfo,
    private readonly encoded: Uint8Array,
  ) {}

  /**
   * @param bytes - `start` to `end` is a jute vector of Id, null for none
   * @throws ProtocolError when it is not
   */
  static decode(owner: SessionOwner, bytes: Uint8Array, start: number, end: number): RemoteClient {
    const reader = new Reader(bytes, start, end);
    const count = reader.count(ID_BYTES_MIN);
    const ids: Id[] = [];
    for (let i = 0; i < count; i++) {
      const scheme = reader.string();
      const id = reader.string();
      if (scheme !== null && id !== null) ids.push({ scheme, id });
    }
    return new RemoteClient(owner, AuthInfo.of(ids), bytes.slice(start, end));
  }

  /** Whether this is still the same client, with the same ids. */
  is(owner: SessionOwner, bytes: Uint8Array, start: number, end: number): boolean {
    return this.owner === owner && sameBytes(this.encoded, 0, this.encoded.length, bytes, start, end);
  }
}
