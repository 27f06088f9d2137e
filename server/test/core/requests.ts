import {
  type ACL,
  AddWatchRequest,
  AuthPacket,
  CheckVersionRequest,
  CreateRequest,
  CreateTTLRequest,
  DeleteRequest,
  GetACLRequest,
  GetDataRequest,
  GetEphemeralsRequest,
  Long,
  MultiHeader,
  type RecordType,
  SetACLRequest,
  SetDataRequest,
  SetWatches,
  SyncRequest,
  Writer,
} from "@quoll/jute";
import { OpCode } from "../../src/core/op-code.js";

/** A request as a client means it: its opcode, its record's bytes, and how a transcript names it. */
export interface Request {
  readonly type: number;
  readonly body: Uint8Array;
  readonly text: string;
  /** What the client puts in the place of the next number. */
  readonly xid?: number;
}

export const OPEN: readonly ACL[] = [{ perms: 31, id: { scheme: "world", id: "anyone" } }];
export const READ_ONLY: readonly ACL[] = [{ perms: 1, id: { scheme: "world", id: "anyone" } }];
/** Whoever has authenticated on this connection. */
export const CREATOR: readonly ACL[] = [{ perms: 31, id: { scheme: "auth", id: "" } }];

export const Flag = { persistent: 0, ephemeral: 1, sequential: 2, ephemeralSequential: 3, container: 4, ttl: 5 };
const FLAG_NAMES = ["", " ephemeral", " sequential", " ephemeral sequential", " container", " ttl"];

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function request<T>(type: number, record: RecordType<T>, value: T, text: string, xid?: number): Request {
  const to = new Writer();
  record.encode(to, value);
  return { type, body: to.take(), text, ...(xid === undefined ? {} : { xid }) };
}

export interface CreateOptions {
  readonly data?: string | null;
  readonly flags?: number;
  readonly acl?: readonly ACL[];
}

export function create(path: string, { data = "", flags = 0, acl = OPEN }: CreateOptions = {}): Request {
  const bytes = data === null ? null : utf8(data);
  const value = { path, data: bytes, acl: [...acl], flags };
  return request(OpCode.create, CreateRequest, value, `create${FLAG_NAMES[flags]} ${path}`);
}

export function create2(path: string, { data = "", flags = 0, acl = OPEN }: CreateOptions = {}): Request {
  const bytes = data === null ? null : utf8(data);
  const type = flags === Flag.container ? OpCode.createContainer : OpCode.create2;
  return request(
    type,
    CreateRequest,
    { path, data: bytes, acl: [...acl], flags },
    `create2${FLAG_NAMES[flags]} ${path}`,
  );
}

export function createTtl(path: string, ttlMs: number): Request {
  const value = { path, data: utf8(""), acl: [...OPEN], flags: Flag.ttl, ttl: Long.fromNumber(ttlMs) };
  return request(OpCode.createTTL, CreateTTLRequest, value, `create with a TTL of ${ttlMs} ms ${path}`);
}

export function remove(path: string, version = -1): Request {
  return request(OpCode.delete, DeleteRequest, { path, version }, `delete ${path}${versionText(version)}`);
}

export function setData(path: string, data: string, version = -1): Request {
  const value = { path, data: utf8(data), version };
  return request(OpCode.setData, SetDataRequest, value, `setData ${path} "${data}"${versionText(version)}`);
}

export function setAcl(path: string, acl: readonly ACL[], version = -1): Request {
  return request(
    OpCode.setACL,
    SetACLRequest,
    { path, acl: [...acl], version },
    `setACL ${path}${versionText(version)}`,
  );
}

export function check(path: string, version: number): Request {
  return request(OpCode.check, CheckVersionRequest, { path, version }, `check ${path} at ${version}`);
}

export function getData(path: string, watch = false): Request {
  return request(OpCode.getData, GetDataRequest, { path, watch }, `getData ${path}${watch ? ", watching" : ""}`);
}

export function exists(path: string, watch = false): Request {
  return request(OpCode.exists, GetDataRequest, { path, watch }, `exists ${path}${watch ? ", watching" : ""}`);
}

export function getChildren(path: string, watch = false): Request {
  return request(
    OpCode.getChildren,
    GetDataRequest,
    { path, watch },
    `getChildren ${path}${watch ? ", watching" : ""}`,
  );
}

export function getAcl(path: string): Request {
  return request(OpCode.getACL, GetACLRequest, { path }, `getACL ${path}`);
}

export function sync(path: string): Request {
  return request(OpCode.sync, SyncRequest, { path }, `sync ${path}`);
}

export function getEphemerals(prefixPath = "/"): Request {
  return request(OpCode.getEphemerals, GetEphemeralsRequest, { prefixPath }, `getEphemerals ${prefixPath}`);
}

export function addWatch(path: string, mode: number): Request {
  return request(OpCode.addWatch, AddWatchRequest, { path, mode }, `addWatch ${path} mode ${mode}`);
}

export function auth(user: string): Request {
  const value = { type: 0, scheme: "digest", auth: utf8(user) };
  return request(OpCode.auth, AuthPacket, value, `auth ${user}`, -4);
}

export function setWatches(relativeZxid: number, data: string[], exist: string[], child: string[]): Request {
  const value = {
    relativeZxid: Long.fromNumber(relativeZxid),
    dataWatches: data,
    existWatches: exist,
    childWatches: child,
  };
  return request(OpCode.setWatches, SetWatches, value, `setWatches seen ${relativeZxid}`, -8);
}

export const PING: Request = { type: OpCode.ping, body: new Uint8Array(0), text: "ping", xid: -2 };
export const CLOSE: Request = { type: OpCode.closeSession, body: new Uint8Array(0), text: "closeSession" };

export function raw(type: number, body: Uint8Array, text: string): Request {
  return { type, body, text };
}

export function multi(...parts: readonly Request[]): Request {
  const to = new Writer();
  for (const part of parts) {
    MultiHeader.encode(to, { type: part.type, done: false, err: -1 });
    to.raw(part.body, 0, part.body.length);
  }
  MultiHeader.encode(to, { type: -1, done: true, err: -1 });
  return { type: OpCode.multi, body: to.take(), text: `multi(${parts.map((part) => part.text).join("; ")})` };
}

/** The frame of a request. */
export function frame(request: Request, xid: number): Uint8Array {
  const to = new Writer();
  to.int(8 + request.body.length);
  to.int(request.xid ?? xid);
  to.int(request.type);
  to.raw(request.body, 0, request.body.length);
  return to.take();
}

function versionText(version: number): string {
  return version === -1 ? "" : ` at ${version}`;
}
