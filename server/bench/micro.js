// The parts of a server, in ns: tree, watches, log, frames, and the whole core from a request's bytes to its reply's bytes,
// without sockets and without a disk. Usage, after a build: node server/bench/micro.js [NAME ...], names as printed

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Writer } from "@quoll/jute";
import { Bench } from "tinybench";
import { AclChecker } from "../dist/core/acl/acl-checker.js";
import { AuthenticationProviders, DEFAULT_AUTHENTICATION } from "../dist/core/acl/authentication-providers.js";
import { DEFAULT_ENFORCED_AUTHENTICATION, EnforcedAuthentication } from "../dist/core/acl/enforced-authentication.js";
import { ServerCore } from "../dist/core/server-core.js";
import { DEFAULT_CONNECTION_THROTTLE } from "../dist/core/session/connection-throttle.js";
import { SnapshotPolicy } from "../dist/core/storage/snapshot-policy.js";
import { TxnLogWriter } from "../dist/core/storage/txn-log-writer.js";
import { DataTree } from "../dist/core/tree/data-tree.js";
import { WatchTable } from "../dist/core/watch/watch-table.js";
import { NodeDisk } from "../dist/node/disk/node-disk.js";

const KEYS = 1000;
const encoder = new TextEncoder();
const data = new Uint8Array(100).fill(0x61);
const random = { int32: () => 12345 };
const wanted = process.argv.slice(2);
const bench = new Bench({ time: 300, warmupTime: 100 });
/** How many operations one call of a task is. */
const batches = new Map();

function add(name, batch, work) {
  if (wanted.length > 0 && !wanted.some((part) => name.startsWith(part))) return;
  batches.set(name, batch);
  bench.add(name, work);
}

/** Short enough that on a busy machine most batches are not interrupted, long enough for the clock. */
const BATCH = 50;

/** A task that takes the keys in turn. */
function addEach(name, work) {
  let next = 0;
  add(name, BATCH, () => {
    for (let n = 0; n < BATCH; n++) {
      work(next);
      next = next + 1 === KEYS ? 0 : next + 1;
    }
  });
}

// --- txns and requests

/** A txn of world:anyone's; `body` writes what its type has. */
function txn(to, zxid, type, body) {
  to.reset();
  to.int(0);
  to.int(1);
  to.int(1);
  to.long(zxid);
  to.long(1_700_000_000_000);
  to.int(type);
  body();
}

function openAcl(to) {
  to.int(1);
  to.int(31);
  to.string("world");
  to.string("anyone");
}

function createBody(to, path, parentCversion) {
  to.string(path);
  to.buffer(data);
  openAcl(to);
  to.bool(false);
  to.int(parentCversion);
}

function frame(xid, type, body) {
  const to = new Writer();
  to.int(0);
  to.int(xid);
  to.int(type);
  body(to);
  const bytes = to.take();
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(0, bytes.length - 4);
  return bytes;
}

function joined(frames) {
  const to = new Writer();
  for (const bytes of frames) to.raw(bytes, 0, bytes.length);
  return to.take();
}

const key = (i) => `/zkload/k${i % KEYS}`;

// --- tree

{
  const tree = new DataTree({ seed: 7, digestEnabled: true, extendedTypesEnabled: false, emulate353TTLNodes: false });
  const to = new Writer();
  let zxid = 0;
  const apply = (type, body) => {
    txn(to, ++zxid, type, body);
    tree.apply(to.bytes, 0, to.at, null);
  };
  apply(1, () => createBody(to, "/zkload", 1));
  for (let i = 0; i < KEYS; i++) apply(1, () => createBody(to, key(i), i + 1));
  const paths = Array.from({ length: KEYS }, (_, i) => encoder.encode(key(i * 7919)));
  const reply = new Writer();
  addEach("tree: find", (i) => tree.tree.find(paths[i], 0, paths[i].length));
  addEach("tree: get (find, data, stat)", (i) => {
    const row = tree.tree.find(paths[i], 0, paths[i].length);
    reply.reset();
    tree.tree.writeData(row, reply);
    tree.tree.writeStat(row, reply);
  });
  let version = 0;
  addEach("tree: set (apply a txn)", (i) => {
    apply(5, () => {
      to.string(key(i));
      to.buffer(data);
      to.int(++version);
    });
  });
  let cversion = KEYS;
  addEach("tree: create and delete (2 txns)", (i) => {
    const path = `/zkload/new${i}`;
    apply(1, () => createBody(to, path, ++cversion));
    apply(2, () => to.string(path));
  });
  const parent = tree.tree.find(encoder.encode("/zkload"), 0, 7);
  add(`tree: children, a list of ${KEYS} kept`, 10, () => {
    for (let i = 0; i < 10; i++) {
      reply.reset();
      tree.tree.writeChildren(parent, reply);
    }
  });
  add(`tree: children, a list of ${KEYS} made anew`, 10, () => {
    for (let i = 0; i < 10; i++) {
      apply(1, () => createBody(to, "/zkload/more", ++cversion));
      reply.reset();
      tree.tree.writeChildren(parent, reply);
      apply(2, () => to.string("/zkload/more"));
    }
  });
}

// --- watches

{
  const paths = Array.from({ length: KEYS }, (_, i) => encoder.encode(key(i)));
  const table = new WatchTable(random, { watchEvent: () => {} });
  let zxid = 0;
  addEach("watch: set and fire", (i) => {
    table.addDataWatch(3, paths[i], 0, paths[i].length);
    table.dataChanged(paths[i], 0, paths[i].length, -1, ++zxid);
  });
  addEach("watch: a change that nobody watches", (i) => {
    table.dataChanged(paths[i], 0, paths[i].length, -1, ++zxid);
  });
}

// --- log

const directory = mkdtempSync(join(tmpdir(), "quoll-micro-"));
{
  const options = { preAllocBytes: 1 << 26, sizeLimitBytes: 1 << 26, forceSync: false };
  let log = null;
  const to = new Writer();
  const batch = new Writer(1 << 20);
  let zxid = 0;
  add("log: append an entry, without the sync", BATCH, () => {
    log ??= new TxnLogWriter(new NodeDisk(), directory, options, 0);
    batch.reset();
    for (let i = 0; i < BATCH; i++) {
      txn(to, ++zxid, 5, () => {
        to.string(key(i));
        to.buffer(data);
        to.int(1);
      });
      // Room for the checksum, the length, the record, and the mark of its end.
      batch.int(0);
      batch.int(0);
      batch.int(to.at);
      batch.raw(to.bytes, 0, to.at);
      batch.bool(true);
      batch.bytes[batch.at - 1] = 0x42;
    }
    log.append(batch.bytes, 0, batch.at);
    log.commit();
  });
}

// --- the core

{
  const tree = new DataTree({ seed: 7, digestEnabled: true, extendedTypesEnabled: false, emulate353TTLNodes: false });
  const hashes = { digest: (algorithm, bytes) => createHash(algorithm.replace("-", "")).update(bytes).digest() };
  const acls = new AclChecker(
    new AuthenticationProviders(DEFAULT_AUTHENTICATION, hashes),
    new EnforcedAuthentication(DEFAULT_ENFORCED_AUTHENTICATION),
    tree.acls,
    false,
  );
  /** Durable at once: what the disk takes is not measured here. */
  const log = {
    lastZxid: 0,
    append: (_bytes, _start, _end, zxid) => void (log.lastZxid = zxid),
    roll() {},
    isFull: false,
  };
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const options = {
    serverId: 0,
    tickTimeMs: 2000,
    minSessionTimeoutMs: 4000,
    maxSessionTimeoutMs: 40_000,
    maxClientCnxns: 0,
    maxCnxns: 0,
    globalOutstandingLimit: 1000,
    juteMaxBuffer: 0xfffff,
    txnBytesMax: 0x1ffffe,
    sessionlessTimeoutMs: 10_000,
    containerCheckIntervalMs: 60_000,
    containerMaxPerMinute: 10_000,
    containerMaxNeverUsedMs: 0,
    connectionThrottle: DEFAULT_CONNECTION_THROTTLE,
    localSessionsEnabled: false,
    localSessionsUpgradingEnabled: false,
    digestEnabled: true,
    extendedTypesEnabled: false,
    enforceQuota: false,
    reconfigEnabled: false,
    closeSessionTxnEnabled: true,
  };
  const policy = new SnapshotPolicy(2 ** 31 - 1, 0, random);
  const core = new ServerCore(tree, log, acls, policy, random, options, silent, 0, 1_700_000_000_000);
  const connection = core.connected("127.0.0.1", 40_000);
  /** One chunk from the socket, through to the replies' bytes. */
  const turn = (bytes) => {
    core.received(connection, bytes);
    core.synced(log.lastZxid);
    const written = connection.out.at;
    connection.out.reset();
    connection.dirty = false;
    core.effects.dirty.length = 0;
    return written;
  };
  const hello = new Writer();
  hello.int(45);
  hello.int(0);
  hello.long(0);
  hello.int(30_000);
  hello.long(0);
  hello.buffer(new Uint8Array(16));
  hello.bool(false);
  turn(hello.take());
  const request = (type, path, rest) =>
    frame(1, type, (to) => {
      to.string(path);
      rest(to);
    });
  const read = (type, path) => request(type, path, (to) => to.bool(false));
  const create = (path) =>
    request(1, path, (to) => {
      to.buffer(data);
      openAcl(to);
      to.int(0);
    });
  const set = (path) =>
    request(5, path, (to) => {
      to.buffer(data);
      to.int(-1);
    });
  const remove = (path) => request(2, path, (to) => to.int(-1));
  turn(create("/zkload"));
  for (let i = 0; i < KEYS; i++) turn(create(key(i)));
  turn(create("/few"));
  for (let i = 0; i < 100; i++) turn(create(`/few/${String(i).padStart(50, "0")}`));

  /** So many requests come in one chunk: a pipelined client's. */
  const PIPELINED = 16;
  const addRequests = (name, frameOf) => {
    const chunks = [];
    for (let i = 0; i < KEYS / PIPELINED; i++) {
      chunks.push(joined(Array.from({ length: PIPELINED }, (_, n) => frameOf(i * PIPELINED + n))));
    }
    let next = 0;
    add(name, PIPELINED, () => {
      const written = turn(chunks[next]);
      next = next + 1 === chunks.length ? 0 : next + 1;
      // A reply is 20 bytes at least: one that is missing would make this fast.
      if (written < 20 * PIPELINED) throw new Error(`${name}: ${written} bytes of replies to ${PIPELINED} requests`);
    });
  };
  const ping = frame(-2, 11, () => {});
  addRequests("core: ping (cutting frames)", () => ping);
  addRequests("core: get", (i) => read(4, key(i)));
  addRequests("core: exists", (i) => read(3, key(i)));
  addRequests("core: children, 100 names", () => read(8, "/few"));
  addRequests("core: set", (i) => set(key(i)));
  addRequests("core: create or delete", (i) => (i % 2 === 0 ? create(`/few/x${i}`) : remove(`/few/x${i - 1}`)));
  const single = read(4, key(1));
  addEach("core: get, one per chunk", () => turn(single));
}

await bench.run();
rmSync(directory, { recursive: true });

console.log(`ns each, median; Node ${process.version}, ${cpus().length} × ${cpus()[0].model}`);
console.table(
  Object.fromEntries(
    [...batches].map(([name, batch]) => {
      const { result } = bench.getTask(name);
      if (result.error !== undefined) throw result.error;
      return [
        name,
        {
          ns: Math.round((result.latency.p50 * 1e6) / batch),
          "p99 ns": Math.round((result.latency.p99 * 1e6) / batch),
        },
      ];
    }),
  ),
);
