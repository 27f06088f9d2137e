import { expect, test } from "vitest";
import { KeeperCode } from "../../src/core/keeper-code.js";
import { OpCode } from "../../src/core/op-code.js";
import { type Client, CoreServer } from "./core-server.js";
import {
  ascii,
  authBody,
  body,
  connectFrame,
  createBody,
  frame,
  framed,
  multiBody,
  OPEN_ACL,
  pathBody,
  pathBoolBody,
  pathIntBody,
  putAcl,
  setAclBody,
  setDataBody,
  setWatchesBody,
} from "./frames.js";

const LIMIT = 0xfffff;

/** A server with another client, which must go on as if nothing had happened. */
function scene(): { server: CoreServer; other: Client; expectUnharmed: () => void } {
  const server = new CoreServer();
  const other = server.connect().open();
  other.ask(OpCode.create, createBody("/other", ascii("data")));
  const expectUnharmed = () => {
    const reply = other.ask(OpCode.getData, pathBoolBody("/other", false));
    expect(reply.err).toBe(0);
    expect(String.fromCharCode(...reply.body.subarray(4, 8))).toBe("data");
  };
  return { server, other, expectUnharmed };
}

function int32(value: number): Uint8Array {
  return body((to) => to.int(value));
}

function lastLine({ lines }: CoreServer): string {
  return lines.lines.at(-1)!.message;
}

test.each([
  ["negative", -1],
  ["the smallest int", -0x80000000],
  ["one over jute.maxbuffer", LIMIT + 1],
  ["the largest int", 0x7fffffff],
])("a frame whose length is %s ends its connection, before a session and after, with one line", (_, length) => {
  for (const hasSession of [false, true]) {
    const { server, expectUnharmed } = scene();
    const client = server.connect();
    if (hasSession) client.open();
    client.send(int32(length));
    expect(client.isOpen).toBe(false);
    expect(server.lines.lines.at(-1)).toMatchObject({
      fields: { length, juteMaxBuffer: LIMIT },
      message: "frame length outside of jute.maxbuffer; connection closed",
    });
    expectUnharmed();
  }
});

test("a frame of no bytes ends its connection", () => {
  for (const hasSession of [false, true]) {
    const { server, expectUnharmed } = scene();
    const client = server.connect();
    if (hasSession) client.open();
    client.send(int32(0));
    expect(client.isOpen).toBe(false);
    expect(lastLine(server)).toBe(hasSession ? "frame too short for a request header" : "unreadable connect request");
    expectUnharmed();
  }
});

test("a frame of exactly jute.maxbuffer is read, and its announcement alone takes no memory", () => {
  const { server } = scene();
  const client = server.connect().open();
  client.send(int32(LIMIT));
  expect(client.connection.input!.length).toBeLessThan(100);
  client.send(new Uint8Array(LIMIT));
  // Xid 0 and type 0, which no client may send.
  expect(client.replies()).toMatchObject([{ xid: 0, err: KeeperCode.Unimplemented }]);
});

const ACL_OF_A_BILLION = body((to) => {
  to.string("/lie");
  to.buffer(null);
  to.int(1_000_000_000);
});

test.each([
  ["a path longer than its frame", OpCode.getData, body((to) => to.int(1000))],
  ["a path of negative length", OpCode.getData, body((to) => to.int(-5))],
  ["a path of 2 GiB", OpCode.exists, body((to) => to.int(0x7fffffff))],
  [
    "data longer than its frame",
    OpCode.setData,
    body((to) => {
      to.string("/other");
      to.int(50);
    }),
  ],
  ["an ACL of a billion entries", OpCode.create, ACL_OF_A_BILLION],
  [
    "an ACL of a billion entries, for setACL",
    OpCode.setACL,
    body((to) => {
      to.string("/other");
      to.int(1_000_000_000);
    }),
  ],
  [
    "watches of a billion paths",
    OpCode.setWatches,
    body((to) => {
      to.long(0);
      to.int(1_000_000_000);
    }),
  ],
  ["nothing at all", OpCode.create, new Uint8Array(0)],
  ["nothing at all", OpCode.getChildren2, new Uint8Array(0)],
  ["nothing at all", OpCode.multi, new Uint8Array(0)],
  ["nothing at all", OpCode.multiRead, new Uint8Array(0)],
  ["nothing at all", OpCode.setWatches2, new Uint8Array(0)],
  ["nothing at all", OpCode.addWatch, new Uint8Array(0)],
])("a request with %s (type %#) is answered with MarshallingError and the connection goes on", (_, type, lie) => {
  const { server, expectUnharmed } = scene();
  const client = server.connect().open();
  expect(client.ask(type, lie).err).toBe(KeeperCode.MarshallingError);
  expect(client.ask(OpCode.exists, pathBoolBody("/other", false)).err).toBe(0);
  expect(server.tree.nodeCount).toBe(6);
  expectUnharmed();
});

const WHOLE: readonly (readonly [number, Uint8Array])[] = [
  [OpCode.create, createBody("/new", ascii("x"))],
  [OpCode.create2, createBody("/new", ascii("x"))],
  [OpCode.delete, pathIntBody("/other", -1)],
  [OpCode.setData, setDataBody("/other", ascii("x"))],
  [OpCode.setACL, setAclBody("/other", OPEN_ACL)],
  [OpCode.getData, pathBoolBody("/other", true)],
  [OpCode.multi, multiBody([{ type: OpCode.delete, body: pathIntBody("/other", -1) }])],
  [OpCode.multiRead, multiBody([{ type: OpCode.getData, body: pathBoolBody("/other", false) }])],
  [OpCode.setWatches, setWatchesBody(0, [["/other"], [], []])],
];

test("a request that is cut off anywhere changes nothing; the whole one does what it says", () => {
  for (const [type, whole] of WHOLE) {
    const { server } = scene();
    const client = server.connect().open();
    const before = `${server.tree.digest.hi} ${server.tree.digest.lo}`;
    for (let length = 0; length < whole.length; length++) {
      expect(client.ask(type, whole.slice(0, length)).err, `type ${type}, ${length} bytes`).toBe(
        KeeperCode.MarshallingError,
      );
    }
    expect(`${server.tree.digest.hi} ${server.tree.digest.lo}`).toBe(before);
    expect(client.ask(type, whole).err).toBe(0);
  }
});

test("bytes behind a request are ignored, as by Java", () => {
  for (const [type, whole] of WHOLE) {
    const client = scene().server.connect().open();
    expect(client.ask(type, new Uint8Array([...whole, 1, 2, 3])).err).toBe(0);
  }
});

test.each([0, 10, 23, 99, 108, 1000, -2, -1, -10, 0x7fffffff, -0x80000000, OpCode.deleteContainer, OpCode.check])(
  "a request of type %i is answered with Unimplemented and ends its connection",
  (type) => {
    const { server, expectUnharmed } = scene();
    const client = server.connect().open();
    expect(client.ask(type, pathBody("/other")).err).toBe(KeeperCode.Unimplemented);
    expect(client.isOpen).toBe(false);
    expect(server.lines.lines.at(-1)).toMatchObject({ fields: { type }, message: expect.stringContaining("unknown") });
    expectUnharmed();
  },
);

test("a request before the connect request ends its connection without an answer", () => {
  for (const [type, whole] of WHOLE) {
    const { server, expectUnharmed } = scene();
    const client = server.connect();
    client.send(frame(1, type, whole));
    server.sync();
    expect(client.isOpen).toBe(false);
    expect(client.output.at).toBe(0);
    expectUnharmed();
  }
});

test("a second connect request is a request of an unknown type", () => {
  const { server, expectUnharmed } = scene();
  const client = server.connect().open();
  client.send(connectFrame(1000));
  expect(client.replies()).toMatchObject([{ err: KeeperCode.Unimplemented }]);
  expect(client.isOpen).toBe(false);
  expectUnharmed();
});

test("two connect requests in one piece make one session", () => {
  const server = new CoreServer();
  const client = server.connect();
  client.send(new Uint8Array([...connectFrame(1000), ...connectFrame(1000)]));
  server.sync();
  server.sync();
  expect(server.tree.sessions.size).toBe(1);
  expect(client.isOpen).toBe(false);
});

test("a connect request of any broken kind ends its connection and makes no session", () => {
  const whole = connectFrame(1000);
  for (let length = 0; length < 28; length++) {
    const server = new CoreServer();
    const client = server.connect();
    client.send(framed(whole.slice(4, 4 + length)));
    server.sync();
    expect(client.isOpen, `${length} bytes`).toBe(false);
    expect(server.tree.sessions.size).toBe(0);
  }
});

const TOO_LONG_A_NAME = `/${"x".repeat(70_000)}`;

test.each([
  ["empty", "", KeeperCode.BadArguments],
  ["relative", "a", KeeperCode.BadArguments],
  ["with an empty component", "/other//a", KeeperCode.NoNode],
  ["that ends in a slash", "/other/", KeeperCode.BadArguments],
  ["with a dot", "/other/.", KeeperCode.BadArguments],
  ["with two dots", "/other/..", KeeperCode.BadArguments],
  ["that is a dot", "/.", KeeperCode.BadArguments],
  ["with NUL", "/a\0b", KeeperCode.BadArguments],
  ["with a control character", "/a\u0001", KeeperCode.BadArguments],
  ["with DEL", "/a\u007f", KeeperCode.BadArguments],
  ["with a C1 control character", "/a\u0085", KeeperCode.BadArguments],
  ["with a surrogate pair", "/😀", KeeperCode.BadArguments],
  ["in the private use area", "/\ue000", KeeperCode.BadArguments],
  ["among the specials", "/\ufff0", KeeperCode.BadArguments],
])("no znode gets a path %s", (_, path, code) => {
  const { server, expectUnharmed } = scene();
  const client = server.connect().open();
  for (const type of [OpCode.create, OpCode.create2, OpCode.createContainer]) {
    const flags = type === OpCode.createContainer ? 4 : 0;
    expect(client.ask(type, createBody(path, undefined, flags)).err).toBe(code);
  }
  // A multi's reply has the code in its first result, behind type and done.
  const multi = client.ask(OpCode.multi, multiBody([{ type: OpCode.create, body: createBody(path) }]));
  expect(new DataView(multi.body.buffer).getInt32(5)).toBe(code);
  expect(server.tree.nodeCount).toBe(6);
  expect(client.isOpen).toBe(true);
  expectUnharmed();
});

test("bytes that are not UTF-8 make no path", () => {
  const { server } = scene();
  const client = server.connect().open();
  for (const bytes of [
    [0x2f, 0xff],
    [0x2f, 0xc0, 0x80],
    [0x2f, 0xe2, 0x82],
    [0x2f, 0xed, 0xa0, 0x80],
    [0x2f, 0x80],
  ]) {
    const request = body((to) => {
      to.buffer(Uint8Array.from(bytes));
      to.buffer(null);
      putAcl(to, OPEN_ACL);
      to.int(0);
    });
    expect(client.ask(OpCode.create, request).err).toBe(KeeperCode.BadArguments);
  }
  expect(server.tree.nodeCount).toBe(6);
});

test("a name of 70,000 bytes makes a znode, as with Java", () => {
  const { server, expectUnharmed } = scene();
  const client = server.connect().open();
  expect(client.ask(OpCode.create, createBody(TOO_LONG_A_NAME)).err).toBe(0);
  expect(client.ask(OpCode.exists, pathBoolBody(TOO_LONG_A_NAME, false)).err).toBe(0);
  expectUnharmed();
});

test("a path of 20,000 components is looked for, and found missing", () => {
  const { server, expectUnharmed } = scene();
  const client = server.connect().open();
  const deep = "/a".repeat(20_000);
  expect(client.ask(OpCode.create, createBody(deep)).err).toBe(KeeperCode.NoNode);
  expect(client.ask(OpCode.exists, pathBoolBody(deep, true)).err).toBe(KeeperCode.NoNode);
  expect(client.ask(OpCode.addWatch, pathIntBody(deep, 1)).err).toBe(0);
  expectUnharmed();
});

test("an auth packet that is broken, of an unknown scheme or without credentials ends its connection", () => {
  const broken = [
    new Uint8Array(0),
    int32(0),
    body((to) => to.int(0x7fffffff)),
    authBody("digest", ascii("x")).slice(0, 8),
  ];
  const refused = [authBody("nobody", ascii("x")), authBody("super", ascii("super:x")), authBody("", ascii(""))];
  for (const request of [...broken, ...refused]) {
    const { server, expectUnharmed } = scene();
    const client = server.connect().open();
    client.send(frame(-4, OpCode.auth, request));
    expect(client.isOpen).toBe(false);
    const errors = client.replies().map((reply) => reply.err);
    expect(errors).toEqual(refused.includes(request) ? [KeeperCode.AuthFailed] : []);
    expectUnharmed();
  }
});
