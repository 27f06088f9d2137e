/** A line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Powers of ten at equal distances; zero is then drawn at the left end. */
  readonly xLog?: boolean;
  readonly yLog?: boolean;
  readonly series: readonly Series[];
}

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 72;
const RIGHT = 24;
const TOP = 40;
const BOTTOM = 76;
/** Distinct in colour and in brightness. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];

/** One axis: where a value lies between 0 and 1, and where lines are drawn. */
export interface Scale {
  readonly ticks: readonly number[];
  place(value: number): number;
}

/** From zero to above the largest, with four to nine lines at 1, 2 or 5 times a power of ten. */
export function linearScale(values: readonly number[]): Scale {
  const largest = Math.max(...values, 0) || 1;
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((size) => largest / size <= 8)!;
  const end = Math.ceil(largest / step - 1e-9) * step;
  const ticks: number[] = [];
  for (let i = 0; i * step <= end * (1 + 1e-9); i++) ticks.push(Number((i * step).toPrecision(12)));
  return { ticks, place: (value) => value / end };
}

/** Whole powers of ten around all values; what is not positive lies at the beginning. */
export function logScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return { ticks: [1, 10], place: () => 0 };
  const from = Math.floor(Math.log10(Math.min(...positive)) + 1e-9);
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...positive)) - 1e-9));
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => Number(`1e${from + i}`));
  return { ticks, place: (value) => (value > 0 ? (Math.log10(value) - from) / (to - from) : 0) };
}

/** Draws lines with a point at each value. @returns an SVG document that needs nothing else */
export function drawPlot({ title, xLabel, yLabel, xLog = false, yLog = false, series }: Plot): string {
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y));
  const x = xLog ? logScale(xs) : linearScale(xs);
  const y = yLog ? logScale(ys) : linearScale(ys);
  const toX = (value: number) => round(LEFT + x.place(value) * (WIDTH - LEFT - RIGHT));
  const toY = (value: number) => round(HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM));
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(WIDTH / 2, 22, title, 'text-anchor="middle" font-size="15"'),
  ];
  for (const tick of x.ticks) {
    out.push(`<path d="M${toX(tick)} ${TOP}V${HEIGHT - BOTTOM}" stroke="#ddd"/>`);
    out.push(text(toX(tick), HEIGHT - BOTTOM + 18, shortNumber(tick), 'text-anchor="middle"'));
  }
  for (const tick of y.ticks) {
    out.push(`<path d="M${LEFT} ${toY(tick)}H${WIDTH - RIGHT}" stroke="#ddd"/>`);
    out.push(text(LEFT - 8, toY(tick) + 4, shortNumber(tick), 'text-anchor="end"'));
  }
  out.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 38, xLabel, 'text-anchor="middle"'));
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  out.push(text(16, middle, yLabel, `text-anchor="middle" transform="rotate(-90 16 ${middle})"`));
  for (const [i, { name, points }] of series.entries()) {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(([px, py], n) => `${n === 0 ? "M" : "L"}${toX(px)} ${toY(py)}`).join("");
    if (points.length > 0) out.push(`<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [px, py] of points) out.push(`<circle cx="${toX(px)}" cy="${toY(py)}" r="3" fill="${colour}"/>`);
    const at = LEFT + (i * (WIDTH - LEFT - RIGHT)) / Math.max(series.length, 3);
    out.push(`<rect x="${round(at)}" y="${HEIGHT - 22}" width="12" height="12" fill="${colour}"/>`);
    out.push(text(round(at + 17), HEIGHT - 12, name, ""));
  }
  return `${out.join("\n")}\n</svg>\n`;
}

/** 1500 as 1.5k, 2000000 as 2M. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  for (const [unit, sign] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (size >= unit) return `${Number((value / unit).toPrecision(3))}${sign}`;
  }
  return String(Number(value.toPrecision(3)));
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}"${attributes === "" ? "" : ` ${attributes}`}>${escapeXml(content)}</text>`;
}

export function escapeXml(content: string): string {
  return content.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
