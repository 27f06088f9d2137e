import { ProtocolError, type Writer } from "@quoll/jute";
import { expect, test } from "vitest";
import { parseSnapshotName, snapshotName } from "../../src/core/storage/snapshot-format.js";
import { readSnapshot } from "../../src/core/storage/snapshot-reader.js";
import { writeSnapshot } from "../../src/core/storage/snapshot-writer.js";
import { FormatError } from "../../src/core/storage/storage-error.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { snapshotCodecs } from "../../src/node/disk/snapshot-codecs.js";
import { CoreServer } from "../hostile/core-server.js";
import { frame } from "../hostile/frames.js";
import { DIR } from "../storage/world.js";
import { dump, load, serialize, OPTIONS as TREE_OPTIONS } from "../tree/inspect.js";
import { INPUTS, mutate, pick, randomInts, SEED, TIMEOUT_MS } from "./random.js";
import { randomRequest } from "./requests.js";

/** The body of a snapshot of a tree that has some of everything. */
function sampleBody(seed: number): Uint8Array {
  const random = randomInts(seed);
  const server = new CoreServer();
  let client = server.connect().open(30_000);
  for (let xid = 1; xid <= 40; xid++) {
    if (!client.isOpen) client = server.connect().open(30_000);
    const { type, body } = randomRequest(random);
    client.send(frame(xid, type, body));
    server.sync();
  }
  const body = serialize(server.tree.freeze());
  server.tree.release();
  return body;
}

/** A file around this body: right seals, and a digest that says nothing. */
function fileAround(body: Uint8Array, compression: "" | "gz" | "snappy"): Uint8Array {
  const disk = new FakeDisk();
  disk.makeDirectory(DIR);
  const digest = { zxid: 7, version: 2, hi: 0, lo: 0 };
  const options = { zxid: 7, compression, digest, lastProcessedZxid: true, pace: () => {} };
  const { path } = writeSnapshot(disk, DIR, snapshotCodecs, options, ({ writer }: { writer: Writer }) => {
    writer.raw(body, 0, body.length);
  });
  return disk.contents(path).slice(0, disk.size(path));
}

test.each(["", "gz", "snappy"] as const)(
  `a mutated snapshot, compressed by "%s", is refused or gives a sound tree (inputs=${INPUTS}, seed=${SEED})`,
  (compression) => {
    const bodies = Array.from({ length: 8 }, (_, i) => sampleBody(SEED * 100 + i));
    const files = bodies.map((body) => fileAround(body, compression));
    const name = parseSnapshotName(snapshotName(7, compression))!;
    let accepted = 0;
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      // Half of them are spoilt inside their seals, so that more than the seals is tried.
      const bytes =
        random(2) === 0
          ? mutate(pick(random, files), random)
          : fileAround(mutate(pick(random, bodies), random), compression);
      const disk = new FakeDisk();
      disk.makeDirectory(DIR);
      disk.put(`${DIR}/${name.name}`, bytes);
      try {
        const { body: tree } = readSnapshot(
          disk,
          DIR,
          name,
          snapshotCodecs,
          () => {},
          (source) => DataTree.deserialize(source, TREE_OPTIONS),
        );
        accepted++;
        if (i % 10 !== 0) continue;
        const lines = dump(tree);
        const again = dump(load(serialize(tree.freeze())));
        if (lines.join("\n") !== again.join("\n")) throw new Error("not the same when written and read again");
      } catch (error) {
        if (!(error instanceof ProtocolError || error instanceof FormatError)) {
          throw new Error(`input ${i} of seed ${SEED}`, { cause: error });
        }
        refused++;
      }
    }
    expect(accepted).toBeGreaterThan(INPUTS / 50);
    expect(refused).toBeGreaterThan(INPUTS / 5);
  },
  TIMEOUT_MS,
);
