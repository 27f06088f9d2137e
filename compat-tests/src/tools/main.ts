// ZooKeeper's tools for logs, snapshots and clean-up against quoll's, on the same files, written by either server; and
// backups of running servers, restored and started on by both.
import { strict as assert } from "node:assert";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, type ServerKind, startServer } from "../peers/server.js";
import { runSuite, type Suite } from "../suite.js";
import { java, type Outcome, quoll } from "./programs.js";
import {
  type Compression,
  connect,
  createNode,
  readData,
  setCounter,
  startSmall,
  writeEverything,
} from "./workload.js";

const TOOLKIT = "persistence.TxnLogToolkit";
const ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata"];

await runSuite("tools", async (suite) => {
  for (const compression of ["", "gz", "snappy"] as const) await compareOnFiles(suite, compression);
  await compareErrors(suite);
  await backUpAndRestore(suite);
});

/** All tools on the files that a server of this kind has written. */
async function compareOnFiles(suite: Suite, compression: Compression): Promise<void> {
  const dir = join(suite.dir, `files-${compression || "plain"}`);
  const server = await startSmall(suite.kind, dir, compression);
  await writeEverything(server);
  await server.stop();
  const dataDir = join(dir, "data");
  const folder = join(dataDir, "version-2");
  const files = (start: string) =>
    readdirSync(folder)
      .filter((name) => name.startsWith(start))
      .sort((a, b) => zxidOf(a) - zxidOf(b));
  const snapshots = files("snapshot.");
  const logs = files("log.");
  const what = `${suite.kind}'s ${compression || "plain"} files`;
  if (compression === "") await compareLogs(suite, folder, logs);
  // What is compressed is read in one place only: the newest will do.
  const compared = compression === "" ? snapshots : snapshots.slice(-1);
  for (const name of compared) await compareSnapshot(suite, join(folder, name), `${what}: ${name}`);
  const [first, last] = [join(folder, snapshots[0]!), join(folder, snapshots.at(-1)!)];
  for (const options of compression === "" ? [[], ["-d"], ["-i"]] : [[]]) {
    const input = "\n/a\n/zz\nfoo\n99\n2\n\n\n\n\n\n";
    const args = ["-l", first, "-r", last, "-b", "5", "-n", "2", ...options];
    await suite.test(`${what}: two snapshots compared ${options.join(" ")}`, async () => {
      const [expected, got] = await Promise.all([
        java("SnapshotComparer", args, { input }),
        quoll(["snapshot", "compare", ...args], { input }),
      ]);
      assertSame(got, expected, (text) => text.replace(/\d+\.\d{6} seconds/g, "N seconds"));
    });
  }
  if (compression === "") await comparePurge(suite, dataDir);
  await suite.test(`${what}: quoll verify finds them sound`, async () => {
    const { code, out } = await quoll(["verify", dataDir]);
    assert.equal(code, 0, out);
  });
}

async function compareLogs(suite: Suite, folder: string, logs: readonly string[]): Promise<void> {
  for (const [index, name] of logs.entries()) {
    const path = join(folder, name);
    const timeZone = ZONES[index % ZONES.length]!;
    await suite.test(`${suite.kind}'s ${name} printed in ${timeZone}`, async () => {
      const [expected, got] = await Promise.all([
        java(TOOLKIT, [path], { timeZone }),
        quoll(["txnlog", path], { timeZone }),
      ]);
      assertSame(got, expected);
      assert.match(got.out, /EOF reached after [1-9]\d* txns\.\n$/);
    });
  }
  const spoilt = (name: string) => {
    const path = join(suite.dir, name);
    const bytes = readFileSync(join(folder, logs[0]!));
    // The checksums of the first and the second entry.
    const second = 16 + 13 + bytes.readInt32BE(24);
    bytes[23]! ^= 1;
    bytes[second + 7]! ^= 1;
    writeFileSync(path, bytes);
    return path;
  };
  for (const [options, input] of [
    [[], ""],
    [["-r", "-y"], ""],
    [["-r", "-v", "-y"], ""],
    [["-r"], "what\ny\nno\n"],
  ] as const) {
    const words = `${options.join(" ")} ${input.replaceAll("\n", " ")}`.trim();
    await suite.test(`wrong checksums in ${suite.kind}'s log: ${words || "printed"}`, async () => {
      const path = spoilt("spoilt.log");
      const expected = await java(TOOLKIT, [...options, path], { input });
      const fixed = options.length > 0 ? readFileSync(`${path}.fixed`) : null;
      rmSync(`${path}.fixed`, { force: true });
      const got = await quoll(["txnlog", ...options, path], { input });
      assertSame(got, expected);
      if (fixed === null) return;
      // ZooKeeper's ends in 64 MiB of zeros.
      const own = readFileSync(`${path}.fixed`);
      const end = own.lastIndexOf(0x42) + 1;
      assert.ok(fixed.subarray(0, end).equals(own.subarray(0, end)), "the repaired files differ");
      assert.ok(fixed.subarray(end).every((byte) => byte === 0));
      rmSync(`${path}.fixed`);
    });
  }
  await suite.test(`${suite.kind}'s log chopped`, async () => {
    const path = join(suite.dir, "whole.log");
    cpSync(join(folder, logs[0]!), path);
    const expected = await java(TOOLKIT, ["-c", "-z", "0x9", path]);
    const chopped = readFileSync(`${path}.chopped9`);
    rmSync(`${path}.chopped9`);
    assertSame(await quoll(["txnlog", "-c", "-z", "0x9", path]), expected);
    assert.ok(chopped.equals(readFileSync(`${path}.chopped9`)), "the chopped files differ");
  });
  await suite.test(`${suite.kind}'s log chopped where it can't be`, async () => {
    const path = join(suite.dir, "whole.log");
    const expected = await java(TOOLKIT, ["-c", "-z", "0x999", path]);
    // ZooKeeper ends with 0 and leaves a file.
    rmSync(`${path}.chopped${0x999}`);
    const got = await quoll(["txnlog", "-c", "-z", "0x999", path]);
    assert.deepEqual([got.out, got.code], [expected.out, 1]);
  });
}

async function compareSnapshot(suite: Suite, path: string, what: string): Promise<void> {
  for (const options of [[], ["-d"], ["-json"]]) {
    await suite.test(`${what} printed ${options.join(" ")}`, async () => {
      const [expected, got] = await Promise.all([
        java("SnapshotFormatter", [...options, path]),
        quoll(["snapshot", ...options, path]),
      ]);
      assertSame(got, expected, (text) => text.replace(/"timestamp":\d+/, ""));
    });
  }
  for (const [start, depth] of [
    ["/", "0"],
    ["/a", "1"],
  ] as const) {
    await suite.test(`${what} summed up below ${start}`, async () => {
      const [expected, got] = await Promise.all([
        java("SnapshotRecursiveSummary", [path, start, depth]),
        quoll(["snapshot", "summary", path, start, depth]),
      ]);
      // A znode that is not in the first snapshot is a stack trace in ZooKeeper's.
      if (expected.code === 0) assertSame(got, expected);
      else assert.notEqual(got.code, 0);
    });
  }
}

async function comparePurge(suite: Suite, dataDir: string): Promise<void> {
  await suite.test(`${suite.kind}'s directory cleaned up`, async () => {
    const [one, other] = [join(suite.dir, "purge-java"), join(suite.dir, "purge-quoll")];
    for (const copy of [one, other]) cpSync(dataDir, copy, { recursive: true, preserveTimestamps: true });
    const expected = await java("PurgeTxnLog", [one, one, "-n", "3"]);
    const got = await quoll(["cleanup", other, other, "-n", "3"]);
    const lines = (text: string, dir: string) => text.replaceAll(dir, "DIR").split("\n").sort();
    assert.equal(got.code, expected.code);
    assert.deepEqual(lines(got.out, other), lines(expected.out, one));
    assert.deepEqual(readdirSync(join(other, "version-2")).sort(), readdirSync(join(one, "version-2")).sort());
  });
}

async function compareErrors(suite: Suite): Promise<void> {
  const dir = suite.dir;
  const none = join(dir, "none");
  for (const args of [[], [dir, "-n", "2"], [dir, "-n", "x"], [none, "-n", "3"], [dir, dir, dir, "-n", "3"]]) {
    await suite.test(
      `clean-up called with ${args.length} arguments: ${args.slice(-2).join(" ").replace(dir, "DIR")}`,
      async () => {
        const [expected, got] = await Promise.all([java("PurgeTxnLog", args), quoll(["cleanup", ...args])]);
        assertSame(got, expected);
      },
    );
  }
  await suite.test("a log that is not there", async () => {
    const [expected, got] = await Promise.all([java(TOOLKIT, [none]), quoll(["txnlog", none])]);
    assertSame(got, expected);
  });
  await suite.test("a snapshot that is not there", async () => {
    const [expected, got] = await Promise.all([java("SnapshotFormatter", [none]), quoll(["snapshot", none])]);
    assert.equal(got.code, expected.code);
    assert.ok(expected.err.startsWith(got.err), expected.err);
  });
}

/** Backs a server up while it is written to, brings several moments back, and lets both servers start from them. */
async function backUpAndRestore(suite: Suite): Promise<void> {
  const dir = join(suite.dir, "live");
  const server = await startSmall(suite.kind, dir, "");
  const client = await connect(server.host, server.port);
  await createNode(client, "/counter", "");
  let counted = await setCounter(client, "/counter", 0, 100);
  const dataDir = join(dir, "data");
  const backups: { readonly target: string; readonly from: number; readonly to: number }[] = [];
  for (let i = 0; i < 3; i++) {
    const target = join(suite.dir, `backup-${i}`);
    await suite.test(`backup ${i} of ${suite.kind} while it is written to`, async () => {
      let isDone = false;
      const from = counted;
      const running = quoll(["backup", dataDir, target]).finally(() => (isDone = true));
      while (!isDone) counted = await setCounter(client, "/counter", counted + 1, counted + 2);
      const { code, err } = await running;
      assert.equal(code, 0, err);
      backups.push({ target, from, to: counted });
    });
  }
  await client.close();
  await server.stop();

  for (const [i, { target, from, to }] of backups.entries()) {
    for (const kind of ["java", "quoll"] as const) {
      await suite.test(`${kind} starts from backup ${i}, with all that was acknowledged before it`, async () => {
        const place = join(suite.dir, `restored-${i}-${kind}`);
        const { code, err } = await quoll(["restore", target, join(place, "data")]);
        assert.equal(code, 0, err);
        const value = Number(await valueIn(kind, place));
        assert.ok(value >= from && value <= to, `${value} is not within ${from} and ${to}`);
      });
    }
  }
  for (const wanted of [7, 42, 93]) {
    await suite.test(`the moment after write ${wanted} to ${suite.kind}, restored and started by both`, async () => {
      const { out } = await quoll(["history", "/counter", dataDir, "-o", "json"]);
      const changes = out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      const change = changes.find(({ after }) => after?.data === String(wanted));
      assert.equal(change.before.data, String(wanted - 1));
      for (const kind of ["java", "quoll"] as const) {
        const place = join(suite.dir, `moment-${wanted}-${kind}`);
        const { code, err } = await quoll(["restore", dataDir, join(place, "data"), "--zxid", change.zxid]);
        assert.equal(code, 0, err);
        assert.equal(await valueIn(kind, place), String(wanted));
      }
    });
  }
}

async function valueIn(kind: ServerKind, dir: string): Promise<string> {
  const server = await startServer({ kind, dir, cfg: { clientPort: await freePort() } });
  try {
    return await readData(server, "/counter");
  } finally {
    await server.stop();
  }
}

/** Standard output and exit code are what scripts look at, and the first line of standard error is what people do. */
function assertSame(got: Outcome, expected: Outcome, normalize = (text: string) => text): void {
  assert.equal(normalize(got.out), normalize(expected.out));
  assert.equal(got.code, expected.code);
  assert.equal(got.err.split("\n")[0], expected.err.split("\n")[0]);
}

function zxidOf(name: string): number {
  return Number.parseInt(name.split(".")[1]!, 16);
}
