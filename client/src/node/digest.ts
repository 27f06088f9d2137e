import { createHash } from "node:crypto";
import { type ACL, Perms } from "../core/acl.js";

/**
 * The id of an ACL entry of the scheme `digest`: `user:base64(sha1("user:password"))`.
 * @param algorithm - as configured on the servers (`DigestAuthenticationProvider.digestAlg`); SHA-1 by default
 */
export function digestId(user: string, password: string, algorithm = "sha1"): string {
  const hash = createHash(algorithm).update(`${user}:${password}`).digest("base64");
  return `${user}:${hash}`;
}

/** An ACL entry for those who authenticate as that user with {@link ZooKeeper.addAuth}. */
export function digestAcl(user: string, password: string, perms: number = Perms.ALL): ACL {
  return { perms, scheme: "digest", id: digestId(user, password) };
}
