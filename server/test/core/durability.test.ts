import { expect, test } from "vitest";
import { KeeperCode } from "../../src/core/keeper-code.js";
import { OpCode } from "../../src/core/op-code.js";
import { CoreServer } from "../hostile/core-server.js";
import { createBody, frame, pathBoolBody, pathIntBody } from "../hostile/frames.js";

const PERSISTENT_RECURSIVE = 1;
const EVENT_XID = -1;

test("D30 D31: a write that is not durable is answered to nobody, seen by nobody and fires nothing; then all comes in its order", () => {
  const server = new CoreServer();
  const writer = server.connect().open(60_000);
  const reader = server.connect().open(60_000);
  reader.ask(OpCode.addWatch, pathIntBody("/", PERSISTENT_RECURSIVE));
  writer.ask(OpCode.addWatch, pathIntBody("/", PERSISTENT_RECURSIVE));
  reader.replies();
  writer.replies();
  const seen = (xid: number, path: string) => {
    reader.send(frame(xid, OpCode.exists, pathBoolBody(path, false)));
    return reader.replies().map((reply) => [reply.xid, reply.err]);
  };
  writer.send(frame(101, OpCode.create, createBody("/a")));
  const zxid = server.core.zxid;
  writer.send(frame(102, OpCode.create, createBody("/b")));
  expect(writer.replies()).toEqual([]);
  expect(seen(1, "/a")).toEqual([[1, KeeperCode.NoNode]]);
  expect(server.tree.lastProcessedZxid).toBe(zxid - 1);

  server.sync(zxid);
  expect(writer.replies().map((reply) => reply.xid)).toEqual([EVENT_XID, 101]);
  expect(seen(2, "/a")).toEqual([
    [EVENT_XID, 0],
    [2, KeeperCode.Ok],
  ]);
  expect(seen(3, "/b")).toEqual([[3, KeeperCode.NoNode]]);

  server.sync();
  expect(writer.replies().map((reply) => reply.xid)).toEqual([EVENT_XID, 102]);
  expect(seen(4, "/b")).toEqual([
    [EVENT_XID, 0],
    [4, KeeperCode.Ok],
  ]);
});
