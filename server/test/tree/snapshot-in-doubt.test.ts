import { Writer } from "@quoll/jute";
import { expect, test } from "vitest";
import { ChunkSource } from "../../src/core/replica/chunk-source.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { serializeFrozen } from "../../src/core/tree/frozen-tree.js";

const OPTIONS = { seed: 5, digestEnabled: true, extendedTypesEnabled: false, emulate353TTLNodes: false };

/** The txn that creates `/n<zxid>`, with the digest that the tree has after it. */
function createTxn(tree: DataTree, zxid: number): Uint8Array {
  const body = (hi: number, lo: number): Uint8Array => {
    const to = new Writer();
    to.long(1); // session
    to.int(zxid); // cxid
    to.long(zxid);
    to.long(1_700_000_000_000);
    to.int(1); // create
    to.string(`/n${zxid}`);
    to.buffer(Uint8Array.of(zxid));
    to.int(1);
    to.int(31);
    to.string("world");
    to.string("anyone");
    to.bool(false);
    to.int(zxid); // cversion of the parent
    to.int(2); // version of the digest
    to.int(hi);
    to.int(lo);
    return to.take();
  };
  const probe = copyOf(tree);
  const first = body(0, 0);
  probe.apply(first, 0, first.length, null);
  return body(probe.digest.hi, probe.digest.lo);
}

function bodyOf(tree: DataTree): Uint8Array {
  const writer = new Writer();
  serializeFrozen(tree.freeze(), { writer, drain: () => {} });
  tree.release();
  return writer.take();
}

function copyOf(tree: DataTree): DataTree {
  const copy = DataTree.deserialize(new ChunkSource([bodyOf(tree)]), OPTIONS);
  copy.lastProcessedZxid = tree.lastProcessedZxid;
  return copy;
}

/** A history of four txns, and the digest of the tree after each. */
function history() {
  const tree = new DataTree(OPTIONS);
  const txns: Uint8Array[] = [];
  const trees: DataTree[] = [copyOf(tree)];
  for (let zxid = 1; zxid <= 4; zxid++) {
    const txn = createTxn(tree, zxid);
    tree.apply(txn, 0, txn.length, null);
    txns.push(txn);
    trees.push(copyOf(tree));
  }
  return { txns, trees };
}

/** Replays from the snapshot 1, whose znodes are of `contents` and whose digest is the one after txn 2. */
function replay(contents: number, upTo: number): DataTree {
  const { txns, trees } = history();
  const tree = copyOf(trees[contents]!);
  tree.lastProcessedZxid = 1;
  tree.expectDigest(2, 2, trees[2]!.digest, 1);
  for (let zxid = 2; zxid <= upTo; zxid++) tree.apply(txns[zxid - 1]!, 0, txns[zxid - 1]!.length, null);
  return tree;
}

test.each([1, 2])("a snapshot that holds txns up to %i, and the digest of txn 2, is without doubt", (contents) => {
  const tree = replay(contents, 4);
  expect([tree.isInDoubt, tree.digestMismatches]).toEqual([false, 0]);
});

test("one that holds a txn more than its digest says, as Java may write it, is right if the next digest is the tree's", () => {
  expect(replay(3, 2).isInDoubt).toBe(true);
  const tree = replay(3, 4);
  expect([tree.isInDoubt, tree.digestMismatches]).toEqual([false, 0]);
});

test("one that holds more than that is not", () => {
  expect(replay(4, 3).digestMismatches).toBe(1);
});
