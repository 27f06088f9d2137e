/** The names of a quota's limits and of what is counted. -1, or absent, is no limit. */
export type StatsField = "count" | "bytes" | "countHardLimit" | "byteHardLimit";

/** The data of `zookeeper_limits` and `zookeeper_stats`: `count=3,bytes=-1=;byteHardLimit=5;countHardLimit=-1`. */
export class StatsTrack {
  private readonly values = new Map<string, number>();

  static parse(text: string): StatsTrack {
    const track = new StatsTrack();
    for (const pair of text.split(/[,;]+/)) {
      const [name, value = ""] = pair.split("=");
      if (name !== "") track.values.set(name!, value === "" ? -1 : Number(value));
    }
    return track;
  }

  get(name: StatsField): number {
    return this.values.get(name) ?? -1;
  }

  set(name: StatsField, value: number): void {
    this.values.set(name, value);
  }

  /** Old parsers know only the first two; the extra equals sign makes them ignore the rest. */
  toString(): string {
    const others = [...this.values].filter(([name]) => name !== "count" && name !== "bytes").sort(byName);
    const rest = others.map(([name, value]) => `;${name}=${value}`).join("");
    return `count=${this.get("count")},bytes=${this.get("bytes")}${rest === "" ? "" : `=${rest}`}`;
  }
}

function byName([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1;
}
