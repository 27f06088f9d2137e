import { expect, test } from "vitest";
import { contenderOf, lockStateOf } from "../../src/shell/lock-names.js";

const UUID = "0a1b2c3d-0000-4000-8000-0123456789ab";
const HEX = UUID.replaceAll("-", "");

test.each([
  [`_c_${UUID}-lock-0000000007`, "lock", "curator", 7],
  [`_c_${UUID}-__READ__0000000007`, "read", "curator", 7],
  [`_c_${UUID}-__WRIT__0000000007`, "write", "curator", 7],
  [`_c_${UUID}-latch-0000000007`, "latch", "curator", 7],
  [`_c_${UUID}-lease-0000000007`, "lease", "curator", 7],
  [`${HEX}__lock__0000000007`, "lock", "kazoo", 7],
  [`${HEX}__rlock__0000000007`, "read", "kazoo", 7],
  [`_c_${HEX}-lock-0000000007`, "lock", "other", 7],
  ["lock-0000000007", "lock", "other", 7],
  [`${HEX}__lock__-2147483648`, "lock", "kazoo", -2_147_483_648],
  [`_c_${UUID}-lock--000000001`, "lock", "curator", -1],
  [`_c_${UUID}-lock--2147483648`, "lock", "curator", -2_147_483_648],
])("%s is a contender", (name, kind, family, sequence) => {
  expect(contenderOf(name)).toEqual({ name, kind, family, sequence });
});

test.each(["config", "queue-0000000001", "lock-12", "lock-", "0000000001"])("%s is none", (name) => {
  expect(contenderOf(name)).toBeNull();
});

test("the oldest holds a lock, and the others wait in their order, across libraries", () => {
  const { holders, waiters } = lockStateOf([
    `${HEX}__lock__0000000009`,
    "else",
    `_c_${UUID}-lock-0000000002`,
    "lock-0000000005",
  ])!;
  expect([holders, waiters].map((list) => list.map(({ sequence }) => sequence))).toEqual([[2], [5, 9]]);
});

test("readers in front of the first writer hold together", () => {
  const names = ["__READ__0000000001", "__READ__0000000002", "__WRIT__0000000003", "__READ__0000000004"];
  const { holders, waiters } = lockStateOf(names.map((name) => `_c_${UUID}-${name}`))!;
  expect([holders.length, waiters.map(({ kind }) => kind)]).toEqual([2, ["write", "read"]]);
});

test("the older one stays in front when the counter runs over", () => {
  const { holders } = lockStateOf(["lock--2147483648", "lock-2147483647"])!;
  expect(holders[0]!.sequence).toBe(2_147_483_647);
});

test("all leases of a semaphore are held; children that do not contend are no lock", () => {
  expect(lockStateOf(["lease-0000000001", "lease-0000000002"])!.holders.length).toBe(2);
  expect(lockStateOf(["a", "b"])).toBeNull();
});
