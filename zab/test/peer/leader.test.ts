import { describe, expect, it } from "vitest";
import { firstZxidOf } from "../../src/core/index.js";
import { type Disk, emptyDisk } from "./memory-replica.js";
import { ack, ackEpoch, commit, ints, learnerInfo, packet, proposal, Type } from "./packets.js";
import { diskWith, Solo, type SoloOptions, type TestLink } from "./solo.js";

const E1 = firstZxidOf(1);
const E2 = firstZxidOf(2);

/** A candidate with an empty disk, or the given one, that has been elected. */
function elected(options: SoloOptions = {}): Solo {
  const solo = new Solo({ disk: diskWith(1, "a", "b"), ...options });
  solo.elect("leading", solo.peer.options.sid);
  solo.news();
  return solo;
}

interface Joining {
  readonly zxid?: number;
  readonly epoch?: number;
  readonly isObserver?: boolean;
  readonly isQuoll?: boolean;
}

/** Takes a learner through discovery. */
function join(
  solo: Solo,
  sid: number,
  { zxid = E1 + 2, epoch = 1, isObserver = false, isQuoll = false }: Joining = {},
): TestLink {
  const link = solo.accept();
  const type = isObserver ? Type.OBSERVERINFO : Type.FOLLOWERINFO;
  link.send(learnerInfo(sid, firstZxidOf(Math.max(epoch, 0)), { type, isQuoll }));
  solo.diskAll();
  link.send(ackEpoch(zxid, epoch));
  solo.diskAll();
  return link;
}

/** A learner that has acknowledged NEWLEADER. */
function follow(solo: Solo, sid: number, joining: Joining = {}): TestLink {
  const link = join(solo, sid, joining);
  link.send(ack(E2));
  return link;
}

/** A leader of epoch 2 with a follower that serves. */
function established(options: SoloOptions = {}, joining: Joining = {}): { solo: Solo; follower: TestLink } {
  const solo = elected(options);
  const follower = follow(solo, 2, joining);
  follower.lines();
  solo.news();
  return { solo, follower };
}

/** What a learner with this last zxid gets, without the packets of the handshake. */
function synchronizedFrom(
  zxid: number,
  { disk, peer, isQuoll }: { disk?: Disk; peer?: SoloOptions["peer"]; isQuoll?: boolean } = {},
  prepare?: (solo: Solo) => void,
): string[] {
  const solo = elected({ ...(disk === undefined ? {} : { disk }), ...(peer === undefined ? {} : { peer }) });
  prepare?.(solo);
  const link = join(solo, 2, { zxid, ...(isQuoll === undefined ? {} : { isQuoll }) });
  return link.lines().filter((line) => !line.startsWith("LEADERINFO"));
}

describe("a leader in discovery", () => {
  it("tells nobody of the new epoch before it is on its own disk (D10, 1291)", () => {
    const solo = elected();
    const link = solo.accept();
    link.send(learnerInfo(2, E1));
    expect([link.lines(), solo.disk.acceptedEpoch]).toEqual([[], 1]);
    solo.diskOne();
    expect([link.lines(), solo.disk.acceptedEpoch]).toEqual([["LEADERINFO 200000000 65536"], 2]);
  });

  it("takes an epoch above all that a quorum has accepted", () => {
    const solo = elected({ voters: 5 });
    const [one, two] = [solo.accept(), solo.accept()];
    one.send(learnerInfo(2, firstZxidOf(7)));
    expect(solo.tasks).toHaveLength(0);
    two.send(learnerInfo(3, firstZxidOf(4)));
    solo.diskAll();
    expect([one.lines(), two.lines()]).toEqual([["LEADERINFO 800000000 65536"], ["LEADERINFO 800000000 65536"]]);
  });

  it("does not count observers and strangers for the epoch (2959)", () => {
    const solo = elected({ observers: 1, peer: { reconfigEnabled: true } });
    solo.accept().send(learnerInfo(4, firstZxidOf(70), { type: Type.OBSERVERINFO }));
    solo.accept().send(learnerInfo(77, firstZxidOf(90)));
    expect(solo.tasks).toHaveLength(0);
    solo.accept().send(learnerInfo(2, E1));
    solo.diskAll();
    expect(solo.disk.acceptedEpoch).toBe(2);
  });

  it.each([
    ["has accepted the epoch before", E1 + 2, -1],
    ["is damaged", -1, 1],
  ])("does not count a follower that %s", (_, zxid, epoch) => {
    const solo = elected();
    const link = join(solo, 2, { zxid, epoch });
    expect(solo.disk.currentEpoch).toBe(1);
    expect(link.isClosed).toBe(false);
    // But it is synchronized when another one makes the quorum, a damaged one by a snapshot (D7).
    join(solo, 3);
    const way = link.lines()[1];
    expect(way).toBe(zxid === -1 ? "SNAP 100000002 [a,b] BenWasHere" : "DIFF 100000002");
  });

  it("counts itself for NEWLEADER only when the epoch is on its disk (D12)", () => {
    const solo = elected();
    const link = solo.accept();
    link.send(learnerInfo(2, E1));
    solo.diskAll();
    link.send(ackEpoch(E1 + 2, 1), ack(E2));
    expect([solo.news(), solo.disk.currentEpoch]).toEqual([[], 1]);
    solo.diskOne();
    expect([solo.news(), solo.disk.currentEpoch]).toEqual([["formed 2", "leading 2"], 2]);
    expect(link.lines().at(-1)).toBe("UPTODATE -1");
  });

  it("is not established before a quorum has acknowledged NEWLEADER", () => {
    const solo = elected();
    const link = join(solo, 2);
    expect([solo.disk.currentEpoch, solo.news(), link.lines().at(-1)]).toEqual([2, [], "NEWLEADER 200000000"]);
    link.send(ack(E2));
    expect(solo.news()).toEqual(["formed 2", "leading 2"]);
  });

  it("refuses a follower that is ahead, and gives up if it can't do without", () => {
    const solo = elected();
    const ahead = join(solo, 2, { zxid: E1 + 3 });
    expect(ahead.isClosed).toBe(true);
    solo.diskAll();
    expect(solo.looked).toHaveLength(2);
    const other = elected({ voters: 5 });
    const three = other.accept();
    three.send(learnerInfo(3, E1));
    const four = other.accept();
    four.send(learnerInfo(4, E1));
    expect(join(other, 2, { zxid: 5, epoch: 2 }).isClosed).toBe(true);
    expect(other.looked).toHaveLength(1);
  });

  it("gives up when no quorum comes within initLimit ticks", () => {
    const solo = elected();
    solo.pass(900);
    expect(solo.peer.state).toBe("LEADING");
    solo.pass(200);
    expect(solo.peer.state).toBe("LOOKING");
  });

  it("gives up sooner when too many of its voters still look for a leader (3109)", () => {
    const solo = elected({ peer: { tickTimeMs: 2000 } });
    solo.voterLooks(2);
    solo.voterLooks(3);
    solo.pass(1100);
    solo.voterLooks(2);
    expect(solo.peer.state).toBe("LEADING");
    solo.voterLooks(3);
    expect(solo.peer.state).toBe("LOOKING");
  });

  it("serves a follower that was there before it knew that it leads", () => {
    const solo = new Solo({ disk: diskWith(1, "a", "b") });
    const link = solo.accept();
    link.send(learnerInfo(2, E1));
    solo.elect("leading", 1);
    solo.diskAll();
    expect(link.lines()).toEqual(["LEADERINFO 200000000 65536"]);
  });

  it("sends followers of an old protocol NEWLEADER at once and without a membership", () => {
    const solo = elected();
    const link = solo.accept();
    link.send(packet(Type.FOLLOWERINFO, E1 + 2, new Uint8Array([0, 0, 0, 0, 0, 0, 0, 2])));
    solo.diskAll();
    expect(link.lines()).toEqual(["DIFF 100000002", "NEWLEADER 200000000"]);
    link.send(ack(E2));
    expect(solo.news()).toEqual(["formed 2", "leading 2"]);
  });
});

describe("a stranger at the quorum port", () => {
  it.each([
    ["something else first", packet(Type.ACKEPOCH, 0, ints(1))],
    ["a number that is not in the membership", learnerInfo(77, 0)],
    ["the leader's own number", learnerInfo(1, 0)],
    ["a later membership", learnerInfo(2, 0, { configVersion: 5 })],
    ["an epoch far above", learnerInfo(2, firstZxidOf(0x10002))],
    ["a negative epoch", learnerInfo(2, -1)],
    ["too much", packet(Type.FOLLOWERINFO, 0, new Uint8Array(5000))],
  ])("is sent away when it says %s, and nothing changes", (_, bytes) => {
    const solo = elected();
    const stranger = solo.accept();
    stranger.send(bytes);
    expect([stranger.isClosed, stranger.lines(), solo.tasks.length]).toEqual([true, [], 0]);
    expect(follow(solo, 2).isClosed).toBe(false);
    expect(solo.disk.acceptedEpoch).toBe(2);
    expect(solo.peer.state).toBe("LEADING");
  });

  it("does not displace a learner that is alive, but does one that is silent", () => {
    const { solo, follower } = established();
    const second = solo.accept();
    second.send(learnerInfo(2, E2));
    expect([second.isClosed, follower.isClosed]).toEqual([true, false]);
    follow(solo, 3);
    solo.standStill(99);
    solo.turn(() => {});
    solo.standStill(99);
    solo.turn(() => {});
    const third = solo.accept();
    third.send(learnerInfo(2, E2));
    expect([third.isClosed, follower.isClosed]).toEqual([false, true]);
  });

  it("that says nothing is sent away, and thousands of them do not keep a follower out", () => {
    const solo = elected();
    const strangers = Array.from({ length: 5000 }, () => solo.accept());
    expect(strangers.filter((link) => !link.isClosed)).toHaveLength(100);
    expect(follow(solo, 2).isClosed).toBe(false);
    expect(solo.news()).toEqual(["formed 2", "leading 2"]);
    const patient = new Solo();
    const silent = patient.accept();
    patient.pass(5100);
    expect(silent.isClosed).toBe(true);
  });

  it("that acknowledges what was not proposed is sent away", () => {
    const { solo, follower } = established();
    solo.write("c");
    follower.send(ack(E2 + 2));
    expect([follower.isClosed, solo.values]).toEqual([true, ["a", "b"]]);
  });

  it("that sends a request cut short is sent away", () => {
    const { solo, follower } = established();
    follower.send(packet(Type.REQUEST, -1, ints(1, 2)));
    expect([follower.isClosed, solo.news()]).toEqual([true, ["left"]]);
  });
});

describe("a leader that synchronizes a learner", () => {
  const LONG = (): Disk => diskWith(1, "a", "b", "c", "d", "e", "f", "g", "h");

  it("sends an empty DIFF when it has the same", () => {
    expect(synchronizedFrom(E1 + 2)).toEqual(["DIFF 100000002", "NEWLEADER 200000000"]);
    expect(synchronizedFrom(0, { disk: emptyDisk() })).toEqual([]);
  });

  it("sends a DIFF from memory, each proposal with its commit", () => {
    expect(synchronizedFrom(E1 + 6, { disk: LONG() })).toEqual([
      "DIFF 100000008",
      "PROPOSAL 100000007 g",
      "COMMIT 100000007",
      "PROPOSAL 100000008 h",
      "COMMIT 100000008",
      "NEWLEADER 200000000",
    ]);
  });

  it("sends a DIFF from memory when the learner's last txn is just before it", () => {
    expect(synchronizedFrom(E1 + 3, { disk: LONG() })).toHaveLength(12);
  });

  it("sends a DIFF from the log on disk when the memory does not reach back", () => {
    const prepare = (solo: Solo): void => {
      solo.replica.snapshotSize = 10_000;
    };
    const lines = synchronizedFrom(E1 + 2, { disk: LONG() }, prepare);
    expect([lines[0], lines[1], lines.length]).toEqual(["DIFF 100000008", "PROPOSAL 100000003 c", 14]);
  });

  it.each([
    ["the log is larger than a third of the snapshot", 100, {}],
    ["the log may not be used", 10_000, { snapshotSizeFactor: -1 }],
    ["snapshots are forced", 10_000, { forceSnapshotSync: true }],
  ])("sends a SNAP when %s", (_, snapshotSize, peer) => {
    const prepare = (solo: Solo): void => {
      solo.replica.snapshotSize = snapshotSize;
    };
    expect(synchronizedFrom(E1 + 1, { disk: LONG(), peer }, prepare)).toEqual([
      "SNAP 100000008 [a,b,c,d,e,f,g,h] BenWasHere",
      "NEWLEADER 200000000",
    ]);
  });

  it("sends a SNAP to an empty learner and to one from before its log (4352)", () => {
    const compacted = (): Disk => ({
      ...diskWith(1),
      snapshot: {
        zxid: E1 + 2,
        entries: [
          { zxid: E1 + 1, value: "a" },
          { zxid: E1 + 2, value: "b" },
        ],
      },
      log: [{ zxid: E1 + 3, value: "c" }],
    });
    for (const zxid of [0, E1 + 1]) {
      expect(synchronizedFrom(zxid, { disk: compacted() })[0]).toBe("SNAP 100000003 [a,b,c] BenWasHere");
    }
  });

  it("sends TRUNC to a learner that is ahead (1154, 2832)", () => {
    const disk = { ...diskWith(1, "a", "b"), currentEpoch: 2, acceptedEpoch: 2 };
    const solo = elected({ disk });
    const link = solo.accept();
    link.send(learnerInfo(2, E2));
    solo.diskAll();
    link.send(ackEpoch(E1 + 4, 1));
    expect(link.lines().slice(1)).toEqual(["TRUNC 100000002", "NEWLEADER 300000000"]);
  });

  const twoEpochs = (): Disk => ({
    ...diskWith(1, "a", "b"),
    acceptedEpoch: 3,
    currentEpoch: 3,
    log: [
      { zxid: E1 + 1, value: "a" },
      { zxid: E1 + 2, value: "b" },
      { zxid: firstZxidOf(3) + 1, value: "x" },
    ],
  });

  it("sends a learner whose history left ours in an older epoch a SNAP, or TRUNC and txns if it is Quoll's", () => {
    const answer = (isQuoll: boolean): string[] => {
      const solo = elected({ disk: twoEpochs() });
      return join(solo, 2, { zxid: E1 + 4, epoch: 1, isQuoll })
        .lines()
        .slice(1);
    };
    expect(answer(false)).toEqual(["SNAP 300000001 [a,b,x] BenWasHere", "NEWLEADER 400000000"]);
    expect(answer(true)).toEqual([
      "TRUNC 100000002",
      "PROPOSAL 300000001 x",
      "COMMIT 300000001",
      "NEWLEADER 400000000",
    ]);
  });

  it.each([
    ["the beginning of an epoch that wrote nothing", firstZxidOf(4), ["DIFF 300000001"]],
    [
      "the beginning of an epoch that it lacks",
      firstZxidOf(3),
      ["DIFF 300000001", "PROPOSAL 300000001 x", "COMMIT 300000001"],
    ],
  ])("understands a last zxid that is %s (508)", (_, zxid, expected) => {
    const solo = elected({ disk: { ...twoEpochs(), acceptedEpoch: 4, currentEpoch: 4 } });
    const lines = join(solo, 2, { zxid, epoch: 1 }).lines().slice(1);
    expect(lines).toEqual([...expected, "NEWLEADER 500000000"]);
  });

  it("sends what was proposed and what was committed since, in order, behind a snapshot's own zxid (3104)", () => {
    const { solo, follower } = established();
    solo.write("c");
    const late = solo.accept();
    late.send(learnerInfo(3, E1));
    late.send(ackEpoch(-1, 1));
    // While the snapshot is being written, c is committed and d is proposed.
    const chunks = solo.tasks.splice(0);
    follower.send(ack(E2 + 1));
    for (const task of chunks) solo.turn(task);
    solo.write("d");
    solo.diskAll();
    expect(late.lines()).toEqual([
      "LEADERINFO 200000000 65536",
      "SNAP 200000000 [a,b] BenWasHere",
      "PROPOSAL 200000001 c",
      "NEWLEADER 200000000",
      "COMMIT 200000001",
      "PROPOSAL 200000002 d",
    ]);
  });

  it("sends an observer what is committed, and nothing else", () => {
    const { solo, follower } = established({ observers: 1 });
    solo.write("c");
    const observer = follow(solo, 4, { isObserver: true });
    observer.lines();
    expect(follower.lines()).toEqual(["PROPOSAL 200000001 c"]);
    follower.send(ack(E2 + 1));
    expect(observer.lines()).toEqual(["INFORM 200000001 c"]);
  });

  it("refuses an observer above the limit of synchronizations, but no follower", () => {
    const solo = elected({ observers: 2, peer: { maxConcurrentSnapSyncs: 1, maxConcurrentDiffSyncs: 1 } });
    follow(solo, 2);
    expect(join(solo, 4, { isObserver: true }).isClosed).toBe(false);
    expect(join(solo, 5, { isObserver: true }).isClosed).toBe(true);
    expect(join(solo, 3).isClosed).toBe(false);
  });

  it("goes on without a learner that does not take its snapshot (3531)", () => {
    const { solo, follower } = established({ peer: { learnerQueueBytesMax: 1000 } });
    const slow = solo.accept();
    slow.send(learnerInfo(3, E1));
    slow.send(ackEpoch(-1, 1));
    slow.isReading = false;
    for (let i = 0; i < 30; i++) {
      solo.write("value");
      follower.send(ack(E2 + 1 + i));
    }
    solo.diskAll();
    expect(slow.isClosed).toBe(true);
    expect(solo.values).toHaveLength(32);
  });
});

describe("a leader that broadcasts", () => {
  it("commits what a quorum with itself has on disk, its own copy counting only when it is durable (D30)", () => {
    const { solo, follower } = established();
    solo.write("c");
    solo.diskAll();
    expect(solo.news()).toEqual([]);
    follower.send(ack(E2 + 1));
    expect(solo.news()).toEqual(["committed 200000001"]);
    solo.write("d");
    follower.send(ack(E2 + 2));
    expect(solo.news()).toEqual([]);
    solo.diskAll();
    expect(solo.news()).toEqual(["committed 200000002"]);
    expect(follower.lines()).toEqual([
      "PROPOSAL 200000001 c",
      "COMMIT 200000001",
      "PROPOSAL 200000002 d",
      "COMMIT 200000002",
    ]);
  });

  it("commits without its own disk when the others are a quorum", () => {
    const { solo, follower } = established();
    const other = follow(solo, 3);
    solo.write("c");
    follower.send(ack(E2 + 1));
    other.send(ack(E2 + 1));
    expect(solo.news()).toEqual(["committed 200000001"]);
  });

  it("takes an acknowledgement for all before it, and commits each by itself", () => {
    const { solo, follower } = established();
    for (const value of ["c", "d", "e"]) solo.write(value);
    solo.diskAll();
    follower.lines();
    follower.send(ack(E2 + 2));
    expect(follower.lines()).toEqual(["COMMIT 200000001", "COMMIT 200000002"]);
    expect(solo.values).toEqual(["a", "b", "c", "d"]);
  });

  it("commits what fewer have only up to what a quorum of five has", () => {
    const solo = elected({ voters: 5 });
    const links = [2, 3].map((sid) => {
      const link = solo.accept();
      link.send(learnerInfo(sid, E1));
      return link;
    });
    solo.diskAll();
    for (const link of links) link.send(ackEpoch(E1 + 2, 1));
    solo.diskAll();
    for (const link of links) link.send(ack(E2));
    for (const value of ["c", "d", "e"]) solo.write(value);
    solo.diskAll();
    links[0].send(ack(E2 + 3));
    expect(solo.values).toEqual(["a", "b"]);
    links[1].send(ack(E2 + 2));
    expect(solo.values).toEqual(["a", "b", "c", "d"]);
  });

  it("understands an ACK that has overtaken the one of NEWLEADER (4685)", () => {
    const { solo } = established();
    const zxid = solo.write("c");
    const late = join(solo, 3);
    late.send(ack(zxid), ack(E2));
    expect(late.isClosed).toBe(false);
    solo.diskAll();
    expect(solo.values).toEqual(["a", "b", "c"]);
  });

  it("pings twice a tick, and hears of the learners' sessions", () => {
    const { solo, follower } = established();
    solo.pass(100);
    expect(follower.lines()).toEqual(["PING 200000000", "PING 200000000"]);
    follower.send(packet(Type.PING, E2, ints(1, 2, 4000, 3, 4, 5000)));
    expect(solo.news()).toEqual(["touched 1.2 4000", "touched 3.4 5000"]);
  });

  it("hands over requests and sessions", () => {
    const { solo, follower } = established();
    follower.send(packet(Type.REQUEST, -1, ints(1, 2, 7, 5, 99)));
    expect(solo.news()).toEqual(["request 1.2 7 5 0,0,0,99"]);
    follower.send(packet(Type.REVALIDATE, -1, ints(4, 5, 4000)), packet(Type.REVALIDATE, -1, ints(4, 6, 4000)));
    expect(follower.lines()).toEqual(["REVALIDATE -1 0,0,0,4,0,0,0,5,1", "REVALIDATE -1 0,0,0,4,0,0,0,6,0"]);
  });

  it("gives up when it hears no quorum for syncLimit ticks", () => {
    const { solo } = established();
    solo.pass(500);
    expect(solo.peer.state).toBe("LEADING");
    solo.pass(200);
    expect([solo.peer.state, solo.news()]).toEqual(["LOOKING", ["left", "ended"]]);
  });

  it("does nothing more in its name after its process stood still for longer than that (G19)", () => {
    const { solo, follower } = established();
    solo.write("c");
    solo.diskAll();
    solo.standStill(10_000);
    follower.send(ack(E2 + 1));
    expect([solo.news(), solo.values]).toEqual([["ended"], ["a", "b"]]);
    expect(follower.lines()).toEqual(["PROPOSAL 200000001 c"]);
  });

  it("drops a learner that acknowledges nothing for syncLimit ticks, though it answers pings", () => {
    const { solo, follower } = established();
    const other = follow(solo, 3);
    solo.write("c");
    for (let i = 0; i < 14; i++) {
      for (const link of [follower, other]) link.send(packet(Type.PING, E2));
      other.send(ack(E2 + 1));
      solo.pass(50);
    }
    expect([follower.isClosed, other.isClosed]).toEqual([true, false]);
  });

  it("drops a learner that does not read, and goes on", () => {
    const { solo, follower } = established({ peer: { learnerQueueBytesMax: 500 } });
    const slow = follow(solo, 3);
    slow.lines();
    slow.isReading = false;
    for (let i = 1; i <= 20; i++) {
      solo.write("value");
      follower.send(ack(E2 + i));
      solo.diskAll();
    }
    expect([slow.isClosed, follower.isClosed, solo.values.length]).toEqual([true, false, 22]);
  });

  it("lets its server know when a learner is gone", () => {
    const { solo, follower } = established();
    follower.hangUp();
    expect(solo.news()).toEqual(["left"]);
  });

  it("takes all zxids of an epoch but the last ones, then gives up for a new epoch (1277)", () => {
    const { solo, follower } = established();
    const [first, last] = [E2 + 0xffff_0000, E2 + 0xffff_0001];
    solo.writeBytes(proposal(first, "c").slice(16, -4));
    solo.writeBytes(proposal(last, "d").slice(16, -4));
    solo.pass(1);
    expect(solo.peer.state).toBe("LEADING");
    solo.diskAll();
    follower.send(ack(last));
    solo.pass(1);
    expect([solo.peer.state, solo.values]).toEqual(["LOOKING", ["a", "b", "c", "d"]]);
  });
});

describe("a sync", () => {
  it("of a Quoll learner is answered when a quorum has shown that it still follows", () => {
    const { solo, follower } = established({}, { isQuoll: true });
    follower.send(packet(Type.REQUEST, -1, ints(1, 2, 7, 9)));
    expect(solo.news()).toEqual(["sync 1.2 7"]);
    solo.turn(() => solo.leadership?.synced(solo.syncs[0].origin, 1, 2, 7));
    expect(follower.lines()).toEqual(["PING 200000000"]);
    follower.send(packet(Type.PING, E2));
    expect(follower.lines()).toEqual(["SYNC 0"]);
  });

  it("is not confirmed by the answer to an earlier ping", () => {
    const { solo, follower } = established({}, { isQuoll: true });
    solo.pass(50);
    let isConfirmed = false;
    solo.turn(() =>
      solo.leadership?.confirm(() => {
        isConfirmed = true;
      }),
    );
    follower.send(packet(Type.PING, E2));
    expect(isConfirmed).toBe(false);
    follower.send(packet(Type.PING, E2));
    expect(isConfirmed).toBe(true);
  });

  it("that comes during a round waits for the next one, together with others", () => {
    const { solo, follower } = established({}, { isQuoll: true });
    const confirmed: number[] = [];
    const ask = (n: number): void => solo.turn(() => solo.leadership?.confirm(() => confirmed.push(n)));
    ask(1);
    ask(2);
    ask(3);
    expect(follower.lines()).toEqual(["PING 200000000"]);
    follower.send(packet(Type.PING, E2));
    expect([confirmed, follower.lines()]).toEqual([[1], ["PING 200000000"]]);
    follower.send(packet(Type.PING, E2));
    expect(confirmed).toEqual([1, 2, 3]);
  });

  it("is not answered by a leader that has lost its followers", () => {
    const { solo, follower } = established({}, { isQuoll: true });
    let isConfirmed = false;
    solo.turn(() =>
      solo.leadership?.confirm(() => {
        isConfirmed = true;
      }),
    );
    follower.hangUp();
    solo.pass(2000);
    expect([isConfirmed, solo.peer.state]).toEqual([false, "LOOKING"]);
  });

  it("of a ZooKeeper learner is answered at once, before the commit of what it asks later", () => {
    const { solo, follower } = established();
    const before = solo.write("c");
    follower.send(packet(Type.REQUEST, -1, ints(1, 2, 7, 9)));
    const after = solo.write("d");
    solo.diskAll();
    follower.lines();
    const { origin } = solo.syncs[0];
    const answer = solo.replica.commit.bind(solo.replica);
    solo.replica.commit = (zxid) => {
      answer(zxid);
      if (zxid === before) solo.leadership?.synced(origin, 1, 2, 7);
    };
    follower.send(ack(after));
    expect(follower.lines()).toEqual(
      [commit(before), packet(Type.SYNC, 0), commit(after)].map((bytes) => lineOf(bytes)),
    );
  });
});

function lineOf(bytes: Uint8Array): string {
  const names: Record<number, string> = { [Type.COMMIT]: "COMMIT", [Type.SYNC]: "SYNC" };
  const view = new DataView(bytes.buffer);
  const zxid = view.getUint32(4) * 0x1_0000_0000 + view.getUint32(8);
  return `${names[view.getUint32(0)]} ${zxid.toString(16)}`;
}
