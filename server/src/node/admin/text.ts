import type { Int64 } from "./server-view.js";

/** `Long.toHexString`: unsigned, without leading zeros. */
export function hex(value: Int64): string {
  const hi = value.hi >>> 0;
  const lo = (value.lo >>> 0).toString(16);
  return hi === 0 ? lo : hi.toString(16) + lo.padStart(8, "0");
}

/** A number as `Long.toHexString` writes it; of the negative ones only -1 occurs. */
export function hexNumber(value: number): string {
  return BigInt.asUintN(64, BigInt(value)).toString(16);
}

/** `Long.toString`: signed. */
export function decimal(value: Int64): string {
  return BigInt.asIntN(64, (BigInt(value.hi >>> 0) << 32n) | BigInt(value.lo >>> 0)).toString();
}

/** `Double.toString` for the numbers that occur here: at least one digit after the point. */
export function double(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toFixed(1);
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e7) return String(value);
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  return `${digits.includes(".") ? digits : `${digits}.0`}E${Number(exponent)}`;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Date.toString` of Java: `Sun Nov 22 18:06:54 UTC 2026`. Always in UTC, whatever the machine's zone. */
export function javaDate(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate())}`;
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day} ${time} UTC ${date.getUTCFullYear()}`;
}

/** How Java prints an `InetSocketAddress` without host name: `/127.0.0.1:2181`, `/[0:0:0:0:0:0:0:1]:2181`. */
export function socketAddress(address: string, port: number): string {
  return address.includes(":") ? `/[${fullIPv6(address)}]:${port}` : `/${address}:${port}`;
}

/** Java writes all eight groups of an IPv6 address, without leading zeros, and keeps the zone. */
function fullIPv6(address: string): string {
  const [plain, zone] = address.split("%") as [string, string | undefined];
  const [head, tail] = plain.split("::") as [string, string | undefined];
  const groups = (text: string | undefined): string[] => (text === undefined || text === "" ? [] : text.split(":"));
  const before = groups(head);
  const after = groups(tail);
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill("0");
  const all = [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16).toString(16));
  return all.join(":") + (zone === undefined ? "" : `%${zone}`);
}
