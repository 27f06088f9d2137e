import { ProtocolError, Writer } from "@quoll/jute";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ChunkSource } from "../../src/core/replica/chunk-source.js";
import { SnapshotSkimmer } from "../../src/core/replica/snapshot-skimmer.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { serializeFrozen } from "../../src/core/tree/frozen-tree.js";

const OPTIONS = { seed: 5, digestEnabled: true, extendedTypesEnabled: false, emulate353TTLNodes: false };

interface Node {
  readonly name: string;
  readonly data: Uint8Array | null;
}

/** The body of a state with these znodes below `/`, ACL lists and sessions, as a leader sends it. */
function stateOf(nodes: readonly Node[], acls: number, sessions: number): Uint8Array {
  const writer = new Writer();
  writer.int(sessions);
  for (let i = 0; i < sessions; i++) {
    writer.long(i + 1);
    writer.int(30_000);
  }
  writer.int(acls);
  for (let i = 1; i <= acls; i++) {
    writer.long(i);
    writer.int(i % 3);
    for (let n = 0; n < i % 3; n++) {
      writer.int(31);
      writer.string(n === 0 ? "digest" : "");
      writer.string(`user${i}`);
    }
  }
  const node = (path: string, data: Uint8Array | null) => {
    writer.string(path);
    writer.buffer(data);
    writer.long(-1);
    for (let i = 0; i < 15; i++) writer.int(0);
  };
  node("", new Uint8Array(0));
  const names = new Set<string>();
  for (const { name, data } of nodes) {
    if (names.has(name)) continue;
    names.add(name);
    node(`/${name}`, data);
  }
  writer.string("/");
  return writer.take();
}

const nodes = fc.array(
  fc.record({
    name: fc.string({ minLength: 1, maxLength: 12 }).map((text) => text.replace(/[/\0.\ud800-\udfff]/g, "_")),
    data: fc.option(fc.uint8Array({ maxLength: 80 })),
  }),
  { maxLength: 20 },
);

test("it finds the end of a state, however the bytes are cut, and what follows is left alone", () => {
  fc.assert(
    fc.property(
      nodes,
      fc.nat(4),
      fc.nat(4),
      fc.array(fc.integer({ min: 1, max: 50 })),
      (list, acls, sessions, cuts) => {
        const state = stateOf(list, acls, sessions);
        const bytes = new Uint8Array(state.length + 9).fill(0x2f);
        bytes.set(state);
        const skimmer = new SnapshotSkimmer();
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (let n = 0; !skimmer.isComplete; n++) {
          const end = Math.min(bytes.length, at + (cuts[n % cuts.length] ?? bytes.length));
          const stop = skimmer.read(bytes, at, end);
          chunks.push(bytes.slice(at, stop));
          if (!skimmer.isComplete) expect(stop).toBe(end);
          at = stop;
        }
        expect(at).toBe(state.length);
        const tree = DataTree.deserialize(new ChunkSource(chunks), OPTIONS);
        expect(tree.sessions.size).toBe(sessions);
        const writer = new Writer();
        const frozen = tree.freeze();
        serializeFrozen(frozen, { writer, drain: () => {} });
        const again = new SnapshotSkimmer();
        expect(again.read(writer.bytes, 0, writer.at)).toBe(writer.at);
        expect(again.isComplete).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

test("lengths and counts that can't be are refused, and nothing is allocated for them", () => {
  for (const first of [-2, 0x7fff_ffff]) {
    const writer = new Writer();
    writer.int(first);
    expect(() => new SnapshotSkimmer().read(writer.bytes, 0, writer.at)).toThrow(ProtocolError);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const skimmer = new SnapshotSkimmer();
      try {
        expect(skimmer.read(bytes, 0, bytes.length)).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 2000 },
  );
});
