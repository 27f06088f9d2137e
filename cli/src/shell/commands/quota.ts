import { isKeeperError } from "@quoll/client";
import type { Command, CommandContext } from "../command.js";
import { PathError } from "../errors.js";
import type { ParsedCommand } from "../options.js";
import { checkPath, parentOf } from "../path.js";
import { type StatsField, StatsTrack } from "../text/stats-track.js";
import { walk } from "../walk.js";
import { dataIfAny } from "./read.js";

const QUOTAS = "/zookeeper/quota";
const LIMITS = "zookeeper_limits";
const STATS = "zookeeper_stats";

const FIELDS: ReadonlyArray<readonly [option: string, field: StatsField]> = [
  ["n", "count"],
  ["b", "bytes"],
  ["N", "countHardLimit"],
  ["B", "byteHardLimit"],
];

const INT_MAX = 2 ** 31 - 1;

export const setquota: Command = {
  name: "setquota",
  usage: "-n|-b|-N|-B val path",
  specs: {
    options: [
      { name: "n", argument: "val", help: "num soft quota" },
      { name: "b", argument: "val", help: "bytes soft quota" },
      { name: "N", argument: "val", help: "num hard quota" },
      { name: "B", argument: "val", help: "bytes hard quota" },
    ],
    group: { names: ["n", "b", "N", "B"], isRequired: true },
  },
  isZkCli: true,
  wordsMin: 2,
  summary: "limit how many znodes or bytes a subtree may have",
  details: "Above a soft limit the servers log a warning; a hard one refuses (with enforceQuota=true on the servers).",
  examples: [
    ["setquota -N 1000 /app", "at most 1000 znodes, /app counted"],
    ["setquota -b 1048576 /app", "a warning above 1 MiB of data"],
  ],
  json: "path, limits",
  async run(context, args) {
    const { io } = context;
    const path = args.words[1]!;
    if (path.startsWith(QUOTAS)) {
      io.err(`cannot set a quota under the path: ${QUOTAS}\n`);
      return;
    }
    const [field, value] = wantedLimit(args) ?? [];
    if (field === undefined || value === undefined) {
      io.err("NumberFormatException happens when parsing the option value\n");
      return;
    }
    const isCount = field === "count" || field === "countHardLimit";
    if (isCount ? value <= 0 : value < 0) {
      io.err(
        isCount
          ? "the num quota must be greater than zero\n"
          : "the bytes quota must be greater than or equal to zero\n",
      );
      return;
    }
    const limits = await setLimit(context, path, field, value);
    io.answer({ path, limits: trackJson(limits) }, () => "");
  },
};

function wantedLimit(args: ParsedCommand): [StatsField, number] | null {
  for (const [option, field] of FIELDS) {
    const text = args.value(option);
    if (text === undefined) continue;
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    const max = option.toLowerCase() === "n" ? INT_MAX : Number.MAX_SAFE_INTEGER;
    return Math.abs(value) <= max ? [field, value] : null;
  }
  return null;
}

async function setLimit(context: CommandContext, path: string, field: StatsField, value: number): Promise<StatsTrack> {
  const { client, signal } = context;
  checkPath(path);
  if ((await client.exists(path, { signal })) === null) throw new PathError(`${path} does not exist.`);
  await checkDescendants(context, path);
  await checkAncestors(context, path);
  const quota = QUOTAS + path;
  await makeParents(context, `${quota}/${LIMITS}`);
  const present = await dataIfAny(context, `${quota}/${LIMITS}`);
  const limits = present === null ? emptyLimits() : StatsTrack.parse(present.text());
  limits.set(field, value);
  if (present === null) {
    await client.create(`${quota}/${LIMITS}`, limits.toString(), { signal });
    await client.create(`${quota}/${STATS}`, "count=0,bytes=0", { signal });
    warn(context, limits, StatsTrack.parse((await client.getData(`${quota}/${STATS}`, { signal })).text()));
  } else {
    warn(context, limits, StatsTrack.parse((await client.getData(`${quota}/${STATS}`, { signal })).text()));
    await client.setData(`${quota}/${LIMITS}`, limits.toString(), { signal });
  }
  return limits;
}

function emptyLimits(): StatsTrack {
  const limits = new StatsTrack();
  for (const [, field] of FIELDS) limits.set(field, -1);
  return limits;
}

/** Quotas do not nest: none may be below another. */
async function checkDescendants({ client, signal }: CommandContext, path: string): Promise<void> {
  checkPath(QUOTAS + path);
  try {
    for await (const visit of walk(client, QUOTAS + path, { signal })) {
      if (visit.depth === 0 || !visit.children.includes(LIMITS)) continue;
      throw new PathError(`${path} has a child ${visit.path.slice(QUOTAS.length)} which has a quota`);
    }
  } catch (error) {
    if (!isKeeperError(error, "NoNode")) throw error;
  }
}

async function checkAncestors(context: CommandContext, path: string): Promise<void> {
  const { client, signal } = context;
  for (let parent = parentOf(path); parent !== "/"; parent = parentOf(parent)) {
    if ((await client.exists(`${QUOTAS}${parent}/${LIMITS}`, { signal })) === null) continue;
    throw new PathError(`${path} has a parent ${parent} which has a quota`);
  }
}

async function makeParents({ client, signal }: CommandContext, path: string): Promise<void> {
  const names = path.split("/").slice(1, -1);
  let parent = "";
  for (const name of names) {
    parent += `/${name}`;
    try {
      if ((await client.exists(parent, { signal })) === null) await client.create(parent, null, { signal });
    } catch (error) {
      if (!isKeeperError(error, "NodeExists")) throw error;
    }
  }
}

function warn({ io }: CommandContext, limits: StatsTrack, used: StatsTrack): void {
  const isBelow = (field: StatsField, count: number) => limits.get(field) > -1 && limits.get(field) < count;
  const count = used.get("count");
  const bytes = used.get("bytes");
  const print = io.format === "json" ? (text: string) => io.err(text) : (text: string) => io.out(text);
  if (isBelow("count", count) || isBelow("countHardLimit", count)) {
    print(`[Warning]: the count quota you create is less than the existing count:${count}\n`);
  }
  if (isBelow("bytes", bytes) || isBelow("byteHardLimit", bytes)) {
    print(`[Warning]: the bytes quota you create is less than the existing bytes:${bytes}\n`);
  }
}

export const listquota: Command = {
  name: "listquota",
  usage: "path",
  specs: { options: [] },
  isZkCli: true,
  wordsMin: 2,
  summary: "show the limits of a subtree and what it has",
  details: "-1 is no limit.",
  examples: [["listquota /app", ""]],
  json: "path, limits and used (count, bytes, countHardLimit, byteHardLimit); both null without a quota",
  async run(context, { words }) {
    const { io } = context;
    const path = words[1]!;
    if (io.format === "text") io.err(`absolute path is ${QUOTAS}${path}/${LIMITS}\n`);
    checkPath(`${QUOTAS}${path}/${LIMITS}`);
    const limits = await dataIfAny(context, `${QUOTAS}${path}/${LIMITS}`);
    const used = limits === null ? null : await dataIfAny(context, `${QUOTAS}${path}/${STATS}`);
    if (limits === null || used === null) {
      if (io.format === "json") io.answer({ path, limits: null, used: null }, () => "");
      else io.err(`quota for ${path} does not exist.\n`);
      return;
    }
    const tracks = [StatsTrack.parse(limits.text()), StatsTrack.parse(used.text())] as const;
    io.answer({ path, limits: trackJson(tracks[0]), used: trackJson(tracks[1]) }, () => {
      return `Output quota for ${path} ${tracks[0]}\nOutput stat for ${path} ${tracks[1]}\n`;
    });
  },
};

export const delquota: Command = {
  name: "delquota",
  usage: "[-n|-b|-N|-B] path",
  specs: {
    options: [
      { name: "n", help: "num soft quota" },
      { name: "b", help: "bytes soft quota" },
      { name: "N", help: "num hard quota" },
      { name: "B", help: "bytes hard quota" },
    ],
    group: { names: ["n", "b", "N", "B"], isRequired: false },
  },
  isZkCli: true,
  wordsMin: 2,
  summary: "take away one limit of a subtree, or all of them",
  examples: [
    ["delquota /app", "all limits"],
    ["delquota -N /app", "only the hard limit of znodes"],
  ],
  json: "path, deleted: whether there was a quota",
  async run(context, args) {
    const { io, client, signal } = context;
    const path = args.words[1]!;
    const quota = QUOTAS + path;
    checkPath(`${quota}/${LIMITS}`);
    const data = await dataIfAny(context, `${quota}/${LIMITS}`);
    if (data === null) {
      io.answer({ path, deleted: false }, () => `Quota does not exist for ${path}\n`);
      return;
    }
    const field = FIELDS.find(([option]) => args.has(option))?.[1];
    if (field === undefined) {
      for (const name of await client.getChildren(quota, { signal }))
        await client.delete(`${quota}/${name}`, { signal });
      await trim(context, quota);
    } else {
      const limits = StatsTrack.parse(data.text());
      limits.set(field, -1);
      await client.setData(`${quota}/${LIMITS}`, limits.toString(), { signal });
    }
    io.answer({ path, deleted: true }, () => "");
  },
};

/** Takes away the empty ancestors that a quota leaves behind. */
async function trim({ client, signal }: CommandContext, path: string): Promise<void> {
  for (let at = path; at.startsWith(`${QUOTAS}/`); at = parentOf(at)) {
    if ((await client.getChildren(at, { signal })).length > 0) return;
    await client.delete(at, { signal });
  }
}

function trackJson(track: StatsTrack): Record<string, number> {
  return Object.fromEntries(FIELDS.map(([, field]) => [field, track.get(field)]));
}
