import { strict as assert } from "node:assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@quoll/client";
import { fourLetterWord, freePort, type RunningServer, startServer } from "../peers/server.js";
import { type Target, until } from "./target.js";

/** A server without a quorum: what it allows, and how the client leaves it for a better one. */
export async function readOnly(target: Target): Promise<void> {
  await target.test("a server without a quorum is used for reading until there is one with", async () => {
    const ports: number[] = [];
    for (let i = 0; i < 9; i++) ports.push(await freePort());
    const members = [1, 2, 3].map((id) => [`server.${id}`, `127.0.0.1:${ports[id + 2]}:${ports[id + 5]}`] as const);
    const start = (id: number) => startMember(target, id, ports[id - 1], Object.fromEntries(members));
    const addresses = [1, 2, 3].map((id) => `127.0.0.1:${ports[id - 1]}`);
    const servers: RunningServer[] = await Promise.all([start(1), start(2)]);
    try {
      const writer = await connect(addresses.join(","), { sessionTimeoutMs: 6_000 }, { timeoutMs: 30_000 });
      await writer.create("/seen", "before");
      await writer.create("/held", null, { mode: "ephemeral" });
      const id = writer.session?.id;
      await servers[1].kill();
      await until("a server without a quorum", async () => {
        return (await fourLetterWord(servers[0].host, servers[0].port, "isro", 300)) === "ro";
      });
      // A session of the quorum waits for one to come back; a new one is the server's own.
      const zk = await connect(addresses.join(","), { sessionTimeoutMs: 6_000, readOnly: true }, { timeoutMs: 30_000 });
      assert.equal(zk.state, "connectedReadOnly");
      const own = zk.session;
      assert.equal((await zk.getData("/seen")).text(), "before");
      await assert.rejects(zk.setData("/seen", "x"), { code: "NotReadOnly", outcome: "refused" });
      let fired = 0;
      await zk.getData("/seen", { watch: () => fired++ });
      servers[1] = await start(2);
      await until("a quorum", () => zk.state === "connected");
      assert.ok(own?.signal.aborted && zk.session !== own);
      await zk.setData("/seen", "after");
      assert.equal(fired, 1);
      await until("the other session", () => writer.isConnected);
      assert.equal(writer.session?.id, id);
      await Promise.all([zk.close(), writer.close()]);
    } finally {
      await Promise.all(servers.map((server) => server.kill()));
    }
  });
}

function startMember(
  target: Target,
  id: number,
  clientPort: number,
  members: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const dir = join(target.suite.dir, `${target.name}-member-${id}`);
  mkdirSync(join(dir, "data"), { recursive: true });
  writeFileSync(join(dir, "data", "myid"), String(id));
  return startServer({
    kind: target.suite.kind,
    dir,
    cfg: {
      ...members,
      clientPort,
      tickTime: 500,
      initLimit: 10,
      syncLimit: 5,
      "4lw.commands.whitelist": "srvr,isro",
      "readonlymode.enabled": "true",
      // The only sessions that a server without a quorum can make.
      localSessionsEnabled: "true",
      localSessionsUpgradingEnabled: "true",
    },
    properties: { "readonlymode.enabled": "true" },
    startTimeoutMs: 60_000,
  });
}
