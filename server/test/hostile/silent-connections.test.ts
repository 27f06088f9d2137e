import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ServerProcess, SocketClient } from "./process.js";

const CONNECTIONS = 10_000;
/** Two sockets for each connection: one here, one in the server, which inherits the limit. */
const [soft = 0] = spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).stdout.trim().split("\n").map(Number);
const isPossible = process.platform === "linux" && soft > CONNECTIONS + 500;

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

function openSilently(port: number, i: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.0.${2 + (i % 100)}`;
    const socket = connect({ port, host: "127.0.0.1", localAddress }, () => resolve(socket));
    socket.on("error", reject);
  });
}

test.skipIf(!isPossible)(
  `${CONNECTIONS} connections that never speak cost a few KB each, and others are served (needs Linux and ulimit -n above 10500)`,
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "quoll-silent-"));
    const server = await ServerProcess.start(dir);
    const client = await SocketClient.open(server.port);
    expect(await client.create("/before")).toBe(0);
    const before = residentMegabytes(server.child.pid!);
    const sockets: Socket[] = [];
    for (let i = 0; i < CONNECTIONS; i += 200) {
      sockets.push(...(await Promise.all(Array.from({ length: 200 }, (_, k) => openSilently(server.port, i + k)))));
    }
    expect(await client.create("/during")).toBe(0);
    const after = residentMegabytes(server.child.pid!);
    for (const socket of sockets) socket.destroy();
    expect(await client.create("/afterwards")).toBe(0);
    client.end();
    expect(await server.stop()).toBe(0);
    rmSync(dir, { recursive: true, force: true });
    expect((after - before) / CONNECTIONS).toBeLessThan(0.02);
  },
  60_000,
);
