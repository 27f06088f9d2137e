import { ProtocolError, Reader } from "@quoll/jute";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { history } from "./histories.js";
import { dataOf, dump, load, OPTIONS, Recorder, rowOf, serialize } from "./inspect.js";
import { NaiveTree } from "./naive-tree.js";
import { type Change, encode, type Operation, type Txn } from "./txns.js";

function apply(data: DataTree, txn: Txn): number {
  const bytes = encode(txn);
  return data.apply(bytes, 0, bytes.length, null);
}

function treeOf(txns: Txn[]): DataTree {
  const data = new DataTree(OPTIONS);
  for (const txn of txns) apply(data, txn);
  return data;
}

function txn(zxid: number, change: Change, session = 1): Txn {
  return { session, zxid, time: 1000 * zxid, change };
}

function create(path: string, more: Partial<Extract<Operation, { type: "create" }>> = {}): Operation {
  return {
    type: "create",
    path,
    data: "data",
    acl: 0,
    isEphemeral: false,
    parentCversion: -1,
    ttlMs: 1,
    ...more,
  } as Operation;
}

describe("against the naive tree", () => {
  test("any history gives the same znodes, stats, children, ephemerals, digest, error codes and calls", () => {
    fc.assert(
      fc.property(history, (txns) => {
        const naive = new NaiveTree();
        const data = new DataTree(OPTIONS);
        const recorder = new Recorder(data);
        for (const next of txns) {
          const err = naive.apply(next);
          const bytes = encode(next, naive.digest());
          expect(data.apply(bytes, 0, bytes.length, recorder)).toBe(err);
        }
        expect(dump(data)).toEqual(naive.dump());
        expect([...recorder.told].sort()).toEqual([...naive.told].sort());
        expect(data.digestMismatches).toBe(0);
        expect(data.lastProcessedZxid).toBe(txns.length);
      }),
      { numRuns: 300 },
    );
  });

  test("a tree frozen in the middle of a history is written as it was, whatever happens before it is released", () => {
    fc.assert(
      fc.property(history, fc.nat(60), fc.nat(60), (txns, freezeAt, releaseAt) => {
        const data = new DataTree(OPTIONS);
        const naive = new NaiveTree();
        const head = txns.slice(0, freezeAt);
        const middle = txns.slice(freezeAt, freezeAt + releaseAt);
        const tail = txns.slice(freezeAt + releaseAt);
        for (const next of head) apply(data, next);
        const expected = dump(data);
        const frozen = data.freeze();
        for (const next of middle) apply(data, next);
        const body = serialize(structuredClone({ ...frozen }));
        data.release();
        expect(dump(load(body))).toEqual(expected);
        for (const next of tail) apply(data, next);
        for (const next of txns) naive.apply(next);
        expect(dump(data)).toEqual(naive.dump());
      }),
      { numRuns: 200 },
    );
  });

  test("a snapshot body read back gives the same tree, and goes on like it", () => {
    fc.assert(
      fc.property(history, fc.nat(60), (txns, at) => {
        const naive = new NaiveTree();
        for (const next of txns) naive.apply(next);
        const before = treeOf(txns.slice(0, at));
        const data = load(serialize(before.freeze()), { ...OPTIONS, seed: 99 });
        for (const next of txns.slice(at)) apply(data, next);
        expect(dump(data)).toEqual(naive.dump());
      }),
      { numRuns: 150 },
    );
  });
});

describe("replay over a tree that is newer than the txn", () => {
  test("a history that was made by a server leads to the same tree from any fuzzy start", () => {
    fc.assert(
      fc.property(history, fc.nat(60), fc.nat(60), (txns, a, b) => {
        // What a server logs has no failing creates and no deletes of what is missing: such txns are left out here.
        const naive = new NaiveTree();
        const sound = txns.filter((next) => isSound(naive, next) && naive.apply(next) === 0);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const fuzzy = load(serialize(treeOf(sound.slice(0, to)).freeze()));
        for (const next of sound.slice(from)) apply(fuzzy, next);
        expect(dump(fuzzy)).toEqual(dump(treeOf(sound)));
      }),
      { numRuns: 150 },
    );
  });

  test("a create of a znode that exists moves the parent's cversion and pzxid forward and takes the txn's ACL", () => {
    const data = treeOf([txn(1, create("/a")), txn(2, create("/a/b"))]);
    expect(apply(data, txn(9, create("/a/b", { parentCversion: 7, acl: 1, data: "other" })))).toBe(-110);
    const parent = rowOf(data, "/a");
    expect([data.tree.cversion(parent), data.tree.pzxid(parent)]).toEqual([7, 9]);
    expect(data.acls.get(data.tree.aclId(rowOf(data, "/a/b")))?.entries).toEqual([
      { perms: 1, scheme: "world", id: "anyone" },
    ]);
    expect(dataOf(data, rowOf(data, "/a/b"))).toBe("data");
  });

  test("an older create moves neither cversion nor pzxid back", () => {
    const data = treeOf([txn(1, create("/a")), txn(9, create("/a/b", { parentCversion: 7 }))]);
    apply(data, txn(3, create("/a/c", { parentCversion: 2 })));
    const parent = rowOf(data, "/a");
    expect([data.tree.cversion(parent), data.tree.pzxid(parent)]).toEqual([7, 9]);
    expect(data.lastProcessedZxid).toBe(9);
  });

  test("a delete of a missing znode moves the parent's pzxid forward", () => {
    const data = treeOf([txn(1, create("/a"))]);
    expect(apply(data, txn(5, { type: "delete", path: "/a/b" }))).toBe(-101);
    expect(data.tree.pzxid(rowOf(data, "/a"))).toBe(5);
  });

  test("a digest in the txn is compared only once the zxid of the snapshot's digest has been applied", () => {
    const source = treeOf([txn(1, create("/a"))]);
    const data = load(serialize(source.freeze()));
    data.expectDigest(3, 2, { hi: 0, lo: 1 } as never, 1);
    const wrong = encode(txn(2, create("/b")), 1234n);
    data.apply(wrong, 0, wrong.length, null);
    expect([data.isFuzzy, data.digestMismatches]).toEqual([true, 0]);
    const last = encode(txn(3, create("/c")), 1234n);
    data.apply(last, 0, last.length, null);
    // The snapshot may hold one txn more than its digest says: the next one decides.
    expect([data.isFuzzy, data.isInDoubt, data.digestMismatches]).toEqual([false, true, 0]);
    const next = encode(txn(4, create("/d")), 1234n);
    data.apply(next, 0, next.length, null);
    expect([data.isInDoubt, data.digestMismatches, data.lastMismatch?.zxid]).toEqual([false, 1, 4]);
  });
});

describe("txns from other versions", () => {
  test("a create without parentCVersion (before 3.3) adds one to the parent's", () => {
    const data = treeOf([txn(1, create("/a"))]);
    const bytes = encode(txn(2, create("/a/b")));
    expect(data.apply(bytes, 0, bytes.length - 4, null)).toBe(0);
    expect(data.tree.cversion(rowOf(data, "/a"))).toBe(1);
  });

  test("a closeSession whose list is as long as a digest, one path of four bytes, is read as a list", () => {
    const data = treeOf([txn(1, create("/b"))]);
    apply(data, txn(2, { type: "closeSession", paths: ["/b/a"] }));
    expect(data.tree.pzxid(rowOf(data, "/b"))).toBe(2);
  });

  test("a closeSession without a body deletes all ephemerals of the session, with a digest behind it or not", () => {
    for (const digest of [null, 5n]) {
      const data = treeOf([
        txn(1, create("/a", { isEphemeral: true })),
        txn(2, create("/b", { isEphemeral: true }), 2),
      ]);
      const bytes = encode(txn(3, { type: "closeSession", paths: null }), digest);
      data.apply(bytes, 0, bytes.length, null);
      expect([rowOf(data, "/a"), data.digestMismatches]).toEqual([-1, digest === null ? 0 : 1]);
      expect(rowOf(data, "/b")).not.toBe(-1);
    }
  });

  test("without extendedTypesEnabled a TTL znode counts as an ephemeral of a session", () => {
    const data = new DataTree({ ...OPTIONS, extendedTypesEnabled: false });
    apply(data, txn(1, { ...create("/t"), type: "ttl", ttlMs: 77 } as Operation));
    expect([data.ttls.size, data.ephemeralCount]).toEqual([0, 1]);
  });

  test("emulate353TTLNodes takes every other negative owner for a TTL", () => {
    const types = new DataTree({ ...OPTIONS, emulate353TTLNodes: true }).tree.ephemeralTypes;
    expect(types.of(0x80000000 | 0, 5)).toBe(3);
    expect(types.ttlMs(0x80000000 | 0, 5)).toBe(5);
    expect(types.of(0x80000000 | 0, 0)).toBe(2);
  });
});

describe("malformed bytes", () => {
  const good = encode(txn(1, create("/a")));

  test("every truncation of a txn is a ProtocolError and changes nothing", () => {
    const empty = dump(new DataTree(OPTIONS));
    for (let length = 0; length < good.length; length++) {
      if (length === good.length - 4) continue; // that is a create of version 0
      const data = new DataTree(OPTIONS);
      expect(() => data.apply(good, 0, length, null)).toThrow(ProtocolError);
      expect(dump(data)).toEqual(empty);
    }
  });

  test("random bytes behind a header never give anything but a ProtocolError", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 5, 7, 14, 15, 19, 20, 21, -10, -11, -1, 3, 99),
        fc.uint8Array(),
        (type, body) => {
          const bytes = new Uint8Array(32 + body.length);
          bytes.set(good.subarray(0, 28));
          new DataView(bytes.buffer).setInt32(28, type);
          bytes.set(body, 32);
          let error: unknown = null;
          try {
            new DataTree(OPTIONS).apply(bytes, 0, bytes.length, null);
          } catch (thrown) {
            error = thrown;
          }
          expect(error === null || error instanceof ProtocolError).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("a snapshot's body with its znodes in any order, parents first, gives the same tree", () => {
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat()), (txns, choices) => {
        const data = treeOf(txns);
        const expected = dump(data);
        const { head, znodes } = takeApart(data);
        const body = [head, znodes.shift()!.bytes];
        const written = [""];
        while (znodes.length > 0) {
          const ready = znodes.filter(({ path }) => written.includes(path.slice(0, path.lastIndexOf("/"))));
          const next = ready[choices.next().value! % ready.length];
          znodes.splice(znodes.indexOf(next), 1);
          written.push(next.path);
          body.push(next.bytes);
        }
        expect(dump(load(Buffer.concat([...body, END])))).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  test("a snapshot's body with a path twice, a missing parent or a second root is a ProtocolError", () => {
    const data = treeOf([txn(1, create("/a")), txn(2, create("/a/b")), txn(3, create("/a/c")), txn(4, create("/d"))]);
    const { head, znodes } = takeApart(data);
    const bytes = znodes.map((znode) => znode.bytes);
    for (const [i, { path }] of znodes.entries()) {
      for (let at = i + 1; at <= znodes.length; at++) {
        expect(() => load(Buffer.concat([head, ...bytes.toSpliced(at, 0, bytes[i]), END]))).toThrow(ProtocolError);
      }
      if (!znodes.some((other) => other.path.startsWith(`${path}/`))) continue;
      expect(() => load(Buffer.concat([head, ...bytes.toSpliced(i, 1), END]))).toThrow(ProtocolError);
    }
  });

  test("every truncation of a snapshot's body is a ProtocolError", () => {
    const body = serialize(
      treeOf([txn(1, create("/a", { acl: 2 })), txn(2, { type: "createSession", timeoutMs: 5 })]).freeze(),
    );
    for (let length = 0; length < body.length; length++) {
      expect(() => load(body.subarray(0, length))).toThrow(ProtocolError);
    }
  });

  test("a snapshot with changed bytes is loaded or a ProtocolError", () => {
    const body = serialize(treeOf([txn(1, create("/a", { acl: 2 })), txn(2, create("/a/b"))]).freeze());
    let refused = 0;
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = body.slice();
        changed[at] ^= change;
        try {
          load(changed);
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});

/** What ends the znodes of a snapshot: the path `/`. */
const END = Uint8Array.of(0, 0, 0, 1, 0x2f);

/** A snapshot's body: what stands before the znodes, and each of them. */
function takeApart(data: DataTree): { head: Uint8Array; znodes: { path: string; bytes: Uint8Array }[] } {
  const frozen = data.freeze();
  const body = serialize(frozen);
  const reader = new Reader(body, frozen.head.length);
  const znodes: { path: string; bytes: Uint8Array }[] = [];
  for (;;) {
    const start = reader.at;
    const path = reader.string()!;
    if (path === "/") return { head: frozen.head, znodes };
    reader.buffer();
    reader.at += 68;
    znodes.push({ path, bytes: body.slice(start, reader.at) });
  }
}

/** Whether a server that checks its requests would log this txn. */
function isSound(naive: NaiveTree, { change, session }: Txn): boolean {
  switch (change.type) {
    case "multi":
    case "error":
      return false;
    case "closeSession":
      change.paths = [...naive.nodes].filter(([, node]) => node.owner === BigInt(session)).map(([path]) => path);
      return true;
    case "delete":
      return naive.nodes.has(change.path) && naive.childNames(change.path).length === 0;
    case "create":
    case "create2":
    case "container":
    case "ttl": {
      const parentPath = change.path.slice(0, change.path.lastIndexOf("/")) || "/";
      const parent = naive.nodes.get(parentPath);
      if (parent === undefined || naive.nodes.has(change.path)) return false;
      if (parent.owner !== 0n && parent.owner >> 32n === 0n) return false;
      change.parentCversion = parent.cversion + 1;
      return true;
    }
    default:
      return true;
  }
}
