import { ZONE_NAMES } from "./zone-names.js";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A moment as `java.util.Date` prints it in this machine's time zone: `Sun Nov 22 20:43:47 UTC 2026`. */
export function javaDate(timeMs: number): string {
  const date = new Date(timeMs);
  if (Number.isNaN(date.getTime())) return `${timeMs}`;
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const day = `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${two(date.getDate())}`;
  return `${day} ${clock} ${zoneName(date)} ${String(date.getFullYear()).padStart(4, "0")}`;
}

function zoneName(date: Date): string {
  const year = date.getFullYear();
  const offset = -date.getTimezoneOffset();
  const standard = Math.min(-new Date(year, 0, 1).getTimezoneOffset(), -new Date(year, 6, 1).getTimezoneOffset());
  // What TZ says is not always what Intl makes of it: GMT becomes UTC.
  const names = namesOf(process.env["TZ"] ?? "") ?? namesOf(Intl.DateTimeFormat().resolvedOptions().timeZone);
  if (names !== null) return offset > standard ? names.daylight : names.standard;
  const minutes = Math.abs(offset);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `GMT${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

function namesOf(zone: string): { standard: string; daylight: string } | null {
  for (const [standard, daylight, zones] of ZONE_NAMES) {
    if (zones.split(" ").includes(zone)) return { standard, daylight };
  }
  return null;
}
