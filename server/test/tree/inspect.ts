import { decodeUtf8, Long, ProtocolError, Reader, Writer } from "@quoll/jute";
import type { ByteSource } from "../../src/core/storage/byte-stream.js";
import { DataTree, type DataTreeOptions } from "../../src/core/tree/data-tree.js";
import { type FrozenTree, serializeFrozen } from "../../src/core/tree/frozen-tree.js";
import { type ApplyListener, NO_ROW, type Row } from "../../src/core/tree/tree.js";

export const OPTIONS: DataTreeOptions = {
  seed: 0x5eed,
  digestEnabled: true,
  extendedTypesEnabled: true,
  emulate353TTLNodes: false,
};

/** The same lines as NaiveTree.dump. */
export function dump(data: DataTree): string[] {
  const { tree } = data;
  const paths = (rows: Iterable<Row>) => [...rows].map((row) => pathOf(data, row)).sort();
  const lines: string[] = [];
  let ephemeralCount = 0;
  for (let row: Row = 0; row !== NO_ROW; row = tree.nextBelow(row, 0)) {
    const children = childrenOf(data, row);
    const path = pathOf(data, row);
    const at = new Writer();
    tree.writePath(row, at);
    if (tree.find(at.bytes, 4, at.at) !== row) throw new Error(`${path} is not found at its row`);
    lines.push(
      JSON.stringify({
        path,
        data: dataOf(data, row),
        // A damaged snapshot may name a list that it does not have.
        acl: data.acls.get(tree.aclId(row))?.entries.map((acl) => `${acl.perms} ${acl.scheme} ${acl.id}`),
        owner: new Long(tree.ownerHi(row), tree.ownerLo(row)).toHex(),
        cversion: tree.cversion(row),
        stat: statOf(data, row),
        children,
      }),
    );
  }
  const ephemerals: string[] = [];
  data.ephemerals.forEach((rows, hi, lo) => {
    ephemeralCount += rows.size;
    if (rows.size > 0) ephemerals.push(`ephemerals ${new Long(hi, lo).toHex()} ${paths(rows)}`);
  });
  if (ephemeralCount !== data.ephemeralCount) throw new Error("ephemeralCount is wrong");
  const sessions: string[] = [];
  data.sessions.forEach((timeoutMs, hi, lo) => {
    sessions.push(`session ${new Long(hi, lo).toHex()} ${timeoutMs}`);
  });
  return [
    ...lines.sort(),
    ...ephemerals.sort(),
    `containers ${paths(data.containers)}`,
    `ttls ${paths(data.ttls)}`,
    ...sessions.sort(),
    `digest ${new Long(data.digest.hi, data.digest.lo).toHex()}`,
  ];
}

export function pathOf(data: DataTree, row: Row): string {
  const writer = new Writer();
  data.tree.writePath(row, writer);
  return new Reader(writer.take()).string()!;
}

export function dataOf(data: DataTree, row: Row): string | null {
  const writer = new Writer();
  data.tree.writeData(row, writer);
  return new Reader(writer.take()).string();
}

export function rowOf(data: DataTree, path: string): Row {
  const bytes = new TextEncoder().encode(path);
  return data.tree.find(bytes, 0, bytes.length);
}

function childrenOf(data: DataTree, row: Row): string[] {
  const writer = new Writer();
  data.tree.writeChildren(row, writer);
  const reader = new Reader(writer.take());
  const names: string[] = [];
  for (let count = reader.int(); count > 0; count--) names.push(reader.string()!);
  return names.sort();
}

export function statOf(data: DataTree, row: Row): (number | string)[] {
  const writer = new Writer();
  data.tree.writeStat(row, writer);
  const r = new Reader(writer.take());
  return [
    r.long(),
    r.long(),
    r.long(),
    r.long(),
    r.int(),
    r.int(),
    r.int(),
    r.bits().toHex(),
    r.int(),
    r.int(),
    r.long(),
  ];
}

/** Writes down what it is told, in the words of NaiveTree. */
export class Recorder implements ApplyListener {
  readonly told: string[] = [];
  constructor(private readonly data: DataTree) {}
  created(bytes: Uint8Array, start: number, end: number, row: Row, parent: Row, zxid: number): void {
    const path = decodeUtf8(bytes, start, end);
    if (pathOf(this.data, row) !== path) throw new Error(`${path} has another row`);
    if (this.data.tree.parent(row) !== parent) throw new Error(`${path} has another parent`);
    this.told.push(`created ${path} ${zxid}`);
  }
  deleted(bytes: Uint8Array, start: number, end: number, aclId: number, _parent: Row, zxid: number): void {
    if (this.data.acls.get(aclId) === undefined) throw new Error("the ACL of a deleted znode is gone");
    this.told.push(`deleted ${decodeUtf8(bytes, start, end)} ${zxid}`);
  }
  dataChanged(bytes: Uint8Array, start: number, end: number, _row: Row, zxid: number): void {
    this.told.push(`data ${decodeUtf8(bytes, start, end)} ${zxid}`);
  }
  applied(type: number, err: number): void {
    this.told.push(`applied ${type} ${err}`);
  }
  sessionCreated(_hi: number, lo: number, timeoutMs: number): void {
    this.told.push(`session ${lo} ${timeoutMs}`);
  }
  sessionClosed(_hi: number, lo: number): void {
    this.told.push(`closed ${lo}`);
  }
}

/** The body of a snapshot of a frozen tree. */
export function serialize(frozen: FrozenTree): Uint8Array {
  const writer = new Writer();
  serializeFrozen(frozen, { writer, drain() {} });
  return writer.take();
}

/** Makes bytes available only as they are asked for, in a window that moves whenever it grows. */
class TightSource implements ByteSource {
  readonly reader = new Reader(new Uint8Array(0));
  private behind = 0;
  constructor(private readonly bytes: Uint8Array) {}
  need(count: number): void {
    const { reader } = this;
    if (reader.remaining >= count) return;
    const at = this.behind - reader.remaining;
    if (at + count > this.bytes.length) {
      throw new ProtocolError("snapshot", at, `${count} bytes`, `${this.bytes.length - at} that remain`);
    }
    this.behind = at + count;
    reader.reset(this.bytes.slice(at, this.behind), 0, count);
  }
}

export function load(body: Uint8Array, options = OPTIONS): DataTree {
  return DataTree.deserialize(new TightSource(body), options);
}
