import { createHash } from "node:crypto";
import type { Acl } from "../../src/core/acl/acl.js";
import { AclChecker } from "../../src/core/acl/acl-checker.js";
import {
  type AuthenticationOptions,
  AuthenticationProviders,
  DEFAULT_AUTHENTICATION,
} from "../../src/core/acl/authentication-providers.js";
import { DEFAULT_ENFORCED_AUTHENTICATION, EnforcedAuthentication } from "../../src/core/acl/enforced-authentication.js";
import type { Hashes } from "../../src/core/capabilities.js";

export const HASHES: Hashes = {
  digest: (algorithm, bytes) => createHash(algorithm.replace("-", "")).update(bytes).digest(),
};

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function providers(options: Partial<AuthenticationOptions> = {}): AuthenticationProviders {
  return new AuthenticationProviders({ ...DEFAULT_AUTHENTICATION, ...options }, HASHES);
}

/** @param lists - the ACL table: the list at index i has id i */
export function checker(
  options: Partial<AuthenticationOptions> = {},
  lists: readonly (readonly Acl[])[] = [],
  skipAcl = false,
): AclChecker {
  const enforced = new EnforcedAuthentication(DEFAULT_ENFORCED_AUTHENTICATION);
  const table = { get: (id: number) => (id in lists ? { entries: lists[id] } : undefined) };
  return new AclChecker(providers(options), enforced, table, skipAcl);
}
