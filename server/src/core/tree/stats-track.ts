/**
 * The text of `zookeeper_limits` and `zookeeper_stats`: `count=5,bytes=100`, and where there are more keys (the hard
 * limits) `=;byteHardLimit=200;countHardLimit=10`. The lone `=` keeps readers older than hard limits content.
 */
export class StatsTrack {
  private readonly stats = new Map<string, number>();

  /** @returns null when the text is not of this form */
  static parse(text: string): StatsTrack | null {
    const track = new StatsTrack();
    const pairs = text.split(/[,;]+/);
    while (pairs.at(-1) === "") pairs.pop();
    for (const pair of pairs) {
      const parts = pair.split("=");
      while (parts.at(-1) === "") parts.pop();
      if (parts.length < 2 || !/^([+-]?\d+)?$/.test(parts[1])) return null;
      track.stats.set(parts[0], parts[1] === "" ? -1 : Number(parts[1]));
    }
    return track;
  }

  /** -1 where there is none, as for the others. */
  get count(): number {
    return this.stats.get("count") ?? -1;
  }
  set count(value: number) {
    this.stats.set("count", value);
  }
  get bytes(): number {
    return this.stats.get("bytes") ?? -1;
  }
  set bytes(value: number) {
    this.stats.set("bytes", value);
  }
  get countHardLimit(): number {
    return this.stats.get("countHardLimit") ?? -1;
  }
  get byteHardLimit(): number {
    return this.stats.get("byteHardLimit") ?? -1;
  }

  toString(): string {
    const more = [...this.stats.keys()].filter((key) => key !== "count" && key !== "bytes").sort();
    const tail = more.map((key) => `;${key}=${this.stats.get(key)}`).join("");
    return `count=${this.count},bytes=${this.bytes}${tail === "" ? "" : `=${tail}`}`;
  }
}
