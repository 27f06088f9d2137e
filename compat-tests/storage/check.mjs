/**
 * Data directories go back and forth between ZooKeeper's classes and ours, with every compression; both must see the same
 * tree each time. ZooKeeper's own tools read all the files.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recover } from "../../server/dist/core/storage/recovery.js";
import { DataTree } from "../../server/dist/core/tree/data-tree.js";
import { LogClient } from "../../server/dist/node/disk/log-client.js";
import { NodeDisk } from "../../server/dist/node/disk/node-disk.js";
import { snapshotCodecs } from "../../server/dist/node/disk/snapshot-codecs.js";
import { writeSnapshotInWorker } from "../../server/dist/node/disk/snapshot-job.js";
import { skipUnlessCi } from "../dist/peers/cache.js";
import { compileJava, logbackFile, zookeeperClasspath } from "../dist/peers/java-zookeeper.js";

let classPath = "";
try {
  classPath = compileJava("storage", zookeeperClasspath());
} catch (error) {
  skipUnlessCi(error);
}
const treeOptions = { seed: 1, digestEnabled: true, extendedTypesEnabled: false, emulate353TTLNodes: false };
const factory = {
  create: () => new DataTree(treeOptions),
  load: (source) => DataTree.deserialize(source, treeOptions),
};
const log = {
  debug() {},
  info() {},
  warn: (fields, text) => console.log("  ", text, JSON.stringify(fields)),
  error() {},
};
let passed = 0;
let failed = 0;

function java(...args) {
  const flags = ["-Xmx256m", "-XX:TieredStopAtLevel=1", `-Dlogback.configurationFile=${logbackFile("WARN")}`];
  return execFileSync("java", [...flags, "-cp", classPath, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** What a program says in the end; warnings of ZooKeeper may stand before it. */
function lastLine(text) {
  return text.trimEnd().split("\n").at(-1);
}

function check(what, condition, detail = "") {
  if (condition) passed++;
  else failed++;
  console.log(`${condition ? "ok" : "FAILED"}  ${what} ${condition ? "" : detail}`);
}

function load(root) {
  const directory = join(root, "version-2");
  return recover(
    new NodeDisk(),
    snapshotCodecs,
    factory,
    {
      logDirectory: directory,
      snapDirectory: directory,
      autocreateDirectories: true,
      autocreateDatabase: true,
      trustEmptySnapshot: false,
      initialZxid: 0,
      acceptDigestMismatch: false,
    },
    { snapshot() {}, log() {} },
    log,
  );
}

function describe({ state, lastZxid }) {
  const digest = (((BigInt(state.digest.hi) << 32n) | BigInt(state.digest.lo >>> 0)) & 0xffffffffffffffffn).toString(
    16,
  );
  return `zxid=${lastZxid} nodes=${state.nodeCount} digest=${digest} mismatches=${state.digestMismatches} sessions=${state.sessions.size}`;
}

/** Logs the payloads of another directory's txns again, as our own server would: same bytes, our files. */
async function continueWith(root, recovered, first, last, compression) {
  const directory = join(root, "version-2");
  const { state } = recovered;
  let done;
  const client = new LogClient(
    {
      directory,
      lastZxid: recovered.lastZxid,
      preAllocBytes: 64 << 20,
      sizeLimitBytes: -1,
      forceSync: true,
      slowSyncMs: 1000,
      inFlightMax: 1 << 20,
    },
    {
      onSynced: (zxid) => done?.(zxid),
      onFailure: (error) => {
        throw error;
      },
      onSlowSync() {},
    },
  );
  for (let zxid = first; zxid <= last; zxid++) {
    const payload = createSession(zxid);
    client.append(payload, 0, payload.length, zxid);
    state.apply(payload, 0, payload.length, null);
    if (zxid % 7 === 0) client.flush();
    if (zxid === Math.floor((first + last) / 2)) {
      client.roll();
      client.flush();
      await writeSnapshotInWorker({
        kind: "write",
        frozen: state.freeze(),
        directory,
        compression,
        digestEnabled: true,
        lastProcessedZxid: true,
      });
      state.release();
    }
  }
  await client.close();
}

function createSession(zxid) {
  const bytes = new DataView(new ArrayBuffer(36));
  bytes.setBigInt64(0, BigInt(zxid) + 0x2000000000000n);
  bytes.setInt32(8, zxid);
  bytes.setBigInt64(12, BigInt(zxid));
  bytes.setBigInt64(20, 1700000000000n);
  bytes.setInt32(28, -10);
  bytes.setInt32(32, 30000);
  return new Uint8Array(bytes.buffer);
}

for (const compression of ["", "gz", "snappy"]) {
  const name = compression === "" ? "none" : compression;
  const root = mkdtempSync(join(tmpdir(), "quoll-java-"));
  const files = (kind) => readdirSync(join(root, "version-2")).filter((file) => file.startsWith(kind));
  try {
    const javaWrote = lastLine(java("StorageCheck", "write", root, "1", "300", compression));
    const first = load(root);
    check(`${name}: Java writes, we read`, describe(first) === javaWrote, `${describe(first)} instead of ${javaWrote}`);
    await continueWith(root, first, 301, 500, compression);
    const ours = load(root);
    const javaRead = lastLine(java("StorageCheck", "read", root));
    check(
      `${name}: we continue, Java reads`,
      describe(ours) === javaRead && ours.lastZxid === 500,
      `${describe(ours)} but Java ${javaRead}`,
    );
    const javaContinued = lastLine(java("StorageCheck", "write", root, "501", "900", compression));
    const again = load(root);
    check(
      `${name}: Java continues, we read`,
      describe(again) === javaContinued,
      `${describe(again)} instead of ${javaContinued}`,
    );
    for (const file of files("log.")) {
      const text = java("org.apache.zookeeper.server.persistence.TxnLogToolkit", "-d", join(root, "version-2", file));
      check(
        `${name}: TxnLogToolkit reads ${file}`,
        /EOF reached after [1-9]\d* txns/.test(text) && !text.includes("CRC ERROR"),
        text.slice(-300),
      );
    }
    for (const file of files("snapshot.")) {
      const text = java("org.apache.zookeeper.server.SnapshotFormatter", join(root, "version-2", file));
      check(
        `${name}: SnapshotFormatter reads ${file}`,
        text.includes("/zookeeper/quota") && text.includes("Last zxid"),
        text.slice(-300),
      );
    }
  } finally {
    rmSync(root, { recursive: true });
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
