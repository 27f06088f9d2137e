import { KeeperCode } from "../keeper-code.js";
import { OPEN_ACL_ID } from "../tree/tree.js";
import type { Acl, RequestedAcl } from "./acl.js";
import { AuthInfo } from "./auth-info.js";
import type { AuthenticationProviders } from "./authentication-providers.js";
import type { EnforcedAuthentication } from "./enforced-authentication.js";
import { fixupAcl } from "./fixup-acl.js";
import { hostAddress } from "./ip-address.js";

/** Every bit: nothing is checked. */
const ALL_PERMS = -1;
const NO_ENTRIES: readonly Acl[] = [];

/** The part of the ACL table that the checks need. */
export interface AclLists {
  get(aclId: number): { readonly entries: readonly Acl[] } | undefined;
}

/** Knows who the clients are, and decides who may do what. */
export class AclChecker {
  /** @param skipAcl - `zookeeper.skipACL=yes`: everyone may do everything */
  constructor(
    private readonly providers: AuthenticationProviders,
    private readonly enforced: EnforcedAuthentication,
    private readonly lists: AclLists,
    private readonly skipAcl: boolean,
  ) {}

  /** What is known of a new connection: where it comes from. @param remoteAddress - as the socket gives it */
  newAuth(remoteAddress: string): AuthInfo {
    return new AuthInfo(hostAddress(remoteAddress));
  }

  /**
   * Handles an auth packet; on success the connection has the ids that it proves.
   * @param bytes - the packet's `auth`, or null; copied where needed
   * @returns what is to become of the connection: `authFailed` is answered with AuthFailed and then closed, `close` is
   *   closed without an answer, so that the client looks for the right ensemble
   */
  authenticate(auth: AuthInfo, scheme: string | null, bytes: Uint8Array | null): "ok" | "authFailed" | "close" {
    const result = (scheme === null ? undefined : this.providers.get(scheme))?.authenticate(bytes, auth.remoteAddress);
    if (result === undefined) return "authFailed";
    if (typeof result === "string") return result;
    for (const id of result) if (!auth.add(id)) return "authFailed";
    return "ok";
  }

  /**
   * Whether the connection may send requests other than auth and sasl.
   * @returns Ok, or SessionClosedRequireSaslAuth: the answer to its request, with zxid 0, before it is closed
   */
  enforce(auth: AuthInfo): KeeperCode.Ok | KeeperCode.SessionClosedRequireSaslAuth {
    return this.enforced.allows(auth) ? KeeperCode.Ok : KeeperCode.SessionClosedRequireSaslAuth;
  }

  /** The answer to whoAmI: each id of the connection with its user's name, "" where the scheme has none to tell. */
  clientInfos(auth: AuthInfo): { scheme: string; user: string }[] {
    return auth.ids.map(({ scheme, id }) => ({ scheme, user: this.providers.get(scheme)?.userName(id) ?? "" }));
  }

  /**
   * Whether the connection may do at least one of the things in `perms` to a znode with this ACL; false is NoAuth. Costs a
   * look-up: what an ACL gives to a connection is worked out once.
   */
  allows(aclId: number, perms: number, auth: AuthInfo): boolean {
    if (aclId === OPEN_ACL_ID || this.skipAcl || auth.isSuper) return true;
    let given = auth.remembered(aclId);
    if (given === undefined) {
      const list = this.lists.get(aclId);
      // Damage, or an ACL that went with its last znode: nobody knows who was meant.
      if (list === undefined) return false;
      given = this.given(list.entries, auth);
      auth.remember(aclId, given);
    }
    return (given & perms) !== 0;
  }

  /** The same for an ACL that is not interned yet, or not any more. */
  allowsList(acl: readonly Acl[], perms: number, auth: AuthInfo): boolean {
    return this.skipAcl || auth.isSuper || (this.given(acl, auth) & perms) !== 0;
  }

  /** The entries of an interned ACL. */
  list(aclId: number): readonly Acl[] {
    return this.lists.get(aclId)?.entries ?? NO_ENTRIES;
  }

  /** An ACL as it is shown to who has no ADMIN: without the hashes of passwords. */
  redact(acl: readonly Acl[]): readonly Acl[] {
    return acl.map(withoutPassword);
  }

  /** {@link fixupAcl} for the client of a connection; null stands for the server itself, which has no ids. */
  fixup(requested: readonly RequestedAcl[] | null, auth: AuthInfo | null): Acl[] | null {
    return fixupAcl(requested, auth === null ? [] : auth.ids, this.providers);
  }

  /** The permissions that an ACL gives. An empty one, which only old data can have, protects nothing. */
  private given(acl: readonly Acl[], auth: AuthInfo): number {
    if (acl.length === 0) return ALL_PERMS;
    let perms = 0;
    for (const entry of acl) if ((entry.perms & ~perms) !== 0 && this.means(entry, auth)) perms |= entry.perms;
    return perms;
  }

  private means(entry: Acl, auth: AuthInfo): boolean {
    if (entry.scheme === "world" && entry.id === "anyone") return true;
    const provider = this.providers.get(entry.scheme);
    if (provider === undefined) return false;
    for (const { scheme, id } of auth.ids) {
      if (scheme === entry.scheme && provider.matches(id, entry.id)) return true;
    }
    return false;
  }
}

/** Java's `replaceAll(":.*", ":x")`, whose dot stops at a line's end. */
function withoutPassword(entry: Acl): Acl {
  if (entry.scheme !== "digest") return entry;
  return { perms: entry.perms, scheme: entry.scheme, id: entry.id.replace(/:[^\n\r\u0085\u2028\u2029]*/g, ":x") };
}
