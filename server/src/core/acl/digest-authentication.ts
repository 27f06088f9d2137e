import { decodeUtf8 } from "@quoll/jute";
import type { Hashes } from "../capabilities.js";
import type { Authentication, AuthenticationProvider } from "./authentication-provider.js";

/**
 * The scheme `digest`: ids are `user:base64(hash("user:password"))`. Whoever proves to know a password gets an id, so this
 * never fails: a text without a colon is hashed like any other.
 */
export class DigestAuthentication implements AuthenticationProvider {
  readonly scheme = "digest";
  readonly isAuthenticated = true;

  /**
   * @param algorithm - `DigestAuthenticationProvider.digestAlg`, by default SHA1
   * @param superDigest - `DigestAuthenticationProvider.superDigest`: the id that also makes a client `super`; null for none
   */
  constructor(
    private readonly hashes: Hashes,
    private readonly algorithm: string,
    private readonly superDigest: string | null,
  ) {}

  authenticate(auth: Uint8Array | null): Authentication {
    if (auth === null) return "authFailed";
    const id = this.generateDigest(decodeUtf8(auth, 0, auth.length));
    const digest = { scheme: this.scheme, id };
    return id === this.superDigest ? [{ scheme: "super", id: "" }, digest] : [digest];
  }

  /** The id for `user:password`. */
  generateDigest(idPassword: string): string {
    const user = idPassword.split(":", 1)[0];
    return `${user}:${base64(this.hashes.digest(this.algorithm, utf8(idPassword)))}`;
  }

  isValid(id: string): boolean {
    // Java's split forgets empty parts at the end: `user:` has one part, `user:x::` has two.
    return id.replace(/:+$/, "").split(":").length === 2;
  }

  matches(id: string, aclId: string): boolean {
    return id === aclId;
  }

  userName(id: string): string {
    return id.split(":", 1)[0];
  }
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += BASE64[bits >>> 18] + BASE64[(bits >>> 12) & 63];
    text += i + 1 < bytes.length ? BASE64[(bits >>> 6) & 63] : "=";
    text += i + 2 < bytes.length ? BASE64[bits & 63] : "=";
  }
  return text;
}

/** Real UTF-8, unlike jute's: characters outside the basic plane take four bytes. */
function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    if (codePoint < 0x80) bytes.push(codePoint);
    else if (codePoint < 0x800) bytes.push(0xc0 | (codePoint >> 6), 0x80 | (codePoint & 63));
    else if (codePoint < 0x10000)
      bytes.push(0xe0 | (codePoint >> 12), 0x80 | ((codePoint >> 6) & 63), 0x80 | (codePoint & 63));
    else
      bytes.push(
        0xf0 | (codePoint >> 18),
        0x80 | ((codePoint >> 12) & 63),
        0x80 | ((codePoint >> 6) & 63),
        0x80 | (codePoint & 63),
      );
  }
  return Uint8Array.from(bytes);
}
