import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstZxidOf } from "../../src/core/index.js";
import {
  ack,
  ackEpoch,
  commit,
  inform,
  ints,
  leaderInfo,
  learnerInfo,
  packet,
  proposal,
  snapshot,
  Type,
  text,
} from "./packets.js";
import { diskWith, Solo, type TestLink } from "./solo.js";

const E1 = firstZxidOf(1);
const E2 = firstZxidOf(2);
const CONFIG = text("server.1=a:1:2:participant\nversion=200000000");

/** Packets that belong somewhere in the protocol. */
const KNOWN = [
  leaderInfo(E2),
  ackEpoch(E1 + 2, 1),
  learnerInfo(2, E1),
  learnerInfo(3, firstZxidOf(9), { type: Type.OBSERVERINFO }),
  packet(Type.DIFF, E1 + 2),
  packet(Type.TRUNC, E1 + 1),
  snapshot(E1 + 5, [
    [E1 + 1, "a"],
    [E1 + 5, "e"],
  ]),
  proposal(E1 + 3, "c"),
  proposal(E2 + 1, "d"),
  inform(E2 + 1, "d"),
  commit(E1 + 3),
  commit(E2 + 1),
  ack(E2),
  ack(E2 + 1),
  packet(Type.NEWLEADER, E2, CONFIG),
  packet(Type.UPTODATE, -1),
  packet(Type.PING, E2, ints(1, 2, 3)),
  packet(Type.REQUEST, -1, ints(1, 2, 3, 9)),
  packet(Type.REQUEST, -1, ints(1, 2, 3, 1, 5)),
  packet(Type.REVALIDATE, -1, ints(1, 2, 4000)),
  packet(Type.SYNC, 0),
  packet(Type.COMMITANDACTIVATE, E2 + 1, ints(0, 2)),
  packet(Type.INFORMANDACTIVATE, E2 + 1, ints(0, 2, 1, 2)),
  packet(77, 0),
];

/** A known packet, perhaps with some bytes changed or its end cut off, or with noise in its place. */
const anything = fc
  .tuple(
    fc.nat(KNOWN.length),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 2 }),
    fc.nat(20),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map(([which, changes, cutTo, noise]) => {
    if (which === KNOWN.length) return noise;
    const bytes = KNOWN[which].slice();
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return cutTo === 1 ? bytes.slice(0, bytes.length - 3) : bytes;
  });

const script = fc.array(fc.tuple(anything, fc.boolean()), { maxLength: 12 });

function play(solo: Solo, link: TestLink, steps: readonly (readonly [Uint8Array, boolean])[]): void {
  for (const [bytes, isDiskBusy] of steps) {
    link.send(bytes);
    if (!isDiskBusy) solo.diskAll();
    solo.pass(10);
  }
  solo.diskAll();
}

/** A way into the protocol, after which anything comes. */
const followerStages: readonly (readonly Uint8Array[])[] = [
  [],
  [leaderInfo(E2)],
  [leaderInfo(E2), packet(Type.DIFF, E1 + 2), proposal(E1 + 3, "c")],
  [leaderInfo(E2), packet(Type.SNAP, E1 + 5)],
  [leaderInfo(E2), packet(Type.DIFF, E1 + 2), packet(Type.NEWLEADER, E2, CONFIG)],
  [leaderInfo(E2), packet(Type.DIFF, E1 + 2), packet(Type.NEWLEADER, E2, CONFIG), packet(Type.UPTODATE, -1)],
];

describe("whatever a leader sends", () => {
  it.each([false, true])(
    "a learner goes on or leaves, and its log and epochs stay sound (reconfig: %s)",
    (reconfigEnabled) => {
      fc.assert(
        fc.property(fc.constantFrom(...followerStages), fc.boolean(), script, (stage, isObserver, steps) => {
          const solo = new Solo({
            sid: isObserver ? 4 : 1,
            observers: 1,
            disk: diskWith(1, "a", "b"),
            peer: { reconfigEnabled },
          });
          solo.elect(isObserver ? "observing" : "following", 3);
          for (const bytes of stage) {
            solo.leader.send(bytes);
            solo.diskAll();
          }
          play(solo, solo.leader, steps);
          expect(solo.disk.acceptedEpoch).toBeGreaterThanOrEqual(solo.disk.currentEpoch);
          expect(solo.replica.applied).toBeLessThanOrEqual(solo.replica.entries.length);
          const zxids = solo.disk.log.map((entry) => entry.zxid);
          expect(zxids).toEqual([...zxids].sort((a, b) => a - b));
        }),
        { numRuns: 1500 },
      );
    },
  );
});

describe("whatever a learner sends", () => {
  it.each([false, true])(
    "its leader goes on with the others, and commits nothing that they do not have (reconfig: %s)",
    (reconfigEnabled) => {
      fc.assert(
        fc.property(fc.constantFrom(0, 1, 2, 3), script, (stage, steps) => {
          const solo = new Solo({
            voters: 5,
            disk: diskWith(1, "a", "b"),
            peer: { reconfigEnabled, tickTimeMs: 10_000 },
          });
          solo.elect("leading", 1);
          const good = [4, 5].map((sid) => {
            const link = solo.accept();
            link.send(learnerInfo(sid, E1));
            return link;
          });
          solo.diskAll();
          for (const link of good) link.send(ackEpoch(E1 + 2, 1));
          solo.diskAll();
          for (const link of good) link.send(ack(E2));
          solo.write("mine");
          solo.diskAll();
          const bad = solo.accept();
          const way = [learnerInfo(2, E1), ackEpoch(E1 + 2, 1), ack(E2)];
          for (const bytes of way.slice(0, stage)) {
            bad.send(bytes);
            solo.diskAll();
          }
          play(solo, bad, steps);
          // The leader itself and the bad one, whatever it says, are two of five.
          expect(solo.values).toEqual(["a", "b"]);
          expect([solo.peer.state, ...good.map((link) => link.isClosed)]).toEqual(["LEADING", false, false]);
          for (const link of good) link.send(ack(E2 + 1));
          expect(solo.values).toEqual(["a", "b", "mine"]);
        }),
        { numRuns: 1500 },
      );
    },
  );
});
