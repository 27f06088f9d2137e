import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeRecord, encodeRecord, equalRecords, formatRecord, ProtocolError, Reader, Writer } from "../src/index.js";
import { anyRecord } from "./arbitrary.js";
import { recordTypes } from "./records.js";

describe.each([...recordTypes])("%s", (_name, type) => {
  test("any value comes back from its bytes equal, and its bytes from it", () => {
    fc.assert(
      fc.property(anyRecord(type), (value) => {
        const bytes = encodeRecord(type, value);
        const reader = new Reader(bytes);
        const decoded = type.decode(reader);
        expect(reader.remaining).toBe(0);
        expect(equalRecords(type, decoded, value)).toBe(true);
        expect(formatRecord(type, decoded)).toBe(formatRecord(type, value));
        expect(Buffer.compare(encodeRecord(type, decoded), bytes)).toBe(0);
      }),
    );
  });

  test("any value cut off at any byte is refused as a protocol error and as nothing else", () => {
    fc.assert(
      fc.property(anyRecord(type), (value) => {
        const bytes = encodeRecord(type, value);
        for (let length = 0; length < bytes.length; length++) {
          try {
            decodeRecord(type, bytes.subarray(0, length));
          } catch (error) {
            if (error instanceof ProtocolError) continue;
            throw error;
          }
          throw new Error(`accepted the first ${length} of ${bytes.length} bytes`);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("two values are equal exactly if their bytes are", () => {
    fc.assert(
      fc.property(anyRecord(type), anyRecord(type), (a, b) => {
        const same = Buffer.compare(encodeRecord(type, a), encodeRecord(type, b)) === 0;
        expect(equalRecords(type, a, b)).toBe(same);
      }),
      { numRuns: 50 },
    );
  });
});

test("records of all types written one behind the other by one small writer are read back in order", () => {
  const values = fc.tuple(...[...recordTypes.values()].map((type) => anyRecord(type)));
  fc.assert(
    fc.property(values, (records) => {
      const types = [...recordTypes.values()];
      const writer = new Writer(1);
      types.forEach((type, i) => {
        type.encode(writer, records[i]);
      });
      const reader = new Reader(writer.view());
      types.forEach((type, i) => {
        expect(equalRecords(type, type.decode(reader), records[i])).toBe(true);
      });
      expect(reader.remaining).toBe(0);
    }),
    { numRuns: 20 },
  );
});
