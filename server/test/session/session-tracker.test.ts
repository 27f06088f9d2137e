import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeeperCode } from "../../src/core/keeper-code.js";
import { negotiateTimeout } from "../../src/core/session/negotiate-timeout.js";
import { SessionTracker } from "../../src/core/session/session-tracker.js";

const TICK = 2000;

function expired(tracker: SessionTracker, nowMs: number): number[] {
  tracker.advance(nowMs);
  return tracker.expire().map(({ idLo }) => idLo);
}

describe("session expiry", () => {
  test("is at the first multiple of tickTime after the timeout, and never on the multiple that it hits", () => {
    const tracker = new SessionTracker(TICK, 0);
    tracker.track(0, 1, 4000);
    tracker.track(0, 2, 4001);
    tracker.track(0, 3, 3999);
    expect(expired(tracker, 2000)).toEqual([]);
    expect(expired(tracker, 3999)).toEqual([]);
    expect(expired(tracker, 4000)).toEqual([3]);
    expect(expired(tracker, 5999)).toEqual([]);
    expect(expired(tracker, 6000)).toEqual([1, 2]);
  });

  test("moves with each touch, by the timeout of the connection that touches", () => {
    const tracker = new SessionTracker(TICK, 0);
    const session = tracker.track(0, 1, 4000);
    expired(tracker, 2000);
    expired(tracker, 3000);
    expect(tracker.touch(session, 4000)).toBe(true);
    expect(expired(tracker, 6000)).toEqual([]);
    expect(tracker.touch(session, 10_000)).toBe(true);
    for (let now = 8000; now < 18_000; now += TICK) expect(expired(tracker, now)).toEqual([]);
    expect(expired(tracker, 18_000)).toEqual([1]);
  });

  test("happens once: the session is closing, can't be touched or used, and goes when its close is applied", () => {
    const tracker = new SessionTracker(TICK, 0);
    const owner = {};
    const session = tracker.track(0, 1, 1000);
    expect(expired(tracker, 2000)).toEqual([1]);
    expect(expired(tracker, 4000)).toEqual([]);
    expect(tracker.touch(session, 1000)).toBe(false);
    expect(tracker.check(0, 1, owner)).toBe(KeeperCode.SessionExpired);
    expect(tracker.setOwner(0, 1, owner)).toBe(KeeperCode.SessionExpired);
    tracker.remove(0, 1);
    expect(tracker.check(0, 1, owner)).toBe(KeeperCode.UnknownSession);
    expect(tracker.size).toBe(0);
  });

  test("equals Java's ExpiryQueue for any touches at any times", () => {
    const step = fc.record({ gapMs: fc.nat(TICK), id: fc.nat(5), timeoutMs: fc.integer({ min: 1, max: 20_000 }) });
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(step, { maxLength: 100 }), (startMs, steps) => {
        const tracker = new SessionTracker(TICK, startMs);
        const due = new Map<number, number>();
        let now = startMs;
        for (const { gapMs, id, timeoutMs } of steps) {
          now += gapMs;
          const expected = [...due].filter(([, at]) => at <= now).map(([each]) => each);
          expect(expired(tracker, now).sort()).toEqual(expected.sort());
          for (const each of expected) {
            due.delete(each);
            tracker.remove(0, each);
          }
          tracker.track(0, id, timeoutMs);
          due.set(id, (Math.floor((now + timeoutMs) / TICK) + 1) * TICK);
        }
        expect(tracker.size).toBe(due.size);
      }),
    );
  });

  test("after a stop of an hour leaves those alone whose pings wait, and takes those who stay silent", () => {
    const tracker = new SessionTracker(TICK, 0);
    const alive = tracker.track(0, 1, 2 * TICK);
    tracker.track(0, 2, 2 * TICK);
    expect(tracker.advance(TICK)).toBe(0);
    tracker.touch(alive, 2 * TICK);
    const resumed = TICK + 3_600_000;
    expect(tracker.advance(resumed)).toBe(3_600_000 - TICK);
    expect(tracker.expire()).toEqual([]);
    tracker.touch(alive, 2 * TICK);
    expect(expired(tracker, resumed + TICK)).toEqual([2]);
    expect(expired(tracker, resumed + 2 * TICK)).toEqual([]);
    expect(expired(tracker, resumed + 3 * TICK)).toEqual([1]);
  });

  test("takes a clock that goes back for one that stands still", () => {
    const tracker = new SessionTracker(TICK, 10_000);
    tracker.track(0, 1, 1000);
    expect(tracker.advance(5000)).toBe(0);
    expect(tracker.expire()).toEqual([]);
    expect(expired(tracker, 12_000)).toEqual([1]);
  });

  test("of 20,000 sessions in one bucket leaves the others theirs", () => {
    const tracker = new SessionTracker(TICK, 0);
    for (let i = 0; i < 20_000; i++) tracker.track(-1, i, 1000);
    const other = tracker.track(7, 7, 8000);
    tracker.advance(TICK);
    expect(tracker.expire()).toHaveLength(20_000);
    expect(tracker.touch(other, 8000)).toBe(true);
    for (let i = 0; i < 20_000; i++) tracker.remove(-1, i);
    expect(tracker.size).toBe(1);
  });
});

describe("sessions", () => {
  test("belong to the first owner that asks, until they are handed over", () => {
    const tracker = new SessionTracker(TICK, 0);
    const [here, there] = [{}, {}];
    tracker.track(-5, 9, 4000);
    expect(tracker.check(-5, 9, here)).toBe(KeeperCode.Ok);
    expect(tracker.check(-5, 9, there)).toBe(KeeperCode.SessionMoved);
    expect(tracker.setOwner(-5, 9, there)).toBe(KeeperCode.Ok);
    expect(tracker.check(-5, 9, here)).toBe(KeeperCode.SessionMoved);
    expect(tracker.check(-5, 8, here)).toBe(KeeperCode.UnknownSession);
    tracker.setClosing(-5, 9);
    expect(tracker.check(-5, 9, there)).toBe(KeeperCode.SessionExpired);
  });

  test("are in a snapshot once their txn is applied, with the timeout of that txn", () => {
    const tracker = new SessionTracker(TICK, 0);
    tracker.track(0, 1, 4000);
    tracker.commit(-1, -2, 6000);
    const committed: number[][] = [];
    tracker.forEachCommitted((...session) => committed.push(session));
    expect(committed).toEqual([[-1, -2, 6000]]);
  });

  test("that are restored have their full timeout from the start of serving", () => {
    const tracker = new SessionTracker(TICK, 1_000_000);
    tracker.commit(0, 1, 30_000);
    for (let now = 1_002_000; now <= 1_030_000; now += TICK) expect(expired(tracker, now)).toEqual([]);
    expect(expired(tracker, 1_032_000)).toEqual([1]);
  });

  test("are dumped by bucket, emptied buckets included", () => {
    const tracker = new SessionTracker(TICK, 0);
    const moved = tracker.track(0, 1, 3000);
    tracker.track(0, 2, 9000);
    tracker.touch(moved, 9000);
    const { tracked, buckets } = tracker.dump();
    const plain = buckets.map(({ expiresInMs, sessions }) => [expiresInMs, sessions.map(({ idLo }) => idLo)]);
    expect([tracked, plain]).toEqual([
      2,
      [
        [4000, []],
        [10_000, [2, 1]],
      ],
    ]);
  });

  test("get the timeout that they ask for, within bounds", () => {
    expect([1000, 5000, 50_000, -1].map((ms) => negotiateTimeout(ms, 4000, 40_000))).toEqual([
      4000, 5000, 40_000, 4000,
    ]);
    expect(negotiateTimeout(5000, 10_000, 2000)).toBe(2000);
  });
});
