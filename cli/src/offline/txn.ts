import {
  type ACL,
  CheckVersionTxn,
  CloseSessionTxn,
  CreateContainerTxn,
  CreateSessionTxn,
  CreateTTLTxn,
  CreateTxnV0,
  DeleteTxn,
  ErrorTxn,
  type Long,
  ProtocolError,
  Reader,
  SetACLTxn,
  SetDataTxn,
  TxnDigest,
  TxnHeader,
} from "@quoll/jute";
import { OpCode } from "@quoll/server/storage";

/** What a txn changes. Buffers are views of the log's window: copy what must outlive the next read. */
export type Change =
  | CreateChange
  | { readonly kind: "delete"; readonly path: string }
  | { readonly kind: "setData"; readonly path: string; readonly data: Uint8Array | null; readonly version: number }
  | { readonly kind: "setACL"; readonly path: string; readonly acl: readonly ACL[] | null; readonly version: number }
  | { readonly kind: "check"; readonly path: string; readonly version: number }
  | { readonly kind: "createSession"; readonly timeoutMs: number }
  /** `paths` is null in logs from before 3.6. */
  | { readonly kind: "closeSession"; readonly paths: readonly string[] | null }
  /** A refused request, or a part of a refused multi; ZooKeeper's error code. */
  | { readonly kind: "error"; readonly err: number }
  | { readonly kind: "multi"; readonly parts: readonly MultiPart[] };

export interface CreateChange {
  readonly kind: "create";
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[] | null;
  readonly ephemeral: boolean;
  readonly container: boolean;
  readonly ttlMs: number | null;
  /** -1 in logs from before 3.4: the parent's cversion is counted up. */
  readonly parentCVersion: number;
}

export interface MultiPart {
  readonly type: number;
  readonly change: Change;
  /** As it stands in the log. */
  readonly raw: Uint8Array | null;
}

/** A txn of the log. */
export interface LoggedTxn {
  readonly session: Long;
  readonly cxid: number;
  readonly zxid: number;
  /** Of the leader's clock, ms since 1970. */
  readonly time: number;
  /** An opcode. */
  readonly type: number;
  readonly change: Change;
  /** Of the tree after the txn. */
  readonly digest: TxnDigest | null;
}

/**
 * Decodes a log entry's payload.
 * @throws ProtocolError when it is none
 */
export function decodeTxn(bytes: Uint8Array, start: number, end: number): LoggedTxn {
  const reader = new Reader(bytes, start, end);
  const { clientId: session, cxid, zxid, time, type } = TxnHeader.decode(reader);
  const change = decodeChange(type, reader, true);
  const digest = reader.remaining >= 12 ? TxnDigest.decode(reader) : null;
  return { session, cxid, zxid, time, type, change, digest };
}

function decodeChange(type: number, reader: Reader, isWhole: boolean): Change {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
      return decodeCreate(type, reader);
    case OpCode.createContainer: {
      const { path, ...rest } = CreateContainerTxn.decode(reader);
      return { kind: "create", path: path ?? "", ...rest, ephemeral: false, container: true, ttlMs: null };
    }
    case OpCode.createTTL: {
      const { path, ttl, ...rest } = CreateTTLTxn.decode(reader);
      const ttlMs = ttl.hi * 0x1_0000_0000 + (ttl.lo >>> 0);
      return { kind: "create", path: path ?? "", ...rest, ephemeral: false, container: false, ttlMs };
    }
    case OpCode.delete:
    case OpCode.deleteContainer:
      return { kind: "delete", path: DeleteTxn.decode(reader).path ?? "" };
    case OpCode.setData:
    case OpCode.reconfig: {
      const { path, data, version } = SetDataTxn.decode(reader);
      return { kind: "setData", path: path ?? "", data, version };
    }
    case OpCode.setACL: {
      const { path, acl, version } = SetACLTxn.decode(reader);
      return { kind: "setACL", path: path ?? "", acl, version };
    }
    case OpCode.check: {
      const { path, version } = CheckVersionTxn.decode(reader);
      return { kind: "check", path: path ?? "", version };
    }
    case OpCode.createSession:
      return { kind: "createSession", timeoutMs: CreateSessionTxn.decode(reader).timeOut };
    case OpCode.closeSession:
      return { kind: "closeSession", paths: decodeClosedPaths(reader) };
    case OpCode.error:
      return { kind: "error", err: ErrorTxn.decode(reader).err };
    case OpCode.multi:
      if (isWhole) return { kind: "multi", parts: decodeParts(reader) };
  }
  throw new ProtocolError("txn type", reader.at - 4, "the type of a change", String(type));
}

function decodeCreate(type: number, reader: Reader): CreateChange {
  const { path, data, acl, ephemeral } = CreateTxnV0.decode(reader);
  const parentCVersion = type === OpCode.create && reader.remaining === 0 ? -1 : reader.int();
  return { kind: "create", path: path ?? "", data, acl, ephemeral, container: false, ttlMs: null, parentCVersion };
}

/** 12 bytes may be a digest behind an empty body, which begins with its version, 2; a list of that length begins with 1. */
function decodeClosedPaths(reader: Reader): readonly string[] | null {
  const { remaining } = reader;
  if (remaining === 0 || (remaining === 12 && reader.bytes[reader.at + 3] !== 1)) return null;
  return (CloseSessionTxn.decode(reader).paths2Delete ?? []).map((path) => path ?? "");
}

function decodeParts(reader: Reader): MultiPart[] {
  const count = reader.count(8);
  const parts: MultiPart[] = [];
  for (let i = 0; i < count; i++) {
    const type = reader.int();
    const raw = reader.buffer();
    const inner = new Reader(reader.bytes, reader.at - (raw?.length ?? 0), reader.at);
    parts.push({ type, raw, change: decodeChange(type, inner, false) });
  }
  return parts;
}

/** ZooKeeper's name of a txn's type. */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `unknown ${type}`;
}

/** @returns the opcode of that name, or null */
export function typeOfName(name: string): number | null {
  for (const [type, known] of TYPE_NAMES) if (known.toLowerCase() === name.toLowerCase()) return type;
  return null;
}

/** The names of all types that a log may hold. */
export const TXN_TYPE_NAMES: readonly string[] = [
  "create",
  "create2",
  "createContainer",
  "createTTL",
  "delete",
  "deleteContainer",
  "setData",
  "reconfig",
  "setACL",
  "check",
  "multi",
  "createSession",
  "closeSession",
  "error",
];

const TYPE_NAMES = new Map<number, string>(Object.entries(OpCode).map(([name, type]) => [type, name]));

/** Calls `visit` for the change itself, or for each part of a multi that took effect. */
export function forEachChange(txn: LoggedTxn, visit: (change: Change, type: number) => void): void {
  const { change } = txn;
  if (change.kind !== "multi") {
    visit(change, txn.type);
    return;
  }
  // One error among its parts: none of them took effect.
  if (change.parts.some((part) => part.type === OpCode.error)) return;
  for (const part of change.parts) visit(part.change, part.type);
}
