import type { Authentication, AuthenticationProvider } from "./authentication-provider.js";
import { parseAddress, parseJavaInt } from "./ip-address.js";

/** The scheme `ip`: every connection has its address as an id, and ACLs name an address or a network (`10.0.0.0/8`). */
export class IpAuthentication implements AuthenticationProvider {
  readonly scheme = "ip";
  readonly isAuthenticated = false;

  authenticate(_auth: Uint8Array | null, remoteAddress: string): Authentication {
    return [{ scheme: this.scheme, id: remoteAddress }];
  }

  isValid(id: string): boolean {
    return parseNetwork(id) !== null;
  }

  matches(id: string, aclId: string): boolean {
    const network = parseNetwork(aclId);
    if (network === null) return false;
    const address = parseAddress(id);
    if (address === null || address.length !== network.address.length) return false;
    for (let i = 0, bits = network.bits; bits > 0; i++, bits -= 8) {
      const mask = bits >= 8 ? 0xff : 0xff00 >> bits;
      if (((address[i] ^ network.address[i]) & mask & 0xff) !== 0) return false;
    }
    return true;
  }

  userName(id: string): string {
    return id;
  }
}

function parseNetwork(text: string): { address: number[]; bits: number } | null {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const bitsMax = address.length * 8;
  const bits = slash < 0 ? bitsMax : parseJavaInt(text.slice(slash + 1), 10);
  return bits === null || bits < 0 || bits > bitsMax ? null : { address, bits };
}
