import { Writer } from "@quoll/jute";
import { OpCode } from "../../src/core/op-code.js";

/** ACL lists that the histories use, as text: `perms scheme id`, or null for a null vector. */
export const ACLS: readonly (string[] | null)[] = [
  ["31 world anyone"],
  ["1 world anyone"],
  ["31 digest ann:x", "1 world anyone"],
  [],
  null,
];

export type Operation =
  | {
      type: "create" | "create2" | "container" | "ttl";
      path: string;
      data: string | null;
      acl: number;
      isEphemeral: boolean;
      parentCversion: number;
      ttlMs: number;
    }
  | { type: "delete"; path: string }
  | { type: "setData"; path: string; data: string | null; version: number }
  | { type: "setAcl"; path: string; acl: number; version: number }
  | { type: "check"; path: string }
  | { type: "error"; err: number };

export type Change =
  | Operation
  | { type: "createSession"; timeoutMs: number }
  | { type: "closeSession"; paths: string[] | null }
  | { type: "multi"; parts: Operation[] };

export interface Txn {
  readonly session: number;
  readonly zxid: number;
  readonly time: number;
  readonly change: Change;
}

export const TYPES = {
  create: OpCode.create,
  create2: OpCode.create2,
  container: OpCode.createContainer,
  ttl: OpCode.createTTL,
  delete: OpCode.delete,
  setData: OpCode.setData,
  setAcl: OpCode.setACL,
  check: OpCode.check,
  error: OpCode.error,
  createSession: OpCode.createSession,
  closeSession: OpCode.closeSession,
  multi: OpCode.multi,
};

/** The bytes of a txn as they stand in a log record, with a TxnDigest if there is one. */
export function encode(txn: Txn, digest: bigint | null = null): Uint8Array {
  const to = new Writer();
  to.long(txn.session);
  to.int(7);
  to.long(txn.zxid);
  to.long(txn.time);
  to.int(TYPES[txn.change.type]);
  const { change } = txn;
  switch (change.type) {
    case "createSession":
      to.int(change.timeoutMs);
      break;
    case "closeSession":
      if (change.paths === null) break;
      to.int(change.paths.length);
      for (const path of change.paths) to.string(path);
      break;
    case "multi":
      to.int(change.parts.length);
      for (const part of change.parts) {
        to.int(TYPES[part.type]);
        const lengthAt = to.at;
        to.int(0);
        writeOperation(part, to);
        to.patchInt(lengthAt, to.at - lengthAt - 4);
      }
      break;
    default:
      writeOperation(change, to);
  }
  if (digest !== null) {
    to.int(2);
    to.int(Number(BigInt.asIntN(32, digest >> 32n)));
    to.int(Number(BigInt.asIntN(32, digest)));
  }
  return to.take();
}

function writeOperation(operation: Operation, to: Writer): void {
  if (operation.type === "error") {
    to.int(operation.err);
    return;
  }
  to.string(operation.path);
  switch (operation.type) {
    case "check":
      to.int(-1);
      break;
    case "setData":
      writeData(operation.data, to);
      to.int(operation.version);
      break;
    case "setAcl":
      writeAcl(operation.acl, to);
      to.int(operation.version);
      break;
    case "delete":
      break;
    default:
      writeData(operation.data, to);
      writeAcl(operation.acl, to);
      if (operation.type === "create" || operation.type === "create2") to.bool(operation.isEphemeral);
      to.int(operation.parentCversion);
      if (operation.type === "ttl") to.long(operation.ttlMs);
  }
}

function writeData(data: string | null, to: Writer): void {
  to.string(data);
}

function writeAcl(acl: number, to: Writer): void {
  const entries = ACLS[acl];
  to.int(entries === null ? -1 : entries.length);
  for (const entry of entries ?? []) {
    const [perms, scheme, id] = entry.split(" ");
    to.int(Number(perms));
    to.string(scheme);
    to.string(id);
  }
}
