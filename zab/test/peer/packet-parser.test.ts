import { ProtocolError, Writer } from "@quoll/jute";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PacketParser } from "../../src/core/quorum-packet/packet-parser.js";
import { writeRequest } from "../../src/core/quorum-packet/packet-writers.js";
import { ints, packet, Type, text } from "./packets.js";

interface Found {
  readonly type: number;
  readonly zxid: number;
  readonly data: number[] | null;
  readonly auth: number[];
}

/** Feeds chunks, spoils each after it was pushed as a socket would, and says what was found. */
function parse(parser: PacketParser, chunks: Uint8Array[]): Found[] {
  const found: Found[] = [];
  for (const chunk of chunks) {
    const bytes = chunk.slice();
    parser.push(bytes);
    while (parser.next()) {
      const { type, zxid } = parser;
      const data = parser.hasData ? [...parser.bytes.slice(parser.dataStart, parser.dataEnd)] : null;
      found.push({ type, zxid, data, auth: [...parser.bytes.slice(parser.authStart, parser.authEnd)] });
    }
    parser.keep();
    bytes.fill(0xee);
  }
  return found;
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.slice(start, at[i] ?? bytes.length));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Writer();
  for (const part of parts) all.raw(part, 0, part.length);
  return all.take();
}

const identity = fc.tuple(fc.constantFrom("world", "digest", ""), fc.string({ unit: "binary-ascii", maxLength: 20 }));
const request = fc.record({
  type: fc.integer({ min: 1, max: 19 }),
  zxid: fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
  data: fc.option(fc.uint8Array({ maxLength: 300 })),
  auth: fc.option(fc.array(identity, { maxLength: 4 })),
});

function bytesOf({
  type,
  zxid,
  data,
  auth,
}: {
  type: number;
  zxid: number;
  data: Uint8Array | null;
  auth: [string, string][] | null;
}): Uint8Array {
  const writer = new Writer();
  writer.int(type);
  writer.long(zxid);
  writer.buffer(data);
  writer.int(auth === null ? -1 : auth.length);
  for (const [scheme, id] of auth ?? []) {
    writer.string(scheme);
    writer.string(id);
  }
  return writer.take();
}

describe("the packets of a link", () => {
  it("are found wherever the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 8 }),
        fc.array(fc.nat(4000), { maxLength: 30 }),
        (requests, places) => {
          const all = concat(requests.map(bytesOf));
          const found = parse(new PacketParser(1000), cut(all, places));
          expect(found.map(({ type, zxid, data }) => ({ type, zxid, data }))).toEqual(
            requests.map(({ type, zxid, data }) => ({ type, zxid, data: data === null ? null : [...data] })),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("are found one byte at a time, with the identities of their client", () => {
    const writer = new Writer();
    const auth = concat([ints(1, 2), text("ip"), ints(4), text("host")]);
    writeRequest(writer, 1, 2, 3, 4, text("body"), 0, 4, auth);
    writeRequest(writer, 1, 2, 3, 4, text("body"), 1, 3, new Uint8Array(0));
    const bytes = writer.take();
    const found = parse(
      new PacketParser(100),
      [...bytes].map((byte) => new Uint8Array([byte])),
    );
    expect(found).toEqual([
      { type: 1, zxid: -1, data: [...ints(1, 2, 3, 4), ...text("body")], auth: [...auth] },
      { type: 1, zxid: -1, data: [...ints(1, 2, 3, 4), ...text("od")], auth: [...ints(-1)] },
    ]);
  });

  it("are not found before their last byte has come", () => {
    const bytes = packet(Type.PROPOSAL, 5, text("data"));
    for (let length = 0; length < bytes.length; length++) {
      const parser = new PacketParser(100);
      expect(parse(parser, [bytes.slice(0, length)])).toEqual([]);
      expect(parser.unparsed).toBe(length);
      expect(parse(parser, [bytes.slice(length)])).toHaveLength(1);
    }
  });

  it.each([
    ["a data length below -1", [2, 0, 5, -2, -1]],
    ["a data length above the limit", [2, 0, 5, 101, -1]],
    ["a data length of 2^31-1", [2, 0, 5, 0x7fffffff, -1]],
    ["a count of identities below -1", [1, 0, 5, -1, -2]],
    ["two billion identities", [1, 0, 5, -1, 0x7fffffff, 0, 0]],
    ["an identity of two gigabytes", [1, 0, 5, -1, 1, 0x7fffffff]],
    ["an identity with a negative length", [1, 0, 5, -1, 1, -5]],
    ["a zxid beyond 2^53", [1, 0x7fffffff, 5, -1, -1]],
  ])("with %s are refused at once, before anything is kept for them", (_, words) => {
    const parser = new PacketParser(100);
    expect(() => parse(parser, [ints(...words)])).toThrow(ProtocolError);
  });

  it("keep no more than one packet while its end has not come", () => {
    const parser = new PacketParser(1 << 20);
    const head = ints(2, 0, 5, 1 << 20);
    expect(parse(parser, [head, ...Array.from({ length: 1023 }, () => new Uint8Array(1024))])).toEqual([]);
    expect(parser.unparsed).toBe(16 + 1023 * 1024);
    expect(parse(parser, [new Uint8Array(1024), ints(-1)])).toHaveLength(1);
    expect(parser.unparsed).toBe(0);
  });

  it("are found or refused in random bytes, and nothing else happens", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200)), (bytes, places) => {
        const parser = new PacketParser(64);
        try {
          parse(parser, cut(bytes, places));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
        expect(parser.unparsed).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 3000 },
    );
  });
});
