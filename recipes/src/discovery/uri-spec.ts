/** One part of a {@link UriSpec}: literal text, or the name of a variable. */
export interface UriPart {
  /** The text, or the name of the variable. */
  readonly value: string;
  /** Which of both it is. */
  readonly variable: boolean;
}

/** How an instance's URI is put together, as curator-x-discovery writes it. */
export interface UriSpec {
  /** In their order. */
  readonly parts: readonly UriPart[];
}

/**
 * Reads a pattern such as `{scheme}://{address}:{port}`.
 * @throws RangeError when braces do not match
 */
export function parseUriSpec(pattern: string): UriSpec {
  const parts: UriPart[] = [];
  let at = 0;
  while (at < pattern.length) {
    const open = pattern.indexOf("{", at);
    const literal = pattern.slice(at, open < 0 ? pattern.length : open);
    if (literal.includes("}")) throw new RangeError(`${pattern}: } without {`);
    if (literal !== "") parts.push({ value: literal, variable: false });
    if (open < 0) break;
    const close = pattern.indexOf("}", open);
    const name = pattern.slice(open + 1, close < 0 ? pattern.length : close);
    if (close < 0 || name.includes("{")) throw new RangeError(`${pattern}: { without }`);
    if (name.trim() !== "") parts.push({ value: name.trim(), variable: true });
    at = close + 1;
  }
  return { parts };
}

/** What of a service's instance its URI may name. */
export interface UriSubject {
  /** The service's. */
  readonly name: string;
  /** The instance's. */
  readonly id: string;
  /** For `address`. */
  readonly address: string | null;
  /** For `port`. */
  readonly port: number | null;
  /** For `ssl-port`; decides `scheme`. */
  readonly sslPort: number | null;
  /** For `registration-time-utc`. */
  readonly registrationTimeUTC: number;
  /** For `service-type`, in small letters. */
  readonly serviceType: string;
}

/**
 * The URI of an instance. The variables are `scheme` (`https` if there is an SSL port), `name`, `id`, `address`, `port`,
 * `ssl-port`, `registration-time-utc`, `service-type`, `[` and `]` for braces, and what `variables` adds or replaces.
 * An unknown one becomes nothing.
 */
export function buildUri(
  spec: UriSpec,
  subject: UriSubject | null,
  variables: Readonly<Record<string, string | number>> = {},
): string {
  const known = new Map<string, string | number>([
    ["[", "{"],
    ["]", "}"],
    ["scheme", subject?.sslPort == null ? "http" : "https"],
  ]);
  if (subject !== null) {
    known.set("name", subject.name);
    known.set("id", subject.id);
    known.set("address", subject.address ?? "");
    known.set("port", subject.port ?? "");
    known.set("ssl-port", subject.sslPort ?? "");
    known.set("registration-time-utc", subject.registrationTimeUTC);
    known.set("service-type", subject.serviceType.toLowerCase());
  }
  for (const [name, value] of Object.entries(variables)) known.set(name, value);
  return spec.parts.map(({ value, variable }) => (variable ? String(known.get(value) ?? "") : value)).join("");
}
