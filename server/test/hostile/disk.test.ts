import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OpCode } from "../../src/core/op-code.js";
import { frame } from "./frames.js";
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

/** A file system of its own at `dir/data`. */
async function onSmallDisk(megabytes: number, body: (data: string) => Promise<void>): Promise<void> {
  const data = join(dir, "data");
  mkdirSync(data);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", data]);
  try {
    await body(data);
  } finally {
    spawnSync("umount", ["-l", data]);
  }
}

const OTHERS_FILE = "somebody-elses";

/** Takes all room that is left. @returns what gives it back */
function fill(data: string): () => void {
  const file = join(data, OTHERS_FILE);
  spawnSync("dd", ["if=/dev/zero", `of=${file}`, "bs=64k"]);
  return () => rmSync(file);
}

test.skipIf(!isRoot)(
  "D33: with too little room left, writes wait, reads go on and no session ends; with room again, all goes on by itself (needs root)",
  () =>
    onSmallDisk(24, async (data) => {
      const server = await ServerProcess.start(dir, { lines: ["tickTime=200"] });
      const [writer, reader] = [await SocketClient.open(server.port, 3000), await SocketClient.open(server.port, 3000)];
      const acknowledged: string[] = [];
      const noRoom = server.says("too little room for the txn log").then(() => true);
      let waits = false;
      // Others take most of the disk, and the server what is left.
      const free = fill(data);
      execFileSync("truncate", ["-s", "12M", join(data, OTHERS_FILE)]);
      const under = new Uint8Array(100_000);
      while (!waits) {
        const path = `/n${acknowledged.length}`;
        const asked = writer.create(path, under);
        waits = await Promise.race([asked.then(() => false), noRoom]);
        if (!waits) acknowledged.push(path);
        expect(await reader.exists("/n0")).toBe(0);
      }
      expect(acknowledged.length).toBeGreaterThan(10);
      // Longer than the session's timeout.
      const until = performance.now() + 4000;
      let nextPingMs = performance.now();
      while (performance.now() < until) {
        expect(await reader.exists("/n0")).toBe(0);
        // Behind its write, this one gets no answers; but it is heard.
        if (performance.now() > nextPingMs) {
          nextPingMs += 100;
          writer.socket.write(frame(-2, OpCode.ping, new Uint8Array(0)));
        }
      }
      expect(server.child.exitCode).toBeNull();
      free();
      await server.says("there is room for the txn log again");
      expect(await reader.create("/after")).toBe(0);
      expect(await writer.exists("/after")).toBe(0);
      await expectAllThere(server, [...acknowledged, `/n${acknowledged.length}`]);
      writer.end();
      reader.end();
      expect(await server.stop()).toBe(0);
      const again = await ServerProcess.start(dir);
      await expectAllThere(again, [...acknowledged, `/n${acknowledged.length}`, "/after"]);
      expect(await again.stop()).toBe(0);
    }),
  60_000,
);

test.skipIf(!isRoot)(
  "D33: on a disk that others have nearly filled, a server starts, waits, and serves once there is room; on a full one it ends (needs root)",
  () =>
    onSmallDisk(8, async (data) => {
      const first = await ServerProcess.start(dir);
      const client = await SocketClient.open(first.port);
      expect(await client.create("/before")).toBe(0);
      client.end();
      first.child.kill("SIGKILL");
      await first.ended;
      const free = fill(data);
      const full = await ServerProcess.start(dir);
      expect((await full.ended).code).toBe(21);
      expect(full.lines().at(-1)!.msg).toMatch(/quoll\.lock: ENOSPC$/);
      execFileSync("truncate", ["-s", "-200K", join(data, OTHERS_FILE)]);
      const server = await ServerProcess.start(dir);
      const opening = SocketClient.open(server.port);
      await server.says("too little room for the txn log");
      free();
      const back = await opening;
      expect(await back.exists("/before")).toBe(0);
      expect(await back.create("/after")).toBe(0);
      back.end();
      expect(await server.stop()).toBe(0);
    }),
  60_000,
);

test.skipIf(!isRoot)(
  "D33: a server that waits for room can be stopped, and has acknowledged nothing of what waited (needs root)",
  () =>
    onSmallDisk(8, async (data) => {
      const server = await ServerProcess.start(dir);
      const client = await SocketClient.open(server.port);
      expect(await client.create("/before")).toBe(0);
      fill(data);
      const answers: Promise<number>[] = [];
      for (let i = 0; i < 100; i++) answers.push(client.create(`/n${i}`, new Uint8Array(20_000)));
      await server.says("too little room for the txn log");
      // What is waiting can't be made durable: that is no clean end, and says so.
      expect(await server.stop()).toBe(21);
      const codes = await Promise.all(answers);
      const acknowledged = codes.findIndex((code) => Number.isNaN(code));
      expect(codes.slice(acknowledged).every((code) => Number.isNaN(code))).toBe(true);
      rmSync(join(data, OTHERS_FILE));
      const again = await ServerProcess.start(dir);
      await expectAllThere(again, ["/before", ...codes.slice(0, acknowledged).map((_, i) => `/n${i}`)]);
      expect(await again.stop()).toBe(0);
    }),
  60_000,
);

test.skipIf(!isRoot)(
  "D33: without a reserve a full disk ends the server, and a start with room again has all that was acknowledged (needs root)",
  () =>
    onSmallDisk(2, async (data) => {
      const server = await ServerProcess.start(dir, { lines: ["quoll.diskReserveInMb=0"] });
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
    }),
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
  expect((await second.ended).code).toBe(23);
  const { port } = server;
  expect(second.lines().at(-1)!.msg).toBe(
    `cannot listen for clients on 127.0.0.1 port ${port} (EADDRINUSE): another process listens there. Stop it, or set another clientPort.`,
  );
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
