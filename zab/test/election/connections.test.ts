import { Writer } from "@quoll/jute";
import { beforeEach, describe, expect, it } from "vitest";
import { writeHello } from "../../src/core/election/hello.js";
import {
  DIAL_BACK_INTERVAL_MS,
  HELLO_TIMEOUT_MS,
  MESSAGE_MAX,
  REDIAL_MAX_MS,
  REDIAL_MIN_MS,
  UNPROVEN_LINKS_MAX,
  UNPROVEN_LINKS_PER_ADDRESS_MAX,
} from "../../src/core/election/limits.js";
import { decodeNotification, encodeNotification, utf8 } from "../../src/core/election/notification.js";
import { ANONYMOUS_SID } from "../../src/core/election/vote.js";
import {
  type Dialer,
  defaultElectionOptions,
  type Elected,
  Election,
  type HostPort,
  type Link,
  type LinkHandler,
  ServerState,
  type Vote,
} from "../../src/core/index.js";
import { ensemble } from "./ensembles.js";
import { randomInts } from "./world.js";

/** A link whose other side is the test. */
class TestLink implements Link {
  out = new Writer();
  unsentBytes = 0;
  closed: string | null = null;
  handler!: LinkHandler;

  constructor(readonly remoteAddress: string) {}

  touch(): void {}

  close(after: "sent" | "now" = "now"): void {
    this.closed = after;
  }

  /** The notifications that were sent on it, behind the hello if there was one. */
  sent(helloLength = 0): ReturnType<typeof decodeNotification>[] {
    const bytes = this.out.view();
    const all: ReturnType<typeof decodeNotification>[] = [];
    let at = helloLength;
    while (at < bytes.length) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getInt32(0);
      all.push(decodeNotification(bytes, at + 4, at + 4 + length));
      at += 4 + length;
    }
    return all;
  }
}

interface Dial {
  readonly addresses: readonly HostPort[];
  readonly connected: (link: Link) => LinkHandler;
  readonly failed: (reason: string) => void;
  isStopped: boolean;
}

/** Server 2 of five, and a test that is everybody else. */
class Scene implements Dialer {
  nowMs = 1000;
  readonly dials: Dial[] = [];
  readonly warnings: string[] = [];
  readonly results: Elected[] = [];
  readonly election: Election;

  constructor(unlistedLinksMax = 4) {
    this.election = new Election(
      { ...defaultElectionOptions(2), unlistedLinksMax },
      ensemble(5),
      this,
      { int32: () => 0 },
      { debug() {}, info() {}, warn: (_, message) => void this.warnings.push(message), error() {} },
      { elected: (result) => void this.results.push(result), newerConfig() {}, looking() {} },
    );
    this.advance(0);
  }

  dial(
    addresses: readonly HostPort[],
    _timeoutMs: number,
    connected: (link: Link) => LinkHandler,
    failed: (reason: string) => void,
  ): () => void {
    const dial: Dial = { addresses, connected, failed, isStopped: false };
    this.dials.push(dial);
    return () => {
      dial.isStopped = true;
    };
  }

  advance(timeMs: number): void {
    this.nowMs += timeMs;
    this.election.clock(this.nowMs);
    while (this.election.nextDeadlineMs() <= this.nowMs) this.election.tick();
  }

  /** The last attempt to reach a server, if it is still going on. */
  dialOf(sid: number): Dial | undefined {
    return this.dials.findLast((dial) => dial.addresses[0].host === `n${sid}`);
  }

  dialCount(sid: number): number {
    return this.dials.filter((dial) => dial.addresses[0].host === `n${sid}`).length;
  }

  accept(address = "10.0.0.9"): TestLink {
    const link = new TestLink(address);
    link.handler = this.election.accepted(link);
    return link;
  }

  /** Lets an attempt succeed. */
  reach(sid: number): TestLink {
    const link = new TestLink(`n${sid}`);
    link.handler = this.dialOf(sid)!.connected(link);
    return link;
  }

  hello(link: TestLink, sid: number): void {
    const writer = new Writer();
    writeHello(writer, sid, [{ host: "evil.example", port: 666 }], false);
    link.handler.received(writer.take());
  }

  notify(link: TestLink, vote: Vote, state: ServerState = ServerState.looking): void {
    const message = encodeNotification(state, vote, utf8("version=0"));
    const writer = new Writer();
    writer.span(message, 0, message.length);
    link.handler.received(writer.take());
  }
}

const HELLO = 20 + "n2:3888".length;

function voteFor(leader: number, electionEpoch = 1): Vote {
  return { leader, zxid: 0, peerEpoch: 0, electionEpoch };
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

function look(): void {
  scene.election.look({ zxid: 0, epoch: 0, canVote: true });
}

describe("connections of elections", () => {
  it("are dialed to configured addresses only, one attempt per server", () => {
    look();
    scene.advance(0);
    expect(scene.dials.map((dial) => dial.addresses)).toEqual(
      [1, 3, 4, 5].map((sid) => [{ host: `n${sid}`, port: 3888 }]),
    );
    scene.advance(1000);
    expect(scene.dials.length).toBe(4);
  });

  it("to a smaller sid are kept: hello, then the vote", () => {
    look();
    const link = scene.reach(1);
    expect(link.closed).toBeNull();
    expect(link.sent(HELLO)).toMatchObject([{ state: 0, leader: 2, electionEpoch: 1, isQuoll: true }]);
    expect(scene.election.isConnected(1)).toBe(true);
  });

  it("to a larger sid only say hello: it dials back, and that one is kept", () => {
    look();
    const call = scene.reach(3);
    expect(scene.election.isConnected(3)).toBe(false);
    const link = scene.accept();
    scene.hello(link, 3);
    expect(scene.election.isConnected(3)).toBe(true);
    expect(call.closed).toBe("now");
    expect(link.sent()).toMatchObject([{ leader: 2 }]);
  });

  it("to a larger sid that does not dial back end after a while", () => {
    look();
    const call = scene.reach(3);
    scene.advance(HELLO_TIMEOUT_MS);
    expect(call.closed).toBe("now");
  });

  it("to a larger sid that hangs up are tried again soon, until it dials back", () => {
    look();
    scene.reach(3).handler.closed("reset");
    expect(scene.dialCount(3)).toBe(1);
    scene.advance(REDIAL_MIN_MS);
    expect(scene.dialCount(3)).toBe(2);
    scene.reach(3).handler.closed("hung up");
    scene.hello(scene.accept(), 3);
    scene.advance(1000);
    expect(scene.dialCount(3)).toBe(2);
  });

  it("to a larger sid that answers at once are kept: it does not know us", () => {
    look();
    const call = scene.reach(3);
    scene.notify(call, voteFor(3));
    expect(scene.election.isConnected(3)).toBe(true);
    scene.advance(HELLO_TIMEOUT_MS);
    expect(call.closed).toBeNull();
  });

  it("from a smaller sid are closed and dialed back, whatever address the hello has", () => {
    const link = scene.accept();
    scene.hello(link, 1);
    expect(link.closed).toBe("now");
    expect(scene.dials.map((dial) => dial.addresses)).toEqual([[{ host: "n1", port: 3888 }]]);
    scene.reach(1);
    expect(scene.election.isConnected(1)).toBe(true);
  });

  it("from a smaller sid take nothing from the link that exists, until the call back has succeeded", () => {
    look();
    const link = scene.reach(1);
    scene.advance(DIAL_BACK_INTERVAL_MS);
    for (let i = 0; i < 100; i++) {
      const stranger = scene.accept();
      scene.hello(stranger, 1);
      expect(stranger.closed).toBe("now");
    }
    expect(scene.dialCount(1)).toBe(2);
    expect(link.closed).toBeNull();
    expect(scene.election.isConnected(1)).toBe(true);
    scene.dialOf(1)!.failed("refused");
    expect(scene.election.isConnected(1)).toBe(true);
    scene.advance(DIAL_BACK_INTERVAL_MS);
    scene.hello(scene.accept(), 1);
    const again = scene.reach(1);
    expect(link.closed).toBe("now");
    expect(again.sent(HELLO)).toMatchObject([{ leader: 2 }]);
  });

  it("from a larger sid replace the one before once the hello is complete", () => {
    const old = scene.accept();
    scene.hello(old, 4);
    const link = scene.accept();
    const writer = new Writer();
    writeHello(writer, 4, [{ host: "n4", port: 3888 }], true);
    const hello = writer.take();
    for (let i = 0; i < hello.length - 1; i++) link.handler.received(hello.subarray(i, i + 1));
    expect(old.closed).toBeNull();
    link.handler.received(hello.subarray(hello.length - 1));
    expect(old.closed).toBe("now");
    expect(link.closed).toBeNull();
  });

  it("that come while we dial end the attempt", () => {
    look();
    const link = scene.accept();
    scene.hello(link, 5);
    expect(scene.dialOf(5)!.isStopped).toBe(true);
    expect(link.sent()).toMatchObject([{ leader: 2 }]);
  });

  it("from our own sid are closed", () => {
    const link = scene.accept();
    scene.hello(link, 2);
    expect(link.closed).toBe("now");
    expect(scene.dials).toEqual([]);
    expect(scene.warnings.join()).toContain("our own number");
  });

  it("carry only the newest message when the other side does not read", () => {
    look();
    const link = scene.reach(1);
    link.unsentBytes = 100;
    const three = scene.accept();
    scene.hello(three, 3);
    scene.notify(three, voteFor(3));
    const five = scene.accept();
    scene.hello(five, 5);
    scene.notify(five, voteFor(5));
    expect(link.sent(HELLO)).toMatchObject([{ leader: 2 }]);
    link.unsentBytes = 0;
    link.handler.drained();
    expect(link.sent(HELLO)).toMatchObject([{ leader: 2 }, { leader: 5 }]);
  });

  it("carry the vote again when they are made anew", () => {
    look();
    const link = scene.reach(1);
    scene.notify(link, voteFor(1));
    link.handler.closed("reset");
    expect(scene.election.isConnected(1)).toBe(false);
    scene.advance(200);
    const again = scene.reach(1);
    expect(again.sent(HELLO)).toMatchObject([{ leader: 2 }]);
  });

  it("are tried again at growing intervals while there is something to say, and not when the election is over", () => {
    look();
    let attempts = 0;
    const startMs = scene.nowMs;
    for (let i = 0; i < 2000; i++) {
      const dial = scene.dialOf(1)!;
      if (!dial.isStopped && attempts < scene.dialCount(1)) {
        attempts = scene.dialCount(1);
        dial.failed("refused");
      }
      scene.advance(10);
    }
    expect(scene.nowMs - startMs).toBe(20_000);
    expect(attempts).toBeGreaterThan(5);
    expect(attempts).toBeLessThan(8 + 20_000 / REDIAL_MAX_MS + 4);
    for (const sid of [3, 4]) {
      const link = scene.accept();
      scene.hello(link, sid);
      scene.notify(
        link,
        voteFor(4, scene.election.logicalClock),
        sid === 4 ? ServerState.leading : ServerState.following,
      );
    }
    const five = scene.accept();
    scene.hello(five, 5);
    scene.notify(five, voteFor(4, scene.election.logicalClock), ServerState.following);
    expect(scene.results).toMatchObject([{ leader: 4, role: "following" }]);
    const before = scene.dialCount(1);
    scene.advance(60_000);
    expect(scene.dialCount(1)).toBe(before);
    expect(scene.election.nextDeadlineMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("are made anew while looking when nothing comes on them", () => {
    look();
    const link = scene.reach(1);
    scene.advance(4000);
    expect(scene.dialCount(1)).toBe(1);
    scene.advance(2000);
    expect(scene.dialCount(1)).toBe(2);
    expect(link.closed).toBeNull();
    scene.reach(1);
    expect(link.closed).toBe("now");
  });

  it("of servers that leave the configuration are closed", () => {
    const link = scene.accept();
    scene.hello(link, 5);
    scene.election.setVerifiers(ensemble(4, 0, 7));
    expect(link.closed).toBe("now");
    expect(scene.election.isConnected(5)).toBe(false);
  });

  it("all end when the election is stopped, and new ones at once", () => {
    look();
    const links = [scene.reach(1), scene.reach(3), scene.accept()];
    const five = scene.accept();
    scene.hello(five, 5);
    scene.election.stop();
    expect([...links, five].every((link) => link.closed !== null)).toBe(true);
    expect(scene.dialOf(4)!.isStopped).toBe(true);
    expect(scene.accept().closed).toBe("now");
    expect(scene.election.nextDeadlineMs()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("strangers at the election port", () => {
  it("that say nothing are closed after two seconds", () => {
    const link = scene.accept();
    scene.advance(HELLO_TIMEOUT_MS - 1);
    expect(link.closed).toBeNull();
    scene.advance(1);
    expect(link.closed).toBe("now");
  });

  it("that say a byte a second get no more time", () => {
    const link = scene.accept();
    link.handler.received(new Uint8Array([0xff]));
    scene.advance(1000);
    link.handler.received(new Uint8Array([0xff]));
    scene.advance(1000);
    expect(link.closed).toBe("now");
  });

  it("that come by thousands throw out each other, never a server", () => {
    look();
    const one = scene.reach(1);
    const five = scene.accept("10.0.0.5");
    scene.hello(five, 5);
    const silent: TestLink[] = [];
    for (let i = 0; i < 5000; i++) silent.push(scene.accept(`10.1.${i % 100}.1`));
    expect(silent.filter((link) => link.closed === null).length).toBe(UNPROVEN_LINKS_MAX);
    // One of the same address as the strangers, in the midst of them.
    for (let i = 0; i < 1000; i++) silent.push(scene.accept("10.0.0.4"));
    expect(silent.filter((link) => link.closed === null && link.remoteAddress === "10.0.0.4").length).toBe(
      UNPROVEN_LINKS_PER_ADDRESS_MAX,
    );
    const four = scene.accept("10.0.0.4");
    scene.hello(four, 4);
    expect([one, four, five].map((link) => link.closed)).toEqual([null, null, null]);
    expect([1, 4, 5].map((sid) => scene.election.isConnected(sid))).toEqual([true, true, true]);
    expect(scene.warnings.length).toBeLessThanOrEqual(10);
  });

  it("that have a sid of no configuration displace nobody and are served up to a limit", () => {
    look();
    const strangers = [];
    for (let i = 0; i < 100; i++) {
      const link = scene.accept();
      scene.hello(link, i % 2 === 0 ? 1000 + i : ANONYMOUS_SID);
      strangers.push(link);
    }
    expect(strangers.filter((link) => link.closed === null).length).toBe(4);
    expect(scene.dials.length).toBe(4);
    scene.notify(strangers[0], { leader: 1000, zxid: 2 ** 50, peerEpoch: 9, electionEpoch: 99 });
    expect(strangers[0].sent()).toMatchObject([{ state: 0, leader: 2, electionEpoch: 1 }]);
    expect(scene.election.logicalClock).toBe(1);
    strangers[0].handler.closed("gone");
    const next = scene.accept();
    scene.hello(next, 7777);
    expect(next.closed).toBeNull();
  });

  it("are not served at all where the limit is 0", () => {
    scene = new Scene(0);
    const link = scene.accept();
    scene.hello(link, ANONYMOUS_SID);
    expect(link.closed).toBe("now");
  });

  it.each([
    ["a message of length 0", [0, 0, 0, 0]],
    ["a message of negative length", [0x80, 0, 0, 0]],
    ["a message that is too long", [0, 8, 0, 1]],
    ["a message that is too short to be one", [0, 0, 0, 4, 1, 2, 3, 4]],
  ])("that send %s are closed, and the others stay", (_, bytes) => {
    look();
    const five = scene.accept();
    scene.hello(five, 5);
    const four = scene.accept();
    scene.hello(four, 4);
    four.handler.received(Uint8Array.from(bytes));
    expect(four.closed).toBe("now");
    expect(scene.election.isConnected(4)).toBe(false);
    expect(five.closed).toBeNull();
    expect(scene.warnings.length).toBe(1);
  });

  it("that announce much and send little hold no memory for it", () => {
    const link = scene.accept();
    scene.hello(link, 4);
    link.handler.received(Uint8Array.from([0, 8, 0, 0]));
    expect(MESSAGE_MAX).toBe(0x8_0000);
    expect((link.handler as unknown as { pending: Uint8Array }).pending.length).toBeLessThan(100);
  });

  it.each([
    ["a leader that is not there", { leader: 77, zxid: 2 ** 52, peerEpoch: 3, electionEpoch: 1 }],
    ["no zxid", { leader: 5, zxid: -1, peerEpoch: 3, electionEpoch: 1 }],
  ])("in a server's name that vote for %s change nothing", (_, vote) => {
    look();
    const link = scene.accept();
    scene.hello(link, 5);
    scene.notify(link, vote);
    expect(scene.election.vote).toMatchObject({ leader: 2, zxid: 0, electionEpoch: 1 });
    expect(link.closed).toBeNull();
  });

  it("in a server's name that drive the round to its end can't stop elections", () => {
    look();
    const five = scene.accept();
    scene.hello(five, 5);
    scene.notify(five, voteFor(5, 2 ** 52));
    expect(scene.election.logicalClock).toBe(2 ** 52);
    look();
    expect(scene.election.logicalClock).toBe(2 ** 52);
    for (const sid of [3, 4]) {
      const link = scene.accept();
      scene.hello(link, sid);
      scene.notify(link, voteFor(5, 2 ** 52));
    }
    scene.notify(five, voteFor(5, 2 ** 52));
    scene.advance(200);
    expect(scene.results).toMatchObject([{ leader: 5 }]);
  });

  it("that send noise, a million bytes of it, leave the port as it was", () => {
    const random = randomInts(17);
    look();
    for (let i = 0; i < 20_000; i++) {
      const link = scene.accept(`10.2.0.${random(200)}`);
      const kind = random(4);
      if (kind > 0) scene.hello(link, kind === 1 ? 1 + random(7) : random(1 << 30));
      if (link.closed === null) link.handler.received(Uint8Array.from({ length: random(80) }, () => random(256)));
      if (random(50) === 0) scene.advance(random(500));
    }
    expect(scene.election.logicalClock).toBe(1);
    for (const sid of [5, 4]) {
      const link = scene.accept();
      scene.hello(link, sid);
      scene.notify(link, voteFor(5));
    }
    scene.advance(200);
    expect(scene.results).toMatchObject([{ leader: 5, role: "following" }]);
  });
});
