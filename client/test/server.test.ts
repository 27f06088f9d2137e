import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Installation, type ServerProcess } from "../../server/test/support/server-process.js";
import { connect, createClient, nodePlatform, op, WatchQueue } from "../src/index.js";

// Sockets and processes. What a client does in all circumstances is tested in simulated time, beside this.

let installation: Installation;
let process_: ServerProcess;
let address: string;

beforeAll(async () => {
  const port = await freePort();
  installation = new Installation(port);
  process_ = await installation.start();
  address = `localhost:${port}`;
}, 60_000);

afterAll(() => installation.remove());

describe("against a server", () => {
  it("reads what it has written, in many forms", async () => {
    const zk = await connect(address, { sessionTimeoutMs: 5_000 });
    const [path, stat] = await zk.multi([op.create("/forms", "1"), op.setData("/forms", "2")]);
    expect([path, stat.version]).toEqual(["/forms", 1]);
    const big = new Uint8Array(1_000_000).map((_, i) => i);
    await zk.setData("/forms", big);
    // Not toEqual: it takes so long that the session expires.
    expect(Buffer.from((await zk.getData("/forms")).data ?? []).equals(big)).toBe(true);
    expect(await zk.multiRead([op.getChildren("/forms"), op.getData("/none")])).toMatchObject([[], { code: "NoNode" }]);
    await zk.close();
    expect(zk.state).toBe("closed");
  });

  it("survives kill -9 and a restart in the same session, with its watches", async () => {
    const zk = await connect(address, { sessionTimeoutMs: 10_000 });
    const { session } = zk;
    await zk.create("/held", "1", { mode: "ephemeral" });
    const events = new WatchQueue();
    await zk.addWatch("/", "persistentRecursive", events);
    process_.signal("SIGKILL");
    await process_.ended;
    const waiting = zk.setData("/held", "2", { session: session ?? undefined });
    const outcome = waiting.then(
      () => "done",
      (error) => error.outcome,
    );
    process_ = await installation.start();
    expect((await events.next()).value).toMatchObject({ type: "Gap", path: "/" });
    expect(["done", "unknown"]).toContain(await outcome);
    expect(zk.session).toBe(session);
    expect((await zk.exists("/held"))?.ephemeralOwner).toBe(session?.id);
    await zk.create("/after");
    for await (const { path, type } of events) {
      if (path !== "/after") continue;
      expect(type).toBe("NodeCreated");
      break;
    }
    await zk.close();
  });
});

describe("on Node's sockets", () => {
  it("a server that takes and never reads fills the socket, and then requests wait here", async () => {
    const sockets: Socket[] = [];
    const { server, port } = await listen((socket) => {
      sockets.push(socket);
      socket.once("data", () => {
        // ConnectResponse{0, 30000, session 1, 16 zeros, false}; from then on it is deaf.
        socket.write(Buffer.from(`00000025000000000000753000000000000000010000001${"0".repeat(33)}00`, "hex"));
        socket.pause();
      });
    });
    const zk = await connect(`127.0.0.1:${port}`, { inFlightMax: 1_000, operationTimeoutMs: 0 });
    const data = new Uint8Array(1_000_000);
    let unsent = 0;
    for (let i = 0; i < 60; i++) {
      zk.setData("/a", data).catch(({ outcome }) => {
        if (outcome === "notSent") unsent++;
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    zk.detach();
    await zk.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(unsent).toBeGreaterThan(40);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("what went wrong is told in words", async () => {
    const reasons: string[] = [];
    const zk = createClient("no-such-host.invalid:1,127.0.0.1:1", { log: (text) => void reasons.push(text) });
    await expect(zk.connected({ timeoutMs: 500 })).rejects.toMatchObject({ code: "OperationTimeout" });
    await zk.close();
    expect(reasons.some((text) => text.startsWith("no-such-host.invalid:1: getaddrinfo"))).toBe(true);
    expect(reasons.some((text) => text.startsWith("127.0.0.1:1: connect ECONNREFUSED"))).toBe(true);
  });

  it("a connection that was closed calls nobody any more", async () => {
    const { server, port } = await listen((socket) => void socket.end("late"));
    const calls: string[] = [];
    const tell = (name: string) => () => void calls.push(name);
    const handler = {
      opened: tell("opened"),
      received: tell("received"),
      drained: tell("drained"),
      closed: tell("closed"),
    };
    nodePlatform().connect({ host: "127.0.0.1", port }, handler).close();
    await new Promise<void>((resolve) => {
      const other = { ...handler, opened: () => undefined, received: () => undefined, closed: () => resolve() };
      nodePlatform().connect({ host: "localhost", port }, other);
    });
    expect(calls).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
  });
});

async function listen(accept: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return { server, port: address.port };
}

async function freePort(): Promise<number> {
  const { server, port } = await listen(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
