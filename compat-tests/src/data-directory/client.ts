import { Long, Reader, Writer } from "@quoll/jute";
import { OpCode } from "../differential/op-code.js";
import { RawConnection } from "../differential/raw-connection.js";
import { javaPassword } from "../differential/reply.js";
import { type Acl, encodeRequest, type Request } from "../differential/script.js";
import type { Znode } from "./model.js";

const TIMEOUT_MS = 20_000;

export interface Reply {
  readonly zxid: number;
  readonly err: number;
  readonly body: Reader;
}

/** A session that outlives its connections. */
export class Client {
  private xid = 1;

  private constructor(
    private readonly raw: RawConnection,
    /** In hex, as in the model. */
    readonly session: string,
    readonly timeoutMs: number,
  ) {}

  /** Opens a connection for a session: a new one, or (with its id in hex) one that exists. @returns null when it is refused. */
  static async connect(host: string, port: number, session: string | null): Promise<Client | null> {
    const raw = await RawConnection.open(host, port);
    const id = session === null ? Long.ZERO : Long.fromBigInt(BigInt(`0x${session}`));
    const writer = new Writer();
    writer.int(0);
    writer.int(0);
    writer.long(0);
    writer.int(SESSION_TIMEOUT_MS);
    writer.bits(id);
    writer.buffer(id.isZero ? new Uint8Array(16) : javaPassword(id));
    writer.bool(false);
    writer.patchInt(0, writer.at - 4);
    raw.send(writer.take());
    await raw.until(() => raw.frames.length > 0 || raw.isClosed, TIMEOUT_MS);
    const [response] = raw.take();
    if (response === undefined) throw new Error("no answer to a connect request");
    const reader = new Reader(response, 4);
    const timeoutMs = reader.int();
    const given = reader.bits();
    if (timeoutMs > 0) return new Client(raw, given.toHex(), timeoutMs);
    await raw.close();
    return null;
  }

  /** Sends requests at once. */
  send(requests: readonly Request[]): void {
    const frames = requests.map((request) => encodeRequest(request, this.xid++, { root: "", zxid: 0 }));
    this.raw.send(Buffer.concat(frames));
  }

  /** @returns the replies to `count` requests, fewer when the connection ended before */
  async replies(count: number): Promise<Reply[]> {
    const { raw } = this;
    const isThere = await raw.until(() => raw.frames.length >= count || raw.isClosed, TIMEOUT_MS);
    if (!isThere) throw new Error(`${raw.frames.length} of ${count} replies came within ${TIMEOUT_MS} ms`);
    return raw.take().map((frame) => {
      const reader = new Reader(frame, 4);
      return { zxid: reader.long(), err: reader.int(), body: reader };
    });
  }

  async call(requests: readonly Request[]): Promise<Reply[]> {
    this.send(requests);
    const replies = await this.replies(requests.length);
    if (replies.length < requests.length) throw new Error("the server closed the connection");
    return replies;
  }

  close(): Promise<void> {
    return this.raw.close();
  }
}

/** As long as no history takes: sessions end when we say so. */
const SESSION_TIMEOUT_MS = 3_600_000;

/** Reads a znode's data, ACL and stat, and its children. Its times are checked on the way. */
export function readZnode(data: Reply, acl: Reply, children: Reply, times: Times): { node: Znode; names: string[] } {
  const bytes = data.body.buffer();
  const stat = data.body;
  const czxid = stat.long();
  const mzxid = stat.long();
  times.check(czxid, stat.long());
  times.check(mzxid, stat.long());
  const [version, cversion, aversion] = [stat.int(), stat.int(), stat.int()];
  const owner = stat.bits();
  const dataLength = stat.int();
  const numChildren = stat.int();
  if (dataLength !== (bytes?.length ?? 0)) throw new Error(`dataLength ${dataLength} for ${bytes?.length} bytes`);
  const names = Array.from({ length: children.body.count(4) }, () => latin1(children.body.buffer())!);
  const node = {
    data: latin1(bytes),
    acl: readAcl(acl.body),
    czxid,
    mzxid,
    pzxid: stat.long(),
    version,
    aversion,
    childrenEver: (cversion + numChildren) / 2,
    children: numChildren,
    owner: owner.isZero ? null : owner.toHex(),
  };
  if (names.length !== numChildren) throw new Error(`numChildren ${numChildren} for ${names.length} children`);
  return { node, names };
}

/** Every transaction has one time: the ctime and mtime of all that it made, on whatever server they are read. */
export class Times {
  private readonly times = new Map<number, number>();

  check(zxid: number, time: number): void {
    const known = this.times.get(zxid);
    if (known === undefined) this.times.set(zxid, time);
    else if (known !== time) throw new Error(`zxid ${zxid} has time ${time}, and had ${known}`);
  }
}

function readAcl(reader: Reader): Acl[] {
  return Array.from({ length: reader.count(12) }, () => ({
    perms: reader.int(),
    scheme: latin1(reader.buffer()),
    id: latin1(reader.buffer()),
  }));
}

function latin1(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString("latin1");
}

export function readRequests(path: string): Request[] {
  const fields = [{ kind: "text", value: path } as const];
  const noWatch = { kind: "bool", value: false } as const;
  return [
    { type: OpCode.getData, fields: [...fields, noWatch] },
    { type: OpCode.getACL, fields },
    { type: OpCode.getChildren, fields: [...fields, noWatch] },
  ];
}
