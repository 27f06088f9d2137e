import { InvariantError } from "@quoll/jute";
import { expect, test } from "vitest";
import { adler32 } from "../../src/core/storage/adler32.js";
import type { Room } from "../../src/core/storage/room.js";
import { DiskError } from "../../src/core/storage/storage-error.js";
import { readSyncMark } from "../../src/core/storage/sync-mark.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { follows, logName, zxidOfLogName } from "../../src/core/storage/txn-log-format.js";
import { TxnLogReader } from "../../src/core/storage/txn-log-reader.js";
import { type TxnLogOptions, TxnLogWriter } from "../../src/core/storage/txn-log-writer.js";
import { entriesOf, payloadOf } from "./toy-state.js";
import { DIR } from "./world.js";

const defaults: TxnLogOptions = { preAllocBytes: 64 * 1024, sizeLimitBytes: -1, forceSync: true };

function open(options: Partial<TxnLogOptions> = {}): { disk: FakeDisk; writer: TxnLogWriter } {
  const disk = new FakeDisk();
  disk.makeDirectory(DIR);
  return { disk, writer: new TxnLogWriter(disk, DIR, { ...defaults, ...options }, 0) };
}

function append(writer: TxnLogWriter, zxid: number, size = 20): void {
  const entry = entriesOf([payloadOf(zxid, size)]);
  writer.append(entry, 0, entry.length);
  writer.commit();
}

const logs = (disk: FakeDisk) => disk.list(DIR).filter((name) => name.startsWith("log."));

test("Adler-32 is that of zlib", () => {
  const bytes = new Uint8Array(100_000).fill(255);
  expect(adler32(bytes, 0, 0)).toBe(1);
  expect(adler32(new TextEncoder().encode("Wikipedia"), 0, 9)).toBe(0x11e60398);
  expect(adler32(bytes, 0, bytes.length)).toBe(0x149a302c);
  expect(adler32(bytes, 50_000, bytes.length, adler32(bytes, 0, 50_000))).toBe(adler32(bytes, 0, bytes.length));
});

test("names tell zxids in hex, and other names are no logs", () => {
  expect(logName(0x1_0000_002a)).toBe("log.10000002a");
  expect(zxidOfLogName("log.10000002a")).toBe(0x1_0000_002a);
  for (const name of ["log.", "log.5.fixed", "log.FF", "log.-1", "xlog.5", "snapshot.5"])
    expect(zxidOfLogName(name)).toBe(-1);
});

test("a txn is followed by the next one, or by the first one of a later epoch", () => {
  expect(follows(5, 6)).toBe(true);
  expect(follows(5, 0x1_0000_0001)).toBe(true);
  for (const next of [4, 5, 7, 0x1_0000_0002]) expect(follows(5, next)).toBe(false);
});

test("a file is the header, the entry and zeros, byte for byte", () => {
  const { disk, writer } = open();
  const payload = payloadOf(0x2a, 1);
  append(writer, 0x2a, 1);
  const bytes = disk.contents(`${DIR}/log.2a`);
  const hex = (from: number, to: number) => Buffer.from(bytes.slice(from, to)).toString("hex");
  expect(hex(0, 16)).toBe("5a4b4c47" + "00000002" + "0000000000000000");
  const checksum = adler32(payload, 0, payload.length).toString(16).padStart(16, "0");
  expect(hex(16, 28)).toBe(`${checksum}00000021`);
  expect(hex(28, 61)).toBe(Buffer.from(payload).toString("hex"));
  expect(hex(61, 62)).toBe("42");
  expect(bytes.subarray(62).every((byte) => byte === 0)).toBe(true);
});

test("files grow in the same steps as Java's", () => {
  const { disk, writer } = open();
  append(writer, 1);
  expect(disk.size(`${DIR}/log.1`)).toBe(16 + 65_536);
  append(writer, 2, 61_000);
  append(writer, 3, 400);
  // Within 4 KiB of the end, another step.
  append(writer, 4);
  expect(disk.size(`${DIR}/log.1`)).toBe(16 + 2 * 65_536);
  // Past the end, up to a multiple of the step.
  append(writer, 5, 200_000);
  append(writer, 6);
  expect(disk.size(`${DIR}/log.1`) % 65_536).toBe(0);
});

test("without preallocation a file is as long as its contents", () => {
  const { disk, writer } = open({ preAllocBytes: 0 });
  append(writer, 1);
  expect(disk.size(`${DIR}/log.1`)).toBe(16 + 13 + 52);
});

test("D32: a file's header and its directory entry are durable before its first entry is written", () => {
  const { disk, writer } = open();
  append(writer, 1);
  const kinds = disk.trace.map((call) => call.split(" ").slice(0, 2).join(" "));
  const first = disk.trace.findIndex((call) => call.startsWith(`write ${DIR}/log.1 16+`));
  expect(kinds.slice(0, first)).toEqual(
    expect.arrayContaining([`open ${DIR}/log.1`, `sync ${DIR}/log.1`, `syncDirectory ${DIR}`]),
  );
  disk.cut(() => false);
  expect(disk.exists(`${DIR}/log.1`)).toBe(true);
});

test("D32: with a roll the old file is durable before the new one is created", () => {
  const { disk, writer } = open();
  append(writer, 1);
  const entry = entriesOf([payloadOf(2)]);
  writer.append(entry, 0, entry.length);
  writer.roll();
  append(writer, 3);
  const synced = disk.trace.lastIndexOf(`sync ${DIR}/log.1`);
  expect(synced).toBeGreaterThan(disk.trace.findLastIndex((call) => call.startsWith(`write ${DIR}/log.1 `)));
  expect(synced).toBeLessThan(disk.trace.indexOf(`open ${DIR}/log.3 create`));
});

test("D35: real zeros stand ahead of the entries, so that the disk is found full before it is needed", () => {
  const { disk, writer } = open();
  append(writer, 1);
  expect(disk.trace.some((call) => call.startsWith(`write ${DIR}/log.1 81+`))).toBe(true);
  const full = open();
  full.disk.failAtNext(`write ${DIR}/log.1 81+`, "ENOSPC");
  expect(() => append(full.writer, 1)).toThrow(DiskError);
});

/** Counts what is asked of it. */
class CountedRoom implements Room {
  claimed = 0;
  waits = 0;
  claim(bytes: number): void {
    this.claimed += bytes;
  }
  lacked(): void {
    this.waits++;
  }
}

test("D33: the log asks for room before it takes any, in each file anew", () => {
  const disk = new FakeDisk();
  disk.makeDirectory(DIR);
  const room = new CountedRoom();
  const writer = new TxnLogWriter(disk, DIR, { ...defaults, preAllocBytes: 8 << 20 }, 0, room);
  let most = 0;
  for (let zxid = 1; zxid <= 40; zxid++) {
    append(writer, zxid, 50_000);
    for (const call of disk.trace) {
      const match = /^write .*\/log\.1 (\d+)\+(\d+)$/.exec(call);
      if (match !== null) most = Math.max(most, Number(match[1]) + Number(match[2]));
    }
    expect(room.claimed).toBeGreaterThanOrEqual(most);
  }
  expect(most).toBeGreaterThan(2_000_000);
  const before = room.claimed;
  writer.roll();
  append(writer, 41);
  expect(room.claimed).toBeGreaterThan(before);
});

test("D33 D35: with a room, zeros that a full disk does not take are written once it does; a txn's bytes never again", () => {
  const disk = new FakeDisk();
  disk.makeDirectory(DIR);
  const room = new CountedRoom();
  const writer = new TxnLogWriter(disk, DIR, defaults, 0, room);
  disk.failAtNext(`write ${DIR}/log.1 81+`, "ENOSPC");
  append(writer, 1);
  expect(room.waits).toBe(1);
  expect(disk.trace.filter((call) => call.startsWith(`write ${DIR}/log.1 81+`))).toHaveLength(2);
  disk.failAtNext(`write ${DIR}/log.1 81+`, "ENOSPC");
  expect(() => append(writer, 2)).toThrow(DiskError);
  expect(room.waits).toBe(1);
  disk.cut(() => false);
  const reader = TxnLogReader.open(disk, `${DIR}/log.1`)!;
  expect(reader.next()).toBe(true);
  expect(reader.zxid).toBe(1);
  expect(reader.next()).toBe(false);
});

test("a file is left for a new one when it is larger than the limit", () => {
  const { disk, writer } = open({ sizeLimitBytes: 1000 });
  for (let zxid = 1; zxid <= 5; zxid++) append(writer, zxid, 400);
  expect(logs(disk)).toEqual(["log.1", "log.4"]);
});

test("with forceSync=no nothing is synced, and nothing is said to be", () => {
  const { disk, writer } = open({ forceSync: false });
  append(writer, 1);
  writer.markSynced();
  writer.close();
  expect(disk.trace.filter((call) => call.startsWith("sync"))).toEqual([]);
  expect(readSyncMark(disk, DIR)).toBeNull();
});

test("the mark of what was synced follows the log", () => {
  const { disk, writer } = open();
  append(writer, 7);
  expect(readSyncMark(disk, DIR)).toEqual({ logZxid: 7, position: 16, lastZxid: 0 });
  writer.markSynced();
  expect(readSyncMark(disk, DIR)).toEqual({ logZxid: 7, position: 81, lastZxid: 7 });
});

test("a txn that does not come after the last one is refused as our own bug", () => {
  const { writer } = open();
  append(writer, 5);
  expect(() => append(writer, 5)).toThrow(InvariantError);
});

test("a reader finds every entry of every size around its window, and where they end", () => {
  const { disk, writer } = open();
  const sizes = [0, 1, 1_048_500, 600, 1_048_576, 3_000_000, 5];
  for (let i = 0; i < sizes.length; i++) append(writer, i + 1, sizes[i]);
  const reader = TxnLogReader.open(disk, `${DIR}/log.1`)!;
  for (let i = 0; i < sizes.length; i++) {
    expect(reader.next()).toBe(true);
    expect(reader.zxid).toBe(i + 1);
    expect(reader.payloadEnd - reader.payloadStart).toBe(32 + sizes[i]);
  }
  expect(reader.next()).toBe(false);
  expect(reader.tail()).toEqual({ kind: "clean" });
});
