import { readdirSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { afterEach, expect, test } from "vitest";
import { CLOSE, create, exists, Flag, getChildren, getData, type Request, setData } from "../core/requests.js";
import { ConnectionLost, RawClient, type Reply } from "../support/raw-client.js";
import { fourLetterWord, Installation } from "../support/server-process.js";

let nextPort = 26_100;
const installations: Installation[] = [];

function installation(...settings: string[]): Installation {
  const made = new Installation(nextPort++, settings);
  installations.push(made);
  return made;
}

afterEach(async () => {
  for (const made of installations.splice(0)) await made.remove();
});

function ask(client: RawClient, { type, body }: Request): Promise<Reply> {
  return client.request(type, body);
}

/** Writes without end, `depth` requests at a time, until the connection is lost; remembers what was acknowledged. */
class Writers {
  /** Names of the znodes whose creation was acknowledged, and how many times their data was. */
  readonly acknowledged = new Map<string, number>();
  private count = 0;

  constructor(private readonly prefix: string) {}

  async run(client: RawClient, depth: number): Promise<void> {
    const writers = Array.from({ length: depth }, () => this.write(client));
    await Promise.all(writers);
  }

  private async write(client: RawClient): Promise<void> {
    try {
      for (;;) {
        const name = `${this.prefix}${this.count++}`;
        const created = await ask(client, create(`/${name}`, { data: "0" }));
        if (created.err !== 0) throw new Error(`create answered ${created.err}`);
        this.acknowledged.set(name, 0);
        const set = await ask(client, setData(`/${name}`, "1"));
        if (set.err !== 0) throw new Error(`setData answered ${set.err}`);
        this.acknowledged.set(name, 1);
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    }
  }
}

/** What of the acknowledged is not there. */
async function missing(client: RawClient, acknowledged: ReadonlyMap<string, number>): Promise<string[]> {
  const replies = [...acknowledged].map(async ([name, version]) => {
    const { err, body } = await ask(client, getData(`/${name}`));
    if (err !== 0) return `${name}: ${err}`;
    const data = new TextDecoder().decode(body.buffer()!);
    return Number(data) >= version ? "" : `${name} is "${data}", acknowledged was "${version}"`;
  });
  return (await Promise.all(replies)).filter((text) => text !== "");
}

test("a server starts on an empty directory and gives a session", async () => {
  const here = installation();
  const startedAt = performance.now();
  await here.start();
  const client = await RawClient.connect(here.port);
  console.log(`from the start of the process to the first session: ${Math.round(performance.now() - startedAt)} ms`);
  expect(client.timeoutMs).toBe(10_000);
  expect((await ask(client, create("/a"))).err).toBe(0);
});

test("every acknowledged write is there after kill -9 at any moment, through several rounds", {
  timeout: 120_000,
}, async () => {
  const here = installation("snapCount=200", "maxClientCnxns=0");
  const acknowledged = new Map<string, number>();
  for (let round = 0; round < 5; round++) {
    const server = await here.start();
    const clients = await Promise.all([0, 1, 2].map(() => RawClient.connect(here.port)));
    expect(await missing(clients[0]!, acknowledged)).toEqual([]);
    const writers = clients.map((_, i) => new Writers(`r${round}c${i}n`));
    const running = clients.map((client, i) => writers[i]!.run(client, 20));
    // The moment is told by the work done, not by a clock.
    const enough = 50 + 373 * round;
    while (writers.reduce((sum, { acknowledged: { size } }) => sum + size, 0) < enough) {
      await ask(clients[0]!, exists("/"));
    }
    server.signal("SIGKILL");
    await Promise.all(running);
    expect(await server.ended).toEqual({ code: null, signal: "SIGKILL" });
    for (const writer of writers) for (const [name, version] of writer.acknowledged) acknowledged.set(name, version);
  }
  await here.start();
  const client = await RawClient.connect(here.port);
  expect(await missing(client, acknowledged)).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(1000);
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s under load loses nothing, and the process ends with exit code 0",
  async (signal) => {
    const here = installation("snapCount=500");
    const server = await here.start();
    const idle = await RawClient.connect(here.port);
    const clients = await Promise.all([0, 1, 2].map(() => RawClient.connect(here.port)));
    const writers = clients.map((_, i) => new Writers(`c${i}n`));
    const running = clients.map((client, i) => writers[i]!.run(client, 50));
    while (writers[0]!.acknowledged.size < 200) await ask(idle, exists("/"));
    const signalledAt = performance.now();
    server.signal(signal);
    const ended = await server.ended;
    console.log(`from ${signal} to the end: ${Math.round(performance.now() - signalledAt)} ms`);
    expect(ended, server.output).toEqual({ code: 0, signal: null });
    await Promise.all([...running, idle.closed]);
    const restarted = await here.start();
    const client = await RawClient.connect(here.port);
    for (const writer of writers) expect(await missing(client, writer.acknowledged)).toEqual([]);
    restarted.signal("SIGTERM");
    expect((await restarted.ended).code).toBe(0);
  },
);

test("SIGTERM ends an idle server whose clients are connected, and one that never had any", async () => {
  const here = installation();
  const lonely = await here.start();
  lonely.signal("SIGTERM");
  expect(await lonely.ended).toEqual({ code: 0, signal: null });
  const server = await here.start();
  const client = await RawClient.connect(here.port);
  server.signal("SIGTERM");
  expect(await server.ended).toEqual({ code: 0, signal: null });
  await client.closed;
});

test("sessions and ephemerals survive a crash, and go on with their passwords", async () => {
  const here = installation();
  const server = await here.start();
  const client = await RawClient.connect(here.port);
  await ask(client, create("/e", { flags: Flag.ephemeral }));
  server.signal("SIGKILL");
  await client.closed;
  await server.ended;
  await here.start();
  const eve = await RawClient.connect(here.port, { sessionId: client.sessionId });
  expect(eve.timeoutMs).toBe(0);
  const again = await RawClient.connect(here.port, client);
  expect(again.sessionId).toEqual(client.sessionId);
  expect((await ask(again, exists("/e"))).err).toBe(0);
  expect((await ask(again, CLOSE)).err).toBe(0);
  const other = await RawClient.connect(here.port);
  expect((await ask(other, exists("/e"))).err).toBe(-101);
});

test("ephemerals of a client that does not come back go after its timeout, counted from the restart", async () => {
  const here = installation();
  const server = await here.start();
  const client = await RawClient.connect(here.port, { timeoutMs: 1000 });
  expect(client.timeoutMs).toBe(1000);
  await ask(client, create("/e", { flags: Flag.ephemeral }));
  server.signal("SIGKILL");
  await server.ended;
  await here.start();
  const other = await RawClient.connect(here.port);
  const before = await ask(other, exists("/e"));
  expect(before.err).toBe(0);
  // With a watch one need not look again and again; the raw client drops events, so it looks.
  let polls = 0;
  while ((await ask(other, exists("/e"))).err === 0) polls++;
  expect(polls).toBeGreaterThan(0);
  const children = (await ask(other, getChildren("/"))).body;
  expect([children.int(), children.string()]).toEqual([1, "zookeeper"]);
});

test("a port in use ends the process with an exit code and a sentence, and the directory is free again", async () => {
  const here = installation();
  await here.start();
  const other = new Installation(here.port);
  installations.push(other);
  const refused = other.spawn();
  expect((await refused.ended).code).toBe(23);
  expect(refused.output).toContain("EADDRINUSE");
  expect((await other.spawn().ended).code).toBe(23);
});

test("a directory in use ends the second process with exit code 3, and the first goes on", async () => {
  const here = installation();
  await here.start();
  const client = await RawClient.connect(here.port);
  const second = here.spawn();
  expect((await second.ended).code).toBe(3);
  expect((await ask(client, create("/a"))).err).toBe(0);
});

test("a killed process gives port, directory and output back: the next one starts at once", async () => {
  const here = installation();
  for (let i = 0; i < 3; i++) {
    const server = await here.start();
    const client = await RawClient.connect(here.port);
    await ask(client, create(`/n${i}`));
    server.signal("SIGKILL");
    // `ended` waits for the output's end, as harnesses do.
    expect(await server.ended).toEqual({ code: null, signal: "SIGKILL" });
  }
  await here.start();
  expect(await fourLetterWord(here.port, "srvr")).toContain("Node count: 8");
});

test("with a small snapCount the log rolls and snapshots are written while clients write", async () => {
  const here = installation("snapCount=100");
  const server = await here.start();
  const client = await RawClient.connect(here.port);
  const writers = new Writers("n");
  const running = writers.run(client, 50);
  while (!server.output.includes("snapshot written") || writers.acknowledged.size < 1000)
    await ask(client, exists("/"));
  client.drop();
  await running;
  server.signal("SIGTERM");
  expect((await server.ended).code).toBe(0);
  const files = readdirSync(here.versionDirectory);
  expect(files.filter((name) => name.startsWith("log.")).length).toBeGreaterThan(3);
  expect(files.filter((name) => name.startsWith("snapshot.")).length).toBeGreaterThan(1);
  await here.start();
  const again = await RawClient.connect(here.port);
  expect(await missing(again, writers.acknowledged)).toEqual([]);
});

test("purge at the start leaves as many snapshots as asked for, and the logs that they need", async () => {
  const here = installation("snapCount=50", "autopurge.snapRetainCount=3", "autopurge.purgeInterval=1");
  const writers = new Writers("n");
  for (let round = 0; round < 5; round++) {
    const server = await here.start();
    const client = await RawClient.connect(here.port);
    const running = writers.run(client, 10);
    const goal = writers.acknowledged.size + 100;
    while (!server.output.includes("snapshot written") || writers.acknowledged.size < goal)
      await ask(client, exists("/"));
    client.drop();
    await running;
    server.signal("SIGTERM");
    expect((await server.ended).code).toBe(0);
  }
  const server = await here.start();
  await server.says("purged old snapshots and logs");
  const snapshots = readdirSync(here.versionDirectory).filter((name) => name.startsWith("snapshot."));
  expect(snapshots.length).toBe(3);
  server.signal("SIGKILL");
  await server.ended;
  await here.start();
  const again = await RawClient.connect(here.port);
  expect(await missing(again, writers.acknowledged)).toEqual([]);
});
