import { decodeUtf8 } from "@quoll/jute";
import type { Authentication, AuthenticationProvider } from "./authentication-provider.js";

/**
 * The scheme `ensemble`: no authentication, but a check that the client has reached the ensemble that it wants. It gives no
 * id and is not for ACLs.
 */
export class EnsembleAuthentication implements AuthenticationProvider {
  readonly scheme = "ensemble";
  readonly isAuthenticated = false;
  private readonly names: readonly string[] | null;

  /** @param names - `ensembleAuthName`, separated by commas; null accepts every name */
  constructor(names: string | null) {
    this.names = names === null ? null : names.split(",").map((name) => name.trim());
  }

  authenticate(auth: Uint8Array | null): Authentication {
    if (auth === null || auth.length === 0 || this.names === null) return [];
    return this.names.includes(decodeUtf8(auth, 0, auth.length)) ? [] : "close";
  }

  isValid(): boolean {
    return false;
  }

  matches(): boolean {
    return false;
  }

  userName(id: string): string {
    return id;
  }
}
