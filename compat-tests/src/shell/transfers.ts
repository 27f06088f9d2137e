import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type ZooKeeper } from "@quoll/client";
import { startServer } from "../peers/server.js";
import type { Suite } from "../suite.js";
import { commandLine, type Output, run } from "./play.js";

const VERSIONS = ["3.5.10", "3.6.4", "3.7.2", "3.8.4", "3.9.5"];
const FOLDERS = 20;
const ZNODES_EACH = 100;

/** What was exported can be imported into each version of each server, and comes out of it as it was. */
export async function testTransfers(suite: Suite): Promise<void> {
  const source = await startServer({ kind: suite.kind, dir: join(suite.dir, "source") });
  const address = `${source.host}:${source.port}`;
  const zk = await connect(address);
  await fill(zk);
  await zk.close();
  const file = join(suite.dir, "source.jsonl");
  const exported = await run("quoll", ["-server", address, "export", "/data", file], "", suite.dir);
  await source.stop();
  await suite.test("a subtree is exported to a file", async () => {
    assert.equal(exported.exitCode, 0, exported.err);
    assert.equal(recordsOf(file).length, 1 + FOLDERS * (1 + ZNODES_EACH) + 3);
  });

  for (const version of suite.kind === "java" ? VERSIONS : ["Quoll"]) {
    const name = suite.kind === "java" ? `ZooKeeper ${version}` : version;
    const server = await startServer({
      kind: suite.kind,
      dir: join(suite.dir, `transfer-${version}`),
      ...(suite.kind === "java" ? { javaVersion: version } : {}),
    });
    const shell = (...args: string[]): Promise<Output> =>
      run("quoll", ["-server", `${server.host}:${server.port}`, "-waitforconnection", ...args], "", suite.dir);
    await suite.test(`what was exported is imported into ${name}, verified, and comes out as it was`, async () => {
      const imported = await shell("import", "-o", "json", file, "/there");
      assert.equal(imported.exitCode, 0, imported.err);
      assert.match(imported.out, /"verified":true,"wrong":\[\]/);
      const back = join(suite.dir, `${version}.jsonl`);
      const again = await shell("export", "/there", back);
      assert.equal(again.exitCode, 0, again.err);
      assert.deepEqual(recordsOf(back), recordsOf(file));
    });
    await suite.test(`the other commands of our own work with ${name}`, async () => {
      const lines = async (...args: string[]) => (await shell(...args)).out.trimEnd().split("\n");
      assert.equal((await lines("tree", "/there")).length, recordsOf(file).length);
      assert.deepEqual(await lines("find", "-name", "n99", "-data", "99", "/there/d00"), ["/there/d00/n99"]);
      assert.match((await lines("du", "-d", "0", "/there"))[1]!, / 2024 {2}\/there$/);
      assert.deepEqual(await lines("cp", "-r", "/there/d00", "/copy"), [
        `/copy: ${ZNODES_EACH + 1} created, 0 changed, 0 there already`,
      ]);
    });
    await server.stop();
  }
  await testInterruption(suite, file);
}

/** Names, data, and ACLs of all kinds. */
async function fill(zk: ZooKeeper): Promise<void> {
  await zk.create("/data", "root");
  for (let d = 0; d < FOLDERS; d++) {
    const folder = `/data/d${String(d).padStart(2, "0")}`;
    await zk.create(folder, null);
    await Promise.all(Array.from({ length: ZNODES_EACH }, (_, i) => zk.create(`${folder}/n${i}`, `{"number":${i}}`)));
  }
  await zk.create("/data/grüße und €", "ü");
  await zk.create("/data/bytes", Uint8Array.of(0, 255, 128));
  await zk.create("/data/restricted", "x", { acl: [{ scheme: "ip", id: "127.0.0.1", perms: 31 }] });
}

/** The import is killed, then its server is; run again, it goes on where it was. */
async function testInterruption(suite: Suite, file: string): Promise<void> {
  const dir = join(suite.dir, "interrupted");
  let server = await startServer({ kind: suite.kind, dir });
  const address = `${server.host}:${server.port}`;
  const options = ["-server", address, "-waitforconnection", "import"];
  await suite.test("an import that is killed, and one whose server is killed, are completed by the next", async () => {
    const [program, args] = commandLine("quoll", [...options, "-rate", "500", file, "/there"]);
    const killed = spawn(program, args, { stdio: "ignore" });
    const zk = await connect(address);
    await until(async () => (await zk.exists("/there/d02")) !== null);
    const gone = new Promise((resolve) => killed.once("close", resolve));
    killed.kill("SIGKILL");
    await gone;
    const partly = await zk.getAllChildrenNumber("/there");
    assert.ok(partly > 0 && partly < FOLDERS * ZNODES_EACH, `${partly} znodes`);

    const survives = run("quoll", [...options, "-rate", "1000", "-o", "json", file, "/there"], "", suite.dir);
    await until(async () => (await zk.exists("/there/d10")) !== null);
    await server.kill();
    server = await startServer({ kind: suite.kind, dir, cfg: { clientPort: server.port } });
    const { out, err, exitCode } = await survives;
    assert.equal(exitCode, 0, err);
    assert.match(out, /"verified":true/);
    await zk.close();
  });
  await suite.test("an export whose server is killed goes on when it is back", async () => {
    const back = join(suite.dir, "interrupted.jsonl");
    const survives = run("quoll", ["-server", address, "export", "-rate", "1000", "/there", back], "", suite.dir);
    await until(async () => sizeOf(back) > 20_000);
    await server.kill();
    server = await startServer({ kind: suite.kind, dir, cfg: { clientPort: server.port } });
    const { err, exitCode } = await survives;
    assert.equal(exitCode, 0, err);
    assert.deepEqual(recordsOf(back), recordsOf(file));
    // And cut off by hand, it is continued.
    const whole = readFileSync(back, "utf8");
    writeFileSync(back, whole.slice(0, whole.length / 2));
    const again = await run("quoll", ["-server", address, "export", "-resume", "/there", back], "", suite.dir);
    assert.equal(again.exitCode, 0, again.err);
    assert.equal(readFileSync(back, "utf8"), whole);
  });
  await server.stop();
}

function recordsOf(file: string): string[] {
  return readFileSync(file, "utf8").split("\n").slice(1, -2);
}

function sizeOf(file: string): number {
  try {
    return readFileSync(file).length;
  } catch {
    return 0;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("it never came to that");
    await sleep(20);
  }
}
