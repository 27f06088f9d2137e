/**
 * An address as bytes, 4 or 16, or null. The grammar is that of ZooKeeper's IPAuthenticationProvider: numbers are what
 * `Integer.parseInt` takes, so that `+1` counts as 1, and an IPv6 address cannot end in an IPv4 one.
 */
export function parseAddress(address: string): number[] | null {
  if (address.includes(":")) return parseV6(address);
  return address.includes(".") ? parseV4(address) : null;
}

/** What `Integer.parseInt` makes of a text, or null where it throws. */
export function parseJavaInt(text: string, radix: 10 | 16): number | null {
  if (!(radix === 10 ? /^[+-]?[0-9]+$/ : /^[+-]?[0-9a-fA-F]+$/).test(text)) return null;
  const value = Number.parseInt(text, radix);
  return value >= -0x8000_0000 && value <= 0x7fff_ffff ? value : null;
}

/**
 * A socket's remote address as Java's `getHostAddress` prints it, which is the id of scheme `ip` that clients see: an IPv4
 * address even where the socket gives it as an IPv6 one, and IPv6 addresses with all eight groups.
 */
export function hostAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1];
  const [plain, zone] = address.split("%", 2);
  const bytes = plain.includes(":") ? parseV6(plain) : null;
  if (bytes === null) return address;
  const groups: string[] = [];
  for (let i = 0; i < bytes.length; i += 2) groups.push(((bytes[i] << 8) | bytes[i + 1]).toString(16));
  return groups.join(":") + (zone === undefined ? "" : `%${zone}`);
}

function parseV4(address: string): number[] | null {
  const parts = address.split(".");
  if (parts.length !== 4) return null;
  const bytes: number[] = [];
  for (const part of parts) {
    const value = parseJavaInt(part, 10);
    if (value === null || value < 0 || value > 255) return null;
    bytes.push(value);
  }
  return bytes;
}

function parseV6(address: string): number[] | null {
  const parts = address.split("::");
  if (parts.length > 2) return null;
  const head = parts.length === 2 && parts[0] === "" ? [] : parts[0].split(":");
  const tail = parts.length === 1 || parts[1] === "" ? [] : parts[1].split(":");
  const groups = head.length + tail.length;
  if (parts.length === 1 ? groups !== 8 : groups >= 8) return null;
  const bytes = new Array<number>(16).fill(0);
  return putGroups(bytes, 0, head) && putGroups(bytes, 16 - 2 * tail.length, tail) ? bytes : null;
}

function putGroups(bytes: number[], at: number, groups: string[]): boolean {
  for (const group of groups) {
    const value = group.length > 4 ? null : parseJavaInt(group, 16);
    if (value === null) return false;
    bytes[at++] = (value >> 8) & 0xff;
    bytes[at++] = value & 0xff;
  }
  return true;
}
