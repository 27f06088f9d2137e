import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SessionIds } from "../../src/core/session/session-id.js";
import { isSessionPassword, PASSWORD_BYTES, writeSessionPassword } from "../../src/core/session/session-password.js";

function halves(hex: string): [number, number] {
  const id = BigInt(`0x${hex}`);
  return [Number(BigInt.asIntN(32, id >> 32n)), Number(BigInt.asIntN(32, id))];
}

describe("session ids", () => {
  test("start where Java's do for the same server id and time, ids with the top bit set included", () => {
    const file = new URL("java-session-ids.json", import.meta.url);
    const java: [number, number, string][] = JSON.parse(readFileSync(file, "utf8"));
    expect(java.map(([server, ms]) => [server, ms, new SessionIds(server, ms).next().toHex()])).toEqual(java);
  });

  test("count up by one, over the end of the lower half", () => {
    const ids = new SessionIds(1, 0xffff);
    let last = ids.next().toBigInt();
    for (let i = 0; i < 70_000; i++) {
      const next = ids.next().toBigInt();
      if (next !== last + 1n) expect.fail(`${next} after ${last}`);
      last = next;
    }
    expect(last).toBe((1n << 56n) + 0xffff_0000n + 70_000n);
  });
});

describe("session passwords", () => {
  const file = new URL("java-session-passwords.txt", import.meta.url);
  const java = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" "));

  test("are those of java.util.Random, for edges and random ids of both signs", () => {
    const bytes = new Uint8Array(PASSWORD_BYTES + 2);
    const got = java.map(([id]) => {
      writeSessionPassword(...halves(id), bytes, 1);
      return [id, Buffer.from(bytes.subarray(1, 17)).toString("hex")];
    });
    expect(got).toEqual(java);
    expect([bytes[0], bytes[17]]).toEqual([0, 0]);
  });

  test("are accepted for their session only, in full only, and never for session 0", () => {
    const [id, password] = java[20];
    const bytes = Uint8Array.from([9, ...Buffer.from(password, "hex"), 9]);
    const [hi, lo] = halves(id);
    expect(isSessionPassword(hi, lo, bytes, 1, 17)).toBe(true);
    expect(isSessionPassword(hi, lo ^ 1, bytes, 1, 17)).toBe(false);
    expect(isSessionPassword(hi, lo, bytes, 1, 16)).toBe(false);
    expect(isSessionPassword(hi, lo, bytes, 1, 1)).toBe(false);
    bytes[16] ^= 0x80;
    expect(isSessionPassword(hi, lo, bytes, 1, 17)).toBe(false);
    writeSessionPassword(0, 0, bytes, 0);
    expect(isSessionPassword(0, 0, bytes, 0, 16)).toBe(false);
  });
});
