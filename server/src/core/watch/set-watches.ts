import { decodeUtf8, encodeUtf8, type Reader, utf8Length } from "@quoll/jute";
import { ROOT } from "../tree/flat-tree.js";
import { NO_ROW, OPEN_ACL_ID, type Tree } from "../tree/tree.js";
import { AddWatchMode, EventType } from "./event.js";
import type { WatchSink, WatchTable } from "./watch-table.js";

/** The zxid of events that tell a client what it missed. */
const CATCH_UP_ZXID = -1;

/**
 * Registers the watches that a client brings along when it reconnects, and tells it what happened meanwhile to those that
 * would have fired (setWatches and setWatches2). Each watch either fires now, and is gone, or is registered; persistent
 * ones are registered and never fire. Events come in the order of the request, are not filtered by ACL, as in Java, and
 * precede the reply.
 *
 * @param request - stands behind `relativeZxid`, at the vectors of data, exist and child watches
 * @param relativeZxid - the last zxid that the client has seen
 * @param withPersistent - setWatches2: vectors of persistent and of recursive watches follow
 * @returns false when a vector or path is null: Java then answers with MarshallingError, having done what came before
 * @throws ProtocolError before anything has been done, if the request is malformed
 */
export function setWatches(
  table: WatchTable,
  sink: WatchSink,
  tree: Pick<Tree, "find" | "mzxid" | "pzxid">,
  connection: number,
  request: Reader,
  relativeZxid: number,
  withPersistent: boolean,
): boolean {
  const start = request.at;
  const vectors = withPersistent ? 5 : 3;
  for (let vector = 0; vector < vectors; vector++) {
    const count = request.count(4);
    for (let i = 0; i < count; i++) skipPath(request);
  }
  request.at = start;
  for (let vector = 0; vector < vectors; vector++) {
    const count = request.count(4);
    if (count < 0) return false;
    for (let i = 0; i < count; i++) {
      const length = request.length("path");
      if (length < 0) return false;
      const from = request.at;
      request.at = from + length;
      setWatch(table, sink, tree, connection, vector, request.bytes, from, from + length, relativeZxid);
    }
  }
  return true;
}

function setWatch(
  table: WatchTable,
  sink: WatchSink,
  tree: Pick<Tree, "find" | "mzxid" | "pzxid">,
  connection: number,
  vector: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  relativeZxid: number,
): void {
  if (vector >= 3) {
    const mode = vector === 3 ? AddWatchMode.persistent : AddWatchMode.persistentRecursive;
    table.addWatch(connection, mode, bytes, start, end);
    return;
  }
  // The empty path is another name of the root.
  const row = start === end ? ROOT : tree.find(bytes, start, end);
  let missed: EventType = EventType.None;
  if (vector === 1) {
    if (row !== NO_ROW) missed = EventType.NodeCreated;
  } else if (row === NO_ROW) {
    missed = EventType.NodeDeleted;
  } else if (vector === 0) {
    if (tree.mzxid(row) > relativeZxid) missed = EventType.NodeDataChanged;
  } else if (tree.pzxid(row) > relativeZxid) {
    missed = EventType.NodeChildrenChanged;
  }
  if (missed !== EventType.None) {
    const path = asJavaWrites(bytes, start, end);
    sink.watchEvent(connection, missed, path, 0, path.length, CATCH_UP_ZXID, OPEN_ACL_ID);
  } else if (vector === 2) {
    table.addChildWatch(connection, bytes, start, end);
  } else {
    table.addDataWatch(connection, bytes, start, end);
  }
}

function skipPath(request: Reader): void {
  const length = request.length("path");
  if (length > 0) request.at += length;
}

/** A path that no znode can have may hold what Java reads and writes differently; the event tells it as Java would. */
function asJavaWrites(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const text = decodeUtf8(bytes, start, end);
  const path = new Uint8Array(utf8Length(text));
  encodeUtf8(text, path, 0);
  return path;
}
