import { readFileSync } from "node:fs";
import { encodeUtf8, Reader, utf8Length, Writer } from "@quoll/jute";
import { expect, test } from "vitest";
import { NO_ROW, type Row } from "../../src/core/tree/tree.js";
import type { AddWatchMode, WatcherType } from "../../src/core/watch/event.js";
import { setWatches } from "../../src/core/watch/set-watches.js";
import { type WatchSink, WatchTable } from "../../src/core/watch/watch-table.js";
import { PathBytes, seededRandom } from "./paths.js";

const CONNECTIONS = 5;

/** The few facts about znodes that watches depend on. */
class Nodes {
  readonly mzxids: number[] = [0];
  readonly pzxids: number[] = [0];
  readonly rows = new Map<string, Row>([
    ["/", 0],
    ["/zookeeper", 0],
  ]);

  find(bytes: Uint8Array, start: number, end: number): Row {
    return this.rows.get(String.fromCharCode(...bytes.subarray(start, end))) ?? NO_ROW;
  }
  mzxid(row: Row): number {
    return this.mzxids[row];
  }
  pzxid(row: Row): number {
    return this.pzxids[row];
  }
}

class Replay implements WatchSink {
  readonly nodes = new Nodes();
  readonly table = new WatchTable(seededRandom(1), this);
  zxid = 0;
  private events: string[][] = [];

  watchEvent(connection: number, type: number, bytes: Uint8Array, start: number, end: number, zxid: number): void {
    const path = String.fromCharCode(...bytes.subarray(start, end));
    (this.events[connection] ??= []).push(`${connection}:${type}:${path}:${zxid}`);
  }

  takeEvents(): string {
    const events = Array.from({ length: CONNECTIONS }, (_, c) => this.events[c] ?? []).flat();
    this.events = [];
    return events.join(" ");
  }

  /** Carries out one step of the trace. @returns its result as the trace writes it */
  step(op: string, args: string[]): string {
    const { table, nodes } = this;
    const path = args[args.length - 1] ?? "/";
    const { bytes, start, end } = new PathBytes(path);
    const connection = Number(args[0]);
    const row = nodes.rows.get(path);
    const parent = nodes.rows.get(path.slice(0, Math.max(1, path.lastIndexOf("/"))));
    switch (op) {
      case "create":
        this.zxid++;
        if (parent === undefined) return "-101";
        if (row !== undefined) return "-110";
        nodes.rows.set(path, nodes.mzxids.length);
        nodes.mzxids.push(this.zxid);
        nodes.pzxids.push(this.zxid);
        nodes.pzxids[parent] = this.zxid;
        table.created(bytes, start, end, 1, 2, this.zxid);
        return "-";
      case "delete":
        this.zxid++;
        nodes.rows.delete(path);
        nodes.pzxids[parent!] = this.zxid;
        table.deleted(bytes, start, end, 1, 2, this.zxid);
        return "-";
      case "setData":
        this.zxid++;
        if (row === undefined) return "-101";
        nodes.mzxids[row] = this.zxid;
        table.dataChanged(bytes, start, end, 1, this.zxid);
        return "-";
      case "getData":
        if (row === undefined) return "-101";
        table.addDataWatch(connection, bytes, start, end);
        return "-";
      case "exists":
        table.addDataWatch(connection, bytes, start, end);
        return row === undefined ? "-101" : "-";
      case "getChildren":
        if (row === undefined) return "-101";
        table.addChildWatch(connection, bytes, start, end);
        return "-";
      case "addWatch":
        table.addWatch(connection, Number(args[1]) as AddWatchMode, bytes, start, end);
        return "-";
      case "check":
        return String(table.contains(connection, Number(args[1]) as WatcherType, bytes, start, end));
      case "remove":
        return String(table.remove(connection, Number(args[1]) as WatcherType, bytes, start, end));
      case "close":
        table.removeConnection(connection);
        return "-";
      case "setWatches": {
        const request = new Writer();
        for (const list of args.slice(2)) {
          const paths = list === "-" ? [] : list.split(",");
          request.int(paths.length);
          for (const each of paths) request.string(each);
        }
        setWatches(table, this, nodes, connection, new Reader(request.take()), Number(args[1]), true);
        return "-";
      }
      case "count": {
        const { paths, watches } = table.summary();
        return `${table.size},${paths},${watches}`;
      }
      default:
        throw new Error(`unknown step ${op}`);
    }
  }
}

/**
 * The trace was made by ZooKeeper 3.9.5's DataTree: random changes, watches of every mode, checks, removals, setWatches
 * and closed connections. Each line is a step, its result, and the events by connection (connection:type:path:zxid).
 */
test("every step of a trace of Java's DataTree gives Java's result and Java's events", () => {
  const file = process.env["WATCH_TRACE"] ?? new URL("java-watch-trace.txt", import.meta.url);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const replay = new Replay();
  lines.forEach((line, index) => {
    const [step, result, events] = line.split("|");
    const [op, ...args] = step.trim().split(" ");
    const got = `${step.trim()} | ${replay.step(op, args)} | ${replay.takeEvents()}`;
    expect(`${index + 1}: ${got}`).toBe(`${index + 1}: ${step.trim()} | ${result.trim()} | ${events.trim()}`);
  });
  expect(lines.length).toBeGreaterThan(1000);
});

test("setWatches with a null vector or path does what comes before it and then fails as Java does", () => {
  const replay = new Replay();
  const request = new Writer();
  request.int(1);
  request.string("/gone");
  request.int(-1);
  request.int(0);
  const connection = 3;
  const ok = setWatches(replay.table, replay, replay.nodes, connection, new Reader(request.take()), 0, false);
  expect(ok).toBe(false);
  expect(replay.takeEvents()).toBe("3:2:/gone:-1");
});

test("setWatches with a length that lies does nothing at all", () => {
  const replay = new Replay();
  const bytes = new Uint8Array(8 + utf8Length("/gone"));
  bytes[3] = 1;
  bytes[7] = 5;
  encodeUtf8("/gone", bytes, 8);
  expect(() => setWatches(replay.table, replay, replay.nodes, 0, new Reader(bytes), 0, false)).toThrow(
    "expected 4 bytes",
  );
  expect(replay.takeEvents()).toBe("");
  expect(replay.table.size).toBe(0);
});
