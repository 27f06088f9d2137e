// From the command to a client's first session, on an empty directory. After a build: node cli/bench/start.js [times]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const quoll = fileURLToPath(new URL("../../bin/quoll", import.meta.url));
const times = Number(process.argv[2] ?? 10);

// A ConnectRequest: length 45, version 0, zxid 0, timeout 10 s, session 0, 16 bytes of password, not read-only.
const hello = Buffer.alloc(49);
hello.writeInt32BE(45, 0);
hello.writeInt32BE(10_000, 16);
hello.writeInt32BE(16, 28);

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Settles with the first answer, or null if nobody listens yet. */
function session(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(hello));
    socket.on("error", () => resolve(null));
    socket.on("data", (answer) => {
      socket.destroy();
      resolve(answer);
    });
  });
}

async function measure() {
  const directory = mkdtempSync(join(tmpdir(), "quoll-start-"));
  const port = await freePort();
  const startedAt = performance.now();
  const server = spawn(process.execPath, [quoll, "server", String(port), directory], { stdio: "ignore" });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  let answer = null;
  while (answer === null && server.exitCode === null) {
    answer = await session(port);
    if (answer === null) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const sessionMs = performance.now() - startedAt;
  const stopAt = performance.now();
  server.kill("SIGTERM");
  await ended;
  const stopMs = performance.now() - stopAt;
  rmSync(directory, { recursive: true });
  if (answer === null) throw new Error("the server did not start");
  return { sessionMs, stopMs };
}

const all = [];
for (let i = 0; i < times; i++) all.push(await measure());
for (const key of ["sessionMs", "stopMs"]) {
  const sorted = all.map((one) => one[key]).sort((a, b) => a - b);
  const [lowest, median, highest] = [0, sorted.length >> 1, sorted.length - 1].map((i) => sorted[i].toFixed(0));
  console.log(
    `${key === "sessionMs" ? "start to first session" : "SIGTERM to exit"}: median ${median} ms (${lowest} to ${highest}, ${times} times)`,
  );
}
