import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CommittedLog } from "../../src/core/replica/committed-log.js";

const EPOCH = 0x1_0000_0000;

function entries(log: CommittedLog, after = 0): { zxid: number; text: string }[] {
  const all: { zxid: number; text: string }[] = [];
  log.forEachAfter(after, (bytes, start, end, zxid) => all.push({ zxid, text: bytes.slice(start, end).join() }));
  return all;
}

test("it holds the newest txns, whatever their sizes, without a gap", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.boolean()), { maxLength: 60 }),
      (capacity, txns) => {
        const log = new CommittedLog(capacity);
        const naive: { zxid: number; text: string }[] = [];
        let zxid = 0;
        for (const [size, isNewEpoch] of txns) {
          zxid = isNewEpoch ? (Math.floor(zxid / EPOCH) + 1) * EPOCH + 1 : zxid + 1;
          const bytes = new Uint8Array(size + 7).map((_, i) => (i * 31 + zxid) & 0xff);
          log.add(bytes, 3, size + 3, zxid);
          naive.push({ zxid, text: bytes.slice(3, size + 3).join() });
          if (naive.length > capacity) naive.shift();
        }
        expect(entries(log)).toEqual(naive);
        expect(log.minZxid).toBe(naive.at(0)?.zxid ?? 0);
        expect(log.maxZxid).toBe(naive.at(-1)?.zxid ?? 0);
        const middle = naive.at(naive.length >> 1)?.zxid ?? 0;
        expect(entries(log, middle)).toEqual(naive.filter((txn) => txn.zxid > middle));
      },
    ),
    { numRuns: 60 },
  );
});

test("its memory has a bound: large txns push out others before the count does", () => {
  const log = new CommittedLog(500);
  const megabyte = new Uint8Array(1 << 20);
  for (let zxid = 1; zxid <= 100; zxid++) log.add(megabyte, 0, megabyte.length, zxid);
  expect(log.maxZxid).toBe(100);
  expect(log.minZxid).toBeGreaterThan(80);
  expect(log.minZxid).toBeLessThan(95);
});

test("a txn that does not follow the one before is a broken invariant", () => {
  const log = new CommittedLog(5);
  log.add(new Uint8Array(4), 0, 4, 7);
  expect(() => log.add(new Uint8Array(4), 0, 4, 9)).toThrow("0x9");
});
