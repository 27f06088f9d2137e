import { escapeXml } from "./plot.js";

/** What V8 writes with `--cpu-prof`, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  /** Ids of nodes, one per sample. */
  readonly samples: readonly number[];
  /** Microseconds between a sample and the one before it. */
  readonly timeDeltas: readonly number[];
}

/** A function as it was called from above, with the time spent in it and below. */
export interface Frame {
  readonly name: string;
  readonly micros: number;
  readonly children: readonly Frame[];
}

/**
 * The tree of calls, without the time in which the thread waited for events.
 * @param skipMs - of the beginning: the start of a server is not what its load costs
 */
export function callTree({ nodes, samples, timeDeltas }: CpuProfile, skipMs = 0): Frame {
  const selfMicros = new Map<number, number>();
  let atMicros = 0;
  for (const [i, id] of samples.entries()) {
    const micros = Math.max(0, timeDeltas[i] ?? 0);
    atMicros += micros;
    if (atMicros > skipMs * 1000) selfMicros.set(id, (selfMicros.get(id) ?? 0) + micros);
  }
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const frameOf = (id: number): Frame | null => {
    const node = byId.get(id)!;
    const { functionName, url, lineNumber } = node.callFrame;
    if (functionName === "(idle)") return null;
    const children = merge((node.children ?? []).map(frameOf).filter((frame) => frame !== null));
    const micros = (selfMicros.get(id) ?? 0) + children.reduce((sum, child) => sum + child.micros, 0);
    if (micros === 0) return null;
    const file = url.split("/").pop() ?? "";
    const name = `${functionName || "(anonymous)"}${file === "" ? "" : ` ${file}:${lineNumber + 1}`}`;
    return { name, micros, children };
  };
  return frameOf(nodes[0].id) ?? { name: "(root)", micros: 0, children: [] };
}

/** Stacks as `outer;inner;innermost MICROSECONDS`, one per line, as other tools for flame graphs read them. */
export function foldedStacks(root: Frame): string {
  const lines: string[] = [];
  const visit = (frame: Frame, above: string) => {
    const stack = above === "" ? frame.name : `${above};${frame.name}`;
    const self = frame.micros - frame.children.reduce((sum, child) => sum + child.micros, 0);
    if (self > 0) lines.push(`${stack} ${self}`);
    for (const child of frame.children) visit(child, stack);
  };
  visit(root, "");
  return `${lines.join("\n")}\n`;
}

const WIDTH = 1200;
const ROW_HEIGHT = 17;
const TOP = 34;
/** Narrower than this is not drawn. */
const WIDTH_MIN = 0.3;
const CHAR_WIDTH = 6.6;

/** An SVG of boxes as wide as their time, callers above; names and shares show when pointed at. */
export function flameGraph(root: Frame, title: string): string {
  const boxes: string[] = [];
  let depthMax = 0;
  const draw = (frame: Frame, x: number, depth: number) => {
    const width = (frame.micros / root.micros) * WIDTH;
    if (width < WIDTH_MIN) return;
    depthMax = Math.max(depthMax, depth);
    const y = TOP + depth * ROW_HEIGHT;
    const name = escapeXml(frame.name);
    const share = `${((frame.micros / root.micros) * 100).toFixed(1)} %, ${(frame.micros / 1000).toFixed(1)} ms`;
    const shownChars = Math.floor((width - 4) / CHAR_WIDTH);
    const label = shownChars < 3 ? "" : escapeXml(frame.name.slice(0, shownChars));
    boxes.push(
      `<g><title>${name} (${share})</title><rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW_HEIGHT - 1}" fill="${colourOf(frame.name)}"/>` +
        `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${label}</text></g>`,
    );
    let childX = x;
    for (const child of frame.children) {
      draw(child, childX, depth + 1);
      childX += (child.micros / root.micros) * WIDTH;
    }
  };
  if (root.micros > 0) draw(root, 0, 0);
  const height = TOP + (depthMax + 1) * ROW_HEIGHT + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="11">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${WIDTH / 2}" y="20" text-anchor="middle" font-size="14">${escapeXml(title)}</text>`,
    ...boxes,
    "</svg>",
    "",
  ].join("\n");
}

/** The functions with the most time of their own, with their part of all. */
export function hottest(root: Frame, count: number): { name: string; share: number }[] {
  const byName = new Map<string, number>();
  const visit = (frame: Frame) => {
    const self = frame.micros - frame.children.reduce((sum, child) => sum + child.micros, 0);
    byName.set(frame.name, (byName.get(frame.name) ?? 0) + self);
    frame.children.forEach(visit);
  };
  visit(root);
  return [...byName]
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([name, micros]) => ({ name, share: micros / root.micros }));
}

/** Calls of one function from one place are one box. */
function merge(frames: readonly Frame[]): Frame[] {
  const byName = new Map<string, Frame>();
  for (const frame of frames) {
    const other = byName.get(frame.name);
    if (other === undefined) byName.set(frame.name, frame);
    else {
      byName.set(frame.name, {
        name: frame.name,
        micros: other.micros + frame.micros,
        children: merge([...other.children, ...frame.children]),
      });
    }
  }
  return [...byName.values()].sort((a, b) => b.micros - a.micros);
}

/** Warm colours, always the same for one name. */
function colourOf(name: string): string {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0;
  return `hsl(${15 + ((hash >>> 0) % 40)} 80% ${62 + ((hash >>> 8) & 15)}%)`;
}
