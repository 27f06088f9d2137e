import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect, isKeeperError, type ZooKeeper } from "@quoll/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const QUOLL = fileURLToPath(new URL("../bin/quoll.js", import.meta.url));
const HOST = "127.0.0.1";
const SIZE = 3;

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
      return server;
    }),
  );
  return servers.map((server) => {
    const { port } = server.address() as { port: number };
    server.close();
    return port;
  });
}

/** The first of so many ports in a row that are free, below those that the system gives to outgoing connections. */
async function freeRange(count: number): Promise<number> {
  for (let base = 10_000 + (process.pid % 1000) * 20; ; base = base > 31_000 ? 10_000 : base + count) {
    const free = await Promise.all(
      Array.from({ length: count }, (_, i) => {
        const server = createServer();
        return new Promise<boolean>((resolve) => {
          server.once("error", () => resolve(false));
          server.listen(base + i, HOST, () => server.close(() => resolve(true)));
        });
      }),
    );
    if (free.every(Boolean)) return base;
  }
}

/** The mode that a server shows, or "" while it does not serve. */
function modeAt(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connectTcp(port, HOST, () => socket.write("srvr"));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(/^Mode: (\S+)/m.exec(text)?.[1] ?? ""));
  });
}

async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isDone()); tries++) {
    if (tries > 600) throw new Error(`it does not come to this: ${what}`);
    await sleep(50);
  }
}

class Member {
  child: ChildProcess | null = null;
  constructor(
    readonly sid: number,
    readonly dir: string,
    readonly clientPort: number,
  ) {}

  get versionDir(): string {
    return join(this.dir, "data", "version-2");
  }

  start(): void {
    this.child = spawn(process.execPath, [QUOLL, "server", "--log-level", "warn", join(this.dir, "zoo.cfg")], {
      stdio: "ignore",
    });
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    this.child = null;
  }

  async serves(mode?: string): Promise<void> {
    await until(`server ${this.sid} serves`, async () => {
      const shown = await modeAt(this.clientPort);
      return mode === undefined ? shown !== "" : shown === mode;
    });
  }
}

describe("an ensemble of three processes", () => {
  const dir = mkdtempSync(join(tmpdir(), "quoll-ensemble-"));
  const members: Member[] = [];
  let zk: ZooKeeper;
  let written = 0;

  const leader = async (): Promise<Member> => {
    let found: Member | undefined;
    await until("somebody leads", async () => {
      for (const member of members) if ((await modeAt(member.clientPort)) === "leader") found = member;
      return found !== undefined;
    });
    return found!;
  };
  const follower = async (): Promise<Member> => {
    const led = await leader();
    return members.find((member) => member !== led)!;
  };
  /** Writes through whatever happens, until so many are acknowledged. */
  const write = async (count: number): Promise<void> => {
    for (let acked = 0; acked < count; ) {
      try {
        await zk.create(`/n-${written}`, `value ${written}`);
        acked++;
        written++;
      } catch (error) {
        if (isKeeperError(error, "NodeExists")) written++;
        else if (!isKeeperError(error, "ConnectionLoss")) throw error;
      }
    }
  };
  /** Every acknowledged write is there, with this server alone to ask. */
  const hasAll = async (member: Member): Promise<void> => {
    const client = await connect(`${HOST}:${member.clientPort}`, { sessionTimeoutMs: 10_000 });
    try {
      await client.sync();
      for (let n = 0; n < written; n++) expect((await client.getData(`/n-${n}`)).text()).toBe(`value ${n}`);
    } finally {
      await client.close();
    }
  };

  beforeAll(async () => {
    const ports = await freePorts(3 * SIZE);
    const lines = ["tickTime=200", "initLimit=50", "syncLimit=10", "maxSessionTimeout=60000"];
    for (let i = 0; i < SIZE; i++) {
      const [client, quorum, election] = ports.slice(3 * i);
      lines.push(`server.${i + 1}=${HOST}:${quorum}:${election}:participant;${HOST}:${client}`);
    }
    for (let i = 0; i < SIZE; i++) {
      const member = new Member(i + 1, join(dir, String(i + 1)), ports[3 * i]!);
      mkdirSync(join(member.dir, "data"), { recursive: true });
      writeFileSync(join(member.dir, "data", "myid"), String(i + 1));
      writeFileSync(join(member.dir, "zoo.cfg"), [...lines, `dataDir=${join(member.dir, "data")}`].join("\n"));
      members.push(member);
      member.start();
    }
    await Promise.all(members.map((member) => member.serves()));
    const addresses = members.map(({ clientPort }) => `${HOST}:${clientPort}`).join(",");
    zk = await connect(addresses, { sessionTimeoutMs: 6_000 });
  }, 60_000);

  afterAll(async () => {
    await zk.close();
    await Promise.all(members.map((member) => member.kill()));
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  test("when the leader is killed the others go on with every acknowledged write and the client's session", async () => {
    await write(30);
    const { session } = zk;
    const old = await leader();
    await old.kill();
    await write(30);
    old.start();
    await old.serves("follower");
    await hasAll(old);
    expect(zk.session).toBe(session);
  }, 60_000);

  test("a leader that is paused is replaced, and is a follower once it goes on", async () => {
    const old = await leader();
    old.child!.kill("SIGSTOP");
    await write(20);
    old.child!.kill("SIGCONT");
    await old.serves("follower");
    await hasAll(old);
  }, 60_000);

  test("D7: a member with damaged data takes the leader's state by itself, and sets its old files aside", async () => {
    const member = await follower();
    await member.kill();
    const log = readdirSync(member.versionDir)
      .filter((name) => name.startsWith("log."))
      .map((name) => join(member.versionDir, name))
      .find((path) =>
        readFileSync(path)
          .subarray(200, 400)
          .some((byte) => byte !== 0),
      )!;
    const bytes = readFileSync(log);
    bytes[250] ^= 0x55;
    writeFileSync(log, bytes);
    await write(5);
    member.start();
    await member.serves("follower");
    await hasAll(member);
    const names = readdirSync(member.versionDir);
    expect(names.filter((name) => name.startsWith("damaged.log."))).not.toEqual([]);
    expect(names).not.toContain("quoll.damaged");
  }, 60_000);

  test("a member whose disk was wiped takes everything from the leader", async () => {
    const member = await follower();
    await member.kill();
    rmSync(member.versionDir, { recursive: true });
    member.start();
    await member.serves("follower");
    await hasAll(member);
  }, 60_000);

  test("when all are killed at once, every acknowledged write is there after the restart", async () => {
    await write(20);
    await Promise.all(members.map((member) => member.kill()));
    for (const member of members) member.start();
    await Promise.all(members.map((member) => member.serves()));
    for (const member of members) await hasAll(member);
  }, 60_000);
});

describe("quoll ensemble", () => {
  const dir = mkdtempSync(join(tmpdir(), "quoll-ensemble-command-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "its servers serve, and are gone after its %s",
    async (signal) => {
      const base = await freeRange(12);
      const ports = [
        "--client-port",
        String(base),
        "--quorum-port",
        String(base + 4),
        "--election-port",
        String(base + 8),
      ];
      const child = spawn(process.execPath, [QUOLL, "ensemble", "--dir", join(dir, signal), ...ports], {
        stdio: "ignore",
      });
      const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
      const modes = async () => (await Promise.all([0, 1, 2].map((i) => modeAt(base + i)))).sort();
      await until("all three serve", async () => (await modes()).join() === "follower,follower,leader");
      expect(existsSync(join(dir, signal, "1", "zoo.cfg"))).toBe(true);
      child.kill(signal);
      const code = await gone;
      if (signal === "SIGTERM") expect(code).toBe(0);
      await until("none is left", async () => (await modes()).join() === ",,");
    },
    60_000,
  );
});
