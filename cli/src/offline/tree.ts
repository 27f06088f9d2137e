import { join } from "node:path";
import { decodeUtf8, Writer } from "@quoll/jute";
import {
  DataTree,
  type DataTreeOptions,
  type Disk,
  type LoadedSnapshot,
  NO_ROW,
  type Row,
  readSnapshot,
  type SnapshotName,
  snapshotCodecs,
} from "@quoll/server/storage";
import { CHILDREN_CAPACITY, inHashOrder, stringHash } from "./java-hash-order.js";
import type { Progress } from "./terminal.js";

/** Extended types only matter for a reaper, and no owner may keep a tool from reading. */
export const TREE_OPTIONS: DataTreeOptions = {
  seed: 0,
  digestEnabled: true,
  extendedTypesEnabled: false,
  emulate353TTLNodes: false,
};

/**
 * Loads a snapshot's tree, and verifies the file on the way.
 * @throws ProtocolError when it is damaged
 */
export function loadSnapshot(
  disk: Disk,
  directory: string,
  name: SnapshotName,
  progress: Progress,
  options: DataTreeOptions = TREE_OPTIONS,
): LoadedSnapshot<DataTree> {
  const show = (done: number, total: number) => progress.show(`reading ${join(directory, name.name)}`, done, total);
  const loaded = readSnapshot(disk, directory, name, snapshotCodecs, show, (source) =>
    DataTree.deserialize(source, options),
  );
  progress.clear();
  loaded.body.lastProcessedZxid = name.zxid;
  return loaded;
}

/** Reads a tree by paths and names: what tools print, and no server needs. */
export class TreeView {
  private readonly writer = new Writer();
  private readonly encoded = new Writer();

  constructor(readonly data: DataTree) {}

  /** @returns the znode's row, or `NO_ROW` */
  find(path: string): Row {
    this.encoded.reset();
    this.encoded.string(path);
    return this.data.tree.find(this.encoded.bytes, 4, this.encoded.at);
  }

  path(row: Row): string {
    this.writer.reset();
    this.data.tree.writePath(row, this.writer);
    return decodeUtf8(this.writer.bytes, 4, this.writer.at);
  }

  /** The name: what stands behind the last slash of the path. */
  name(row: Row): string {
    const path = this.path(row);
    return path.slice(path.lastIndexOf("/") + 1);
  }

  /** The children, oldest first. */
  children(row: Row): Row[] {
    const { tree } = this.data;
    const rows: Row[] = [];
    for (let child = tree.firstChild(row); child !== NO_ROW; child = tree.nextSibling(child)) rows.push(child);
    return rows.reverse();
  }

  /** The children with their names, in the order in which Java's tools print them after loading this snapshot. */
  childrenAsJava(row: Row): { readonly row: Row; readonly name: string }[] {
    const children = this.children(row).map((child) => ({ row: child, name: this.name(child) }));
    return inHashOrder(
      children,
      children.map(({ name }) => stringHash(name)),
      CHILDREN_CAPACITY,
    );
  }

  /** A view of the data, or null: valid until the tree changes. */
  bytes(row: Row): Uint8Array | null {
    const { tree } = this.data;
    const length = tree.dataLength(row);
    if (length < 0) return null;
    const start = tree.dataStart(row);
    return tree.dataBytes(row).subarray(start, start + length);
  }

  size(row: Row): number {
    return Math.max(0, this.data.tree.dataLength(row));
  }
}
