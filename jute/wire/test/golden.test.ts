import { describe, expect, test } from "vitest";
import { decodeRecord, encodeRecord, equalRecords, formatRecord, ProtocolError, Reader } from "../src/index.js";
import { readGolden } from "./golden.js";
import { recordTypes } from "./records.js";

const golden = readGolden();

test("every record of the protocol has golden bytes, and there are 72 as in ZooKeeper 3.9.5", () => {
  const covered = new Set(golden.map(({ type }) => type));
  expect(recordTypes.size).toBe(72);
  expect([...recordTypes.values()].filter((type) => !covered.has(type))).toEqual([]);
});

describe.each(golden)("$title", ({ type, bytes, value }) => {
  test("the value is encoded to Java's bytes", () => {
    expect(encodeRecord(type, value)).toEqual(bytes);
  });

  test("Java's bytes are decoded to the value, to their last byte", () => {
    const reader = new Reader(bytes);
    const decoded = type.decode(reader);
    expect(decoded).toEqual(value);
    expect(reader.remaining).toBe(0);
    expect(equalRecords(type, decoded, value)).toBe(true);
    expect(formatRecord(type, decoded)).toBe(formatRecord(type, value));
  });

  test("the bytes cut off anywhere are refused as a protocol error", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeRecord(type, bytes.slice(0, length))).toThrow(ProtocolError);
    }
  });

  test("the value in the middle of a larger buffer is decoded alike, and the bytes behind it are left", () => {
    const around = new Uint8Array(bytes.length + 12).fill(0xaa);
    around.set(bytes, 5);
    const reader = new Reader(around, 5, 5 + bytes.length);
    expect(equalRecords(type, type.decode(reader), value)).toBe(true);
    expect(reader.at).toBe(5 + bytes.length);
  });
});

test("records that differ in one field are not equal, whichever field it is", () => {
  let compared = 0;
  for (const a of golden) {
    for (const b of golden) {
      if (a.type !== b.type || a === b) continue;
      for (const { name } of a.type.fields) {
        const left = a.value as Record<string, unknown>;
        const right = b.value as Record<string, unknown>;
        const mixed = { ...left, [name]: right[name] };
        const same = Buffer.compare(encodeRecord(a.type, mixed), a.bytes) === 0;
        expect(equalRecords(a.type, mixed, a.value), `${a.title} ${name}`).toBe(same);
        compared++;
      }
    }
  }
  expect(compared).toBeGreaterThan(500);
});
