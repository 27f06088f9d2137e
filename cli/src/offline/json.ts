import type { ACL } from "@quoll/jute";
import type { Change, LoggedTxn } from "./txn.js";
import { typeName } from "./txn.js";

/** What `-o json` prints: one object per line, zxids and sessions as hexadecimal text, times in ISO 8601. */
export type Json = { readonly [key: string]: unknown };

export function jsonLine(value: Json): string {
  return `${JSON.stringify(value)}\n`;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `data` for text, `dataBase64` for other bytes, `data: null` for no data. */
export function jsonData(data: Uint8Array | null): Json {
  const text = data === null ? null : asText(data);
  return data === null || text !== null ? { data: text } : { dataBase64: Buffer.from(data).toString("base64") };
}

/** @returns null when the bytes are no text */
export function asText(data: Uint8Array): string | null {
  try {
    const text = strictUtf8.decode(data);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what no text holds
    return /[\0-\x08\x0e-\x1f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

export function isoTime(ms: number): string {
  return Math.abs(ms) > 8.64e15 ? `${ms} ms` : new Date(ms).toISOString();
}

export function zxidText(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}

/** Data on one line for people: text as it is, other bytes as base64, cut to `max` characters. */
export function dataText(data: Uint8Array | null, max = 200): string {
  if (data === null) return "(null)";
  if (data.length === 0) return "(empty)";
  const text = asText(data);
  const line = text === null ? `base64 ${Buffer.from(data).toString("base64")}` : JSON.stringify(text);
  return line.length <= max ? line : `${line.slice(0, max)}… (${data.length} bytes)`;
}

export function jsonAcl(acl: readonly ACL[] | null): unknown {
  return acl === null ? null : acl.map(({ perms, id }) => ({ perms, scheme: id.scheme, id: id.id }));
}

export function jsonTxn(txn: LoggedTxn): Json {
  const { session, cxid, zxid, time, type, change, digest } = txn;
  return {
    time: isoTime(time),
    zxid: zxidText(zxid),
    session: session.toString(),
    cxid,
    type: typeName(type),
    ...jsonChange(change),
    ...(digest === null ? {} : { digestVersion: digest.version, digest: digest.treeDigest.toString() }),
  };
}

function jsonChange(change: Change): Json {
  switch (change.kind) {
    case "create": {
      const { path, data, acl, ephemeral, container, ttlMs, parentCVersion } = change;
      const mode = ephemeral ? "ephemeral" : container ? "container" : ttlMs !== null ? "ttl" : "persistent";
      const ttl = ttlMs === null ? {} : { ttlMs };
      return { path, ...jsonData(data), acl: jsonAcl(acl), mode, ...ttl, parentCVersion };
    }
    case "setData":
      return { path: change.path, ...jsonData(change.data), version: change.version };
    case "setACL":
      return { path: change.path, acl: jsonAcl(change.acl), aclVersion: change.version };
    case "delete":
      return { path: change.path };
    case "check":
      return { path: change.path, version: change.version };
    case "createSession":
      return { timeoutMs: change.timeoutMs };
    case "closeSession":
      return { deleted: change.paths };
    case "error":
      return { err: change.err };
    case "multi":
      return { parts: change.parts.map((part) => ({ type: typeName(part.type), ...jsonChange(part.change) })) };
  }
}
