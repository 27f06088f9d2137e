import { parseProperties } from "@quoll/server/internal";

/**
 * What `config -c` prints: the version of the configuration, a space, and the client addresses that its `server.N` lines
 * name. They stand in the order in which Java's hash table holds the lines, which scripts may have come to expect.
 */
export function clientConfigText(config: string): string {
  const properties = new Map(parseProperties(config, "config").map(({ key, value }) => [key.trim(), value.trim()]));
  // A server without a client address leaves an empty place.
  const addresses = inJavaOrder([...properties])
    .filter(([key]) => key.startsWith("server."))
    .map(([, value]) => clientAddress(value));
  return `${properties.get("version") ?? ""} ${addresses.join(",")}`;
}

/** `host:port` behind the semicolon of a server line; a port alone is on all addresses. */
function clientAddress(server: string): string {
  const [, client] = server.split(";");
  if (client === undefined) return "";
  const [, host = "0.0.0.0", port] = /^(?:\[?([^\]]*?)\]?:)?(\d+)$/.exec(client) ?? [];
  return port === undefined ? "" : `${host.includes(":") ? fullIpv6(host) : host}:${port}`;
}

/** All eight numbers, as Java prints an address of IPv6. */
function fullIpv6(address: string): string {
  const [head = "", tail] = address.split("::");
  const numbers = (text: string) => (text === "" ? [] : text.split(":"));
  const left = numbers(head);
  const right = tail === undefined ? [] : numbers(tail);
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  return [...left, ...zeros, ...right].map((number) => number.toLowerCase().replace(/^0+(?=.)/, "")).join(":");
}

/** A ConcurrentHashMap, which java.util.Properties is made of, starts with 16 buckets and grows when 3/4 full. */
function inJavaOrder<Value>(entries: Array<[string, Value]>): Array<[string, Value]> {
  let buckets = 16;
  while (entries.length > buckets * 0.75) buckets *= 2;
  const bucketOf = (key: string) => {
    let hash = 0;
    for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
    return (hash ^ (hash >>> 16)) & (buckets - 1);
  };
  return entries.sort(([a], [b]) => bucketOf(a) - bucketOf(b));
}

/** The membership in a file for `reconfig -file`, as the server reads it. */
export function membersOf(file: string): string {
  const lines = parseProperties(file, "members").map(({ key, value }) => `${key.trim()}=${value.trim()}`);
  return lines.filter((line) => /^(?:server\.|group|weight|version=)/.test(line)).join("\n");
}
