import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError, invariant, Long, ProtocolError, QuollError, Reader, Writer } from "../src/index.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("writer and reader", () => {
  test.each([
    [0, "0000000000000000"],
    [-1, "ffffffffffffffff"],
    [0x7fffffff, "000000007fffffff"],
    [0x80000000, "0000000080000000"],
    [-0x80000000, "ffffffff80000000"],
    [0x1_0000_0000, "0000000100000000"],
    [-0x1_0000_0001, "fffffffeffffffff"],
    [Number.MAX_SAFE_INTEGER, "001fffffffffffff"],
    [Number.MIN_SAFE_INTEGER, "ffe0000000000001"],
  ])("the long %d is %s", (value, bytes) => {
    const writer = new Writer(1);
    writer.long(value);
    expect(hex(writer.view())).toBe(bytes);
    expect(new Reader(writer.view()).long()).toBe(value);
    expect(Long.fromNumber(value).toBigInt()).toBe(BigInt(value));
  });

  test.each([2 ** 53, -(2 ** 53), 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "the number %d is no long: it is our bug, and nothing is written",
    (value) => {
      const writer = new Writer();
      expect(() => writer.long(value)).toThrow(InvariantError);
      expect(writer.at).toBe(0);
    },
  );

  test.each(["0020000000000000", "ffe0000000000000", "7fffffffffffffff", "8000000000000000"])(
    "the bytes %s are no count, but they are bits",
    (bytes) => {
      const input = Uint8Array.from(Buffer.from(bytes, "hex"));
      expect(() => new Reader(input).long()).toThrow(ProtocolError);
      expect(new Reader(input).bits().toBigInt()).toBe(BigInt.asIntN(64, BigInt(`0x${bytes}`)));
      expect(new Reader(input).bigint()).toBe(BigInt.asIntN(64, BigInt(`0x${bytes}`)));
    },
  );

  test("values of all types come back in their order, from a writer that had to grow at every step", () => {
    const any = fc.record({
      byte: fc.integer({ min: -128, max: 127 }),
      bool: fc.boolean(),
      int: fc.integer(),
      long: fc.maxSafeInteger(),
      bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      float: fc.float(),
      double: fc.double(),
      string: fc.string({ maxLength: 200 }),
      buffer: fc.uint8Array({ maxLength: 200 }),
    });
    fc.assert(
      fc.property(any, (v) => {
        const writer = new Writer(0);
        writer.byte(v.byte);
        writer.bool(v.bool);
        writer.int(v.int);
        writer.long(v.long);
        writer.bigint(v.bigint);
        writer.float(v.float);
        writer.double(v.double);
        writer.string(v.string);
        writer.buffer(v.buffer);
        writer.string(null);
        writer.buffer(null);
        writer.raw(v.buffer, 0, v.buffer.length);
        const reader = new Reader(writer.take());
        expect(reader.byte()).toBe(v.byte);
        expect(reader.bool()).toBe(v.bool);
        expect(reader.int()).toBe(v.int);
        expect(reader.long()).toBe(v.long + 0);
        expect(reader.bigint()).toBe(v.bigint);
        expect(reader.float()).toBe(v.float);
        expect(reader.double()).toBe(v.double);
        expect(reader.string()).toBe(v.string);
        expect(reader.buffer()).toEqual(v.buffer);
        expect(reader.string()).toBe(null);
        expect(reader.buffer()).toBe(null);
        expect(reader.bytes.subarray(reader.at, reader.end)).toEqual(v.buffer);
      }),
    );
  });

  test("a string that turns out not to be ASCII at its end is written once", () => {
    const writer = new Writer(4);
    writer.string(`${"a".repeat(100)}é`);
    expect(writer.at).toBe(4 + 102);
    expect(new Reader(writer.view()).string()).toBe(`${"a".repeat(100)}é`);
  });

  test("a length that is known only at the end is patched in", () => {
    const writer = new Writer();
    writer.int(0);
    writer.string("abc");
    writer.patchInt(0, writer.at - 4);
    expect(hex(writer.view())).toBe("0000000700000003616263");
  });

  test("reset keeps the memory, take gives a copy that later writes leave alone", () => {
    const writer = new Writer(8);
    writer.int(1);
    const { bytes } = writer;
    const copy = writer.take();
    writer.reset();
    writer.int(2);
    expect(writer.bytes).toBe(bytes);
    expect(hex(copy)).toBe("00000001");
  });

  test("a span is written as a string or buffer, short or long", () => {
    for (const length of [0, 1, 64, 65, 1000]) {
      const source = Uint8Array.from({ length: length + 10 }, (_, i) => i);
      const writer = new Writer();
      writer.span(source, 5, 5 + length);
      expect(new Reader(writer.view()).buffer()).toEqual(source.slice(5, 5 + length));
    }
  });

  test("a buffer is a view of the bytes that were read, not a copy", () => {
    const bytes = Uint8Array.of(0, 0, 0, 2, 7, 8);
    const buffer = new Reader(bytes).buffer();
    bytes[4] = 9;
    expect(buffer).toEqual(Uint8Array.of(9, 8));
  });

  test("a reader that is reset onto a part of its bytes does not see the rest", () => {
    const reader = new Reader(Uint8Array.of(0, 0, 0, 9, 0, 0, 0, 1, 5));
    reader.reset(reader.bytes, 4, 8);
    expect(reader.int()).toBe(1);
    expect(reader.remaining).toBe(0);
    expect(() => reader.byte()).toThrow(ProtocolError);
  });

  test.each(["byte", "bool", "int", "long", "bits", "bigint", "float", "double", "string", "buffer"] as const)(
    "reading a %s behind the end is refused and leaves nothing half read behind the end",
    (method) => {
      for (let length = 0; length < (method === "byte" || method === "bool" ? 1 : 4); length++) {
        const reader = new Reader(new Uint8Array(16), 0, length);
        expect(() => reader[method]()).toThrow(ProtocolError);
        expect(reader.at).toBeLessThanOrEqual(length);
      }
    },
  );
});

describe("Long", () => {
  test("it is made from bigints and back over all 64 bits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const long = Long.fromBigInt(value);
        expect(long.toBigInt()).toBe(value);
        expect(long.toHex()).toBe(BigInt.asUintN(64, value).toString(16));
        expect(long.equals(Long.fromBigInt(value))).toBe(true);
        expect(long.isZero).toBe(value === 0n);
      }),
      { examples: [[0n], [-1n], [1n << 32n], [0xffff_ffffn], [-(2n ** 63n)]] },
    );
  });

  test("it is printed as hex", () => {
    expect(String(new Long(0, 0x1f))).toBe("0x1f");
    expect(String(new Long(1, 0x1f))).toBe("0x10000001f");
    expect(String(Long.MINUS_ONE)).toBe("0xffffffffffffffff");
    expect(Long.ZERO.isZero).toBe(true);
  });
});

describe("errors", () => {
  test("they have a common root, a name and a code", () => {
    const error = new ProtocolError("int", 3, "4 bytes", "1");
    expect(error).toBeInstanceOf(QuollError);
    expect(error.name).toBe("ProtocolError");
    expect(error.code).toBe("PROTOCOL");
    expect(error.message).toBe("int at byte 3: expected 4 bytes, got 1");
  });

  test("an invariant builds its message only when it fails", () => {
    let built = 0;
    const message = () => {
      built++;
      return "broken";
    };
    invariant(true, message);
    expect(built).toBe(0);
    expect(() => invariant(false, message)).toThrow("broken");
    expect(built).toBe(1);
  });
});
