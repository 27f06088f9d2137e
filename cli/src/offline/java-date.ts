/**
 * Dates as ZooKeeper's tools print them on a machine with the locale en_US or C: Java's `DateFormat` and
 * `Date.toString()`. The zone is the machine's, as for Java.
 */
export class JavaDates {
  private readonly parts: Intl.DateTimeFormat;
  private readonly zones: readonly Intl.DateTimeFormat[];
  /** The second that was formatted last: in a log, many txns share one. */
  private lastSecond = Number.NaN;
  private lastText = "";

  constructor(timeZone?: string) {
    const zone = timeZone === undefined ? {} : { timeZone };
    this.parts = new Intl.DateTimeFormat("en-US", {
      ...zone,
      year: "numeric",
      month: "short",
      day: "numeric",
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
    this.zones = ZONE_LOCALES.map((locale) => new Intl.DateTimeFormat(locale, { ...zone, timeZoneName: "short" }));
  }

  /** `11/22/26, 8:45:27 PM UTC`: a short date and a long time. */
  shortLong(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second === this.lastSecond) return this.lastText;
    this.lastText = this.format(ms, ({ month, day, year, time }) => {
      const monthNumber = MONTHS.indexOf(month!) + 1;
      return `${monthNumber}/${day}/${year!.slice(-2)}, ${time} ${this.zone(ms)}`;
    });
    this.lastSecond = second;
    return this.lastText;
  }

  /** `Nov 22, 2026, 8:45:27 PM`: date and time of medium length. */
  medium(ms: number): string {
    return this.format(ms, ({ month, day, year, time }) => `${month} ${day}, ${year}, ${time}`);
  }

  /** `Sun Nov 22 20:45:27 UTC 2026`, as `Date.toString()`. */
  full(ms: number): string {
    return this.format(ms, (fields) => {
      const { weekday, month, day, year, hour, minute, second } = fields;
      const date = `${weekday} ${month} ${day!.padStart(2, "0")}`;
      return `${date} ${hour}:${minute}:${second} ${this.zone(ms)} ${year!.padStart(4, "0")}`;
    });
  }

  private format(ms: number, text: (fields: Readonly<Record<string, string>>) => string): string {
    if (Math.abs(ms) > DATE_MAX_MS) return `${ms} ms`;
    const fields: Record<string, string> = {};
    for (const { type, value } of this.parts.formatToParts(ms)) fields[type] = value;
    const hour = Number(fields["hour"]);
    fields["time"] = `${hour % 12 || 12}:${fields["minute"]}:${fields["second"]} ${hour < 12 ? "AM" : "PM"}`;
    return text(fields);
  }

  /** Java knows `CET`; the American locale of ICU only has `GMT+1`, but others know their own zones. */
  private zone(ms: number): string {
    let first = "";
    for (const format of this.zones) {
      const name = format.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "";
      if (!/^(?:GMT|UTC)[+-]/.test(name)) return name;
      first ||= name;
    }
    return first;
  }
}

const ZONE_LOCALES = ["en-US", "en-GB", "en-IN", "en-AU", "en-NZ", "en-ZA"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DATE_MAX_MS = 8.64e15;
