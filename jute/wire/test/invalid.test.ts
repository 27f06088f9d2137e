import { describe, expect, test } from "vitest";
import {
  ConnectRequest,
  CreateRequest,
  CreateTxn,
  decodeRecord,
  GetACLResponse,
  GetChildrenResponse,
  GetDataRequest,
  type Limits,
  MultiTxn,
  ProtocolError,
  type RecordType,
  ReplyHeader,
  RequestHeader,
  SetWatches,
  TxnHeader,
} from "../src/index.js";
import { fromHex } from "./golden.js";

/** The twin of the golden bytes: bytes that lie, and the error that names the lie. */
const cases: [title: string, type: RecordType<unknown>, hex: string, error: string, limits?: Limits][] = [
  ["no bytes at all", RequestHeader, "", "int at byte 0: expected 4 bytes, got 0 that remain"],
  ["a header without its type", RequestHeader, "00000001", "int at byte 4: expected 4 bytes, got 0 that remain"],
  ["a header with half its type", RequestHeader, "00000001 0000", "int at byte 4: expected 4 bytes, got 2 that remain"],
  [
    "a negative string length",
    GetDataRequest,
    "fffffffe 00",
    "string length at byte 0: expected -1 to 2147483647, got -2",
  ],
  [
    "the most negative string length",
    GetDataRequest,
    "80000000 00",
    "string length at byte 0: expected -1 to 2147483647, got -2147483648",
  ],
  [
    "a string length one too large",
    GetDataRequest,
    "00000003 2f61",
    "string length at byte 0: expected at most the 2 bytes that remain, got 3",
  ],
  [
    "the largest string length",
    GetDataRequest,
    "7fffffff 2f61 00",
    "string length at byte 0: expected at most the 3 bytes that remain, got 2147483647",
  ],
  [
    "a string over the limit, though its bytes are there",
    GetDataRequest,
    "00000005 2f61626364 00",
    "string length at byte 0: expected -1 to 4, got 5",
    { bufferMax: 4 },
  ],
  ["a missing boolean", GetDataRequest, "00000002 2f61", "boolean at byte 6: expected 1 bytes, got 0 that remain"],
  [
    "a buffer length that lies, behind a good path",
    CreateRequest,
    "00000002 2f61 00000010 00",
    "buffer length at byte 6: expected at most the 1 bytes that remain, got 16",
  ],
  [
    "a count of ACLs that cannot fit",
    CreateRequest,
    "00000002 2f61 ffffffff 00000002 0000001f ffffffff ffffffff",
    "vector count at byte 10: expected -1 or what fits in the 12 bytes that remain, got 2",
  ],
  [
    "the largest count of ACLs",
    GetACLResponse,
    "7fffffff",
    "vector count at byte 0: expected -1 or what fits in the 0 bytes that remain, got 2147483647",
  ],
  [
    "the largest count of strings",
    GetChildrenResponse,
    "7fffffff 00000000",
    "vector count at byte 0: expected -1 or what fits in the 4 bytes that remain, got 2147483647",
  ],
  [
    "a count of strings that fits, but whose strings do not",
    GetChildrenResponse,
    "00000002 00000004 61626364",
    "int at byte 12: expected 4 bytes, got 0 that remain",
  ],
  [
    "a count of txns beyond the bytes",
    MultiTxn,
    "00000002 0000000100000000",
    "vector count at byte 0: expected -1 or what fits in the 8 bytes that remain, got 2",
  ],
  [
    "a zxid that no server reaches",
    ReplyHeader,
    "00000001 0020000000000000 00000000",
    "long at byte 4: expected a count within 2^53, got 0x20000000000000",
  ],
  [
    "a time beyond all times",
    TxnHeader,
    "0000000000000000 00000000 0000000000000001 7fffffffffffffff 00000000",
    "long at byte 20: expected a count within 2^53, got 0x7fffffffffffffff",
  ],
  [
    "a connect request that ends before its readOnly",
    ConnectRequest,
    `00000000 0000000000000000 00007530 0000000000000000 00000010 ${"00".repeat(16)}`,
    "boolean at byte 44: expected 1 bytes, got 0 that remain",
  ],
  [
    "a path that is cut off within its length",
    CreateTxn,
    "000000",
    "int at byte 0: expected 4 bytes, got 3 that remain",
  ],
];

describe("invalid bytes are refused with the place and what was expected there", () => {
  test.each(cases)("%s", (_title, type, hex, error, limits) => {
    const decode = () => decodeRecord(type, fromHex(hex), limits);
    expect(decode).toThrow(ProtocolError);
    expect(decode).toThrow(error);
  });
});

describe("what looks invalid but is not", () => {
  test("a vector count below -1 is an empty vector, as Java reads it", () => {
    const decoded = decodeRecord(SetWatches, fromHex("0000000000000000 fffffffe 80000000 ffffffff"));
    expect(decoded.dataWatches).toEqual([]);
    expect(decoded.existWatches).toEqual([]);
    expect(decoded.childWatches).toBe(null);
  });

  test("any boolean byte but 0 is true", () => {
    expect(decodeRecord(GetDataRequest, fromHex("ffffffff 02")).watch).toBe(true);
    expect(decodeRecord(GetDataRequest, fromHex("ffffffff 00")).watch).toBe(false);
  });

  test("bits take all 64", () => {
    const decoded = decodeRecord(SetWatches, fromHex("8000000000000001 ffffffff ffffffff ffffffff"));
    expect(decoded.relativeZxid.toBigInt()).toBe(-(2n ** 63n) + 1n);
  });

  test("bytes behind the record are ignored", () => {
    expect(decodeRecord(RequestHeader, fromHex("00000001 00000002 99"))).toEqual({ xid: 1, type: 2 });
  });

  test("the error carries its data in fields", () => {
    let error: unknown;
    try {
      decodeRecord(RequestHeader, fromHex("00000001 00"));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: "PROTOCOL",
      what: "int",
      offset: 4,
      expected: "4 bytes",
      got: "1 that remain",
    });
  });
});
