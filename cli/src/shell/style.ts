type Tone = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";

const CODES: Readonly<Record<Tone, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

/** Colours for a terminal, or none at all. */
export class Style {
  constructor(readonly isOn: boolean) {}

  paint(tone: Tone, text: string): string {
    if (!this.isOn || text === "") return text;
    const [on, off] = CODES[tone];
    return `\x1b[${on}m${text}\x1b[${off}m`;
  }
}

/** Whether colours are wanted: not with NO_COLOR (no-color.org) and not on a dumb terminal. */
export function wantsColor(env: Readonly<Record<string, string | undefined>>): boolean {
  return !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
