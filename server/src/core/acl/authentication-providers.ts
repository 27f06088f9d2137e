import type { Hashes } from "../capabilities.js";
import type { AuthenticationProvider } from "./authentication-provider.js";
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

  private put(provider: AuthenticationProvider): void {
    this.byScheme.set(provider.scheme, provider);
  }
}
