import { Reader, Writer } from "@quoll/jute";
import { KeeperCode } from "../keeper-code.js";
import { OpCode } from "../op-code.js";
import type { DataTree } from "../tree/data-tree.js";
import { type ApplyListener, NO_ROW, type Row } from "../tree/tree.js";
import type { WatchTable } from "../watch/watch-table.js";
import type { Pending } from "./pending.js";
import { writeErrorResult, writeMultiEnd } from "./read.js";
import { beginReply, endReply } from "./reply.js";

/** Offset of the txn's body: behind TxnHeader{long clientId, int cxid, long zxid, long time, int type}. */
const BODY_OFFSET = 32;
/** Offset of dataLength in a Stat. */
const STAT_DATA_LENGTH_OFFSET = 52;

/**
 * Listens while a txn is applied: fires the watches, and gathers what the reply will say. The reply is written after all
 * events of the txn, so that a client learns of a change before it sees its result.
 */
export class CommitReplies implements ApplyListener {
  /** Results of a multi's parts, as they stand in the reply. */
  private readonly results = new Writer();
  private readonly reader = new Reader(new Uint8Array(0));
  private isMulti = false;
  private err = 0;
  private row: Row = NO_ROW;
  private createdDataLength = 0;
  /** The session had moved to another server when the request came to the leader: its connection gets no reply and ends. */
  isMoved = false;

  constructor(
    private readonly tree: DataTree,
    private readonly watches: WatchTable,
  ) {}

  /** To be called before each txn. */
  begin(type: number): void {
    this.isMulti = type === OpCode.multi;
    this.results.reset();
    this.isMoved = false;
    this.err = 0;
    this.row = NO_ROW;
  }

  /** Appends the reply to the request whose txn was applied last. */
  write(pending: Pending, out: Writer): void {
    const at = beginReply(out, pending.xid, pending.zxid);
    const err = pending.err !== 0 ? pending.err : this.isMulti ? 0 : this.err;
    if (err === 0) this.writeBody(pending, out);
    endReply(out, at, err);
  }

  private writeBody(pending: Pending, out: Writer): void {
    const { tree } = this.tree;
    switch (pending.type) {
      case OpCode.create:
        this.writeCreatedPath(pending, out);
        break;
      case OpCode.create2:
      case OpCode.createTTL:
      case OpCode.createContainer:
        this.writeCreatedPath(pending, out);
        this.writeCreatedStat(this.row, out);
        break;
      case OpCode.setData:
      case OpCode.setACL:
        tree.writeStat(this.row, out);
        break;
      case OpCode.reconfig:
        tree.writeData(this.row, out);
        tree.writeStat(this.row, out);
        break;
      case OpCode.multi:
        out.raw(this.results.bytes, 0, this.results.at);
        writeMultiEnd(out);
    }
  }

  /** The txn's body starts with the path, which has its sequence number. */
  private writeCreatedPath(pending: Pending, out: Writer): void {
    const { reader } = this;
    reader.reset(pending.bytes, pending.start + BODY_OFFSET, pending.end);
    const length = reader.length("path");
    out.span(pending.bytes, reader.at, reader.at + length);
  }

  /** The Stat of the moment of creation: a `zookeeper_stats` znode's data is counted anew right after it. */
  private writeCreatedStat(row: Row, out: Writer): void {
    const { at } = out;
    this.tree.tree.writeStat(row, out);
    out.patchInt(at + STAT_DATA_LENGTH_OFFSET, this.createdDataLength);
  }

  created(bytes: Uint8Array, start: number, end: number, row: Row, parent: Row, zxid: number): void {
    const { tree } = this.tree;
    this.createdDataLength = Math.max(0, tree.dataLength(row));
    this.watches.created(bytes, start, end, tree.aclId(row), tree.aclId(parent), zxid);
  }

  deleted(bytes: Uint8Array, start: number, end: number, aclId: number, parent: Row, zxid: number): void {
    this.watches.deleted(bytes, start, end, aclId, this.tree.tree.aclId(parent), zxid);
  }

  dataChanged(bytes: Uint8Array, start: number, end: number, row: Row, zxid: number): void {
    this.watches.dataChanged(bytes, start, end, this.tree.tree.aclId(row), zxid);
  }

  applied(type: number, err: number, row: Row): void {
    if (err === KeeperCode.SessionMoved) this.isMoved = true;
    if (!this.isMulti) {
      this.err = err;
      this.row = row;
      return;
    }
    const { results } = this;
    if (type === OpCode.error || err !== 0) {
      writeErrorResult(results, err);
      return;
    }
    // Creates that have a Stat in their reply are all told as create2.
    const withStat = type === OpCode.create2 || type === OpCode.createTTL || type === OpCode.createContainer;
    results.int(withStat ? OpCode.create2 : type);
    results.bool(false);
    results.int(0);
    const { tree } = this.tree;
    if (type === OpCode.create || withStat) tree.writePath(row, results);
    if (withStat) this.writeCreatedStat(row, results);
    else if (type === OpCode.setData) tree.writeStat(row, results);
  }

  sessionCreated(): void {}

  sessionClosed(): void {}
}
