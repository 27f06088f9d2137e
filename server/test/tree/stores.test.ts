import { crc32 as zlibCrc32 } from "node:zlib";
import { Reader, Writer } from "@quoll/jute";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AclTable } from "../../src/core/acl/acl-table.js";
import { BlobStore, blobStart } from "../../src/core/tree/blob-store.js";
import { ChildrenCache } from "../../src/core/tree/children-cache.js";
import { crc32, crc32Int, crc32Long } from "../../src/core/tree/crc32.js";
import { TreeDigest } from "../../src/core/tree/digest.js";
import { EphemeralTypes } from "../../src/core/tree/ephemeral-type.js";
import { FlatTree } from "../../src/core/tree/flat-tree.js";
import { CHUNK_ROWS } from "../../src/core/tree/row-store.js";
import { NO_ROW } from "../../src/core/tree/tree.js";

describe("blobs", () => {
  test("no two live blobs overlap and none changes while others come and go, frozen or not", () => {
    const step = fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 200_000, max: 400_000 })),
      victim: fc.nat(),
      frees: fc.boolean(),
      toggles: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = new BlobStore();
        const live: { blob: number; size: number; mark: number }[] = [];
        const kept: { blob: number; size: number; mark: number }[] = [];
        let frozen = false;
        steps.forEach(({ size, victim, frees, toggles }, i) => {
          if (frees && live.length > 0) {
            const [gone] = live.splice(victim % live.length, 1);
            store.free(gone.blob, gone.size);
            if (frozen) kept.push(gone);
          }
          const blob = store.allocate(size);
          store.bytes(blob).fill(i + 1, blobStart(blob), blobStart(blob) + size);
          live.push({ blob, size, mark: i + 1 });
          if (toggles) {
            if (frozen) store.thaw();
            else store.freeze();
            frozen = !frozen;
            kept.length = 0;
          }
          for (const { blob, size, mark } of [...live, ...kept]) {
            const start = blobStart(blob);
            const bytes = store.bytes(blob).subarray(start, start + size);
            expect(bytes.every((byte) => byte === mark)).toBe(true);
          }
        });
      }),
      { numRuns: 40 },
    );
  });

  test("freed blobs of a size are used again, at once or after a release", () => {
    const store = new BlobStore();
    const blobs = new Set(Array.from({ length: 1000 }, () => store.allocate(100)));
    store.freeze();
    for (const blob of blobs) store.free(blob, 100);
    expect(blobs.has(store.allocate(100))).toBe(false);
    store.thaw();
    const again = Array.from({ length: 1000 }, () => store.allocate(97));
    expect(again.every((blob) => blobs.has(blob))).toBe(true);
  });
});

describe("the flat tree", () => {
  const types = new EphemeralTypes(false, false);
  const utf8 = new TextEncoder();

  test("finds every znode, and none that is gone, while its table grows and shrinks", () => {
    const tree = new FlatTree(7, types);
    const paths = Array.from({ length: 30_000 }, (_, i) => utf8.encode(`/node-${i}`));
    const add = (path: Uint8Array) => tree.insert(0, path, 0, path.length, path, 0, path.length, -1, 0, 0, 1, 1);
    for (let i = 0; i < paths.length; i++) {
      add(paths[i]);
      // Every third one goes again soon after, when it may stand in the old table or in the new one.
      if (i >= 50 && i % 3 === 0) tree.remove(tree.find(paths[i - 50], 0, paths[i - 50].length));
    }
    const gone = (i: number) => i + 50 < paths.length && (i + 50) % 3 === 0;
    const wrong = paths.filter((path, i) => (tree.find(path, 0, path.length) === NO_ROW) !== gone(i));
    expect(wrong).toEqual([]);
    paths.forEach((path, i) => {
      if (gone(i)) add(path);
    });
    expect(paths.every((path) => tree.find(path, 0, path.length) !== NO_ROW)).toBe(true);
    expect(tree.rows.chunks.length).toBe(Math.ceil((paths.length + 1) / CHUNK_ROWS));
    expect(tree.childCount(0)).toBe(paths.length);
  });

  test("keeps names longer than 127 bytes and data of several megabytes, and null apart from empty", () => {
    const tree = new FlatTree(7, types);
    const path = utf8.encode(`/${"n".repeat(300)}`);
    const data = new Uint8Array(5_000_000).map((_, i) => i);
    const row = tree.insert(0, path, 0, path.length, data, 0, data.length, -1, 0, 0, 1, 1);
    expect(tree.find(path, 0, path.length)).toBe(row);
    const read = () => tree.dataBytes(row).subarray(tree.dataStart(row), tree.dataStart(row) + tree.dataLength(row));
    expect(Buffer.compare(read(), data)).toBe(0);
    tree.setData(row, data, 10, 4_990_000);
    expect(Buffer.compare(read(), data.subarray(10, 4_990_000))).toBe(0);
    tree.setData(row, data, 0, 0);
    expect(tree.dataLength(row)).toBe(0);
    tree.setData(row, data, 0, -1);
    expect(tree.dataLength(row)).toBe(-1);
    expect(tree.find(path, 0, path.length)).toBe(row);
  });

  test("a path that hashes alike but is another is not found", () => {
    const tree = new FlatTree(7, types);
    const path = utf8.encode("/a/b");
    tree.insert(0, path, 0, 2, path, 0, 0, -1, 0, 0, 1, 1);
    for (const other of ["/b", "/a/", "a", "", "/a/b", "//a", "/aa"]) {
      expect(tree.find(utf8.encode(other), 0, other.length)).toBe(NO_ROW);
    }
    expect(tree.matches(tree.find(path, 0, 2), utf8.encode("/b"), 0, 2)).toBe(false);
  });
});

describe("cached lists of children", () => {
  test("a list that is found is the one that was added last and not dropped", () => {
    const step = fc.record({ row: fc.nat(40), size: fc.integer({ min: 1, max: 1_200_000 }), drops: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new ChildrenCache(7);
        const known = new Map<number, { mark: number; size: number }>();
        const to = new Writer();
        steps.forEach(({ row, size, drops }, i) => {
          if (drops) {
            cache.drop(row);
            known.delete(row);
          }
          to.reset();
          if (cache.write(row, to)) {
            const list = known.get(row);
            expect(to.at).toBe(list?.size);
            expect(to.view().every((byte) => byte === list?.mark)).toBe(true);
          } else {
            cache.add(row, new Uint8Array(size).fill(i), 0, size);
            known.set(row, { mark: i, size });
          }
        });
      }),
      { numRuns: 40 },
    );
  });

  test("no more lists are kept than asked for, the newest ones; with 0, none", () => {
    const list = new Uint8Array(4000);
    const kept = (listsMax: number) => {
      const cache = new ChildrenCache(listsMax);
      for (let row = 1; row <= 9; row++) cache.add(row, list, 0, list.length);
      return [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((row) => cache.write(row, new Writer()));
    };
    expect(kept(3)).toEqual([7, 8, 9]);
    expect(kept(400)).toHaveLength(9);
    expect(kept(0)).toEqual([]);
  });

  test("children that were read come back as they are after any insert or removal, also under a reused row", () => {
    const tree = new FlatTree(7, new EphemeralTypes(false, false));
    const utf8 = new TextEncoder();
    const add = (parent: number, text: string) => {
      const path = utf8.encode(text);
      return tree.insert(parent, path, 0, path.length, path, 0, 0, -1, 0, 0, 1, 1);
    };
    const names = (row: number) => {
      const to = new Writer();
      tree.writeChildren(row, to);
      tree.writeChildren(row, to);
      const reader = new Reader(to.take());
      const read = () => Array.from({ length: reader.int() }, () => reader.string()).sort();
      const first = read();
      expect(read()).toEqual(first);
      return first;
    };
    const name = (i: number) => `a-child-with-a-long-name-${String(i).padStart(4, "0")}`;
    const top = add(0, "/top");
    const rows = Array.from({ length: 200 }, (_, i) => add(top, `/top/${name(i)}`));
    const expected = rows.map((_, i) => name(i));
    expect(names(top)).toEqual(expected);
    rows.push(add(top, `/top/${name(200)}`));
    expect(names(top)).toEqual([...expected, name(200)]);
    tree.remove(rows[100]);
    expected.splice(100, 1);
    expect(names(top)).toEqual([...expected, name(200)]);
    for (const [i, row] of rows.entries()) if (i !== 100) tree.remove(row);
    expect(names(top)).toEqual([]);
    tree.remove(top);
    expect(names(add(0, "/other"))).toEqual([]);
  });
});

describe("ACL lists", () => {
  function vector(...entries: [number, string, string][]): Uint8Array {
    const to = new Writer();
    to.int(entries.length);
    for (const [perms, scheme, id] of entries) {
      to.int(perms);
      to.string(scheme);
      to.string(id);
    }
    return to.take();
  }
  const ann = vector([31, "digest", "ann:x"]);
  const bob = vector([31, "digest", "bob:x"], [1, "world", "anyone"]);

  test("equal lists share a number until the last use is gone; the next one is a new number", () => {
    const table = new AclTable();
    expect([table.acquire(ann, 0, ann.length), table.acquire(bob, 0, bob.length)]).toEqual([1, 2]);
    expect(table.acquire(ann, 0, ann.length)).toBe(1);
    table.release(1);
    expect(table.get(1)?.entries).toEqual([{ perms: 31, scheme: "digest", id: "ann:x" }]);
    table.release(1);
    expect(table.get(1)).toBeUndefined();
    expect(table.acquire(ann, 0, ann.length)).toBe(3);
    expect(table.size).toBe(2);
  });

  test("a null vector is the open list, which is never counted", () => {
    const table = new AclTable();
    expect(table.acquire(Uint8Array.of(255, 255, 255, 255), 0, 4)).toBe(-1);
    table.release(-1);
    expect(table.get(-1)?.entries).toEqual([{ perms: 31, scheme: "world", id: "anyone" }]);
    expect(table.size).toBe(0);
  });

  test("lists of a snapshot that no znode uses are dropped, and numbers go on behind its highest", () => {
    const table = new AclTable();
    table.restore(40, ann);
    table.restore(7, bob);
    table.addUsage(7);
    table.addUsage(1234);
    table.purgeUnused();
    expect([table.get(40), table.size]).toEqual([undefined, 1]);
    expect(table.acquire(bob, 0, bob.length)).toBe(7);
    expect(table.acquire(ann, 0, ann.length)).toBe(41);
  });
});

describe("digests", () => {
  test("crc32 of numbers is that of their bytes", () => {
    const word = fc.integer({ min: -0x80000000, max: 0x7fffffff });
    fc.assert(
      fc.property(fc.array(word, { minLength: 4, maxLength: 4 }), ([crc, hi, lo, value]) => {
        const bytes = Buffer.alloc(12);
        bytes.writeInt32BE(hi, 0);
        bytes.writeInt32BE(lo, 4);
        bytes.writeInt32BE(value, 8);
        expect(crc32Int(crc32Long(crc, hi, lo), value)).toBe(crc32(crc, bytes, 0, 12));
      }),
    );
  });

  test("crc32 is zlib's, in one piece or in several", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        expect(crc32(0, bytes, 0, bytes.length) >>> 0).toBe(zlibCrc32(bytes));
        expect(crc32(crc32(0, bytes, 0, at), bytes, at, bytes.length) >>> 0).toBe(zlibCrc32(bytes));
      }),
    );
  });

  test("the tree's digest adds and subtracts modulo 2^64", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 0xffffffff }))), (changes) => {
        const digest = new TreeDigest();
        let sum = 0n;
        for (const [adds, value] of changes) {
          if (adds) digest.add(value);
          else digest.subtract(value);
          sum += adds ? BigInt(value) : -BigInt(value);
        }
        expect((BigInt(digest.hi) << 32n) | BigInt(digest.lo >>> 0)).toBe(BigInt.asIntN(64, sum));
      }),
    );
  });
});
