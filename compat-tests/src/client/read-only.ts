import { strict as assert } from "node:assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@quoll/client";
import { freePort, type RunningServer, startServer } from "../peers/server.js";
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
      const zk = await connect(addresses.join(","), { sessionTimeoutMs: 6_000, readOnly: true }, { timeoutMs: 30_000 });
      await until("a session with the quorum", () => zk.state === "connected");
      await zk.create("/seen", "before");
      const states: string[] = [];
      zk.onStateChange(({ state }) => void states.push(state));
      await servers[1].kill();
      await until("read-only", () => zk.state === "connectedReadOnly");
      assert.equal((await zk.getData("/seen")).text(), "before");
      await assert.rejects(zk.setData("/seen", "x"), { code: "NotReadOnly", outcome: "refused" });
      servers[1] = await start(2);
      await until("a quorum", () => zk.state === "connected");
      await zk.setData("/seen", "after");
      assert.ok(states.indexOf("connectedReadOnly") < states.lastIndexOf("connected"));
      await zk.close();
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
    },
    properties: { "readonlymode.enabled": "true" },
    startTimeoutMs: 60_000,
  });
}
