import type { Hashes } from "../capabilities.js";
import type { AuthInfo } from "./auth-info.js";
import type { Authentication, AuthenticationProvider } from "./authentication-provider.js";
import { DigestAuthentication } from "./digest-authentication.js";
import { EnsembleAuthentication } from "./ensemble-authentication.js";
import { IpAuthentication } from "./ip-authentication.js";
import { SaslAuthentication } from "./sasl-authentication.js";

/** The settings of authentication, named after ZooKeeper's. */
export interface AuthenticationOptions {
  /** `DigestAuthenticationProvider.enabled` */
  readonly digestEnabled: boolean;
  /** `DigestAuthenticationProvider.digestAlg` */
  readonly digestAlg: string;
  /** `DigestAuthenticationProvider.superDigest` */
  readonly superDigest: string | null;
  /** Whether an `authProvider.N` names Java's EnsembleAuthenticationProvider. */
  readonly ensembleEnabled: boolean;
  /** `ensembleAuthName` */
  readonly ensembleAuthName: string | null;
  /** Whether an `authProvider.N` names Java's SASLAuthenticationProvider. */
  readonly saslEnabled: boolean;
  /** `letAnySaslUserDoX` */
  readonly letAnySaslUserDoX: string | null;
}

export const DEFAULT_AUTHENTICATION: AuthenticationOptions = {
  digestEnabled: true,
  digestAlg: "SHA1",
  superDigest: null,
  ensembleEnabled: false,
  ensembleAuthName: null,
  saslEnabled: false,
  letAnySaslUserDoX: null,
};

/** The schemes that this server knows. `world`, `auth` and `super` are none of them: they mean something only in ACLs. */
export class AuthenticationProviders {
  private readonly byScheme = new Map<string, AuthenticationProvider>();

  constructor(options: AuthenticationOptions, hashes: Hashes) {
    this.put(new IpAuthentication());
    if (options.digestEnabled) this.put(new DigestAuthentication(hashes, options.digestAlg, options.superDigest));
    if (options.ensembleEnabled) this.put(new EnsembleAuthentication(options.ensembleAuthName));
    if (options.saslEnabled) this.put(new SaslAuthentication(options.letAnySaslUserDoX));
  }

  get(scheme: string): AuthenticationProvider | undefined {
    return this.byScheme.get(scheme);
  }

  /**
   * Handles an auth packet: on success its ids are added to the connection's.
   * @param auth - the packet's bytes, or null
   * @returns what is to become of the connection: `authFailed` is answered with AuthFailed and then closed
   */
  addAuth(authInfo: AuthInfo, scheme: string | null, auth: Uint8Array | null): "ok" | "authFailed" | "close" {
    const provider = scheme === null ? undefined : this.byScheme.get(scheme);
    const result: Authentication = provider?.authenticate(auth, authInfo.remoteAddress) ?? "authFailed";
    if (typeof result === "string") return result;
    for (const id of result) if (!authInfo.add(id)) return "authFailed";
    return "ok";
  }

  /** The answer to whoAmI: each of the connection's ids with its user's name, "" where the scheme has none to tell. */
  whoAmI(authInfo: AuthInfo): { authScheme: string; user: string }[] {
    return authInfo.ids.map(({ scheme, id }) => ({ authScheme: scheme, user: this.byScheme.get(scheme)?.userName(id) ?? "" }));
  }

  private put(provider: AuthenticationProvider): void {
    this.byScheme.set(provider.scheme, provider);
  }
}
