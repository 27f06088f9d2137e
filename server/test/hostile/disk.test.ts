import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServerProcess, SocketClient } from "./process.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "quoll-hostile-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Writes until the server is gone. @returns the paths that were acknowledged */
async function writeUntilTheEnd(client: SocketClient, data: Uint8Array): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let i = 0; i < 100_000; i++) {
    const path = `/n${i}`;
    const err = await client.create(path, data);
    if (Number.isNaN(err)) break;
    expect(err).toBe(0);
    acknowledged.push(path);
  }
  return acknowledged;
}

async function expectAllThere(server: ServerProcess, paths: readonly string[]): Promise<void> {
  const client = await SocketClient.open(server.port);
  for (const path of paths) expect(await client.exists(path), path).toBe(0);
  client.end();
}

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)(
  "a full disk ends the server, and a start with room again has all that was acknowledged (needs root)",
  async () => {
    const data = join(dir, "data");
    mkdirSync(data);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", data]);
    try {
      const server = await ServerProcess.start(dir);
      const client = await SocketClient.open(server.port);
      const acknowledged = await writeUntilTheEnd(client, new Uint8Array(20_000));
      const { code } = await server.ended;
      expect(code).toBe(21);
      expect(server.lines().at(-1)!.msg).toMatch(/^write .*log\.\w+: ENOSPC$/);
      expect(acknowledged.length).toBeGreaterThan(20);
      execFileSync("mount", ["-o", "remount,size=16m", data]);
      const again = await ServerProcess.start(dir);
      await expectAllThere(again, acknowledged);
      expect(await again.stop()).toBe(0);
    } finally {
      spawnSync("umount", ["-l", data]);
    }
  },
  60_000,
);

const hasStrace = spawnSync("strace", ["-f", "-o", "/dev/null", "true"]).status === 0;

test.skipIf(!hasStrace).each([
  ["write", "pwrite64", /^write .*: EIO$/],
  ["fsync", "fdatasync,fsync", /^sync .*: EIO$/],
])(
  "EIO on %s ends the server within a second; nothing is acknowledged after it (needs strace)",
  async (_, calls, message) => {
    // A directory with a snapshot, so that the calls counted are those of the txn log.
    const first = await ServerProcess.start(dir);
    expect(await first.stop()).toBe(0);
    const trace = join(dir, "trace");
    const fault = ["-e", `trace=${calls}`, "-e", `inject=${calls}:error=EIO:when=12+`];
    const server = await ServerProcess.start(dir, { before: ["strace", "-f", "-tt", "-o", trace, ...fault] });
    expect(server.output).toContain("serving");
    const client = await SocketClient.open(server.port);
    const acknowledged = await writeUntilTheEnd(client, new Uint8Array(100));
    expect(acknowledged.length).toBeGreaterThan(0);
    const goneAtMs = performance.now();
    const { code, atMs } = await server.ended;
    expect(code).toBe(21);
    expect(server.lines().at(-1)!.msg).toMatch(message);
    expect(Math.abs(atMs - goneAtMs)).toBeLessThan(1000);
    const again = await ServerProcess.start(dir);
    await expectAllThere(again, acknowledged);
    expect(await again.stop()).toBe(0);
  },
  60_000,
);

test("a second server on the same directory does not start, and says who has it", async () => {
  const server = await ServerProcess.start(dir);
  const second = await ServerProcess.start(dir);
  expect((await second.ended).code).toBe(3);
  expect(second.output).toContain(String(server.child.pid));
  const client = await SocketClient.open(server.port);
  expect(await client.create("/still-served")).toBe(0);
  client.end();
  expect(await server.stop()).toBe(0);
});

test("a second server on the same port does not start, says so, and leaves its own directory usable", async () => {
  const other = join(dir, "other");
  mkdirSync(other);
  const server = await ServerProcess.start(dir);
  const second = await ServerProcess.start(other, { port: server.port });
  expect((await second.ended).code).toBe(1);
  expect(second.output).toContain("EADDRINUSE");
  const third = await ServerProcess.start(other);
  const client = await SocketClient.open(third.port);
  expect(await client.create("/mine")).toBe(0);
  client.end();
  expect(await third.stop()).toBe(0);
  expect(await server.stop()).toBe(0);
});

test("a zoo.cfg that is a directory, empty, binary or cut off ends the start with exit code 2 or serves what it says", async () => {
  mkdirSync(join(dir, "directory.cfg"));
  writeFileSync(join(dir, "empty.cfg"), "");
  writeFileSync(
    join(dir, "binary.cfg"),
    Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) & 0xff),
  );
  writeFileSync(join(dir, "cut.cfg"), "tickTime=2000\ndataDir=");
  for (const name of ["directory", "empty", "binary", "cut", "missing"]) {
    const server = await ServerProcess.run(join(dir, `${name}.cfg`), 0);
    expect((await server.ended).code, name).toBe(2);
    expect(server.output, name).toContain(`${name}.cfg`);
  }
}, 60_000);
