import { OpCode } from "../differential/op-code.js";
import { digestId } from "../differential/profile.js";
import type { Random } from "../differential/random.js";
import type { Acl } from "../differential/script.js";
import type { Model } from "./model.js";
import type { Operation } from "./operation.js";

const OPEN: Acl = { perms: 31, scheme: "world", id: "anyone" };

/** Everybody may do everything with each of them: what is under test is what the disk keeps of them. */
const ACLS: readonly (readonly Acl[])[] = [
  [OPEN],
  [OPEN, { perms: 1, scheme: "digest", id: digestId("u1:p1") }],
  [{ perms: 3, scheme: "ip", id: "10.0.0.0/8" }, OPEN],
  [{ perms: 31, scheme: "ip", id: "127.0.0.1" }],
];

/** Picks the next write, mostly one that succeeds on the tree as the model has it. */
export function nextOperation(random: Random, model: Model): Operation {
  return random.weighted<() => Operation>([
    [30, () => create(random, model)],
    [model.nodes.size > 250 ? 40 : 12, () => remove(random, model, version(random))],
    [20, () => setData(random, model)],
    [6, () => ({ type: 7, path: anyPath(random, model), acl: random.pick(ACLS), version: version(random) })],
    [8, () => multi(random, model)],
  ])();
}

function create(random: Random, model: Model): Operation {
  const [type, flags] = random.weighted<readonly [1 | 15 | 19 | 21, number]>([
    [6, [1, 0]],
    [3, [15, 0]],
    [4, [1, 1]],
    [3, [15, 3]],
    [3, [1, 2]],
    [2, [19, 4]],
    [1, [21, 5]],
    [1, [21, 6]],
  ]);
  const path = `${anyPath(random, model)}/${random.pick(["a", "b", "c", "d", "\xc3\xa9", "s-"])}`;
  const acl = random.pick(ACLS);
  return {
    type,
    path,
    data: data(random),
    acl,
    flags,
    ttl: type === OpCode.createTTL ? 1 + random.below(1_000_000) + 1e9 : 0,
  };
}

function remove(random: Random, model: Model, version: number): Operation {
  const path = anyPath(random, model);
  return { type: 2, path: path === ROOT || path === COUNTED ? `${ROOT}/a` : path, version };
}

function setData(random: Random, model: Model): Operation {
  return { type: 5, path: anyPath(random, model), data: data(random), version: version(random) };
}

function multi(random: Random, model: Model): Operation {
  const parts = Array.from({ length: 1 + random.below(6) }, () =>
    random.weighted<() => Operation>([
      [5, () => create(random, model)],
      [3, () => setData(random, model)],
      [2, () => ({ type: 13, path: anyPath(random, model), version: version(random) })],
      [2, () => remove(random, model, -1)],
    ])(),
  );
  return { type: 14, parts };
}

function anyPath(random: Random, model: Model): string {
  if (random.chance(3)) return `${ROOT}/nowhere`;
  const paths = [...model.nodes.keys()].filter((path) => path.length < 80);
  return random.pick(paths);
}

function data(random: Random): string | null {
  return random.weighted<() => string | null>([
    [1, () => null],
    [2, () => ""],
    [10, () => `data ${random.below(100_000)}`],
    [3, () => random.bytes(random.below(400))],
    [1, () => "z".repeat(random.below(20_000))],
  ])();
}

function version(random: Random): number {
  return random.weighted([
    [10, -1],
    [2, 0],
    [1, 1],
  ]);
}

/** The znode under which all happens. */
export const ROOT = "/t";
/** Never deleted: it has a quota. */
export const COUNTED = "/t/q";
