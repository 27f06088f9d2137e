import { Client } from "../data-directory/client.js";
import { type Operation, requestOf } from "../data-directory/operation.js";
import { OpCode } from "../differential/op-code.js";
import type { Acl } from "../differential/script.js";
import { type RunningServer, type ServerKind, startServer } from "../peers/server.js";

const OPEN: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];
const CLOSE: Operation = { type: -11 };

export type Compression = "" | "gz" | "snappy";

/** A server with small files, so that a short workload makes several snapshots and logs. */
export function startSmall(kind: ServerKind, dir: string, compression: Compression): Promise<RunningServer> {
  const cfg = {
    snapCount: 40,
    preAllocSize: 64,
    extendedTypesEnabled: "true",
    ...(compression === "" ? {} : { "snapshot.compression.method": compression }),
  };
  return startServer({ kind, dir, cfg });
}

/** Makes txns of every type, with values that are hard to print. The session is closed at the end. */
export async function writeEverything({ host, port }: RunningServer): Promise<void> {
  const client = await connect(host, port);
  const other = await connect(host, port);
  const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1");
  const mixed = [...OPEN, { perms: 1, scheme: "ip", id: "10.0.0.1" }];
  await client.call(
    [
      create("/a", "one"),
      create("/a/b", ""),
      create("/a/b/null", null),
      create("/e", "x,y}%\n\r\0\u00ff", 1),
      create(latin1("/ünïcode-€"), latin1("bü€")),
      create("/seq-", "s", 2),
      create("/container", "c", 4, OpCode.createContainer),
      create("/container/child", "", 0, OpCode.create2),
      create("/ttl", "t", 5, OpCode.createTTL),
      { ...create("/acl", "d"), acl: mixed },
      { type: OpCode.setData, path: "/a", data: "two", version: -1 },
      { type: OpCode.setData, path: "/a", data: null, version: -1 },
      { type: OpCode.setData, path: "/none", data: "", version: -1 },
      { type: OpCode.setACL, path: "/acl", acl: [{ perms: 5, scheme: "world", id: "anyone" }], version: -1 },
      {
        type: OpCode.multi,
        parts: [
          create("/m1", "1"),
          { type: OpCode.setData, path: "/a", data: "multi", version: -1 },
          { type: OpCode.check, path: "/a", version: -1 },
          { type: OpCode.delete, path: "/m1", version: -1 },
        ],
      },
      { type: OpCode.multi, parts: [create("/m2", "1"), { type: OpCode.delete, path: "/none", version: -1 }] },
    ].map((operation) => requestOf(operation as Operation)),
  );
  await other.call([create("/e2", "mine", 1), create("/e3", "mine", 1)].map(requestOf));
  for (let i = 0; i < 60; i++) await client.call([requestOf(create(`/a/b/n${i}`, "x".repeat(i)))]);
  for (let i = 0; i < 20; i++) {
    await client.call([requestOf({ type: OpCode.delete, path: `/a/b/n${i * 3}`, version: -1 })]);
  }
  await other.call([requestOf(CLOSE)]);
  await setCounter(client, "/a", 0, 30);
  await client.call([requestOf(CLOSE)]);
}

/** Sets a znode's data to a number that counts up, one write after the other's answer. @returns the last number */
export async function setCounter(client: Client, path: string, from: number, to: number): Promise<number> {
  for (let i = from; i < to; i++) {
    const [reply] = await client.call([requestOf({ type: OpCode.setData, path, data: String(i), version: -1 })]);
    if (reply!.err !== 0) throw new Error(`setData ${path} gave ${reply!.err}`);
  }
  return to - 1;
}

export async function createNode(client: Client, path: string, data: string): Promise<void> {
  const [reply] = await client.call([requestOf(create(path, data))]);
  if (reply!.err !== 0) throw new Error(`create ${path} gave ${reply!.err}`);
}

export async function connect(host: string, port: number): Promise<Client> {
  const client = await Client.connect(host, port, null);
  if (client === null) throw new Error("no session");
  return client;
}

export async function readData({ host, port }: RunningServer, path: string): Promise<string> {
  const client = await connect(host, port);
  const fields = [{ kind: "text", value: path } as const, { kind: "bool", value: false } as const];
  const [reply] = await client.call([{ type: OpCode.getData, fields }]);
  await client.close();
  if (reply!.err !== 0) throw new Error(`getData ${path} gave ${reply!.err}`);
  return Buffer.from(reply!.body.buffer() ?? []).toString("utf8");
}

type Create = Extract<Operation, { readonly flags: number }>;

function create(path: string, data: string | null, flags = 0, type: Create["type"] = 1): Create {
  return { type, path, data, acl: OPEN, flags, ttl: type === OpCode.createTTL ? 100_000 : 0 };
}
