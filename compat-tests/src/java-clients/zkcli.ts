// zkCli (ZooKeeperMain 3.9.5): the same script is typed into it on both servers, and what it prints is compared.
import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../peers/cache.js";
import { logbackFile, zookeeperClasspath } from "../peers/java-zookeeper.js";
import { type ServerKind, startServer } from "../peers/server.js";
import { runSuite } from "../suite.js";

const SCRIPT = join(REPOSITORY, "compat-tests", "src", "java-clients", "zkcli-script.txt");
const TIMEOUT_MS = 120_000;

interface Transcript {
  /** What each command printed, in the order of the script; then what came after the last one. */
  readonly outputs: string[];
  /** What watchers printed, which falls anywhere between the outputs. */
  readonly events: string[];
}

let control: Transcript | null = null;

await runSuite("zkcli", async (suite) => {
  const commands = readFileSync(SCRIPT, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  control ??= await play(commands, "java", join(suite.dir, "control"));
  // On Java itself a second run shows that two runs can be compared at all.
  const transcript = await play(commands, suite.kind, join(suite.dir, "run"));
  for (const [i, command] of commands.entries()) {
    await suite.test(command, async () => assert.equal(transcript.outputs[i], control!.outputs[i]));
  }
  await suite.test("the end of the session", async () =>
    assert.deepEqual(transcript.outputs.at(-1), control!.outputs.at(-1)),
  );
  await suite.test("all watch events, in their order", async () =>
    assert.deepEqual(transcript.events, control!.events),
  );
});

/** Types the commands into zkCli on a new server, with a marker after each: a read of a znode that does not exist. */
async function play(commands: readonly string[], kind: ServerKind, dir: string): Promise<Transcript> {
  const server = await startServer({
    kind,
    dir,
    cfg: { extendedTypesEnabled: "true", enforceQuota: "true" },
    // super:test
    properties: { "zookeeper.DigestAuthenticationProvider.superDigest": "super:D/InIHSb7yEEbrWz8b9l71RjZJU=" },
  });
  const input = commands.map((command, i) => `${command}\nstat /marker-${i}\n`).join("");
  const output = await runZkCli(`${server.host}:${server.port}`, input);
  await server.stop();
  return parse(output, commands.length);
}

/** Gives what zkCli prints when `input` is typed into it; a failure when it does not end by itself. */
function runZkCli(server: string, input: string): Promise<string> {
  const logback = `-Dlogback.configurationFile=${logbackFile("WARN")}`;
  const args = ["-Xmx256m", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", logback, "-cp", zookeeperClasspath()];
  const main = ["org.apache.zookeeper.ZooKeeperMain", "-server", server];
  return new Promise((resolve, reject) => {
    const child = execFile(
      "sh",
      // Both of its streams have to arrive in one, in the order of writing.
      ["-c", 'exec java "$@" 2>&1', "sh", ...args, ...main],
      {
        timeout: TIMEOUT_MS,
        maxBuffer: 16_000_000,
        env: { ...process.env, TERM: "dumb", TZ: "UTC", LC_ALL: "C.UTF-8" },
      },
      (error, output) => {
        process.off("exit", kill);
        if (error === null) resolve(output);
        else reject(new Error(`zkCli failed (${error.message}) after printing:\n${output.slice(-2000)}`));
      },
    );
    const kill = () => child.kill("SIGKILL");
    process.on("exit", kill);
    child.stdin!.end(input);
  });
}

function parse(output: string, count: number): Transcript {
  // A watcher prints its three lines at any moment, after the prompt too.
  const lines = output.replace(/\[zk: \S+\(\w+\) \d+\] /g, "").split("\n");
  const events = lines.filter((line) => line.startsWith("WatchedEvent "));
  const rest = lines
    .filter((line) => line !== "" && line !== "WATCHER::" && !line.startsWith("WatchedEvent "))
    .join("\n");
  const outputs: string[] = [];
  let start = 0;
  for (let i = 0; i < count; i++) {
    const marker = new RegExp(`^.*Node does not exist: /marker-${i}$`, "m").exec(rest.slice(start));
    if (marker === null) break;
    outputs.push(map(rest.slice(start, start + marker.index)));
    start += marker.index + marker[0].length + 1;
  }
  outputs.push(map(rest.slice(start)));
  return { outputs, events: events.map(map) };
}

/** Takes out what differs between two runs: clock times, session ids, ports, and the order of a list of paths (a Java set's). */
function map(text: string): string {
  return text
    .replace(/^(.time) = .*$/gm, "$1 = TIME")
    .replace(/^\[(\/.*)\]$/gm, (_, paths: string) => `[${paths.split(", ").sort().join(", ")}]`)
    .replace(/0x[0-9a-f]{10,}/g, "SESSION")
    .replace(/127\.0\.0\.1:\d+/g, "SERVER")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+/g, "TIME");
}
