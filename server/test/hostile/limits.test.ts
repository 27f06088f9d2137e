import { Writer } from "@quoll/jute";
import { expect, test } from "vitest";
import { KeeperCode } from "../../src/core/keeper-code.js";
import { CONNECTION_OUTPUT_BYTES_MAX, CONNECTION_OUTPUT_BYTES_PAUSE } from "../../src/core/limits.js";
import { OpCode } from "../../src/core/op-code.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { dump, OPTIONS as TREE_OPTIONS } from "../tree/inspect.js";
import { type Client, CoreServer } from "./core-server.js";
import { ascii, connectFrame, createBody, frame, multiBody, pathBoolBody, pathIntBody, setDataBody } from "./frames.js";

const MEGABYTE = new Uint8Array(1_000_000);

/** What the server holds for this connection. */
function held({ connection }: Client): number {
  return connection.out.bytes.length + (connection.input?.length ?? 0);
}

function replayed({ log }: CoreServer): DataTree {
  const tree = new DataTree(TREE_OPTIONS);
  for (const txn of log.txns) tree.apply(txn, 0, txn.length, null);
  return tree;
}

function manyFrames(count: number, one: (xid: number) => Uint8Array): Uint8Array {
  const writer = new Writer(1 << 16);
  for (let xid = 1; xid <= count; xid++) {
    const bytes = one(xid);
    writer.raw(bytes, 0, bytes.length);
  }
  return writer.take();
}

test("a client that sends its connect request a byte a second is closed when its time is over", () => {
  const server = new CoreServer();
  const other = server.connect().open(60_000);
  const client = server.connect();
  for (const byte of connectFrame(5000)) {
    client.send(Uint8Array.of(byte));
    server.advance(1000);
  }
  expect(client.isOpen).toBe(false);
  expect(server.tree.sessions.size).toBe(1);
  expect(other.isOpen).toBe(true);
  expect(server.lines.lines.at(-1)!.message).toBe("no connect request came in time; connections closed");
});

test("a client that sends requests a byte a second loses its session when it expires, and others do not", () => {
  const server = new CoreServer();
  const other = server.connect().open(60_000);
  const client = server.connect().open(5000);
  const request = frame(1, OpCode.create, createBody("/slow"));
  let sent = 0;
  while (client.isOpen && sent < request.length) {
    client.send(request.subarray(sent, ++sent));
    server.advance(1000);
  }
  expect(sent).toBeLessThan(8);
  expect(server.tree.sessions.size).toBe(1);
  expect(other.ask(OpCode.exists, pathBoolBody("/slow", false)).err).toBe(KeeperCode.NoNode);
});

test("a client that never reads replies is not read any more, and goes on where it was once it reads", () => {
  const server = new CoreServer();
  const other = server.connect().open(60_000);
  other.ask(OpCode.create, createBody("/big", MEGABYTE));
  const client = server.connect().open(60_000);
  client.deaf = true;
  client.send(manyFrames(100, (xid) => frame(xid, OpCode.getData, pathBoolBody("/big", false))));
  expect(client.connection.paused).toBe(true);
  expect(client.connection.out.at).toBeLessThan(CONNECTION_OUTPUT_BYTES_PAUSE + 2 * MEGABYTE.length);
  expect(other.ask(OpCode.exists, pathBoolBody("/big", false)).err).toBe(0);
  client.deaf = false;
  while (client.connection.out.at > 0) client.take();
  expect(client.replies().map((reply) => reply.xid)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
});

test("reads that wait for a write of their connection do not pile up replies without limit", () => {
  const server = new CoreServer();
  const other = server.connect().open(60_000);
  other.ask(OpCode.create, createBody("/big", MEGABYTE));
  const client = server.connect().open(60_000);
  client.deaf = true;
  client.send(frame(1, OpCode.create, createBody("/small")));
  client.send(manyFrames(900, (i) => frame(i + 1, OpCode.getData, pathBoolBody("/big", false))));
  server.sync();
  expect(client.connection.out.at).toBeLessThan(CONNECTION_OUTPUT_BYTES_MAX + 5 * MEGABYTE.length);
  expect(client.isOpen).toBe(true);
  client.deaf = false;
  const answered: number[] = [];
  for (let turn = 0; turn < 2000 && client.connection.out.at > 0; turn++) {
    client.take();
    server.sync();
    answered.push(...client.replies().map((reply) => reply.xid));
  }
  expect(answered).toEqual(Array.from({ length: 901 }, (_, i) => i + 1));
});

test("one multiRead cannot make a reply that is larger than what a connection may hold", () => {
  const server = new CoreServer();
  const client = server.connect().open(60_000);
  client.ask(OpCode.create, createBody("/big", MEGABYTE));
  const read = { type: OpCode.getData, body: pathBoolBody("/big", false) };
  const small = client.ask(OpCode.multiRead, multiBody(Array.from({ length: 10 }, () => read)));
  expect(small.err).toBe(0);
  const reply = client.ask(OpCode.multiRead, multiBody(Array.from({ length: 20_000 }, () => read)));
  expect(reply.err).toBe(KeeperCode.MarshallingError);
  expect(client.connection.out.bytes.length).toBeLessThan(3 * CONNECTION_OUTPUT_BYTES_MAX);
});

test("a client that never reads its watch events is closed before they fill the memory", () => {
  const server = new CoreServer();
  const writer = server.connect().open(60_000);
  const client = server.connect().open(60_000);
  const long = `/${"x".repeat(100_000)}`;
  writer.ask(OpCode.create, createBody(long));
  client.ask(OpCode.addWatch, pathIntBody("/", 1));
  client.deaf = true;
  let most = 0;
  for (let i = 0; i < 1000 && client.isOpen; i++) {
    writer.ask(OpCode.setData, setDataBody(long, ascii("x")));
    most = Math.max(most, held(client));
    server.flush();
  }
  expect(client.isOpen).toBe(false);
  expect(most).toBeLessThan(3 * CONNECTION_OUTPUT_BYTES_MAX);
  expect(server.lines.lines.at(-1)!.message).toBe("client does not read its watch events; connection closed");
  expect(writer.ask(OpCode.exists, pathBoolBody(long, false)).err).toBe(0);
});

test("10,000 connections that never speak cost little, and are closed when their time is over", () => {
  const server = new CoreServer();
  const other = server.connect().open(60_000);
  const silent = Array.from({ length: 10_000 }, () => server.connect());
  expect(other.ask(OpCode.exists, pathBoolBody("/", false)).err).toBe(0);
  const { length } = server.lines.lines;
  server.advance(10_000);
  expect(server.lines.lines).toHaveLength(length + 1);
  expect(server.lines.lines.at(-1)!.fields).toMatchObject({ count: 10_000 });
  expect(silent.filter((client) => client.isOpen)).toHaveLength(0);
  expect(server.core.connectionCount).toBe(1);
  expect(other.isOpen).toBe(true);
});

test("a multi of 100,000 operations is carried out whole, if jute.maxbuffer lets it in", () => {
  const server = new CoreServer(undefined, { juteMaxBuffer: 16 << 20, txnBytesMax: 32 << 20 });
  const client = server.connect().open(60_000);
  const creates = Array.from({ length: 100_000 }, (_, i) => ({ type: OpCode.create, body: createBody(`/n${i}`) }));
  expect(client.ask(OpCode.multi, multiBody(creates)).err).toBe(0);
  expect(server.tree.nodeCount).toBe(100_005);
  const undo = [...creates.map((_, i) => ({ type: OpCode.delete, body: pathIntBody(`/n${i}`, -1) }))];
  undo.push({ type: OpCode.delete, body: pathIntBody("/missing", -1) });
  const failed = client.ask(OpCode.multi, multiBody(undo));
  expect(new DataView(failed.body.buffer).getInt32(5)).toBe(0);
  expect(server.tree.nodeCount).toBe(100_005);
  undo.pop();
  expect(client.ask(OpCode.multi, multiBody(undo)).err).toBe(0);
  expect(server.tree.nodeCount).toBe(5);
  expect(dump(replayed(server))).toEqual(dump(server.tree));
}, 120_000);

test("a multi of 100,000 operations is refused by its frame's length otherwise", () => {
  const server = new CoreServer();
  const client = server.connect().open(60_000);
  const creates = Array.from({ length: 100_000 }, (_, i) => ({ type: OpCode.create, body: createBody(`/n${i}`) }));
  client.send(frame(1, OpCode.multi, multiBody(creates)));
  expect(client.isOpen).toBe(false);
  expect(server.tree.nodeCount).toBe(5);
});

/** The largest payload that Java's reader of the log accepts with its defaults. */
const TXN_BYTES_MAX = 2 * 0xfffff;

test("D44: no txn is logged that a reader would refuse, however its request is cut", () => {
  const limit = 1000;
  for (let length = limit - 120; length < limit; length++) {
    const server = new CoreServer(undefined, { txnBytesMax: limit });
    const client = server.connect().open(60_000);
    const { err } = client.ask(OpCode.create, createBody("/a", new Uint8Array(length)));
    expect([0, KeeperCode.MarshallingError]).toContain(err);
    for (const txn of server.log.txns) expect(txn.length).toBeLessThanOrEqual(limit);
    expect(server.tree.nodeCount).toBe(err === 0 ? 6 : 5);
    expect(dump(replayed(server))).toEqual(dump(server.tree));
  }
});

test("D44: a multi whose txn would be too long changes nothing, and what follows goes on", () => {
  const server = new CoreServer(undefined, { txnBytesMax: 1000 });
  const client = server.connect().open(60_000);
  const operations = Array.from({ length: 30 }, () => ({ type: OpCode.create, body: createBody("/s", undefined, 2) }));
  expect(client.ask(OpCode.multi, multiBody(operations)).err).toBe(KeeperCode.MarshallingError);
  expect(server.tree.nodeCount).toBe(5);
  expect(client.ask(OpCode.create, createBody("/s", undefined, 2)).err).toBe(0);
  expect(server.tree.nodeCount).toBe(6);
  expect(dump(replayed(server))).toEqual(dump(server.tree));
});

test("D44: a session with 100,000 ephemerals, whose list no reader would accept, ends, and so it does on replay", () => {
  const server = new CoreServer();
  const other = server.connect().open(60_000);
  const client = server.connect().open(60_000);
  other.ask(OpCode.create, createBody("/a-name-that-is-long-enough"));
  for (let i = 0; i < 100_000; i += 5000) {
    const creates = Array.from({ length: 5000 }, (_, k) => ({
      type: OpCode.create,
      body: createBody(`/a-name-that-is-long-enough/${i + k}`, undefined, 1),
    }));
    expect(client.ask(OpCode.multi, multiBody(creates)).err).toBe(0);
  }
  // One that is not committed when the session ends, and one whose removal is not.
  client.send(frame(90, OpCode.create, createBody("/a-name-that-is-long-enough/last", undefined, 1)));
  client.send(frame(91, OpCode.delete, pathIntBody("/a-name-that-is-long-enough/0", -1)));
  client.send(frame(92, OpCode.closeSession, new Uint8Array(0)));
  server.sync();
  expect(
    client
      .replies()
      .slice(-3)
      .map(({ xid, err }) => [xid, err]),
  ).toEqual([
    [90, 0],
    [91, 0],
    [92, 0],
  ]);
  expect(client.isOpen).toBe(false);
  expect(server.tree.nodeCount).toBe(6);
  expect(server.tree.ephemeralCount).toBe(0);
  for (const txn of server.log.txns) expect(txn.length).toBeLessThanOrEqual(TXN_BYTES_MAX);
  expect(dump(replayed(server))).toEqual(dump(server.tree));
  expect(other.ask(OpCode.create, createBody("/after")).err).toBe(0);
}, 120_000);

test("2,000 sessions that expire at once, each with ephemerals, end in one turn", () => {
  const server = new CoreServer();
  for (let i = 0; i < 2000; i++) {
    const client = server.connect().open(1000);
    client.send(frame(1, OpCode.create, createBody(`/e${i}`, undefined, 1)));
    client.drop();
  }
  server.sync();
  expect(server.tree.ephemeralCount).toBe(2000);
  server.advance(2000);
  expect(server.tree.ephemeralCount).toBe(0);
  expect(server.tree.sessions.size).toBe(0);
  expect(dump(replayed(server))).toEqual(dump(server.tree));
});
