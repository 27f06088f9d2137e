import { constants, gunzipSync, gzipSync } from "node:zlib";
import { ProtocolError, Writer } from "@quoll/jute";
import { compressSync, uncompressSync } from "snappy";
import { expect, test } from "vitest";
import { OpCode } from "../../src/core/op-code.js";
import { decodeSnappyBlock } from "../../src/core/storage/snappy-block.js";
import type { SnapshotCodec } from "../../src/core/storage/snapshot-codec.js";
import { parseSnapshotName } from "../../src/core/storage/snapshot-format.js";
import { readSnapshot } from "../../src/core/storage/snapshot-reader.js";
import { writeSnapshot } from "../../src/core/storage/snapshot-writer.js";
import { FormatError } from "../../src/core/storage/storage-error.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { snapshotCodecs } from "../../src/node/disk/snapshot-codecs.js";
import { CoreServer } from "../hostile/core-server.js";
import { createBody } from "../hostile/frames.js";
import { DIR } from "../storage/world.js";
import { dump, load, serialize, OPTIONS as TREE_OPTIONS } from "../tree/inspect.js";
import { INPUTS, mutate, pick, randomInts, SEED, TIMEOUT_MS } from "./random.js";
import { fileAround, sampleBody } from "./samples.js";

/** The same by the server's own writer. */
function written(body: Uint8Array): Uint8Array {
  const disk = new FakeDisk();
  disk.makeDirectory(DIR);
  const digest = { zxid: 7, version: 2, hi: 0, lo: 0 };
  const options = { zxid: 7, compression: "", digest, lastProcessedZxid: true, pace: () => {} } as const;
  const { path } = writeSnapshot(disk, DIR, snapshotCodecs, options, ({ writer }) => writer.raw(body, 0, body.length));
  return disk.contents(path).slice(0, disk.size(path));
}

test(
  `a mutated snapshot is refused or gives a sound tree (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    const bodies = Array.from({ length: 8 }, (_, i) => sampleBody(SEED * 100 + i));
    const files = bodies.map(fileAround);
    expect(files).toEqual(bodies.map(written));
    const name = parseSnapshotName("snapshot.7")!;
    let disk = new FakeDisk();
    let accepted = 0;
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      if (i % 1000 === 0) disk = new FakeDisk(); // it keeps a list of all calls
      // Most are spoilt inside their seals, so that more than the seals is tried.
      const isSealed = random(4) > 0;
      const bytes = isSealed ? fileAround(mutate(pick(random, bodies), random)) : mutate(pick(random, files), random);
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

test("a path with an empty name in it is refused, wherever that stands", () => {
  const server = new CoreServer();
  const client = server.connect().open(30_000);
  client.ask(OpCode.create, createBody("/abc"));
  client.ask(OpCode.create, createBody("/abc/de"));
  const body = Buffer.from(serialize(server.tree.freeze()));
  for (const [path, spoilt] of [
    ["/abc/de", "//bc/de"],
    ["/abc/de", "/abc//e"],
    ["/abc/de", "/abc/d/"],
    ["/abc", "//bc"],
    ["/abc", "abc/"],
  ]) {
    const bytes = Buffer.from(body);
    const at = bytes.indexOf(path);
    bytes.fill(spoilt, at, at + path.length);
    expect(() => load(bytes), spoilt).toThrow(ProtocolError);
  }
});

function compressed(codec: SnapshotCodec, bytes: Uint8Array): Uint8Array {
  const writer = new Writer();
  const compressor = codec.compressor((from, start, end) => writer.raw(from, start, end));
  compressor.write(bytes, 0, bytes.length);
  compressor.finish();
  return writer.take();
}

/** Takes up to `most` bytes out of a compressed stream. */
function decompressed(codec: SnapshotCodec, stream: Uint8Array, most: number): Uint8Array {
  let at = 0;
  const output = codec.decompress((into, start, end) => {
    const piece = stream.subarray(at, at + Math.min(end - start, stream.length - at));
    into.set(piece, start);
    at += piece.length;
    return piece.length;
  });
  const bytes = new Uint8Array(most);
  let length = 0;
  while (length < most) {
    const got = output(bytes, length, most);
    if (got === 0) break;
    length += got;
  }
  return bytes.subarray(0, length);
}

/** Streams of other writers: every kind of block, a name in the header, two members. */
function foreignGzips(bytes: Uint8Array): Uint8Array[] {
  const level = (n: number) => gzipSync(bytes, { level: n, memLevel: 1 });
  const named = new Uint8Array([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0, 0x61, 0, ...level(9).subarray(10)]);
  return [level(0), level(1), level(9), gzipSync(bytes, { strategy: constants.Z_FIXED }), named].concat(
    new Uint8Array([...level(1), ...level(9)]),
  );
}

function gunzipped(bytes: Uint8Array): Uint8Array | null {
  try {
    return gunzipSync(bytes, { maxOutputLength: 100_000 });
  } catch {
    return null;
  }
}

test(
  `a mutated gzip stream gives what zlib makes of it, or is refused where zlib refuses (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    const bodies = Array.from({ length: 4 }, (_, i) => sampleBody(SEED * 100 + i).subarray(0, 700));
    const streams = bodies.flatMap((body) => [compressed(snapshotCodecs.gz, body), ...foreignGzips(body)]);
    let accepted = 0;
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const stream = pick(random, streams);
      const bytes = random(10) === 0 ? stream : mutate(stream, random);
      let ours: Uint8Array | null = null;
      try {
        ours = decompressed(snapshotCodecs.gz, bytes, 100_000);
        accepted++;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw new Error(`input ${i} of seed ${SEED}`, { cause: error });
        refused++;
      }
      // The native one takes a quarter of a millisecond, most of it to begin.
      if (i % 20 !== 0) continue;
      let native = gunzipped(bytes);
      // Java ignores what follows a member and is no head of another one, and so do we; Node refuses most of that.
      for (let end = bytes.length - 1; native === null && ours !== null && end > 0; end--) {
        native = gunzipped(bytes.subarray(0, end));
      }
      if (native === null ? ours !== null : ours === null || Buffer.compare(native, ours) !== 0) {
        throw new Error(`input ${i} of seed ${SEED}: ${Buffer.from(bytes).toString("hex")}`);
      }
    }
    expect(accepted).toBeGreaterThan(INPUTS / 50);
    expect(refused).toBeGreaterThan(INPUTS / 5);
  },
  TIMEOUT_MS,
);

test(
  `a mutated snappy stream is refused or gives bytes (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    const codec = snapshotCodecs.snappy;
    const streams = Array.from({ length: 8 }, (_, i) => compressed(codec, sampleBody(SEED * 100 + i).subarray(0, 400)));
    let accepted = 0;
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const original = pick(random, streams);
      try {
        const bytes = random(10) === 0 ? original : mutate(original, random);
        decompressed(codec, bytes, 2000);
        accepted++;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw new Error(`input ${i} of seed ${SEED}`, { cause: error });
        refused++;
      }
    }
    expect(accepted).toBeGreaterThan(INPUTS / 50);
    expect(refused).toBeGreaterThan(INPUTS / 5);
  },
  TIMEOUT_MS,
);

test(
  `our own decoder of snappy blocks takes exactly what the native one takes (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    const blocks = Array.from({ length: 8 }, (_, i) => compressSync(sampleBody(SEED * 100 + i).subarray(0, 400)));
    let taken = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const block = mutate(pick(random, blocks), random);
      let native: Uint8Array | null = null;
      let ours: Uint8Array | null = null;
      // A length that lies would make the native one allocate all of it.
      if (block.length === 0 || block[block.length > 1 && block[0] >= 0x80 ? 1 : 0] >= 0x80) continue;
      try {
        native = uncompressSync(block) as Buffer;
      } catch {}
      try {
        ours = decodeSnappyBlock(block);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw new Error(`input ${i} of seed ${SEED}`, { cause: error });
      }
      if (native === null ? ours !== null : ours === null || Buffer.compare(native, ours) !== 0) {
        throw new Error(`input ${i} of seed ${SEED}: ${Buffer.from(block).toString("hex")}`);
      }
      if (ours !== null) taken++;
    }
    expect(taken).toBeGreaterThan(INPUTS / 50);
  },
  TIMEOUT_MS,
);
