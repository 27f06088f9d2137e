import { ProtocolError, Writer } from "@quoll/jute";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HELLO_MAX, readHello, writeHello } from "../../src/core/election/hello.js";
import { decodeNotification, encodeNotification, ROUND_MAX, utf8 } from "../../src/core/election/notification.js";
import { ANONYMOUS_SID, type ServerState } from "../../src/core/election/vote.js";
import { NO_VOTE } from "../../src/core/index.js";
import { randomInts } from "./world.js";

function bytesOf(hex: string): Uint8Array {
  const digits = hex.replace(/[^0-9a-f]/g, "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16));
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const sid = fc.oneof(fc.constant(NO_VOTE), fc.nat());
const zxid = fc.oneof(fc.constant(NO_VOTE), fc.constant(-1), fc.maxSafeNat());
const vote = fc.record({
  leader: sid,
  zxid,
  electionEpoch: fc.integer({ min: -1, max: ROUND_MAX }),
  peerEpoch: fc.oneof(fc.constant(NO_VOTE), fc.integer({ min: -1, max: 0xffff_ffff })),
});

describe("a notification", () => {
  it("of ZooKeeper 3.9.5 is read", () => {
    const config = "server.1=127.0.0.1:2888:3888:participant\nversion=0";
    const bytes = bytesOf(
      `00000002 0000000000000003 0000000100000000 0000000000000002 0000000000000001 00000002
       ${config.length.toString(16).padStart(8, "0")} ${hexOf(utf8(config))}`,
    );
    expect(decodeNotification(bytes, 0, bytes.length)).toEqual({
      state: 2,
      leader: 3,
      zxid: 0x1_0000_0000,
      electionEpoch: 2,
      peerEpoch: 1,
      version: 2,
      configStart: 44,
      configEnd: 44 + config.length,
      isQuoll: false,
    });
  });

  it("of an observer is read: it has no vote", () => {
    const none = "8000000000000000";
    const bytes = bytesOf(`00000000 ${none} ${none} 0000000000000007 ${none} 00000002 00000000`);
    expect(decodeNotification(bytes, 0, bytes.length)).toMatchObject({
      leader: NO_VOTE,
      zxid: NO_VOTE,
      electionEpoch: 7,
      peerEpoch: NO_VOTE,
    });
  });

  it.each([
    ["28 bytes", "00000001 0000000000000003 0000000500000007 0000000000000002", 5, 0],
    ["36 bytes", "00000001 0000000000000003 0000000500000007 0000000000000002 0000000000000004", 4, 0],
    ["40 bytes", "00000001 0000000000000003 0000000500000007 0000000000000002 0000000000000004 00000001", 4, 0],
    ["41 bytes", "00000001 0000000000000003 0000000500000007 0000000000000002 0000000000000004 00000001 00", 4, 1],
  ])("of older servers is read (%s)", (_, hex, peerEpoch, version) => {
    const bytes = bytesOf(hex);
    expect(decodeNotification(bytes, 0, bytes.length)).toMatchObject({
      state: 1,
      leader: 3,
      zxid: 0x5_0000_0007,
      electionEpoch: 2,
      peerEpoch,
      version,
      configStart: bytes.length,
      configEnd: bytes.length,
    });
  });

  it("is what ZooKeeper sends, with our mark behind it", () => {
    const bytes = encodeNotification(
      0 as ServerState,
      { leader: 3, zxid: 0x1_0000_0002, electionEpoch: 2, peerEpoch: 1 },
      utf8("é"),
    );
    expect(hexOf(bytes)).toBe(
      [
        "00000000",
        "0000000000000003",
        "0000000100000002",
        "0000000000000002",
        "0000000000000001",
        "00000002",
        "00000002c3a9",
        "51554f4c",
      ].join(""),
    );
  });

  it("comes back as it was written, wherever it stands", () => {
    fc.assert(
      fc.property(fc.nat(3), vote, fc.uint8Array({ maxLength: 60 }), fc.nat(5), (state, vote, config, before) => {
        const bytes = encodeNotification(state as ServerState, vote, config);
        const within = new Uint8Array(bytes.length + before + 3);
        within.set(bytes, before);
        const { configStart, configEnd, ...rest } = decodeNotification(within, before, before + bytes.length);
        expect(rest).toEqual({ state, ...vote, version: 2, isQuoll: true });
        expect(within.slice(configStart, configEnd)).toEqual(config);
      }),
    );
  });

  it("that is cut off anywhere is refused, or is one of the older forms", () => {
    const bytes = encodeNotification(1, { leader: 3, zxid: 5, electionEpoch: 2, peerEpoch: 1 }, utf8("version=0"));
    for (let end = 0; end < bytes.length; end++) {
      if (end === 28 || end === 36 || end === 40 || (end >= bytes.length - 4 && end < bytes.length)) {
        expect(decodeNotification(bytes, 0, end)).toMatchObject({ leader: 3, isQuoll: false });
      } else {
        expect(() => decodeNotification(bytes, 0, end), `${end} bytes`).toThrow(ProtocolError);
      }
    }
  });

  it.each([
    ["a state that is none", "00000004", 0],
    ["a negative state", "ffffffff", 0],
    ["a leader beyond all sids", "7fffffffffffffff", 4],
    ["a leader below -1", "fffffffffffffffe", 4],
    ["a zxid beyond 2^53", "7fffffffffffffff", 12],
    ["a zxid below -1", "ffffffffffffff00", 12],
    ["a round beyond the last", "0020000000000000", 20],
    ["a round that is none", "8000000000000000", 20],
    ["an epoch beyond 32 bits", "0000000100000000", 28],
    ["a configuration that is longer than the message", "7fffffff", 40],
    ["a configuration of negative length", "ffffffff", 40],
  ])("with %s is refused", (_, hex, at) => {
    const bytes = encodeNotification(1, { leader: 3, zxid: 5, electionEpoch: 2, peerEpoch: 1 }, utf8("version=0"));
    bytes.set(bytesOf(hex), at);
    expect(() => decodeNotification(bytes, 0, bytes.length)).toThrow(ProtocolError);
  });

  it("of random bytes is refused or has values in range", () => {
    const random = randomInts(5);
    const original = encodeNotification(1, { leader: 3, zxid: 5, electionEpoch: 2, peerEpoch: 1 }, utf8("version=0"));
    let accepted = 0;
    for (let i = 0; i < 200_000; i++) {
      const bytes = random(4) === 0 ? Uint8Array.from({ length: random(90) }, () => random(256)) : original.slice();
      for (let n = random(4); n > 0; n--) bytes[random(bytes.length)] = random(256);
      const end = random(3) === 0 ? random(bytes.length + 1) : bytes.length;
      try {
        const n = decodeNotification(bytes, 0, end);
        accepted++;
        expect(n.configStart <= n.configEnd && n.configEnd <= end).toBe(true);
        expect(n.electionEpoch >= -1 && n.electionEpoch <= ROUND_MAX).toBe(true);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
    expect(accepted).toBeGreaterThan(10_000);
  });
});

describe("a hello", () => {
  it("of ZooKeeper is read (one address, several, and the old form)", () => {
    const one = bytesOf(`ffffffffffff0000 0000000000000002 0000000f ${hexOf(utf8("10.0.0.2:3888xy"))}`);
    expect(readHello(one, 0, one.length)).toEqual({ sid: 2, length: 35 });
    const several = bytesOf(`ffffffffffff0001 0000000000000002 00000009 ${hexOf(utf8("a:1|b:2|c"))}`);
    expect(readHello(several, 0, several.length)).toEqual({ sid: 2, length: 29 });
    const old = bytesOf("0000000000000007");
    expect(readHello(old, 0, old.length)).toEqual({ sid: 7, length: 8 });
    const observer = bytesOf("7fffffffffffffff");
    expect(readHello(observer, 0, observer.length)).toEqual({ sid: ANONYMOUS_SID, length: 8 });
  });

  it("is what ZooKeeper sends", () => {
    const writer = new Writer();
    writeHello(writer, 3, [{ host: "::1", port: 3888 }], false);
    expect(hexOf(writer.view())).toBe(`ffffffffffff0000${"0000000000000003"}0000000a${hexOf(utf8("[::1]:3888"))}`);
    writer.reset();
    writeHello(
      writer,
      ANONYMOUS_SID,
      [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
      true,
    );
    expect(hexOf(writer.view())).toBe(`ffffffffffff0001${"7fffffffffffffff"}00000007${hexOf(utf8("a:1|b:2"))}`);
  });

  it("is waited for until it is complete", () => {
    const writer = new Writer();
    writeHello(writer, 3, [], false);
    for (let end = 0; end < writer.at; end++) expect(readHello(writer.bytes, 0, end), `${end} bytes`).toBeNull();
    expect(readHello(writer.bytes, 0, writer.at)).toEqual({ sid: 3, length: writer.at });
  });

  it.each([
    ["an unknown version", "ffffffffffff0002 0000000000000002"],
    ["text", hexOf(utf8("GET / HTTP/1.1\r\n"))],
    ["a negative sid", "ffffffffffff0000 ffffffffffffffff"],
    ["no address", "ffffffffffff0000 0000000000000002 00000000"],
    ["addresses of negative length", "ffffffffffff0000 0000000000000002 80000000"],
    ["addresses that are too long", "ffffffffffff0000 0000000000000002 00000801"],
  ])("with %s is refused as soon as that is seen", (_, hex) => {
    const bytes = bytesOf(hex);
    expect(() => readHello(bytes, 0, bytes.length)).toThrow(ProtocolError);
  });

  it("of random bytes is refused, waited for, or has a sid", () => {
    const random = randomInts(3);
    for (let i = 0; i < 200_000; i++) {
      const bytes = Uint8Array.from({ length: random(40) }, () => random(256));
      if (random(2) === 0) bytes.set(bytesOf("ffffffffffff0000").subarray(0, bytes.length));
      try {
        const hello = readHello(bytes, 0, bytes.length);
        if (hello !== null) expect(hello.sid >= 0 && hello.length <= HELLO_MAX).toBe(true);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
  });
});
