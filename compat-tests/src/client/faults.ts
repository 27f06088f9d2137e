import { strict as assert } from "node:assert";
import { isKeeperError, type ZooKeeper } from "@quoll/client";
import { Network } from "./network.js";
import { SESSION_MS, type Target, until } from "./target.js";

/** The server killed, paused, and cut off under the client. */
export async function faults(target: Target): Promise<void> {
  await target.test(
    "kill -9 and restart: the session goes on, nothing acknowledged is lost, nothing is done twice",
    async () => {
      const { states, zk } = await target.observe({ operationTimeoutMs: 0 });
      const root = await target.folder(zk, "killed");
      await zk.create(`${root}/e`, null, { mode: "ephemeral" });
      const { session } = zk;
      const writer = new Writer(zk, root);
      for (let round = 0; round < 2; round++) {
        const before = writer.acknowledged.length;
        await until("some writes", () => writer.acknowledged.length > before + 50);
        await target.server.kill();
        await until("a lost connection", () => zk.state !== "connected");
        await target.start();
      }
      const before = writer.acknowledged.length;
      await until("writes after the restart", () => writer.acknowledged.length > before + 50);
      await writer.stop();
      assert.equal(zk.session, session);
      assert.ok(!states().includes("expired"));
      assert.ok(await zk.exists(`${root}/e`));
      writer.check(await zk.getChildren(root));
    },
  );

  await target.test("reads that were on the wire when the server died are answered after the restart", async () => {
    const { states, zk } = await target.observe();
    const root = await target.folder(zk, "reads");
    process.kill(target.server.pid, "SIGSTOP");
    const reads = Array.from({ length: 100 }, () => zk.exists(root));
    const write = zk.setData(root, "1");
    const isUnknown = assert.rejects(write, { code: "ConnectionLoss", outcome: "unknown" });
    await new Promise((resolve) => setImmediate(resolve));
    await target.server.kill();
    await isUnknown;
    await target.start();
    for (const stat of await Promise.all(reads)) assert.ok(stat !== null);
    assert.deepEqual(states(), ["disconnected", "connected"]);
  });

  await target.test("a protected create finds its node after the server was killed in between", async () => {
    const { zk } = await target.observe({ operationTimeoutMs: 60_000 });
    const root = await target.folder(zk, "protected");
    const creates = Array.from({ length: 50 }, () =>
      zk.create(`${root}/n-`, null, { mode: "ephemeralSequential", protection: true }),
    );
    await creates[0];
    await target.server.kill();
    await target.start();
    const paths = await Promise.all(creates);
    assert.deepEqual(paths.map((path) => path.slice(root.length + 1)).sort(), (await zk.getChildren(root)).sort());
  });

  await target.test("a pause of the server shorter than the session is a disconnection at most", async () => {
    const { states, zk } = await target.observe();
    const { session } = zk;
    process.kill(target.server.pid, "SIGSTOP");
    await until("the disconnection", () => states().includes("disconnected"));
    process.kill(target.server.pid, "SIGCONT");
    await until("the connection", () => zk.isConnected);
    assert.equal(zk.session, session);
    assert.deepEqual(states(), ["disconnected", "connected"]);
    await zk.sync();
  });

  await target.test(
    "after a pause of the server longer than the session, what the client says is what the server says",
    async () => {
      const { changes, states, zk } = await target.observe();
      const id = zk.session?.id;
      await zk.create("/paused", null, { mode: "ephemeral" });
      process.kill(target.server.pid, "SIGSTOP");
      const pausedMs = performance.now();
      await until("the end of the pause", () => performance.now() - pausedMs > SESSION_MS * 1.5);
      process.kill(target.server.pid, "SIGCONT");
      await until("the connection", () => zk.isConnected);
      await until("one state of the ephemeral and the session", async () => {
        const lives = (await zk.exists("/paused"))?.ephemeralOwner === id;
        return lives === (zk.session?.id === id);
      });
      const expired = changes.filter(({ state }) => state === "expired");
      assert.equal(expired.length, zk.session?.id === id ? 0 : 1);
      assert.equal(states()[0], "disconnected");
    },
  );

  await target.test("a partition shorter than the session ends in the same session", async () => {
    const { network, states, zk } = await target.through();
    const { session } = zk;
    const root = await target.folder(zk, "short-partition");
    network.partition();
    const write = zk.setData(root, "1");
    await assert.rejects(write, { code: "ConnectionLoss", outcome: "unknown" });
    const silence = zk.session!.aliveUntilMs - performance.now();
    assert.ok(silence > 0, "the session may live still");
    network.heal();
    await until("the connection", () => zk.isConnected);
    assert.equal(zk.session, session);
    assert.deepEqual(states(), ["disconnected", "connected"]);
  });

  await target.test("a partition longer than the session ends in one expiry, and a new session", async () => {
    const { changes, network, states, zk } = await target.through();
    const other = await target.connect();
    const { session } = zk;
    assert.ok(session !== null);
    await zk.create("/partitioned", null, { mode: "ephemeral" });
    const ended: string[] = [];
    await zk.exists("/partitioned", { watch: ({ type }) => void ended.push(type) });
    network.partition();
    await until("the end of the ephemeral", async () => (await other.exists("/partitioned")) === null);
    assert.ok(session.aliveUntilMs < performance.now(), "the server waited for longer than the client had to assume");
    assert.ok(!states().includes("expired"), "nobody has told the client yet");
    const bound = zk.create("/bound", null, { session, timeoutMs: 0 });
    const isExpired = assert.rejects(bound, { code: "SessionExpired", outcome: "notSent" });
    await until("the disconnection", () => states().includes("disconnected"));
    network.heal();
    await until("the new session", () => zk.isConnected);
    await isExpired;
    assert.deepEqual(states(), ["disconnected", "expired", "connecting", "connected"]);
    assert.equal(changes.filter(({ state }) => state === "expired")[0].sessionId, session.id);
    assert.ok(session.signal.aborted && isKeeperError(session.signal.reason, "SessionExpired"));
    assert.deepEqual(ended, ["SessionEnded"]);
    assert.notEqual(zk.session?.id, session.id);
    await zk.sync();
  });

  await target.test("of several servers, one that goes away is replaced by another within the session", async () => {
    const networks = [
      await Network.open(target.server),
      await Network.open(target.server),
      await Network.open(target.server),
    ];
    const { states, zk } = await target.observe({}, networks.map(({ address }) => address).join(","));
    const { session } = zk;
    for (let i = 0; i < 3; i++) {
      const current = networks.find(({ address }) => address === zk.server);
      assert.ok(current !== undefined);
      const count = states().length;
      if (i === 1) current.partition();
      else await current.down();
      await until("the move", () => states().length === count + 2);
      assert.notEqual(zk.server, current.address);
      if (i === 1) current.heal();
      else await current.up();
      await zk.sync();
    }
    assert.equal(zk.session, session);
    assert.ok(!states().includes("expired"));
  });

  await target.test("a session is continued by another client, and not with a wrong password", async () => {
    const first = await target.connect();
    await first.create("/continued", null, { mode: "ephemeral" });
    const credentials = first.session?.credentials;
    assert.ok(credentials !== undefined);
    first.detach();
    const second = await target.connect({ session: credentials });
    assert.equal(second.session?.id, credentials.id);
    assert.equal((await second.exists("/continued"))?.ephemeralOwner, credentials.id);
    const wrong = { id: credentials.id, password: new Uint8Array(16).fill(7) };
    await assert.rejects(target.connect({ session: wrong, renewSession: false }), { code: "SessionExpired" });
  });

  await target.test("timeouts and aborts, with the server paused", async () => {
    const zk = await target.connect();
    process.kill(target.server.pid, "SIGSTOP");
    const controller = new AbortController();
    const timedOut = assert.rejects(zk.setData("/", "", { timeoutMs: 100 }), {
      code: "OperationTimeout",
      outcome: "unknown",
    });
    const aborted = assert.rejects(zk.getData("/", { signal: controller.signal }), { name: "AbortError" });
    await timedOut;
    controller.abort();
    await aborted;
    process.kill(target.server.pid, "SIGCONT");
    await zk.sync();
    assert.equal((await zk.getData("/")).stat.numChildren > 0, true);
  });
}

/** Creates nodes as fast as it goes, and keeps what was acknowledged. */
class Writer {
  readonly acknowledged: string[] = [];
  readonly unknown: string[] = [];
  private isOn = true;
  private readonly ended: Promise<unknown>;

  constructor(
    private readonly zk: ZooKeeper,
    private readonly root: string,
  ) {
    this.ended = Promise.all(Array.from({ length: 16 }, (_, i) => this.run(i)));
  }

  async stop(): Promise<void> {
    this.isOn = false;
    await this.ended;
  }

  /** Each acknowledged one is there; each that is there was acknowledged or of unknown outcome. */
  check(children: readonly string[]): void {
    const there = new Set(children);
    for (const name of this.acknowledged) assert.ok(there.has(name), `${name} was acknowledged and is lost`);
    const known = new Set([...this.acknowledged, ...this.unknown, "e"]);
    for (const name of children) assert.ok(known.has(name), `${name} was said not to be done`);
  }

  private async run(worker: number): Promise<void> {
    for (let i = 0; this.isOn; i++) {
      const name = `${worker}-${i}`;
      try {
        await this.zk.create(`${this.root}/${name}`);
        this.acknowledged.push(name);
      } catch (error) {
        assert.ok(isKeeperError(error, "ConnectionLoss") && error.outcome === "unknown", String(error));
        this.unknown.push(name);
      }
    }
  }
}
