import { ProtocolError, Reader, Writer } from "@quoll/jute";
import { crc32 } from "../tree/crc32.js";
import { OPEN_ACL_ID } from "../tree/tree.js";
import type { Acl } from "./acl.js";

/** A list of ACL entries that at least one znode has (or that a snapshot brought along). */
export interface AclList {
  readonly id: number;
  readonly entries: readonly Acl[];
  /** The jute vector of the entries, count included. */
  readonly bytes: Uint8Array;
}

interface Interned extends AclList {
  references: number;
  readonly hash: number;
}

/** `world:anyone` with all permissions. */
export const OPEN_ACL: AclList = openAcl();

/**
 * ACL lists by number, each kept once and counted. Numbers are ZooKeeper's: one more than the last for every list that
 * is not in the table, and a list goes when its last znode does.
 */
export class AclTable {
  private readonly byId = new Map<number, Interned>();
  private readonly byHash = new Map<number, Interned[]>();
  private lastId = 0;
  /** The list that was acquired last: most likely the next one, too. */
  private last: Interned | null = null;

  get size(): number {
    return this.byId.size;
  }

  /** @returns undefined for a number that no list has: only a damaged snapshot refers to one */
  get(id: number): AclList | undefined {
    return id === OPEN_ACL_ID ? OPEN_ACL : this.byId.get(id);
  }

  /**
   * Counts one more use of a list.
   * @param bytes - from `start` to `end`, the jute vector of its entries; a null vector is the open list
   * @returns its number
   */
  acquire(bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] & 0x80) return OPEN_ACL_ID;
    if (this.last === null || !equals(this.last, bytes, start, end)) this.last = this.intern(bytes, start, end);
    this.last.references++;
    return this.last.id;
  }

  private intern(bytes: Uint8Array, start: number, end: number): Interned {
    const hash = crc32(0, bytes, start, end);
    return this.lookUp(hash, bytes, start, end) ?? this.add(this.nextId(), hash, bytes.slice(start, end));
  }

  /** Counts one more use of a number. One that no list has is left alone. */
  addUsage(id: number): void {
    const list = this.byId.get(id);
    if (list !== undefined) list.references++;
  }

  /** Counts one use less; the list goes with the last one. */
  release(id: number): void {
    const list = this.byId.get(id);
    if (list !== undefined && --list.references <= 0) this.remove(list);
  }

  /** Takes over a list of a snapshot, not yet used. Lists that no znode then uses go with {@link purgeUnused}. */
  restore(id: number, bytes: Uint8Array): void {
    const before = this.byId.get(id);
    if (before !== undefined) this.remove(before);
    this.add(id, crc32(0, bytes, 0, bytes.length), bytes);
    if (id > this.lastId) this.lastId = id;
  }

  purgeUnused(): void {
    for (const list of [...this.byId.values()]) if (list.references <= 0) this.remove(list);
  }

  /** Appends the table as a snapshot has it: a count, then number and vector of each list. */
  write(to: Writer): void {
    to.int(this.byId.size);
    for (const list of this.byId.values()) {
      to.long(list.id);
      to.raw(list.bytes, 0, list.bytes.length);
    }
  }

  private lookUp(hash: number, bytes: Uint8Array, start: number, end: number): Interned | null {
    const lists = this.byHash.get(hash);
    if (lists === undefined) return null;
    // The youngest first: of two equal lists, ZooKeeper's table also finds the one that came last.
    for (let i = lists.length - 1; i >= 0; i--) {
      if (equals(lists[i], bytes, start, end)) return lists[i];
    }
    return null;
  }

  /** Numbers are int32 in a znode's row. After 2^31 lists the unused ones are given out again. */
  private nextId(): number {
    do this.lastId = this.lastId === 0x7fffffff ? 1 : this.lastId + 1;
    while (this.byId.has(this.lastId));
    return this.lastId;
  }

  private add(id: number, hash: number, bytes: Uint8Array): Interned {
    const list: Interned = { id, entries: readEntries(bytes), bytes, references: 0, hash };
    this.byId.set(id, list);
    this.last = null;
    const sameHash = this.byHash.get(hash);
    if (sameHash === undefined) this.byHash.set(hash, [list]);
    else sameHash.push(list);
    return list;
  }

  private remove(list: Interned): void {
    this.byId.delete(list.id);
    this.last = null;
    const lists = this.byHash.get(list.hash)!;
    if (lists.length === 1) this.byHash.delete(list.hash);
    else lists.splice(lists.indexOf(list), 1);
  }
}

/** Skips a jute vector of ACL entries. @throws ProtocolError when it is malformed */
export function skipAcl(reader: Reader): void {
  const count = reader.count(12);
  for (let i = 0; i < count; i++) {
    reader.int();
    skipString(reader);
    skipString(reader);
  }
}

function skipString(reader: Reader): void {
  const length = reader.length("ACL");
  if (length > 0) reader.at += length;
}

function readEntries(bytes: Uint8Array): readonly Acl[] {
  const reader = new Reader(bytes);
  const count = reader.count(12);
  if (count < 0) throw new ProtocolError("ACL", 0, "a list", "null");
  const entries: Acl[] = [];
  for (let i = 0; i < count; i++) {
    const perms = reader.int();
    const scheme = reader.string() ?? "";
    entries.push({ perms, scheme, id: reader.string() ?? "" });
  }
  return entries;
}

function equals(list: AclList, bytes: Uint8Array, start: number, end: number): boolean {
  const own = list.bytes;
  if (own.length !== end - start) return false;
  for (let i = 0; i < own.length; i++) if (own[i] !== bytes[start + i]) return false;
  return true;
}

function openAcl(): AclList {
  const writer = new Writer();
  writer.int(1);
  writer.int(31);
  writer.string("world");
  writer.string("anyone");
  const bytes = writer.take();
  return { id: OPEN_ACL_ID, entries: readEntries(bytes), bytes };
}
