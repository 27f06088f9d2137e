import type { Kind } from "./contender.js";
import { drawPlot, type Series } from "./plot.js";

export interface CurvePoint {
  readonly kind: Kind;
  readonly x: number;
  readonly ys: Readonly<Record<string, number>>;
}

/** What `curves.ts` has measured, by the curve's name. */
export interface Curves {
  readonly date?: string;
  readonly machine?: Readonly<Record<string, string>>;
  readonly curves: Readonly<Record<string, readonly CurvePoint[]>>;
}

interface PlotKind {
  /** Of the file, without `.svg`. */
  readonly file: string;
  readonly curve: string;
  readonly lines: readonly string[];
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly yLog?: boolean;
}

/** Every plot of docs/performance.md, in its order. */
const PLOTS: readonly PlotKind[] = [
  {
    file: "connections",
    curve: "connections",
    lines: ["get", "set"],
    title: "Throughput by connections, one request in flight on each",
    xLabel: "connections",
    yLabel: "ops/s",
  },
  {
    file: "connections-memory",
    curve: "connections",
    lines: ["RSS grown"],
    title: "Resident memory that connections add, under gets",
    xLabel: "connections",
    yLabel: "KiB",
    yLog: true,
  },
  {
    file: "depth",
    curve: "depth",
    lines: ["get", "set"],
    title: "Throughput by pipeline depth, 8 connections",
    xLabel: "requests in flight on each connection",
    yLabel: "ops/s",
  },
  {
    file: "znodes",
    curve: "znodes",
    lines: ["get", "create"],
    title: "Throughput by size of the tree",
    xLabel: "znodes",
    yLabel: "ops/s",
  },
  {
    file: "znodes-memory",
    curve: "znodes",
    lines: ["live"],
    title: "Live memory of a znode with 100 bytes",
    xLabel: "znodes",
    yLabel: "bytes each",
  },
  {
    file: "znodes-restart",
    curve: "znodes",
    lines: ["restart"],
    title: "From kill -9 to the first session",
    xLabel: "znodes",
    yLabel: "ms",
    yLog: true,
  },
  {
    file: "children",
    curve: "children",
    lines: ["create", "delete"],
    title: "Creating and deleting beside many children, one client",
    xLabel: "children of the parent",
    yLabel: "ops/s",
  },
  {
    file: "children-list",
    curve: "children",
    lines: ["list, per KiB"],
    title: "Listing children, by the bytes of the list",
    xLabel: "children of the parent",
    yLabel: "µs per KiB",
    yLog: true,
  },
  {
    file: "data",
    curve: "data",
    lines: ["get", "set"],
    title: "Throughput by size of the data",
    xLabel: "bytes",
    yLabel: "ops/s",
    yLog: true,
  },
  {
    file: "watches",
    curve: "watches",
    lines: ["live"],
    title: "Live memory of a watch on a path of its own",
    xLabel: "watches",
    yLabel: "bytes each",
  },
  {
    file: "watches-set",
    curve: "watches",
    lines: ["set"],
    title: "Setting watches, one client at a time",
    xLabel: "watches",
    yLabel: "watches/s",
  },
  {
    file: "ensemble",
    curve: "ensemble",
    lines: ["get", "set", "keeper"],
    title: "Throughput by servers, all on one machine",
    xLabel: "servers",
    yLabel: "ops/s",
  },
];

const NAMES: Partial<Record<Kind, string>> = { quoll: "Quoll", zookeeper: "ZooKeeper" };

/** Draws all plots for which there are points. */
export function curvePlots({ curves }: Curves): { file: string; title: string; svg: string }[] {
  return PLOTS.filter(({ curve }) => (curves[curve]?.length ?? 0) > 0).map((plot) => {
    const points = curves[plot.curve];
    const kinds = [...new Set(points.map(({ kind }) => kind))];
    const series: Series[] = kinds.flatMap((kind) =>
      plot.lines.map((line) => ({
        name: kinds.length === 1 ? line : `${NAMES[kind] ?? kind}, ${line}`,
        points: points
          .filter((point) => point.kind === kind && point.ys[line] !== undefined)
          .map(({ x, ys }) => [x, ys[line]] as const),
      })),
    );
    const { title, xLabel, yLabel, yLog = false } = plot;
    const xLog = plot.curve !== "ensemble";
    return { file: `${plot.file}.svg`, title, svg: drawPlot({ title, xLabel, yLabel, xLog, yLog, series }) };
  });
}
