// `quoll cli` beside zkCli 3.9.5, on both servers: the same lines typed into both, and the same commands run by both.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { wordsOf } from "quoll/internal";
import { REPOSITORY } from "../peers/cache.js";
import { type RunningServer, startServer } from "../peers/server.js";
import { runSuite, type Suite } from "../suite.js";
import { compareParts } from "./parts.js";
import { mapped, type Output, play, run, type ShellKind } from "./play.js";
import { testTerminal } from "./terminal.js";
import { testTls } from "./tls.js";
import { testTransfers } from "./transfers.js";

const FOLDER = join(REPOSITORY, "compat-tests", "src", "shell");

await runSuite("shell", async (suite) => {
  if (suite.kind === "java") await compareParts(suite);
  await compareTranscripts(suite);
  await compareCommands(suite);
  await testTls(suite);
  await testTransfers(suite);
  await testTerminal(suite);
});

/** A line that begins with a tilde must differ: docs/divergence.md says how. */
function linesOf(file: string): Array<{ line: string; mustDiffer: boolean }> {
  return readFileSync(join(FOLDER, file), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => (line.startsWith("~ ") ? { line: line.slice(2), mustDiffer: true } : { line, mustDiffer: false }));
}

function server(suite: Suite, name: string): Promise<RunningServer> {
  return startServer({
    kind: suite.kind,
    dir: join(suite.dir, name),
    cfg: { extendedTypesEnabled: "true", enforceQuota: "true", "4lw.commands.whitelist": "*" },
    // super:test
    properties: { "zookeeper.DigestAuthenticationProvider.superDigest": "super:D/InIHSb7yEEbrWz8b9l71RjZJU=" },
  });
}

async function compareTranscripts(suite: Suite): Promise<void> {
  const lines = linesOf("transcript.txt");
  const transcript = async (kind: ShellKind) => {
    const { host, port, stop } = await server(suite, `transcript-${kind}`);
    const commands = lines.map(({ line }) => line);
    const played = await play(kind, `${host}:${port}`, commands, suite.dir);
    await stop();
    return played;
  };
  const [java, ours] = await Promise.all([transcript("zkcli"), transcript("quoll")]);
  for (const [i, { line, mustDiffer }] of lines.entries()) {
    await suite.test(`${mustDiffer ? "differs as documented" : "typed"}: ${line}`, async () => {
      const [a, b] = [java, ours].map(({ outs, errs }) => ({ out: outs[i], err: errs[i] }));
      if (mustDiffer) assert.notDeepEqual(b, a);
      else assert.deepEqual(b, a);
    });
  }
  await suite.test("all events of the typed lines, in their order", async () => {
    assert.deepEqual(ours.events, java.events);
  });
  await suite.test("the exit code is that of the last line", async () => {
    assert.equal(ours.exitCode, java.exitCode);
  });
}

/** One process for each command; a folder of znodes for each shell, since both run on one server. */
async function compareCommands(suite: Suite): Promise<void> {
  const { host, port, stop } = await server(suite, "commands");
  for (const { line: marked, mustDiffer } of linesOf("commands.txt")) {
    const line = marked.replace(/^\? /, "");
    const mayConnect = line !== marked;
    await suite.test(`${mustDiffer ? "differs as documented" : "run"}: ${line}`, async () => {
      const outputOf = async (kind: ShellKind): Promise<Output & { events: string[] }> => {
        const words = wordsOf(line.replaceAll("SERVER", `${host}:${port}`).replaceAll("/DIR", `/${kind}`));
        const { out, err, exitCode } = await run(kind, words, "", suite.dir);
        const own = (text: string) =>
          mapped(text.replaceAll(`/${kind}`, "/DIR")).replace(/^(.Zxid = |.*zxid: ).*/gm, "$1");
        // Java's events come from a thread of their own, anywhere between the lines.
        const events = mayConnect ? [] : [...out.matchAll(/^WatchedEvent .*/gm)].map(([event]) => own(event));
        const rest = out.replace(/\n(?:WATCHER::|WatchedEvent .*)\n/g, "");
        return { out: own(rest), err: own(err), exitCode, events };
      };
      const [java, ours] = await Promise.all([outputOf("zkcli"), outputOf("quoll")]);
      if (mustDiffer) assert.notDeepEqual(ours, java);
      else assert.deepEqual(ours, java);
    });
  }
  await stop();
}
