import {
  CheckVersionRequest,
  CreateRequest,
  CreateTTLRequest,
  DeleteRequest,
  GetChildrenRequest,
  GetDataRequest,
  ProtocolError,
  Reader,
  type RecordType,
  SetDataRequest,
  type Writer,
} from "@quoll/jute";
import type { AclChecker } from "../acl/acl-checker.js";
import { writeAcl } from "../acl/acl-codec.js";
import { Perm } from "../acl/perm.js";
import type { Connection } from "../connection.js";
import { KeeperCode } from "../keeper-code.js";
import { CONNECTION_OUTPUT_BYTES_MAX } from "../limits.js";
import { OpCode } from "../op-code.js";
import type { DataTree } from "../tree/data-tree.js";
import { ROOT } from "../tree/flat-tree.js";
import { NO_ROW, type Row } from "../tree/tree.js";
import { addWatchMode, watcherType } from "../watch/event.js";
import { setWatches } from "../watch/set-watches.js";
import type { WatchSink, WatchTable } from "../watch/watch-table.js";
import { ephemeralPaths } from "./ephemerals.js";
import { hasNul, sameBytes } from "./path.js";
import { beginReply, endReply, setReplyErr, Xid } from "./reply.js";

/**
 * Answers the requests that change nothing, from the tree as it is now. (ZooKeeper: the reading half of
 * FinalRequestProcessor.)
 */
export class ReadRequests {
  private readonly reader = new Reader(new Uint8Array(0));

  constructor(
    private readonly tree: DataTree,
    private readonly watches: WatchTable,
    private readonly acls: AclChecker,
    private readonly events: WatchSink,
  ) {}

  /** Appends the reply to the connection's output; watch events that setWatches catches up on come before it. */
  answer(connection: Connection, type: number, xid: number, body: Uint8Array, start: number, end: number): void {
    const { reader } = this;
    reader.reset(body, start, end);
    if (type === OpCode.setWatches || type === OpCode.setWatches2) {
      const err = this.setWatches(connection, type === OpCode.setWatches2);
      const { out } = connection;
      endReply(out, beginReply(out, xid, this.tree.lastProcessedZxid), err);
      return;
    }
    const { out } = connection;
    // A ping is answered with its own xid whatever the client sent, as in Java.
    const replyXid = type === OpCode.ping ? Xid.ping : xid;
    const at = beginReply(out, replyXid, this.tree.lastProcessedZxid);
    let err: number;
    try {
      err = this.read(connection, type, out, at);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      err = KeeperCode.MarshallingError;
    }
    if (err !== ANSWERED) endReply(out, at, err);
  }

  /** @param at - where the reply begins */
  private read(connection: Connection, type: number, out: Writer, at: number): number {
    switch (type) {
      case OpCode.getData:
        return this.getData(connection, out, true);
      case OpCode.exists:
        return this.exists(connection, out);
      case OpCode.getChildren:
        return this.getChildren(connection, out, false, true);
      case OpCode.getChildren2:
        return this.getChildren(connection, out, true, true);
      case OpCode.ping:
        return 0;
      case OpCode.getACL:
        return this.getAcl(connection, out);
      case OpCode.multiRead:
        return this.multiRead(connection, out, at);
      case OpCode.sync:
        out.string(this.reader.string());
        return 0;
      case OpCode.checkWatches:
      case OpCode.removeWatches:
        return this.checkOrRemoveWatches(connection, type);
      case OpCode.addWatch:
        return this.addWatch(connection, out);
      case OpCode.getEphemerals:
        return this.getEphemerals(connection, out);
      case OpCode.getAllChildrenNumber:
        return this.getAllChildrenNumber(connection, out);
      case OpCode.whoAmI:
        return this.whoAmI(connection, out);
      default:
        return KeeperCode.Unimplemented;
    }
  }

  private getData(connection: Connection, out: Writer, mayWatch: boolean): number {
    const { reader, tree } = this;
    const length = reader.length("path");
    const start = reader.at;
    if (length > 0) reader.at += length;
    const watch = reader.bool();
    if (length < 0) return KeeperCode.MarshallingError;
    const end = start + length;
    const row = this.find(reader.bytes, start, end);
    if (row === NO_ROW) return KeeperCode.NoNode;
    if (!this.mayRead(connection, row)) return KeeperCode.NoAuth;
    if (watch && mayWatch) this.watches.addDataWatch(connection.slot, reader.bytes, start, end);
    tree.tree.writeData(row, out);
    tree.tree.writeStat(row, out);
    return 0;
  }

  /** The watch is registered whether the znode exists or not. */
  private exists(connection: Connection, out: Writer): number {
    const { reader, tree } = this;
    const length = reader.length("path");
    const start = reader.at;
    if (length > 0) reader.at += length;
    const watch = reader.bool();
    if (length < 0) return KeeperCode.MarshallingError;
    const end = start + length;
    if (hasNul(reader.bytes, start, end)) return KeeperCode.BadArguments;
    const row = this.find(reader.bytes, start, end);
    if (row !== NO_ROW && !this.mayRead(connection, row)) return KeeperCode.NoAuth;
    if (watch) this.watches.addDataWatch(connection.slot, reader.bytes, start, end);
    if (row === NO_ROW) return KeeperCode.NoNode;
    tree.tree.writeStat(row, out);
    return 0;
  }

  private getChildren(connection: Connection, out: Writer, withStat: boolean, mayWatch: boolean): number {
    const { reader, tree } = this;
    const length = reader.length("path");
    const start = reader.at;
    if (length > 0) reader.at += length;
    const watch = reader.bool();
    if (length < 0) return KeeperCode.MarshallingError;
    const end = start + length;
    const row = this.find(reader.bytes, start, end);
    if (row === NO_ROW) return KeeperCode.NoNode;
    if (!this.mayRead(connection, row)) return KeeperCode.NoAuth;
    if (watch && mayWatch) this.watches.addChildWatch(connection.slot, reader.bytes, start, end);
    tree.tree.writeChildren(row, out);
    if (withStat) tree.tree.writeStat(row, out);
    return 0;
  }

  /** With READ only, the hashes of digest ids are hidden. */
  private getAcl(connection: Connection, out: Writer): number {
    const { reader, tree, acls } = this;
    const length = reader.length("path");
    const start = reader.at;
    if (length < 0) return KeeperCode.MarshallingError;
    const row = this.find(reader.bytes, start, start + length);
    if (row === NO_ROW) return KeeperCode.NoNode;
    const aclId = tree.tree.aclId(row);
    if (!acls.allows(aclId, Perm.read | Perm.admin, connection.auth)) return KeeperCode.NoAuth;
    const acl = acls.list(aclId);
    writeAcl(acls.allows(aclId, Perm.admin, connection.auth) ? acl : acls.redact(acl), out);
    tree.tree.writeStat(row, out);
    return 0;
  }

  /**
   * Each part answers for itself; none registers a watch. A request that can't be read as a whole has no answer but its
   * code. A part that is a write or has no path ends it, and then, as in Java, the code comes with the answers so far.
   */
  private multiRead(connection: Connection, out: Writer, at: number): number {
    const { reader } = this;
    const { at: start } = reader;
    if (!isReadableMulti(reader)) return KeeperCode.MarshallingError;
    reader.at = start;
    for (let type = nextType(reader); type !== DONE; type = nextType(reader)) {
      const partAt = out.at;
      out.int(type);
      out.bool(false);
      out.int(0);
      let err: number = KeeperCode.MarshallingError;
      if (type === OpCode.getData) err = this.getData(connection, out, false);
      else if (type === OpCode.getChildren) err = this.getChildren(connection, out, false, false);
      if (out.at - at > CONNECTION_OUTPUT_BYTES_MAX) return KeeperCode.MarshallingError; // Java builds any size
      if (err === 0) continue;
      out.at = partAt;
      if (err === KeeperCode.MarshallingError) {
        writeMultiEnd(out);
        endReply(out, at, 0);
        setReplyErr(out, at, err);
        return ANSWERED;
      }
      writeErrorResult(out, err);
    }
    writeMultiEnd(out);
    return 0;
  }

  /** Of the empty path, too, which is another name of the root. */
  private find(bytes: Uint8Array, start: number, end: number): Row {
    return start === end ? ROOT : this.tree.tree.find(bytes, start, end);
  }

  private mayRead(connection: Connection, row: Row): boolean {
    return this.acls.allows(this.tree.tree.aclId(row), Perm.read, connection.auth);
  }

  private setWatches(connection: Connection, withPersistent: boolean): number {
    const { reader } = this;
    try {
      // Any 64-bit value will do: beyond 2^53 nothing can have been missed, or everything.
      const relative = reader.bits();
      const relativeZxid = relative.hi * 0x1_0000_0000 + (relative.lo >>> 0);
      const { watches, events, tree } = this;
      const ok = setWatches(watches, events, tree.tree, connection.slot, reader, relativeZxid, withPersistent);
      return ok ? 0 : KeeperCode.MarshallingError;
    } catch (error) {
      if (error instanceof ProtocolError) return KeeperCode.MarshallingError;
      throw error;
    }
  }

  private checkOrRemoveWatches(connection: Connection, opCode: number): number {
    const { reader, watches } = this;
    const length = reader.length("path");
    const start = reader.at;
    if (length > 0) reader.at += length;
    const type = watcherType(reader.int());
    if (type === null) return KeeperCode.MarshallingError;
    if (length < 0) return KeeperCode.NoWatcher;
    const found =
      opCode === OpCode.removeWatches
        ? watches.remove(connection.slot, type, reader.bytes, start, start + length)
        : watches.contains(connection.slot, type, reader.bytes, start, start + length);
    return found ? 0 : KeeperCode.NoWatcher;
  }

  private addWatch(connection: Connection, out: Writer): number {
    const { reader } = this;
    const length = reader.length("path");
    const start = reader.at;
    if (length > 0) reader.at += length;
    const mode = addWatchMode(reader.int());
    if (mode === null) return KeeperCode.MarshallingError;
    // Java watches the null path, of which nothing can be heard.
    if (length >= 0) this.watches.addWatch(connection.slot, mode, reader.bytes, start, start + length);
    out.int(0); // ErrorResponse
    return 0;
  }

  /** The caller's own ephemerals below a prefix of the text, not of the path. */
  private getEphemerals(connection: Connection, out: Writer): number {
    const { reader } = this;
    const length = reader.length("prefixPath");
    const start = reader.at;
    const all = length <= 0 || isBlankOrRoot(reader.bytes, start, start + length);
    const countAt = out.at;
    let count = 0;
    out.int(0);
    for (const path of ephemeralPaths(this.tree, connection.sessionHi, connection.sessionLo)) {
      if (!all && !sameBytes(path, 0, Math.min(length, path.length), reader.bytes, start, start + length)) continue;
      out.span(path, 0, path.length);
      count++;
    }
    out.patchInt(countAt, count);
    return 0;
  }

  private getAllChildrenNumber(connection: Connection, out: Writer): number {
    const { reader, tree } = this;
    const length = reader.length("path");
    const start = reader.at;
    if (length < 0) return KeeperCode.MarshallingError;
    const row = this.find(reader.bytes, start, start + length);
    if (row === NO_ROW) return KeeperCode.NoNode;
    if (!this.mayRead(connection, row)) return KeeperCode.NoAuth;
    // For the empty path Java counts everything that starts with a slash, the root included.
    out.int(tree.tree.descendantCount(row) + (length === 0 ? 1 : 0));
    return 0;
  }

  private whoAmI(connection: Connection, out: Writer): number {
    const infos = this.acls.clientInfos(connection.auth);
    out.int(infos.length);
    for (const { scheme, user } of infos) {
      out.string(scheme);
      out.string(user);
    }
    return 0;
  }
}

/** In the place of a code: the reply is complete already. */
const ANSWERED = 1;

/** No int32: behind the last part of a multi. */
const DONE = 0x1_0000_0000;

/** Reads a part's header. @returns its type, or {@link DONE} */
function nextType(reader: Reader): number {
  const type = reader.int();
  const done = reader.bool();
  reader.int();
  return done ? DONE : type;
}

/** What the parts of a multi consist of: reads and, of no use in a multiRead, writes. */
const READ_PARTS = new Map<number, RecordType<unknown>>([
  [OpCode.getData, GetDataRequest],
  [OpCode.getChildren, GetChildrenRequest],
]);
const WRITE_PARTS = new Map<number, RecordType<unknown>>([
  [OpCode.create, CreateRequest],
  [OpCode.create2, CreateRequest],
  [OpCode.createContainer, CreateRequest],
  [OpCode.createTTL, CreateTTLRequest],
  [OpCode.delete, DeleteRequest],
  [OpCode.setData, SetDataRequest],
  [OpCode.check, CheckVersionRequest],
]);

/** Whether all parts are known and of one kind. @throws ProtocolError when one is malformed */
function isReadableMulti(reader: Reader): boolean {
  let kind: typeof READ_PARTS | null = null;
  for (let type = nextType(reader); type !== DONE; type = nextType(reader)) {
    kind ??= READ_PARTS.has(type) ? READ_PARTS : WRITE_PARTS;
    const part = kind.get(type);
    if (part === undefined) return false;
    part.decode(reader);
  }
  return true;
}

/** A failed part of a multi: MultiHeader{-1, false, err} and ErrorResult{err}. */
export function writeErrorResult(out: Writer, err: number): void {
  out.int(OpCode.error);
  out.bool(false);
  out.int(err);
  out.int(err);
}

export function writeMultiEnd(out: Writer): void {
  out.int(-1);
  out.bool(true);
  out.int(-1);
}

/** What Java's `trim` leaves empty, or a lone slash between blanks. */
function isBlankOrRoot(bytes: Uint8Array, start: number, end: number): boolean {
  while (start < end && bytes[start] <= 0x20) start++;
  while (end > start && bytes[end - 1] <= 0x20) end--;
  return start === end || (end - start === 1 && bytes[start] === 0x2f);
}
