import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CONNECTION_OUTPUT_BYTES_MAX } from "../../src/core/limits.js";
import { OpCode } from "../../src/core/op-code.js";
import { ascii, frame, pathBoolBody, pathIntBody, setDataBody } from "./frames.js";
import { ServerProcess, SocketClient } from "./process.js";

const LARGE = 900_000;
/** The heap's own growth, the kernel's share and the noise of a measurement, beside what a connection may hold. */
const MEGABYTES_BESIDE = 100;

let dir: string;
let server: ServerProcess;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "quoll-deaf-"));
  server = await ServerProcess.start(dir, {
    lines: ["tickTime=500", "maxSessionTimeout=600000", "4lw.commands.whitelist=srvr"],
  });
});
afterEach(async () => {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

function residentMegabytes(): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))![1]) / 1024;
}

/** What `srvr` says; the connection that asks is one of them. */
function connections(): Promise<number> {
  return new Promise((resolve) => {
    let text = "";
    connect(server.port, "127.0.0.1", function (this: import("node:net").Socket) {
      this.write("srvr");
    })
      .on("data", (chunk) => {
        text += chunk;
      })
      .on("close", () => resolve(Number(/Connections: (\d+)/.exec(text)?.[1])));
  });
}

test.skipIf(process.platform !== "linux")(
  "a client that never reads large replies is left unread, and loses its session and connection (needs Linux)",
  async () => {
    const other = await SocketClient.open(server.port, 600_000);
    expect(await other.create("/large", new Uint8Array(LARGE))).toBe(0);
    const deaf = await SocketClient.open(server.port, 2000);
    deaf.socket.pause();
    const before = residentMegabytes();
    let most = 0;
    for (let xid = 1; xid <= 20_000; xid++)
      deaf.socket.write(frame(xid, OpCode.getData, pathBoolBody("/large", false)));
    while ((await connections()) > 2) {
      expect(await other.exists("/large")).toBe(0);
      most = Math.max(most, residentMegabytes() - before);
    }
    expect(most).toBeLessThan(MEGABYTES_BESIDE);
    expect(server.lines().map(({ msg }) => msg)).toContain(
      "session expired: its client did not read its replies for its timeout",
    );
    expect(await other.exists("/large")).toBe(0);
    deaf.end();
    other.end();
  },
  60_000,
);

test.skipIf(process.platform !== "linux")(
  "a client that never reads its watch events is closed before they fill the memory (needs Linux)",
  async () => {
    const other = await SocketClient.open(server.port, 600_000);
    const path = `/${"x".repeat(LARGE)}`;
    expect(await other.create(path)).toBe(0);
    const deaf = await SocketClient.open(server.port, 600_000);
    expect(await deaf.ask(OpCode.addWatch, pathIntBody("/", 1))).toBe(0);
    deaf.socket.pause();
    const before = residentMegabytes();
    const maxMegabytes = CONNECTION_OUTPUT_BYTES_MAX / (1 << 20);
    let most = 0;
    let written = 0;
    for (; (await connections()) > 2 && written < 200; written++) {
      expect(await other.ask(OpCode.setData, setDataBody(path, ascii("x")))).toBe(0);
      most = Math.max(most, residentMegabytes() - before);
    }
    expect(written).toBeGreaterThan(50);
    expect(written).toBeLessThan(200);
    expect(server.lines().map(({ msg }) => msg)).toContain("client does not read its watch events; connection closed");
    expect(most).toBeLessThan(maxMegabytes + MEGABYTES_BESIDE);
    expect(await other.create("/after")).toBe(0);
    deaf.end();
    other.end();
  },
  60_000,
);
