import { Writer } from "@quoll/jute";
import { describe, expect, it } from "vitest";
import { firstZxidOf, type QuorumVerifier, verifierOf } from "../../src/core/index.js";
import { ack, ackEpoch, commit, leaderInfo, learnerInfo, packet, proposal, Type, text } from "./packets.js";
import { diskWith, membership, Solo, type TestLink } from "./solo.js";

const E1 = firstZxidOf(1);
const E2 = firstZxidOf(2);
const RECONFIG = E2 + 1;

/** The membership of the tests without or with some of its servers, as of a change. */
function members(sids: readonly number[], version = RECONFIG): QuorumVerifier {
  const all = membership(5, 0).members;
  return verifierOf({ version, members: sids.map((sid) => all.get(sid)!), groups: new Map(), weights: new Map() });
}

/** The txn of a change of membership. */
function reconfigTxn(verifier: QuorumVerifier, zxid = RECONFIG): Uint8Array {
  const writer = new Writer();
  writer.long(1);
  writer.int(1);
  writer.long(zxid);
  writer.long(0);
  writer.int(16);
  writer.string("/zookeeper/config");
  writer.buffer(text(verifier.toText()));
  writer.int(-1);
  return writer.take();
}

const long = (value: number): Uint8Array => {
  const writer = new Writer();
  writer.long(value);
  return writer.take();
};

const commitAndActivate = (zxid: number, leader: number): Uint8Array =>
  packet(Type.COMMITANDACTIVATE, zxid, long(leader));

function follow(solo: Solo, sid: number, type: number = Type.FOLLOWERINFO): TestLink {
  const link = solo.accept();
  link.send(learnerInfo(sid, E1, { type }));
  solo.diskAll();
  link.send(ackEpoch(E1 + 1, 1));
  solo.diskAll();
  link.send(ack(E2));
  link.lines();
  return link;
}

/** Server 1 leads 2 and 3. */
function leaderOfThree(): { solo: Solo; two: TestLink; three: TestLink } {
  const solo = new Solo({ disk: diskWith(1, "a"), peer: { reconfigEnabled: true } });
  solo.elect("leading", 1);
  const two = follow(solo, 2);
  const three = follow(solo, 3);
  solo.news();
  return { solo, two, three };
}

function serving(role: "following" | "observing" = "following"): Solo {
  const solo = new Solo({ disk: diskWith(1, "a"), peer: { reconfigEnabled: true } });
  solo.elect(role, 3);
  solo.leader.send(leaderInfo(E2));
  solo.diskAll();
  solo.leader.send(packet(Type.DIFF, E1 + 1), packet(Type.NEWLEADER, E2, text(membership(3, 0, E2).toText())));
  solo.diskAll();
  solo.leader.send(packet(Type.UPTODATE, -1));
  solo.leader.lines();
  return solo;
}

describe("the first membership of an ensemble that may change it", () => {
  it("gets the epoch's first zxid as its version, agreed on with NEWLEADER", () => {
    const solo = new Solo({ disk: diskWith(1, "a"), peer: { reconfigEnabled: true } });
    solo.elect("leading", 1);
    follow(solo, 2);
    expect(solo.news()).toEqual([
      "looking",
      "proposed membership 200000000",
      "active membership 200000000",
      "formed 2",
      "leading 2",
    ]);
    expect(serving().news()).toEqual([
      "looking",
      "proposed membership 200000000",
      "active membership 200000000",
      "formed 2",
      "following 3",
    ]);
  });
});

describe("a leader that changes the membership", () => {
  it("needs a quorum of the old one and of the new one for it, and tells all to activate it (D42, 1699)", () => {
    const { solo, two, three } = leaderOfThree();
    const four = follow(solo, 4);
    const five = follow(solo, 5);
    solo.writeBytes(reconfigTxn(members([1, 2, 3, 4, 5])));
    solo.diskAll();
    expect(solo.news()).toEqual(["proposed membership 200000001"]);
    // Three of five have it, but of the old three only the leader.
    four.send(ack(RECONFIG));
    five.send(ack(RECONFIG));
    expect(solo.news()).toEqual([]);
    two.send(ack(RECONFIG));
    expect(solo.news()).toEqual(["active membership 200000001", "committed 200000001"]);
    expect(three.lines()).toEqual(["PROPOSAL 200000001 /zookeeper/config", "COMMITANDACTIVATE 200000001 leader 1"]);
  });

  it("commits by the new membership from then on", () => {
    const { solo, two, three } = leaderOfThree();
    solo.writeBytes(reconfigTxn(members([1, 2])));
    solo.writeBytes(proposal(E2 + 2, "b").slice(16, -4));
    solo.diskAll();
    three.send(ack(E2 + 2));
    expect(solo.values).toEqual(["a"]);
    two.send(ack(RECONFIG));
    expect(solo.values).toEqual(["a", "/zookeeper/config"]);
    three.send(ack(E2 + 2));
    expect(solo.values).toEqual(["a", "/zookeeper/config"]);
    two.send(ack(E2 + 2));
    expect(solo.values).toEqual(["a", "/zookeeper/config", "b"]);
  });

  it("that it is no part of hands over to the server that has most, and commits nothing after it", () => {
    const { solo, two, three } = leaderOfThree();
    solo.writeBytes(reconfigTxn(members([2, 3])));
    solo.writeBytes(proposal(E2 + 2, "b").slice(16, -4));
    solo.diskAll();
    three.send(ack(RECONFIG), ack(E2 + 2));
    two.send(ack(RECONFIG));
    expect(two.lines().at(-1)).toBe("COMMITANDACTIVATE 200000001 leader 3");
    two.send(ack(E2 + 2));
    expect(solo.values).toEqual(["a", "/zookeeper/config"]);
    solo.news();
    two.hangUp();
    solo.diskAll();
    expect(solo.news()).toEqual(["left", "ended", "looking", "observes 3"]);
  });

  it("steps down when the new quorum does not come", () => {
    const { solo, two, three } = leaderOfThree();
    solo.writeBytes(reconfigTxn(members([1, 4, 5])));
    for (let i = 0; i < 15; i++) {
      for (const link of [two, three]) link.send(packet(Type.PING, E2), ack(RECONFIG));
      solo.pass(50);
    }
    expect(solo.peer.state).toBe("LOOKING");
  });

  it("informs observers", () => {
    const solo = new Solo({ disk: diskWith(1, "a"), observers: 1, peer: { reconfigEnabled: true } });
    solo.elect("leading", 1);
    const two = follow(solo, 2);
    const observer = follow(solo, 4, Type.OBSERVERINFO);
    solo.writeBytes(reconfigTxn(members([1, 2])));
    solo.diskAll();
    two.send(ack(RECONFIG));
    expect(observer.lines()).toEqual(["INFORMANDACTIVATE 200000001 leader 1"]);
  });
});

describe("a learner whose ensemble changes its membership", () => {
  const change = (verifier: QuorumVerifier): Uint8Array => packet(Type.PROPOSAL, RECONFIG, reconfigTxn(verifier));

  it("has it in force when its txn is applied, and goes on under the same leader", () => {
    const solo = serving();
    solo.news();
    solo.leader.send(change(members([1, 2, 3, 4])));
    expect(solo.news()).toEqual(["proposed membership 200000001"]);
    solo.leader.send(commitAndActivate(RECONFIG, 3));
    expect(solo.news()).toEqual(["active membership 200000001", "committed 200000001"]);
    expect(solo.leader.isClosed).toBe(false);
  });

  it("goes over to the leader that is named, without an election", () => {
    const solo = serving();
    solo.news();
    solo.leader.send(change(members([1, 2])), commitAndActivate(RECONFIG, 2));
    solo.diskAll();
    expect(solo.news()).toEqual([
      "proposed membership 200000001",
      "active membership 200000001",
      "committed 200000001",
      "ended",
      "looking",
      "goes over to 2",
    ]);
    expect(solo.leader.lines()).toEqual(["FOLLOWERINFO 200000000 sid 1"]);
  });

  it("takes the lead if it is named itself", () => {
    const solo = serving();
    solo.news();
    solo.leader.send(change(members([1, 2])), commitAndActivate(RECONFIG, 1));
    solo.diskAll();
    expect([solo.news().at(-1), solo.peer.state]).toEqual(["takes the lead", "LEADING"]);
  });

  it("learns of it while it is synchronized", () => {
    const solo = new Solo({ disk: diskWith(1, "a"), peer: { reconfigEnabled: true } });
    solo.elect("following", 3);
    solo.leader.send(leaderInfo(E2));
    solo.diskAll();
    solo.news();
    solo.leader.send(packet(Type.DIFF, RECONFIG), change(members([1, 2, 3, 4])), commitAndActivate(RECONFIG, 3));
    expect(solo.news()).toEqual(["proposed membership 200000001", "active membership 200000001"]);
    solo.diskAll();
    expect(solo.values).toEqual(["a", "/zookeeper/config"]);
  });

  it("leaves a leader that sends a membership that is none", () => {
    const solo = serving();
    const writer = new Writer();
    const txn = reconfigTxn(members([1, 2]));
    writer.raw(txn, 0, txn.length);
    writer.bytes.fill(0x3d, 60, 90);
    solo.leader.send(packet(Type.PROPOSAL, RECONFIG, writer.take()));
    expect(solo.leader.isClosed).toBe(true);
  });

  it("does not look at it where the membership is fixed", () => {
    const solo = new Solo({ disk: diskWith(1, "a") });
    solo.elect("following", 3);
    solo.leader.send(leaderInfo(E2));
    solo.diskAll();
    solo.leader.send(packet(Type.DIFF, E1 + 1), packet(Type.NEWLEADER, E2, text("nonsense")));
    solo.diskAll();
    solo.leader.send(packet(Type.UPTODATE, -1), change(members([1, 2])), commit(RECONFIG));
    expect([solo.values, solo.peer.verifier.version]).toEqual([["a", "/zookeeper/config"], 0]);
  });
});
