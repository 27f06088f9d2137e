import type { AuthInfo } from "./auth-info.js";
import type { AuthenticationProviders } from "./authentication-providers.js";

/** The settings that make authentication a must, named after ZooKeeper's. */
export interface EnforcedAuthenticationOptions {
  /** `sessionRequireClientSASLAuth`: the older setting, which overrules the other two. */
  readonly sessionRequireClientSaslAuth: boolean;
  /** `enforce.auth.enabled` */
  readonly enforceAuthEnabled: boolean;
  /** `enforce.auth.schemes`, separated by commas */
  readonly enforceAuthSchemes: string | null;
}

export const DEFAULT_ENFORCED_AUTHENTICATION: EnforcedAuthenticationOptions = {
  sessionRequireClientSaslAuth: false,
  enforceAuthEnabled: false,
  enforceAuthSchemes: null,
};

/**
 * Whether a connection must have authenticated before it may send requests other than auth and sasl. One that has not gets
 * SessionClosedRequireSaslAuth (-124, with zxid 0) for its first request, and is then closed.
 */
export class EnforcedAuthentication {
  readonly isEnabled: boolean;
  readonly schemes: readonly string[];

  constructor(options: EnforcedAuthenticationOptions) {
    this.isEnabled = options.sessionRequireClientSaslAuth || options.enforceAuthEnabled;
    this.schemes = options.sessionRequireClientSaslAuth
      ? ["sasl"]
      : (options.enforceAuthSchemes?.split(",").map((scheme) => scheme.trim()) ?? []);
  }

  /** Why the server can't start with these settings, or null. */
  problem(providers: AuthenticationProviders): string | null {
    if (!this.isEnabled) return null;
    if (this.schemes.length === 0) return "enforce.auth.enabled is true, so enforce.auth.schemes must name the schemes";
    for (const scheme of this.schemes) {
      if (providers.get(scheme) === undefined) return `authentication scheme ${scheme} is not available`;
    }
    return null;
  }

  /** Whether a failed SASL exchange ends the connection with -124 too. */
  get isSaslRequired(): boolean {
    return this.isEnabled && this.schemes.includes("sasl");
  }

  allows(authInfo: AuthInfo): boolean {
    if (!this.isEnabled) return true;
    for (const { scheme } of authInfo.ids) if (this.schemes.includes(scheme)) return true;
    return false;
  }
}
