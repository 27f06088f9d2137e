import { describe, expect, it } from "vitest";
import { firstZxidOf } from "../../src/core/index.js";
import { emptyDisk, txnBytes } from "./memory-replica.js";
import { ack, commit, inform, ints, leaderInfo, packet, proposal, snapshot, Type, text } from "./packets.js";
import { diskWith, Solo, type SoloOptions } from "./solo.js";

const E1 = firstZxidOf(1);
const E2 = firstZxidOf(2);
const NEWLEADER = packet(Type.NEWLEADER, E2, text("version=0"));
const UPTODATE = packet(Type.UPTODATE, -1);
const DIFF = packet(Type.DIFF, E1);

/** A follower of server 3 that has accepted epoch 2. */
function followerInEpoch2(options: SoloOptions = {}): Solo {
  const solo = new Solo({ disk: diskWith(1, "a", "b"), ...options });
  solo.elect("following", 3);
  solo.leader.send(leaderInfo(E2));
  solo.diskAll();
  solo.leader.lines();
  solo.news();
  return solo;
}

/** A follower that serves clients. */
function servingFollower(options: SoloOptions = {}): Solo {
  const solo = followerInEpoch2(options);
  solo.leader.send(DIFF, NEWLEADER);
  solo.diskAll();
  solo.leader.send(UPTODATE);
  solo.leader.lines();
  solo.news();
  return solo;
}

describe("a learner in discovery", () => {
  it("acknowledges a new epoch only when it is on its disk (D11)", () => {
    const solo = new Solo({ disk: diskWith(1, "a") });
    solo.elect("following", 3);
    expect(solo.leader.lines()).toEqual(["FOLLOWERINFO 100000000 sid 1"]);
    solo.leader.send(leaderInfo(E2));
    expect(solo.leader.lines()).toEqual([]);
    expect(solo.disk.acceptedEpoch).toBe(1);
    solo.diskOne();
    expect(solo.disk.acceptedEpoch).toBe(2);
    expect(solo.leader.lines()).toEqual(["ACKEPOCH 100000001 1"]);
  });

  it("does not count itself again for an epoch that it has accepted before (D11)", () => {
    const solo = new Solo({ disk: { ...diskWith(1, "a"), acceptedEpoch: 2 } });
    solo.elect("following", 3);
    solo.leader.send(leaderInfo(E2));
    expect(solo.leader.lines()).toEqual(["FOLLOWERINFO 200000000 sid 1", "ACKEPOCH 100000001 -1"]);
    expect(solo.tasks).toHaveLength(0);
  });

  it("leaves a leader whose epoch is below the one that it has accepted (D11)", () => {
    const solo = new Solo({ disk: { ...diskWith(1, "a"), acceptedEpoch: 3 } });
    solo.elect("following", 3);
    solo.leader.send(leaderInfo(E2));
    expect(solo.leader.isClosed).toBe(true);
    solo.diskAll();
    expect(solo.looked).toHaveLength(2);
    expect(solo.disk.acceptedEpoch).toBe(3);
  });

  it("says that it is an observer", () => {
    const solo = new Solo({ sid: 4, observers: 1 });
    solo.elect("observing", 3);
    expect(solo.leader.lines()).toEqual(["OBSERVERINFO 0 sid 4"]);
  });

  it("tells no last zxid, takes no DIFF and casts no vote while its data is damaged (D7)", () => {
    const solo = new Solo({ disk: { ...diskWith(1, "a"), isDamaged: true } });
    expect(solo.looked).toEqual([{ zxid: E1 + 1, epoch: 1, canVote: false }]);
    solo.elect("following", 3);
    solo.leader.send(leaderInfo(E2));
    solo.diskAll();
    expect(solo.leader.lines()).toEqual(["FOLLOWERINFO 100000000 sid 1", "ACKEPOCH -1 1"]);
    solo.leader.send(DIFF);
    expect(solo.leader.isClosed).toBe(true);
  });

  it("is repaired by a snapshot and votes again (D7)", () => {
    const solo = followerInEpoch2({ disk: { ...diskWith(1, "a"), isDamaged: true } });
    solo.leader.send(
      snapshot(E1 + 2, [
        [E1 + 1, "a"],
        [E1 + 2, "b"],
      ]),
      NEWLEADER,
    );
    solo.diskAll();
    solo.leader.hangUp();
    solo.diskAll();
    expect(solo.looked.at(-1)).toEqual({ zxid: E1 + 2, epoch: 2, canVote: true });
  });

  it("tries again when the leader does not listen yet, and looks again when it never does", () => {
    const solo = new Solo();
    solo.refuses = 3;
    solo.elect("following", 3);
    expect(solo.dialed).toHaveLength(0);
    solo.pass(200);
    expect(solo.dialed).toHaveLength(1);
    const other = new Solo();
    other.refuses = 1000;
    other.elect("following", 3);
    other.pass(2000);
    other.diskAll();
    expect(other.looked).toHaveLength(2);
  });

  it("looks again when the leader says nothing for initLimit ticks", () => {
    const solo = new Solo();
    solo.elect("following", 3);
    solo.pass(1000);
    expect(solo.leader.isClosed).toBe(false);
    solo.pass(2);
    expect(solo.leader.isClosed).toBe(true);
  });
});

describe("a follower that gets a DIFF", () => {
  it("has the txns durable, then applied, then the epoch durable, before it acknowledges NEWLEADER (D20, 3911, 4646, 4643, 3023)", () => {
    const solo = followerInEpoch2();
    const c = E1 + 3;
    solo.leader.send(DIFF, proposal(c, "c"), commit(c), NEWLEADER);
    expect([solo.durable, solo.values, solo.disk.currentEpoch]).toEqual([["a", "b"], ["a", "b"], 1]);
    // The log alone: the epoch is not even on its way.
    expect([solo.leader.lines(), solo.tasks.length]).toEqual([[], 1]);
    solo.diskOne();
    expect([solo.durable, solo.values, solo.disk.currentEpoch]).toEqual([["a", "b", "c"], ["a", "b", "c"], 1]);
    expect(solo.leader.lines()).toEqual([]);
    solo.diskOne();
    expect(solo.disk.currentEpoch).toBe(2);
    expect(solo.leader.lines()).toEqual(["ACK 200000000"]);
  });

  it.each([0, 1, 2])("has nothing acknowledged that a crash after %i steps of the disk takes away (D20)", (steps) => {
    const solo = followerInEpoch2();
    solo.leader.send(DIFF, proposal(E1 + 3, "c"), commit(E1 + 3), NEWLEADER);
    for (let i = 0; i < steps; i++) solo.diskOne();
    const isAcknowledged = solo.leader.lines().includes("ACK 200000000");
    solo.replica.crash();
    const restarted = new Solo({ disk: solo.disk });
    if (isAcknowledged) {
      expect(restarted.values).toEqual(["a", "b", "c"]);
      expect(restarted.looked).toEqual([{ zxid: E1 + 3, epoch: 2, canVote: true }]);
    } else {
      // A later epoch than its txns are worth would let it win against servers that have more.
      expect(restarted.looked[0].epoch).toBe(1);
    }
  });

  it("acknowledges what is not committed by itself, each when it is durable, and not before NEWLEADER (D21, 4685)", () => {
    const solo = followerInEpoch2();
    solo.leader.send(DIFF, proposal(E1 + 3, "c"), commit(E1 + 3), proposal(E2 + 1, "d"), proposal(E2 + 2, "e"));
    solo.diskAll();
    expect(solo.leader.lines()).toEqual([]);
    solo.leader.send(NEWLEADER);
    solo.diskAll();
    expect(solo.leader.lines()).toEqual(["ACK 200000000", "ACK 200000001", "ACK 200000002"]);
    expect(solo.values).toEqual(["a", "b", "c"]);
  });

  it("commits between NEWLEADER and UPTODATE what was proposed before NEWLEADER (4394)", () => {
    const solo = followerInEpoch2();
    const [c, d] = [E1 + 3, E2 + 1];
    solo.leader.send(DIFF, proposal(c, "c"), commit(c), proposal(d, "d"), NEWLEADER, commit(d));
    solo.diskAll();
    solo.leader.send(UPTODATE);
    expect(solo.values).toEqual(["a", "b", "c", "d"]);
    expect(solo.news()).toEqual(["formed 2", "following 3"]);
    expect(solo.leader.lines()).toEqual(["ACK 200000000", "ACK 200000001", "ACK 200000000"]);
  });

  it("takes proposals and commits between its acknowledgement and UPTODATE", () => {
    const solo = followerInEpoch2();
    solo.leader.send(DIFF, NEWLEADER);
    solo.diskAll();
    solo.leader.send(proposal(E2 + 1, "c"), commit(E2 + 1), proposal(E2 + 2, "d"), UPTODATE);
    expect(solo.values).toEqual(["a", "b", "c"]);
    solo.diskAll();
    solo.leader.send(commit(E2 + 2));
    expect(solo.values).toEqual(["a", "b", "c", "d"]);
    expect(solo.leader.lines()).toEqual(["ACK 200000000", "ACK 200000000", "ACK 200000001", "ACK 200000002"]);
  });

  it("keeps what it has logged when the leader is gone before UPTODATE, and votes with it (4785, 2845)", () => {
    const solo = followerInEpoch2();
    solo.leader.send(DIFF, proposal(E2 + 1, "c"), NEWLEADER);
    solo.diskAll();
    solo.leader.hangUp();
    solo.diskAll();
    expect(solo.looked.at(-1)).toEqual({ zxid: E2 + 1, epoch: 2, canVote: true });
    expect([solo.values, solo.durable]).toEqual([
      ["a", "b", "c"],
      ["a", "b", "c"],
    ]);
  });

  it("understands the same when every byte comes alone", () => {
    const solo = followerInEpoch2();
    solo.leader.sendSlowly(DIFF, proposal(E1 + 3, "c"), commit(E1 + 3), NEWLEADER);
    solo.diskAll();
    solo.leader.sendSlowly(UPTODATE, proposal(E2 + 1, "d"), commit(E2 + 1));
    expect(solo.values).toEqual(["a", "b", "c", "d"]);
  });

  it.each([
    ["a hole before a proposal", [DIFF, proposal(E1 + 4, "d")]],
    ["a hole at the beginning of an epoch", [DIFF, proposal(E2 + 2, "d")]],
    ["a commit of what was not proposed", [DIFF, commit(E1 + 3)]],
    ["a txn with another zxid than its packet", [DIFF, packet(Type.PROPOSAL, E1 + 3, txnBytes(E1 + 4, "x"))]],
    ["a txn that is none", [DIFF, packet(Type.PROPOSAL, E1 + 3, ints(1))]],
    ["NEWLEADER of another epoch", [DIFF, packet(Type.NEWLEADER, E1)]],
    ["a second NEWLEADER", [DIFF, NEWLEADER, NEWLEADER]],
    ["UPTODATE before NEWLEADER is acknowledged", [DIFF, NEWLEADER, UPTODATE]],
    ["something that is no synchronization", [NEWLEADER]],
    ["a request", [DIFF, packet(Type.REQUEST, -1)]],
  ])("leaves a leader that sends %s", (_, packets) => {
    const solo = followerInEpoch2();
    solo.leader.send(...packets);
    expect(solo.leader.isClosed).toBe(true);
    expect(solo.leader.lines()).toEqual([]);
    solo.diskAll();
    expect(solo.looked).toHaveLength(2);
  });
});

describe("a follower that gets a SNAP", () => {
  const STATE = snapshot(E1 + 5, [
    [E1 + 1, "a"],
    [E1 + 5, "e"],
  ]);

  it("has it durable, then the epoch, before it acknowledges NEWLEADER (D22, 2872)", () => {
    const solo = followerInEpoch2();
    solo.leader.send(STATE, NEWLEADER);
    expect([solo.durable, solo.disk.currentEpoch]).toEqual([["a", "b"], 1]);
    solo.diskOne();
    expect([solo.durable, solo.disk.currentEpoch]).toEqual([["a", "e"], 1]);
    expect(solo.leader.lines()).toEqual([]);
    solo.diskOne();
    expect(solo.leader.lines()).toEqual(["ACK 200000000"]);
    expect([solo.values, solo.disk.currentEpoch]).toEqual([["a", "e"], 2]);
  });

  it.each([0.25, 0.5, 0.75, 0.99])("has its old state when the leader is gone after %f of it (D22, 3642)", (part) => {
    const solo = followerInEpoch2();
    solo.leader.send(STATE.slice(0, Math.floor(STATE.length * part)));
    solo.leader.hangUp();
    solo.diskAll();
    expect([solo.values, solo.durable]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(solo.looked.at(-1)).toEqual({ zxid: E1 + 2, epoch: 1, canVote: true });
  });

  it("has either state wholly when the leader is gone while it is being stored (3642)", () => {
    const solo = followerInEpoch2();
    solo.leader.send(STATE);
    solo.leader.hangUp();
    solo.diskAll();
    expect(solo.values).toEqual(solo.durable);
    expect(solo.looked.at(-1)?.zxid).toBe(solo.replica.lastLoggedZxid);
  });

  it("leaves a leader whose snapshot has no signature behind it", () => {
    const solo = followerInEpoch2();
    solo.leader.send(snapshot(E1 + 5, [[E1 + 1, "a"]], "BenWasThere"));
    expect(solo.leader.isClosed).toBe(true);
  });

  it("passes over proposals that the snapshot holds already, as ZooKeeper's leaders send them (R 6.1 b)", () => {
    const solo = followerInEpoch2();
    solo.leader.send(STATE, proposal(E1 + 4, "d"), commit(E1 + 4), proposal(E1 + 5, "e"), commit(E1 + 5));
    solo.leader.send(proposal(E2 + 1, "f"), commit(E2 + 1), NEWLEADER);
    solo.diskAll();
    expect(solo.values).toEqual(["a", "e", "f"]);
    expect(solo.leader.lines()).toEqual(["ACK 200000000"]);
  });

  it("takes what was committed while the leader wrote it (3104)", () => {
    const solo = followerInEpoch2();
    solo.leader.send(STATE, proposal(E2 + 1, "f"), NEWLEADER, commit(E2 + 1));
    solo.diskAll();
    solo.leader.send(UPTODATE);
    expect(solo.values).toEqual(["a", "e", "f"]);
  });

  it("understands the same when every byte comes alone", () => {
    const solo = followerInEpoch2();
    solo.leader.sendSlowly(STATE, proposal(E2 + 1, "f"), commit(E2 + 1), NEWLEADER);
    solo.diskAll();
    expect([solo.values, solo.leader.lines()]).toEqual([["a", "e", "f"], ["ACK 200000000"]]);
  });
});

describe("a follower that gets a TRUNC", () => {
  const TRUNC = packet(Type.TRUNC, E1 + 1);

  it("has the txns behind it durable before it acknowledges NEWLEADER, and what was cut is gone (D23, 2A.12, 1549, 1489)", () => {
    const solo = followerInEpoch2();
    solo.leader.send(TRUNC, proposal(E2 + 1, "x"), commit(E2 + 1), NEWLEADER);
    expect(solo.leader.lines()).toEqual([]);
    solo.diskAll();
    expect(solo.leader.lines()).toEqual(["ACK 200000000"]);
    solo.replica.crash();
    expect(new Solo({ disk: solo.disk }).values).toEqual(["a", "x"]);
  });

  it("begins the next term with what its log holds when the leader is gone before NEWLEADER (5094)", () => {
    const solo = followerInEpoch2();
    solo.leader.send(TRUNC, proposal(E2 + 1, "x"), commit(E2 + 1));
    solo.diskOne();
    solo.leader.hangUp();
    solo.diskAll();
    expect([solo.values, solo.durable]).toEqual([
      ["a", "x"],
      ["a", "x"],
    ]);
    expect(solo.looked.at(-1)).toEqual({ zxid: E2 + 1, epoch: 1, canVote: true });
  });

  it("does not guess when its log has no such txn: it asks for a snapshot and does not vote before (D24)", () => {
    const solo = followerInEpoch2({ disk: { ...diskWith(1, "a", "b"), snapshot: { zxid: E1, entries: [] } } });
    solo.leader.send(packet(Type.TRUNC, E1 - 5));
    solo.diskAll();
    expect(solo.leader.isClosed).toBe(true);
    expect(solo.looked.at(-1)?.canVote).toBe(false);
    solo.elect("following", 3);
    solo.leader.send(leaderInfo(firstZxidOf(3)));
    solo.diskAll();
    expect(solo.leader.lines()).toEqual(["FOLLOWERINFO 200000000 sid 1", "ACKEPOCH -1 1"]);
  });
});

describe("a follower that serves", () => {
  it("acknowledges a proposal when it is durable, and in order (D30, D34)", () => {
    const solo = servingFollower();
    solo.leader.send(proposal(E2 + 1, "c"), proposal(E2 + 2, "d"));
    expect(solo.leader.lines()).toEqual([]);
    solo.diskOne();
    expect([solo.leader.lines(), solo.durable]).toEqual([["ACK 200000001"], ["a", "b", "c"]]);
    solo.diskOne();
    expect([solo.leader.lines(), solo.values]).toEqual([["ACK 200000002"], ["a", "b"]]);
    solo.leader.send(commit(E2 + 1));
    expect([solo.values, solo.news()]).toEqual([["a", "b", "c"], ["committed 200000001"]]);
  });

  it("acknowledges nothing in a later term that an earlier one has made durable (D34, 4712)", () => {
    const solo = servingFollower();
    solo.leader.send(proposal(E2 + 1, "c"));
    const first = solo.leader;
    first.hangUp();
    expect(solo.looked).toHaveLength(1);
    solo.diskAll();
    expect(solo.looked.at(-1)).toEqual({ zxid: E2 + 1, epoch: 2, canVote: true });
    solo.elect("following", 2);
    expect(first.lines()).toEqual([]);
    expect(solo.leader.lines()).toEqual(["FOLLOWERINFO 200000000 sid 1"]);
  });

  it("says that the service is over before anything else of the next term", () => {
    const solo = servingFollower();
    solo.leader.hangUp();
    solo.diskAll();
    expect(solo.news()).toEqual(["ended", "looking"]);
  });

  it("answers a ping with its zxid and the sessions that it has heard of", () => {
    const solo = servingFollower();
    solo.leader.send(packet(Type.PING, E2 + 7));
    expect(solo.leader.lines()).toEqual(["PING 200000007 0,0,0,1,0,0,0,2,0,0,15,160"]);
  });

  it("forwards requests, syncs and revalidations, and hears the answers in order", () => {
    const solo = servingFollower();
    solo.turn(() => {
      solo.forward?.request(1, 2, 7, 5, new Uint8Array([9, 8, 7]), 1, 3, new Uint8Array([0, 0, 0, 0]));
      solo.forward?.sync(1, 2, 8);
      solo.forward?.sync(1, 3, 9);
      solo.forward?.revalidate(1, 4, 4000);
    });
    expect(solo.leader.lines()).toEqual([
      "REQUEST -1 0,0,0,1,0,0,0,2,0,0,0,7,0,0,0,5,8,7",
      "REQUEST -1 0,0,0,1,0,0,0,2,0,0,0,8,0,0,0,9,0,0,0,1,47",
      "REQUEST -1 0,0,0,1,0,0,0,3,0,0,0,9,0,0,0,9,0,0,0,1,47",
      "REVALIDATE -1 0,0,0,1,0,0,0,4,0,0,15,160",
    ]);
    const revalidated = packet(Type.REVALIDATE, -1, new Uint8Array([0, 0, 0, 1, 0, 0, 0, 4, 1]));
    solo.leader.send(packet(Type.SYNC, 0), revalidated, packet(Type.SYNC, 0), packet(Type.SYNC, 0));
    expect(solo.news()).toEqual(["synced 1.2 8", "revalidated 1.4 true", "synced 1.3 9"]);
  });

  it("leaves a leader that is silent for syncLimit ticks, but not one that pings", () => {
    const solo = servingFollower();
    solo.pass(450);
    solo.leader.send(packet(Type.PING, E2));
    solo.pass(450);
    expect(solo.leader.isClosed).toBe(false);
    solo.pass(100);
    expect(solo.leader.isClosed).toBe(true);
  });

  it("ends its term before it does anything else after its process stood still for long", () => {
    const solo = servingFollower();
    solo.standStill(10_000);
    solo.leader.send(proposal(E2 + 1, "c"));
    expect(solo.news()).toEqual(["ended"]);
    expect(solo.replica.entries).toHaveLength(2);
  });

  it("leaves a leader that does not read for syncLimit ticks (4074)", () => {
    const solo = servingFollower();
    solo.leader.isReading = false;
    for (let i = 0; i < 12 && !solo.leader.isClosed; i++) {
      solo.leader.send(packet(Type.PING, E2));
      solo.pass(50);
    }
    expect(solo.leader.isClosed).toBe(true);
  });

  it("ignores what its server still asks of an ended term", () => {
    const solo = servingFollower();
    const { forward, leader } = solo;
    leader.hangUp();
    solo.turn(() => forward?.sync(1, 2, 8));
    expect(leader.lines()).toEqual([]);
  });
});

describe("an observer", () => {
  function observerInEpoch2(): Solo {
    const solo = new Solo({ sid: 4, observers: 1, disk: diskWith(1, "a") });
    solo.elect("observing", 3);
    solo.leader.send(leaderInfo(E2));
    solo.diskAll();
    solo.leader.lines();
    solo.news();
    return solo;
  }

  it("logs of a DIFF only what is committed, and what is informed of (1551)", () => {
    const solo = observerInEpoch2();
    solo.leader.send(DIFF, proposal(E1 + 2, "b"), commit(E1 + 2), proposal(E2 + 1, "never"), NEWLEADER);
    solo.leader.send(inform(E2 + 1, "c"));
    solo.diskAll();
    solo.leader.send(inform(E2 + 2, "d"), UPTODATE);
    expect(solo.values).toEqual(["a", "b", "c", "d"]);
    expect(solo.leader.lines()).toEqual(["ACK 200000000", "ACK 200000000"]);
  });

  it("logs and applies at once what it is informed of, and acknowledges nothing", () => {
    const solo = observerInEpoch2();
    solo.leader.send(DIFF, NEWLEADER);
    solo.diskAll();
    solo.leader.send(UPTODATE);
    solo.leader.lines();
    solo.leader.send(inform(E2 + 1, "b"), proposal(E2 + 2, "ignored"), commit(E2 + 2), ack(1));
    solo.diskAll();
    expect([solo.values, solo.durable]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(solo.leader.lines()).toEqual([]);
  });

  it("takes a snapshot of an empty ensemble", () => {
    const solo = new Solo({ sid: 4, observers: 1, disk: emptyDisk() });
    solo.elect("observing", 3);
    solo.leader.send(leaderInfo(E2));
    solo.diskAll();
    solo.leader.send(snapshot(E2, []), NEWLEADER);
    solo.diskAll();
    solo.leader.send(UPTODATE, inform(E2 + 1, "a"));
    expect(solo.values).toEqual(["a"]);
  });
});
