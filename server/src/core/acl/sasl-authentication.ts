import type { Authentication, AuthenticationProvider } from "./authentication-provider.js";

/** The scheme `sasl`: ids come from the SASL exchange, never from an auth packet. They look like Kerberos principals. */
export class SaslAuthentication implements AuthenticationProvider {
  readonly scheme = "sasl";
  readonly isAuthenticated = true;

  /** @param letAnySaslUserDoX - the id that, in an ACL, stands for every SASL user; null for none */
  constructor(private readonly letAnySaslUserDoX: string | null) {}

  authenticate(): Authentication {
    return "authFailed";
  }

  isValid(id: string): boolean {
    return !id.includes("@") || /^[^/@]*(?:\/[^/@]*)?@[^/@]*$/.test(id);
  }

  matches(id: string, aclId: string): boolean {
    return id === "super" || id === aclId || (this.letAnySaslUserDoX !== null && aclId === this.letAnySaslUserDoX);
  }

  userName(id: string): string {
    return id;
  }
}
