import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
// The worker is started from the built files: run `npm run build` first, as `npm test` does.
import { LogClient, type LogClientOptions } from "../../dist/node/disk/log-client.js";
import { TxnLogReader } from "../../src/core/storage/txn-log-reader.js";
import { NodeDisk } from "../../src/node/disk/node-disk.js";
import { payloadOf } from "./toy-state.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quoll-log-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function options(changes: Partial<LogClientOptions> = {}): LogClientOptions {
  return {
    directory,
    lastZxid: 0,
    preAllocBytes: 1 << 20,
    sizeLimitBytes: -1,
    forceSync: true,
    slowSyncMs: 60_000,
    inFlightMax: 1 << 20,
    ...changes,
  };
}

/** What the log reports, and promises for the next of it. */
class Recorder {
  readonly synced: [zxid: number, term: number][] = [];
  readonly failures: Error[] = [];
  slowSyncs = 0;
  private waiting: (() => void)[] = [];

  onSynced = (zxid: number, term: number): void => {
    this.synced.push([zxid, term]);
    this.wake();
  };
  onFailure = (error: Error): void => {
    this.failures.push(error);
    this.wake();
  };
  onSlowSync = (): void => {
    this.slowSyncs++;
  };

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

function append(log: LogClient, zxid: number, size?: number): void {
  const payload = payloadOf(zxid, size);
  log.append(payload, 0, payload.length, zxid);
}

function readAll(): number[] {
  const disk = new NodeDisk();
  const zxids: number[] = [];
  const names = readdirSync(directory)
    .filter((name) => name.startsWith("log."))
    .sort((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16));
  for (const name of names) {
    const reader = TxnLogReader.open(disk, join(directory, name))!;
    while (reader.next()) {
      zxids.push(reader.zxid);
      const expected = payloadOf(reader.zxid, reader.payloadEnd - reader.payloadStart - 32);
      expect(Buffer.compare(reader.bytes.subarray(reader.payloadStart, reader.payloadEnd), expected)).toBe(0);
    }
    expect(reader.tail().kind).toBe("clean");
    reader.close();
  }
  return zxids;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

test("txns of one turn are durable together, and in order", async () => {
  const events = new Recorder();
  const log = new LogClient(options(), events);
  for (let zxid = 1; zxid <= 100; zxid++) append(log, zxid);
  expect(events.synced).toEqual([]);
  log.flush();
  await events.until(() => events.synced.length > 0);
  expect(events.synced).toEqual([[100, 0]]);
  expect(log.bytesInFlight).toBe(0);
  append(log, 101);
  await log.close();
  expect(events.synced.at(-1)).toEqual([101, 0]);
  expect(events.failures).toEqual([]);
  expect(readAll()).toEqual(upTo(101));
});

test("txns larger than the ring, and more of them than fit into it, are all written", async () => {
  const events = new Recorder();
  const log = new LogClient(options({ preAllocBytes: 64 << 20 }), events);
  for (let zxid = 1; zxid <= 60; zxid++) {
    append(log, zxid, zxid % 20 === 0 ? 9_000_000 : 200_000 + zxid);
    if (zxid % 7 === 0) log.flush();
  }
  expect(log.isFull).toBe(true);
  await log.close();
  expect(events.synced.at(-1)?.[0]).toBe(60);
  expect(readAll()).toEqual(upTo(60));
});

test("the ring's end is passed again and again without losing or changing a txn", async () => {
  const events = new Recorder();
  const log = new LogClient(options({ preAllocBytes: 64 << 20 }), events);
  let zxid = 0;
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 60; i++) append(log, ++zxid, (zxid * 7919) % 9000);
    log.flush();
    await events.until(() => events.synced.at(-1)?.[0] === zxid);
  }
  await log.close();
  expect(readAll()).toEqual(upTo(zxid));
});

test("a roll starts a new file with the next txn", async () => {
  const events = new Recorder();
  const log = new LogClient(options(), events);
  append(log, 1);
  log.roll();
  log.flush();
  await events.until(() => events.synced.length === 1);
  expect(readdirSync(directory).filter((name) => name.startsWith("log."))).toEqual(["log.1"]);
  append(log, 2);
  append(log, 3);
  log.roll();
  append(log, 4);
  await log.close();
  expect(
    readdirSync(directory)
      .filter((name) => name.startsWith("log."))
      .sort(),
  ).toEqual(["log.1", "log.2", "log.4"]);
  expect(readAll()).toEqual([1, 2, 3, 4]);
});

test("D34: a sync that completes after the term has ended is not reported", async () => {
  const events = new Recorder();
  const log = new LogClient(options(), events);
  log.term = 7;
  append(log, 1);
  log.flush();
  log.term = 8;
  append(log, 2);
  log.flush();
  await events.until(() => events.synced.length > 0);
  await log.close();
  expect(events.synced).toEqual([[2, 8]]);
  expect(readAll()).toEqual([1, 2]);
});

test("D33: an error of the disk is reported once, and nothing is reported durable after it", async () => {
  const events = new Recorder();
  const log = new LogClient(options({ directory: join(directory, "missing") }), events);
  append(log, 1);
  log.flush();
  await events.until(() => events.failures.length > 0);
  append(log, 2);
  log.flush();
  await log.close();
  expect(events.failures.map((error) => (error as { errno?: string }).errno)).toEqual(["ENOENT"]);
  expect(events.synced).toEqual([]);
});

test("D43: a stop makes everything durable that was appended before it", async () => {
  const events = new Recorder();
  const log = new LogClient(options(), events);
  for (let zxid = 1; zxid <= 5000; zxid++) append(log, zxid);
  await log.close();
  expect(events.synced.at(-1)).toEqual([5000, 0]);
  expect(readAll()).toEqual(upTo(5000));
});

test("each sync is counted with its time", async () => {
  const events = new Recorder();
  const log = new LogClient(options({ slowSyncMs: 0 }), events);
  append(log, 1);
  log.flush();
  await events.until(() => events.synced.length > 0);
  await log.close();
  expect(log.times.count).toBe(1);
  expect(log.times.maxMs).toBeGreaterThan(0);
  expect(events.slowSyncs).toBe(1);
  log.resetTimes();
  expect(log.times.count).toBe(0);
});
