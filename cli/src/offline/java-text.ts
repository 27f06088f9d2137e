import { type ACL, decodeUtf8, type Long } from "@quoll/jute";
import type { Change, LoggedTxn } from "./txn.js";
import { typeName } from "./txn.js";

/** A txn's contents as ZooKeeper's TxnLogToolkit prints them; some end in a line feed, as there. */
export function javaTxnText(change: Change): string {
  switch (change.kind) {
    case "create": {
      const { path, data, acl, ephemeral, container, ttlMs, parentCVersion } = change;
      const head = `${path},${text(data)},${aclList(acl)}`;
      if (container) return `${head},${parentCVersion}`;
      if (ttlMs !== null) return `${head},${parentCVersion},${ttlMs}`;
      return `${head},${ephemeral},${parentCVersion}`;
    }
    case "setData":
      return `${change.path},${text(change.data)},${change.version}`;
    case "delete":
      return `${quoted(change.path)}\n`;
    case "setACL":
      return `${quoted(change.path)},v{${(change.acl ?? []).map((acl) => `s{${aclFields(acl)}}`).join(",")}},${change.version}\n`;
    case "check":
      return `${quoted(change.path)},${change.version}\n`;
    case "createSession":
      return `${change.timeoutMs}\n`;
    case "closeSession":
      return change.paths === null ? "" : `v{${change.paths.map(quoted).join(",")}}\n`;
    case "error":
      return `${change.err}\n`;
    case "multi":
      // The parts are shown as they stand in the log, taken for text.
      return change.parts.map(({ type, raw }) => `${typeName(type)}:${text(raw)}`).join(";");
  }
}

/** One line, or more, for a txn. @param date - its time as text */
export function javaTxnLine(txn: LoggedTxn, date: string): string {
  const contents = javaTxnText(txn.change);
  const cxid = txn.cxid < 0 ? `ffffffff${(txn.cxid >>> 0).toString(16)}` : txn.cxid.toString(16);
  const line = `${date} session 0x${txn.session.toHex()} cxid 0x${cxid} zxid 0x${txn.zxid.toString(16)} ${typeName(txn.type)} ${contents}`;
  return line.endsWith("\n") ? line : `${line}\n`;
}

/** C's `%#016x`, which Java's snapshot tool uses for zxids and sessions: 16 places with the `0x`. */
export function javaHex(value: Long): string {
  return `0x${value.toHex().padStart(14, "0")}`;
}

function text(data: Uint8Array | null): string {
  return data === null ? "" : decodeUtf8(data, 0, data.length);
}

/** A list of records prints each as one line. */
function aclList(acl: readonly ACL[] | null): string {
  return acl === null ? "null" : `[${acl.map((entry) => `${aclFields(entry)}\n`).join(", ")}]`;
}

function aclFields({ perms, id }: ACL): string {
  return `${perms},s{${quoted(id.scheme)},${quoted(id.id)}}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "%00",
  "\n": "%0A",
  "\r": "%0D",
  ",": "%2C",
  "}": "%7D",
  "%": "%25",
};

function quoted(value: string | null): string {
  return value === null ? "" : `'${value.replace(/[\0\n\r,}%]/g, (char) => ESCAPES[char]!)}`;
}
