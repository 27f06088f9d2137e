import { parseArgs } from "node:util";
import type { Settings } from "./row.js";

export interface Options extends Settings {
  /** Rows that are asked for; none: all. */
  readonly names: readonly string[];
  readonly list: boolean;
  /** Puts the rows in the place of the last full run's. */
  readonly merge: boolean;
}

export const USAGE = `Measures Quoll and ZooKeeper 3.9.5 in turn, in one run on one machine.

  npm run bench -w bench -- [options] [ROW ...]

  ROW            a row's name, or how names begin; without one, all rows
  --list         prints the names
  --merge        puts these rows into the last full run's results, instead of into files of their own
  --quick        one short round of everything, under 3 minutes: sizes, not figures
  --rounds N     rounds that alternate between the servers (3)
  --secs N       measured seconds of each load (4)
  --znodes N     size of the large tree (1000000)
  --sessions N   idle sessions (10000)
  --kills N      how often the leader is killed (5)
  --against DIR  measures the build of Quoll in that checkout too
`;

const FULL = { rounds: 3, secs: 4, znodes: 1_000_000, sessions: 10_000, kills: 5 };
const QUICK = { rounds: 1, secs: 1, znodes: 100_000, sessions: 1_000, kills: 1 };

/** @throws TypeError for an unknown option or a value that is no positive number */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: flag,
      list: flag,
      merge: flag,
      rounds: text,
      secs: text,
      znodes: text,
      sessions: text,
      kills: text,
      against: text,
    },
  });
  const preset = values.quick ? QUICK : FULL;
  const number = (name: keyof typeof FULL): number => {
    const value = values[name] === undefined ? preset[name] : Number(values[name]);
    if (!(value > 0)) throw new TypeError(`--${name} wants a positive number, not ${values[name]}`);
    return value;
  };
  return {
    rounds: number("rounds"),
    secs: number("secs"),
    znodes: number("znodes"),
    sessions: number("sessions"),
    kills: number("kills"),
    against: values.against ?? null,
    names: positionals,
    list: values.list ?? false,
    merge: values.merge ?? false,
  };
}
