import type { Id } from "./acl.js";

/**
 * What came of an auth packet: the ids that the connection now has in addition; a refusal (the client gets AuthFailed,
 * then the connection is closed); or a close without an answer, so that the client tries another server.
 */
export type Authentication = readonly Id[] | "authFailed" | "close";

/** A scheme of authentication. Schemes without a provider are unknown: their ids are invalid in ACLs and match nobody. */
export interface AuthenticationProvider {
  readonly scheme: string;
  /** Whether its ids say who made a znode, so that the ACL scheme `auth` stands for them. An address, for one, does not. */
  readonly isAuthenticated: boolean;
  /** @param auth - the auth packet's bytes, or null */
  authenticate(auth: Uint8Array | null, remoteAddress: string): Authentication;
  /** Whether `id` may stand in an ACL. */
  isValid(id: string): boolean;
  /** Whether a connection's id is meant by the id of an ACL entry. */
  matches(id: string, aclId: string): boolean;
  /** The user's name in a connection's id, without anything secret. */
  userName(id: string): string;
}
