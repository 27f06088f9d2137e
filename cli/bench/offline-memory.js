// Peak memory and time of the offline tools on a large txn log: `node bench/offline-memory.js [--mib 64] [--only WORDS,…] [--dir DIR]
// [--json]`; `--only` runs those whose names hold one of the words.
// `--mib 2048` is the case that docs/tools.md tells of. Needs twice that much disk.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CreateTxn, encodeRecord, Long, SetDataTxn, TxnHeader, Writer } from "@quoll/jute";
import { DataTree, NodeDisk, OpCode, snapshotCodecs, TxnLogWriter, writeTreeSnapshot } from "@quoll/server/storage";

const QUOLL = fileURLToPath(new URL("../bin/quoll.js", import.meta.url));
const ZNODES = 10_000;
const DATA_SIZE = 1000;
const BATCH_SIZE = 4 << 20;

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "64" },
    only: { type: "string", default: "" },
    dir: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const dir = mkdtempSync(join(values.dir ?? tmpdir(), "quoll-offline-memory-"));
try {
  const dataDir = join(dir, "data");
  const { log, txns } = generate(dataDir, Number(values.mib) * 2 ** 20);
  const half = `0x${Math.floor(txns / 2).toString(16)}`;
  const backup = join(dir, "backup");
  const runs = [
    ["txnlog, all of it as text", ["txnlog", log]],
    ["txnlog, one znode as JSON", ["txnlog", log, "--path", "/n7", "-o", "json"]],
    ["txnlog --verify", ["txnlog", "--verify", dataDir]],
    ["txnlog -c, at the middle", ["txnlog", "-c", "-z", half, log]],
    ["verify", ["verify", dataDir]],
    ["history of one znode", ["history", "/n7", dataDir]],
    ["diff, from the middle to the end", ["diff", half, "now", dataDir]],
    ["backup", ["backup", dataDir, backup]],
    ["restore to the middle", ["restore", backup, join(dir, "restored"), "--zxid", half]],
  ];
  const words = values.only.split(",");
  const wanted = runs.filter(([name]) => words.some((word) => name.includes(word)));
  const results = wanted.map(([name, args]) => measure(name, args));
  const megabytes = Math.round(statSync(log).size / 1e6);
  if (values.json) console.log(JSON.stringify({ megabytes, txns, results }));
  else print(megabytes, txns, results);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** Writes a snapshot of an empty tree and one log of about that size: some creates, then changes of data. */
function generate(dataDir, sizeBytes) {
  const directory = join(dataDir, "version-2");
  mkdirSync(directory, { recursive: true });
  const disk = new NodeDisk();
  const treeOptions = { seed: 1, digestEnabled: true, extendedTypesEnabled: false, emulate353TTLNodes: false };
  const tree = new DataTree(treeOptions);
  const snapshotOptions = { compression: "", digestEnabled: true, lastProcessedZxid: true };
  writeTreeSnapshot(disk, directory, snapshotCodecs, tree.freeze(), snapshotOptions, () => {});
  const writer = new TxnLogWriter(disk, directory, { preAllocBytes: 0, sizeLimitBytes: -1, forceSync: false }, 0);
  const data = new Uint8Array(DATA_SIZE).fill(0x61);
  const acl = [{ perms: 31, id: { scheme: "world", id: "anyone" } }];
  const batch = new Writer(2 * BATCH_SIZE);
  let zxid = 0;
  for (let written = 0; written < sizeBytes; written += batch.at) {
    batch.reset();
    while (batch.at < BATCH_SIZE) {
      const number = zxid++ % ZNODES;
      const isNew = zxid <= ZNODES;
      const header = {
        clientId: new Long(1, 1),
        cxid: zxid | 0,
        zxid,
        time: 1.7e12 + zxid,
        type: isNew ? OpCode.create : OpCode.setData,
      };
      const path = `/n${number}`;
      const body = isNew
        ? encodeRecord(CreateTxn, { path, data, acl, ephemeral: false, parentCVersion: zxid })
        : encodeRecord(SetDataTxn, { path, data, version: Math.floor((zxid - 1) / ZNODES) });
      batch.long(0);
      batch.int(32 + body.length);
      TxnHeader.encode(batch, header);
      batch.raw(body, 0, body.length);
      batch.byte(0x42);
    }
    writer.append(batch.bytes, 0, batch.at);
    writer.commit();
  }
  writer.close();
  return { log: join(directory, "log.1"), txns: zxid };
}

function measure(name, args) {
  const rssFile = join(dir, "rss");
  const report = `process.on("exit",()=>require("fs").writeFileSync(${JSON.stringify(rssFile)},String(process.resourceUsage().maxRSS)))`;
  const hook = `import{createRequire}from"node:module";const require=createRequire("file:///");${report}`;
  const startedMs = performance.now();
  const child = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(hook)}`, QUOLL, ...args],
    {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
    },
  );
  const seconds = (performance.now() - startedMs) / 1000;
  // `diff` tells of differences by 1.
  if (child.status !== 0 && child.status !== 1)
    throw new Error(`${args.join(" ")} ended with ${child.status}: ${child.stderr}`);
  return { name, seconds, peakMegabytes: Math.round((Number(readFileSync(rssFile, "utf8")) * 1024) / 1e6) };
}

function print(megabytes, txns, results) {
  console.log(`a log of ${megabytes} MB, ${txns} txns`);
  for (const { name, seconds, peakMegabytes } of results) {
    console.log(
      `  ${name.padEnd(34)} ${seconds.toFixed(1).padStart(7)} s ${String(peakMegabytes).padStart(5)} MB at most`,
    );
  }
}
