import { describe, expect, it } from "vitest";
import { firstZxidOf } from "../../src/core/index.js";
import { ack, ackEpoch, commit, ints, leaderInfo, learnerInfo, packet, proposal, Type, text } from "./packets.js";
import { diskWith, Solo, type TestLink } from "./solo.js";

const E1 = firstZxidOf(1);
const E2 = firstZxidOf(2);

/** A follower of server 3 that serves clients and observers. */
function follower(): Solo {
  const solo = new Solo({ disk: diskWith(1, "a"), observers: 2, peer: { observerMasterPort: 2191 } });
  solo.elect("following", 3);
  solo.leader.send(leaderInfo(E2));
  solo.diskAll();
  solo.leader.send(packet(Type.DIFF, E1 + 1), proposal(E2 + 1, "b"), packet(Type.NEWLEADER, E2, text("version=0")));
  solo.diskAll();
  solo.leader.send(packet(Type.UPTODATE, -1));
  solo.leader.lines();
  solo.news();
  return solo;
}

function observe(solo: Solo, sid = 4, lastZxid = E1 + 1): TestLink {
  const link = solo.acceptObserver();
  link.send(learnerInfo(sid, E1, { type: Type.OBSERVERINFO }), ackEpoch(lastZxid, 1));
  solo.diskAll();
  link.send(ack(E2));
  return link;
}

describe("a follower that serves observers", () => {
  it("brings one to its own state and informs it of what is committed from then on", () => {
    const solo = follower();
    const observer = observe(solo);
    expect(observer.lines()).toEqual([
      "LEADERINFO 200000000 65536",
      "DIFF 100000001",
      "NEWLEADER 200000000",
      "UPTODATE -1",
    ]);
    solo.leader.send(proposal(E2 + 2, "c"), commit(E2 + 1));
    expect(observer.lines()).toEqual(["INFORM 200000001 b"]);
    solo.leader.send(commit(E2 + 2));
    expect(observer.lines()).toEqual(["INFORM 200000002 c"]);
  });

  it("sends one that is empty its whole state", () => {
    const solo = follower();
    expect(observe(solo, 5, 0).lines()[1]).toBe("SNAP 200000000 [a] BenWasHere");
  });

  it("hands on requests, syncs, revalidations and sessions, and the answers back to who asked", () => {
    const solo = follower();
    const [one, two] = [observe(solo), observe(solo, 5)];
    one.lines();
    two.lines();
    one.send(packet(Type.REQUEST, -1, ints(1, 2, 7, 5, 99)), packet(Type.REQUEST, -1, ints(1, 2, 8, 9)));
    solo.turn(() => solo.forward?.sync(1, 3, 9));
    two.send(packet(Type.REQUEST, -1, ints(1, 4, 10, 9)), packet(Type.REVALIDATE, -1, ints(1, 4, 4000)));
    two.send(packet(Type.PING, E2, ints(1, 4, 4000)));
    solo.leader.send(packet(Type.PING, E2));
    expect(solo.leader.lines().map((line) => line.split(" ")[0])).toEqual([
      "REQUEST",
      "REQUEST",
      "REQUEST",
      "REQUEST",
      "REVALIDATE",
      "PING",
    ]);
    const isValid = packet(Type.REVALIDATE, -1, new Uint8Array([0, 0, 0, 1, 0, 0, 0, 4, 1]));
    solo.leader.send(packet(Type.SYNC, 0));
    expect([one.lines(), two.lines(), solo.news()]).toEqual([["SYNC 0"], [], []]);
    solo.leader.send(packet(Type.SYNC, 0), isValid, packet(Type.SYNC, 0));
    expect([one.lines(), two.lines(), solo.news()]).toEqual([
      [],
      ["REVALIDATE -1 0,0,0,1,0,0,0,4,1", "SYNC 0"],
      ["synced 1.3 9"],
    ]);
  });

  it("tells the leader of the observers' sessions with its own", () => {
    const solo = follower();
    observe(solo).send(packet(Type.PING, E2, ints(7, 8, 9)));
    solo.leader.send(packet(Type.PING, E2), packet(Type.PING, E2));
    const own = "0,0,0,1,0,0,0,2,0,0,15,160";
    expect(solo.leader.lines()).toEqual([`PING 200000000 ${own},0,0,0,7,0,0,0,8,0,0,0,9`, `PING 200000000 ${own}`]);
  });

  it("pings them, and lets go of a silent one", () => {
    const solo = follower();
    const observer = observe(solo);
    observer.lines();
    solo.pass(60);
    expect(observer.lines()).toEqual(["PING 100000001"]);
    for (let i = 0; i < 12; i++) {
      solo.leader.send(packet(Type.PING, E2));
      solo.pass(50);
    }
    expect([observer.isClosed, solo.leader.isClosed]).toEqual([true, false]);
  });

  it("takes no follower, and nobody when it does not follow", () => {
    const solo = follower();
    const link = solo.acceptObserver();
    link.send(learnerInfo(2, E1));
    expect(link.isClosed).toBe(true);
    const observer = observe(solo);
    solo.leader.hangUp();
    expect(observer.isClosed).toBe(true);
    expect(solo.acceptObserver().isClosed).toBe(true);
  });
});

describe("an observer where followers serve observers", () => {
  it("asks one follower after the other", () => {
    const solo = new Solo({ sid: 4, observers: 1, peer: { observerMasterPort: 2191 } });
    for (let i = 0; i < 3; i++) {
      solo.elect("observing", 3);
      solo.leader.hangUp();
      solo.diskAll();
    }
    expect(solo.dialedAddresses).toEqual(["server1:2191", "server2:2191", "server1:2191"]);
  });
});
