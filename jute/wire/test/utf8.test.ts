import { describe, expect, test } from "vitest";
import { decodeUtf8, encodeUtf8, Reader, utf8Length, Writer } from "../src/index.js";
import { readPairs } from "./golden.js";

/** UTF-16 units, big-endian, to a string. */
function fromUnits(units: Uint8Array): string {
  let text = "";
  for (let i = 0; i < units.length; i += 2) text += String.fromCharCode((units[i] << 8) | units[i + 1]);
  return text;
}

function toUnits(text: string): string[] {
  return [...Array(text.length).keys()].map((i) => text.charCodeAt(i).toString(16));
}

const decoded = readPairs("utf8-decode.txt").map(([bytes, units]) => ({ bytes, text: fromUnits(units) }));
const encoded = readPairs("utf8-encode.txt").map(([units, bytes]) => ({ text: fromUnits(units), bytes }));

describe("decoding", () => {
  test("well-formed and malformed bytes become what Java makes of them", () => {
    for (const { bytes, text } of decoded) {
      expect(toUnits(decodeUtf8(bytes, 0, bytes.length)), String(bytes)).toEqual(toUnits(text));
    }
    expect(decoded.length).toBeGreaterThan(2000);
  });

  test("the same bytes behind ASCII of every length up to two blocks, and with more around them, become the same", () => {
    for (const { bytes, text } of decoded.filter((_, i) => i % 7 === 0)) {
      for (let before = 0; before <= 17; before++) {
        const buffer = new Uint8Array(before + bytes.length + 11).fill(0xff);
        buffer.fill(0x61, 1, 1 + before);
        buffer.set(bytes, 1 + before);
        expect(decodeUtf8(buffer, 1, 1 + before + bytes.length)).toBe("a".repeat(before) + text);
      }
    }
  });

  test("strings longer than a chunk are whole, whatever their characters", () => {
    for (const part of ["a", "é", "日", "😀", "ab日"]) {
      const text = part.repeat(10_001);
      const bytes = new TextEncoder().encode(text);
      expect(decodeUtf8(bytes, 0, bytes.length) === text).toBe(true);
    }
  });

  test("an encoded surrogate becomes one replacement character", () => {
    const bytes = Uint8Array.of(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80);
    expect(decodeUtf8(bytes, 0, bytes.length)).toBe("\ufffd\ufffd");
  });
});

describe("encoding", () => {
  test("strings become the bytes that Java's archive writes, surrogates one by one", () => {
    for (const { text, bytes } of encoded) {
      const into = new Uint8Array(utf8Length(text));
      expect(encodeUtf8(text, into, 0)).toBe(bytes.length);
      expect(into, String(toUnits(text))).toEqual(bytes);
    }
    expect(encoded.length).toBeGreaterThan(30);
  });

  test("a string without surrogates comes back as it went", () => {
    for (const text of [
      "",
      "/",
      "/zookeeper/config",
      "/é/ü/ß",
      "/日本/中文",
      "\u0000\u007f\u0080\u07ff\u0800\ud7ff\uffff",
    ]) {
      const writer = new Writer(1);
      writer.string(text);
      expect(new Reader(writer.view()).string()).toBe(text);
    }
  });

  test("a character beyond the basic plane is written as two surrogates, which Java reads as two replacements", () => {
    const writer = new Writer();
    writer.string("😀");
    expect([...writer.view()]).toEqual([0, 0, 0, 6, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]);
    expect(new Reader(writer.view()).string()).toBe("\ufffd\ufffd");
  });
});
