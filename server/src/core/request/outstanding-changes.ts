import type { Acl } from "../acl/acl.js";
import { LongMap } from "../long-map.js";
import { sameBytes } from "./path.js";

/**
 * What a znode will be once the txn `zxid` is applied. Prep decides each write against the newest of these, or against
 * the tree where there is none: the state with all outstanding changes applied.
 */
export class ChangeRecord {
  /** The next record with the same hash. */
  chain: ChangeRecord | null = null;
  /** The record of the same path that this one took the place of. */
  previous: ChangeRecord | null = null;
  /** The record of the same path that took the place of this one. */
  newer: ChangeRecord | null = null;

  /** False: the znode is deleted, and only its owner is still told. */
  exists = true;
  czxid = 0;
  mzxid = 0;
  pzxid = 0;
  ctime = 0;
  mtime = 0;
  version = 0;
  /** The stored one, which counts creates. */
  cversion = 0;
  aversion = 0;
  ownerHi = 0;
  ownerLo = 0;
  childCount = 0;
  aclId = 0;
  /** The ACL where it is not interned yet, because its txn is outstanding; else null and `aclId` names it. */
  acl: readonly Acl[] | null = null;
  /** Bytes of data, -1 for null. */
  dataLength = -1;
  /** CRC32 over path and data: the part of the node's digest that a change of its stat leaves as it is. */
  prefixCrc = 0;
  /** The node's digest; 0 when digests are off. */
  digest = 0;

  constructor(
    /** -1: read from the tree, not outstanding. */
    readonly zxid: number,
    readonly hash: number,
    /** The path. The bytes are those of a txn, and stay as they are as long as the record is reachable. */
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly end: number,
  ) {}

  /** A copy that will belong to the txn `zxid`. */
  duplicate(zxid: number): ChangeRecord {
    const copy = new ChangeRecord(zxid, this.hash, this.bytes, this.start, this.end);
    copy.czxid = this.czxid;
    copy.mzxid = this.mzxid;
    copy.pzxid = this.pzxid;
    copy.ctime = this.ctime;
    copy.mtime = this.mtime;
    copy.version = this.version;
    copy.cversion = this.cversion;
    copy.aversion = this.aversion;
    copy.ownerHi = this.ownerHi;
    copy.ownerLo = this.ownerLo;
    copy.childCount = this.childCount;
    copy.aclId = this.aclId;
    copy.acl = this.acl;
    copy.dataLength = this.dataLength;
    copy.prefixCrc = this.prefixCrc;
    copy.digest = this.digest;
    return copy;
  }
}

/** The changes of all txns that are proposed and not applied yet: a queue in zxid order, and the newest one by path. */
export class OutstandingChanges {
  private readonly byHash = new Map<number, ChangeRecord>();
  /** How many records have an owner, by owner: a session that ends need not look at all of them. */
  private readonly byOwner = new LongMap<number>();
  private queue: ChangeRecord[] = [];
  private head = 0;

  get size(): number {
    return this.queue.length - this.head;
  }

  /** The newest outstanding record of that path, or null. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): ChangeRecord | null {
    for (let record = this.byHash.get(hash) ?? null; record !== null; record = record.chain) {
      if (sameBytes(record.bytes, record.start, record.end, bytes, start, end)) return record;
    }
    return null;
  }

  add(record: ChangeRecord): void {
    this.queue.push(record);
    this.countOwner(record, 1);
    const { hash, bytes, start, end } = record;
    const head = this.byHash.get(hash) ?? null;
    const previous = this.find(hash, bytes, start, end);
    if (previous !== null) {
      record.previous = previous;
      previous.newer = record;
    }
    this.setChain(record, previous === null ? head : without(head, previous));
  }

  /** Puts a record at the head of its hash's chain. */
  private setChain(record: ChangeRecord, rest: ChangeRecord | null): void {
    record.chain = rest;
    // Never a delete and a set: a Map walks over every entry of that key that was deleted since it last grew.
    this.byHash.set(record.hash, record);
  }

  private unlink(record: ChangeRecord): void {
    const { hash } = record;
    const rest = without(this.byHash.get(hash) ?? null, record);
    if (rest === null) this.byHash.delete(hash);
    else this.byHash.set(hash, rest);
  }

  /** A failed multi: takes back every record of the txn `zxid`, the newest one, and what stood there before returns. */
  rollback(zxid: number): void {
    while (this.queue.length > this.head && this.queue[this.queue.length - 1].zxid === zxid) {
      const record = this.queue.pop()!;
      this.countOwner(record, -1);
      this.unlink(record);
      const { previous } = record;
      record.previous = null;
      if (previous === null) continue;
      previous.newer = null;
      previous.chain = this.byHash.get(previous.hash) ?? null;
      this.byHash.set(previous.hash, previous);
    }
  }

  /** The txns up to `zxid` are applied: the tree says now what their records said. */
  applied(zxid: number): void {
    const { queue } = this;
    while (this.head < queue.length && queue[this.head].zxid <= zxid) {
      const record = queue[this.head];
      (queue as (ChangeRecord | undefined)[])[this.head++] = undefined;
      this.countOwner(record, -1);
      // Cut off the end of the path's history: a rollback must not bring an applied record back.
      if (record.newer === null) this.unlink(record);
      else record.newer.previous = null;
    }
    if (this.head === queue.length) {
      queue.length = 0;
      this.head = 0;
    } else if (this.head > 4096 && this.head * 2 > queue.length) {
      this.queue = queue.slice(this.head);
      this.head = 0;
    }
  }

  /** Whether a record concerns a znode of that owner. */
  concern(ownerHi: number, ownerLo: number): boolean {
    return this.byOwner.has(ownerHi, ownerLo);
  }

  private countOwner(record: ChangeRecord, difference: number): void {
    const { ownerHi: hi, ownerLo: lo } = record;
    if (hi === 0 && lo === 0) return;
    const count = (this.byOwner.get(hi, lo) ?? 0) + difference;
    if (count === 0) this.byOwner.delete(hi, lo);
    else this.byOwner.set(hi, lo, count);
  }

  forEach(visit: (record: ChangeRecord) => void): void {
    for (let i = this.head; i < this.queue.length; i++) visit(this.queue[i]);
  }
}

/** Takes a record out of the chain that starts with `head`. @returns the new head */
function without(head: ChangeRecord | null, record: ChangeRecord): ChangeRecord | null {
  const { chain } = record;
  record.chain = null;
  if (head === record) return chain;
  for (let before = head; before !== null; before = before.chain) {
    if (before.chain !== record) continue;
    before.chain = chain;
    break;
  }
  return head;
}
