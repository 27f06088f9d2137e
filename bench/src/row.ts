import type { Kind } from "./contender.js";

/** What a measurement should come to: a part or multiple of ZooKeeper's in the same run, or a bound of its own. */
export interface Goal {
  readonly of: "zookeeper" | "itself";
  readonly value: number;
}

export interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly goal?: Goal;
}

export interface Settings {
  readonly rounds: number;
  /** Measured seconds of each load. */
  readonly secs: number;
  /** Of the rows about large trees. */
  readonly znodes: number;
  /** Idle sessions. */
  readonly sessions: number;
  /** How often the leader is killed. */
  readonly kills: number;
  /** The checkout of an older build of Quoll, or null. */
  readonly against: string | null;
}

/** One line of progress, for who waits. */
export type Progress = (line: string) => void;

/** One scenario with all that is measured in it. */
export interface Row {
  /** By which it is asked for: `get-64x16`. */
  readonly name: string;
  readonly title: string;
  readonly kinds: readonly Kind[];
  readonly measures: readonly Measure[];
  /** How often it is measured; the settings' rounds unless a round is long. */
  rounds?(settings: Settings): number;
  /** Measures one contender once. @returns a number for each measure, by name */
  measure(kind: Kind, settings: Settings, progress: Progress): Promise<Readonly<Record<string, number>>>;
}

/** What came out: the samples of each measure, by contender. */
export interface MeasureResult extends Measure {
  readonly samples: Readonly<Partial<Record<Kind, readonly number[]>>>;
}

export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly measures: readonly MeasureResult[];
}

export interface Run {
  readonly date: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly settings: Settings;
  readonly rows: readonly RowResult[];
}

/** At least (or, where less is better, at most) `value` times ZooKeeper. */
export function timesZooKeeper(value: number): Goal {
  return { of: "zookeeper", value };
}

/** At least, or at most, `value` in the measure's unit. */
export function bound(value: number): Goal {
  return { of: "itself", value };
}
