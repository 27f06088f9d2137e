import { ProtocolError } from "@quoll/jute";
import type { Acl, Id, RequestedAcl } from "./acl.js";
import type { AuthenticationProviders } from "./authentication-providers.js";

/**
 * Makes of the ACL in a request the one that the znode gets: without duplicates, each entry checked, and `auth` replaced by
 * the ids that the client has authenticated as. The order stays.
 * @param requested - null, or the entries
 * @param ids - of the connection, in their order
 * @returns the ACL; null for InvalidAcl
 * @throws ProtocolError where Java stumbles over a null, which the client gets to see as MarshallingError
 */
export function fixupAcl(
  requested: readonly RequestedAcl[] | null,
  ids: readonly Id[],
  providers: AuthenticationProviders,
): Acl[] | null {
  const unique = withoutDuplicates(requested ?? []);
  if (unique.length === 0) return null;
  const acl: Acl[] = [];
  for (const { perms, scheme, id } of unique) {
    if (scheme === null) return null;
    if (scheme === "auth") {
      const before = acl.length;
      for (const own of ids) {
        if (providers.get(own.scheme)?.isAuthenticated) acl.push({ perms, scheme: own.scheme, id: own.id });
      }
      if (acl.length === before) return null;
    } else {
      const provider = providers.get(scheme);
      if (scheme !== "world" && provider === undefined) return null;
      if (id === null) throw nullIn("id");
      if (!(scheme === "world" && id === "anyone") && !provider?.isValid(id)) return null;
      acl.push({ perms, scheme, id });
    }
  }
  return acl;
}

function withoutDuplicates(acl: readonly RequestedAcl[]): RequestedAcl[] {
  const unique: RequestedAcl[] = [];
  for (const entry of acl) {
    let isNew = true;
    for (const known of unique) {
      // Java compares perms, scheme and id in this order, and the entry's own nulls stop it.
      if (known.perms !== entry.perms) continue;
      if (entry.scheme === null) throw nullIn("scheme");
      if (known.scheme !== entry.scheme) continue;
      if (entry.id === null) throw nullIn("id");
      if (known.id !== entry.id) continue;
      isNew = false;
      break;
    }
    if (isNew) unique.push(entry);
  }
  return unique;
}

function nullIn(what: string): ProtocolError {
  return new ProtocolError(`ACL ${what}`, 0, "a string", "null");
}
