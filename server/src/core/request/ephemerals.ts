import { Writer } from "@quoll/jute";
import type { DataTree } from "../tree/data-tree.js";

/** Paths of the ephemeral znodes that a session owns in the tree as it is now. */
export function ephemeralPaths(tree: DataTree, sessionHi: number, sessionLo: number): Uint8Array[] {
  const rows = tree.ephemerals.get(sessionHi, sessionLo);
  if (rows === undefined) return [];
  const writer = new Writer();
  return Array.from(rows, (row) => {
    writer.reset();
    tree.tree.writePath(row, writer);
    return writer.bytes.slice(4, writer.at);
  });
}
