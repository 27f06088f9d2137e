import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "../src/ask.js";

const QUOLL = fileURLToPath(new URL("../../bin/quoll", import.meta.url));
const ANSWER_TIMEOUT_MS = 5000;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "quoll-cli-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a command that ends by itself. */
function quoll(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const env = {
    ...process.env,
    ZOO_LOG_DIR: join(dir, "logs"),
    SERVER_JVMFLAGS: "",
    JVMFLAGS: "",
    QUOLL_LOG_LEVEL: "info",
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [QUOLL, ...args], { cwd: dir, env, encoding: "utf8" });
  return { code: status, stdout, stderr };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function configFile(name: string, port: number): string {
  const path = join(dir, `${name}.cfg`);
  writeFileSync(path, `dataDir=${join(dir, name)}\nclientPortAddress=127.0.0.1\nclientPort=${port}\npreAllocSize=64\n`);
  return path;
}

/** Starts `quoll server` and waits until it says that it serves. */
async function serve(
  args: string[],
): Promise<{ ended: Promise<number | null>; kill: (signal: NodeJS.Signals) => void; output: () => string }> {
  const child = spawn(process.execPath, [QUOLL, "server", ...args], { cwd: dir, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const serving = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("serving clients on")) resolve();
    });
  });
  await Promise.race([serving, ended]);
  return { ended, kill: (signal) => void child.kill(signal), output: () => output };
}

describe("in the foreground", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "%s stops the server cleanly with exit code 0",
    async (signal) => {
      const port = await freePort();
      const server = await serve([configFile(signal, port)]);
      expect(await ask("srvr", "127.0.0.1", port, ANSWER_TIMEOUT_MS)).toMatch(
        /^Zookeeper version: 3\.9\.5-.*\n(.*\n)*Mode: standalone\n/,
      );
      server.kill(signal);
      expect(await server.ended).toBe(0);
      expect(server.output()).toContain('"msg":"stopped"');
    },
  );

  test("-D and JVM flags may stand anywhere before the file, as in ZooKeeper's own command line", async () => {
    const port = await freePort();
    const flags = [
      "-Xmx64m",
      "-cp",
      "x.jar",
      "-Dzookeeper.4lw.commands.whitelist=ruok",
      "-Dlog4j.configuration=file:x",
    ];
    const server = await serve([...flags, "org.apache.zookeeper.server.ZooKeeperServerMain", configFile("jvm", port)]);
    expect(await ask("ruok", "127.0.0.1", port, ANSWER_TIMEOUT_MS)).toBe("imok");
    server.kill("SIGTERM");
    expect(await server.ended).toBe(0);
    expect(server.output().match(/JVM flags have no effect here/g)).toHaveLength(1);
  });

  test("PORT DATADIR TICKTIME MAXCNXNS serves without a file", async () => {
    const port = await freePort();
    const server = await serve([String(port), join(dir, "operands"), "1000", "5"]);
    expect(await ask("srvr", "127.0.0.1", port, ANSWER_TIMEOUT_MS)).toContain("Mode: standalone");
    server.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  test("a wrong value ends the start with exit code 2 and its place", () => {
    const path = join(dir, "wrong.cfg");
    writeFileSync(path, "dataDir=/d\ntickTime=0\n");
    const { code, stdout, stderr } = quoll("server", path);
    expect(code).toBe(2);
    expect(stdout).toContain("wrong.cfg:2: tickTime is 0; it must be at least 1 ms (try tickTime=3000)");
    expect(stderr).toBe("Invalid config, exiting abnormally\n");
  });

  test("an unknown log level ends the start with exit code 2", () => {
    const { code, stderr } = quoll("server", "--log-level", "loud");
    expect(code).toBe(2);
    expect(stderr).toContain("--log-level is loud; it must be one of trace, debug");
  });

  test("a data directory that must exist and does not ends the start with exit code 3", async () => {
    const { code, stderr } = quoll(
      "server",
      "-Dzookeeper.datadir.autocreate=false",
      configFile("absent", await freePort()),
    );
    expect(code).toBe(3);
    expect(stderr).toBe("Unable to access datadir, exiting abnormally\n");
  });

  test("a port that is taken ends the start with exit code 23", async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
    });
    const { code, stdout } = quoll("server", configFile("taken", port));
    taken.close();
    expect(code).toBe(23);
    expect(stdout).toContain("EADDRINUSE");
  });
});

describe("in the background", () => {
  test("start, status, start again, stop, status, stop again speak zkServer.sh's words", async () => {
    const file = configFile("background", await freePort());
    const pidFile = join(dir, "background", "zookeeper_server.pid");
    try {
      expect(quoll("start", file)).toEqual({
        code: 0,
        stdout: "Starting zookeeper ... STARTED\n",
        stderr: `Using config: ${file}\n`,
      });
      const pid = Number(readFileSync(pidFile, "utf8"));
      expect(quoll("status", file)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          /^Client port found: \d+\. Client address: 127\.0\.0\.1\. Client SSL: false\.\nMode: standalone\n$/,
        ),
      });
      expect(quoll("start", file)).toMatchObject({
        code: 1,
        stdout: `Starting zookeeper ... already running as process ${pid}.\n`,
      });
      expect(quoll("restart", file)).toMatchObject({
        code: 0,
        stdout: "Stopping zookeeper ... STOPPED\nStarting zookeeper ... STARTED\n",
      });
      expect(Number(readFileSync(pidFile, "utf8"))).not.toBe(pid);
    } finally {
      expect(quoll("stop", file)).toMatchObject({ code: 0, stdout: "Stopping zookeeper ... STOPPED\n" });
    }
    expect(existsSync(pidFile)).toBe(false);
    expect(quoll("status", file)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("Error contacting service. It is probably not running.\n"),
    });
    expect(quoll("stop", file)).toMatchObject({
      code: 0,
      stdout: `Stopping zookeeper ... no zookeeper to stop (could not find file ${pidFile})\n`,
    });
  });

  test("a start that fails says so, with exit code 1", async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
    });
    const file = configFile("fails", port);
    const child = spawn(process.execPath, [QUOLL, "start", file], {
      cwd: dir,
      env: { ...process.env, ZOO_LOG_DIR: join(dir, "logs") },
    });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    const code = await new Promise((resolve) => child.on("close", resolve));
    taken.close();
    expect([code, stdout]).toEqual([1, "Starting zookeeper ... FAILED TO START\n"]);
  });

  test("a pid file of a process that is not a server is not believed", async () => {
    const file = configFile("stale", await freePort());
    const pidFile = join(dir, "stale.pid");
    writeFileSync(pidFile, String(process.pid));
    const env = { ...process.env, ZOOPIDFILE: pidFile };
    const { status, stdout } = spawnSync(process.execPath, [QUOLL, "stop", file], { cwd: dir, env, encoding: "utf8" });
    expect([status, stdout]).toEqual([0, "Stopping zookeeper ... STOPPED\n"]);
  });

  test("--config names the directory of a bare file name", async () => {
    configFile("bare", await freePort());
    expect(quoll("status", "--config", dir, "bare.cfg")).toMatchObject({
      code: 1,
      stderr: `Using config: ${join(dir, "bare.cfg")}\n`,
    });
  });
});

test("version names this server and ZooKeeper's version", () => {
  expect(quoll("version").stdout).toMatch(/^Quoll \d+\.\d+\.\d+, compatible with Apache ZooKeeper, version 3\.9\.5 /);
});

test("the version is the one of the workspaces", () => {
  const workspace = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../${name}/package.json`, import.meta.url), "utf8")).version;
  expect(quoll("version").stdout).toContain(`Quoll ${workspace("cli")},`);
  expect(workspace("server")).toBe(workspace("cli"));
});

test("help lists exactly the commands that exist, and each has help of its own", () => {
  const { stdout } = quoll("--help");
  const commands = [...stdout.split("Commands:\n")[1]!.matchAll(/^ {2}(\w+)/gm)].map((match) => match[1]);
  const serving = ["server", "ensemble", "start", "stop", "restart", "status", "version"];
  const offline = ["txnlog", "snapshot", "verify", "cleanup", "backup", "restore", "history", "diff"];
  expect(commands.sort()).toEqual([...serving, ...offline, "cli", "help"].sort());
  expect(quoll("server", "--help").stdout).toContain("Exit codes");
  expect(quoll("nonsense").code).toBe(1);
});
