import * as fc from "fast-check";
import type { Change, Operation, Txn } from "./txns.js";

const NAMES = ["a", "b", "c", "é", "a-name-of-some-length", "0000000001"];

/** Few paths, so that histories meet the same znode often. */
const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => names.map((name) => `/${name}`).join(""));
const data = fc.oneof(
  fc.constant(null),
  fc.string({ maxLength: 20 }).map((text) => text.replace(/[^ -~]/g, "?")),
  fc.nat(3000).map((length) => "x".repeat(length)),
);
const acl = fc.nat(4);

/** What may stand in a multi. */
const part: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom("create" as const, "create", "create2", "container", "ttl"),
      path,
      data,
      acl,
      isEphemeral: fc.boolean(),
      parentCversion: fc.oneof(fc.constant(-1), fc.nat(40)),
      ttlMs: fc.integer({ min: 1, max: 0xff_ffff_ffff }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("delete" as const), path }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("setData" as const),
      path: fc.oneof(path, fc.constant("/")),
      data,
      version: fc.integer(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("check" as const), path }) },
);
const setAcl = fc.record({ type: fc.constant("setAcl" as const), path, acl, version: fc.nat(9) });
const failure = fc.record({ type: fc.constant("error" as const), err: fc.integer({ min: -120, max: -100 }) });

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 12, arbitrary: part },
  { weight: 1, arbitrary: setAcl },
  { weight: 1, arbitrary: failure },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("multi" as const),
      parts: fc.array(fc.oneof({ weight: 9, arbitrary: part }, { weight: 1, arbitrary: failure }), { maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("createSession" as const), timeoutMs: fc.nat(60_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("closeSession" as const),
      paths: fc.oneof(fc.constant(null), fc.array(path, { maxLength: 3 })),
    }),
  },
);

/** Txns in zxid order, whether they make sense or not: a replay over a fuzzy snapshot meets all of them. */
export const history: fc.Arbitrary<Txn[]> = fc
  .array(fc.record({ session: fc.integer({ min: 1, max: 3 }), change }), { minLength: 1, maxLength: 60 })
  .map((steps) => steps.map((step, i) => ({ ...step, zxid: i + 1, time: 1_700_000_000_000 + 1000 * i })));
