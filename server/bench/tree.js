// What a znode costs in memory and time. Usage, after a build: node --expose-gc server/bench/tree.js [znodes]
import { Reader, Writer } from "@quoll/jute";
import { DataTree } from "../dist/core/tree/data-tree.js";
import { serializeFrozen } from "../dist/core/tree/frozen-tree.js";

const ZNODES = Number(process.argv[2] ?? 1_000_000);
const DIRECTORIES = 1000;
const options = { seed: 1, digestEnabled: true, extendedTypesEnabled: false, emulate353TTLNodes: false };
const data = new Uint8Array(100).fill(0x61);
const to = new Writer();
let zxid = 0;

function begin(type) {
  to.reset();
  to.int(0);
  to.int(1);
  to.int(1);
  to.long(++zxid);
  to.long(1_700_000_000_000 + zxid);
  to.int(type);
}

function create(tree, path, parentCversion) {
  begin(1);
  to.string(path);
  to.buffer(data);
  to.int(1);
  to.int(31);
  to.string("world");
  to.string("anyone");
  to.bool(false);
  to.int(parentCversion);
  tree.apply(to.bytes, 0, to.at, null);
}

function measure(name, count, work) {
  // Processor time, so that a busy machine does not count.
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  const ms = (user + system) / 1000;
  console.log(
    `${name.padEnd(28)} ${((ms * 1000) / count).toFixed(2).padStart(8)} µs each ${ms.toFixed(0).padStart(8)} ms`,
  );
}

const path = (i) => `/d${i % DIRECTORIES}/n${String(i).padStart(7, "0")}`;
const scattered = (i) => path((i * 7919) % ZNODES);
globalThis.gc?.();
const before = process.memoryUsage();
const tree = new DataTree(options);
for (let i = 0; i < DIRECTORIES; i++) create(tree, `/d${i}`, i + 1);
let slowestMs = 0;
measure("create", ZNODES, () => {
  for (let i = 0; i < ZNODES; i++) {
    const start = performance.now();
    create(tree, path(i), Math.floor(i / DIRECTORIES) + 1);
    slowestMs = Math.max(slowestMs, performance.now() - start);
  }
});
console.log(`slowest create               ${slowestMs.toFixed(2).padStart(8)} ms`);
globalThis.gc?.();
const after = process.memoryUsage();
const shared =
  tree.tree.rows.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0) +
  tree.tree.blobs.segments.reduce((sum, segment) => sum + segment.byteLength, 0);
const per = (bytes) => (bytes / ZNODES).toFixed(1);
console.log(
  `bytes per znode: rows, names and data ${per(shared)}, heap ${per(after.heapUsed - before.heapUsed)}, ` +
    `resident ${per(after.rss - before.rss)}`,
);

const paths = [];
for (let i = 0; i < 100_000; i++) paths.push(new TextEncoder().encode(scattered(i)));
measure("find", paths.length * 10, () => {
  for (let n = 0; n < 10; n++) for (const bytes of paths) tree.tree.find(bytes, 0, bytes.length);
});
const reply = new Writer();
measure("find, writeData, writeStat", paths.length * 10, () => {
  for (let n = 0; n < 10; n++) {
    for (const bytes of paths) {
      const row = tree.tree.find(bytes, 0, bytes.length);
      reply.reset();
      tree.tree.writeData(row, reply);
      tree.tree.writeStat(row, reply);
    }
  }
});
const directory = tree.tree.find(new TextEncoder().encode("/d1"), 0, 3);
const children = tree.tree.childCount(directory);
measure("writeChildren, per child", 1000 * children, () => {
  for (let n = 1; n <= 1000; n++) {
    reply.reset();
    tree.tree.writeChildren(tree.tree.find(paths[n], 0, paths[n].indexOf(0x2f, 1)), reply);
  }
});
measure("the same list again", 1000 * children, () => {
  for (let n = 0; n < 1000; n++) {
    reply.reset();
    tree.tree.writeChildren(directory, reply);
  }
});
function setAll() {
  for (let i = 0; i < ZNODES; i++) {
    begin(5);
    to.string(scattered(i));
    to.buffer(data);
    to.int(i);
    tree.apply(to.bytes, 0, to.at, null);
  }
}
measure("setData", ZNODES, setAll);
let frozen;
measure("freeze", 1, () => {
  frozen = tree.freeze();
});
measure("setData of all, frozen", ZNODES, setAll);
const body = new Writer(256 * ZNODES);
measure("serialize", ZNODES, () => serializeFrozen(frozen, { writer: body, drain() {} }));
measure("release", 1, () => tree.release());
frozen = undefined;
measure("deserialize", ZNODES, () => {
  const reader = new Reader(body.bytes, 0, body.at);
  DataTree.deserialize({ reader, need() {} }, options);
});
measure("delete", ZNODES, () => {
  for (let i = 0; i < ZNODES; i++) {
    begin(2);
    to.string(scattered(i));
    tree.apply(to.bytes, 0, to.at, null);
  }
});
