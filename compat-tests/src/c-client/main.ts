// The C client, as Debian packages it (libzookeeper-mt-dev): compat-tests/c/client.c says what it does.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, PeerUnavailableError, REPOSITORY } from "../peers/cache.js";
import { startServer } from "../peers/server.js";
import { runSuite, runTestProgram } from "../suite.js";

await runSuite("c-client", async (suite) => {
  const program = compile();
  const options = {
    kind: suite.kind,
    dir: suite.dir,
    cfg: { tickTime: 500, extendedTypesEnabled: "true" },
    properties: {
      "znode.container.checkIntervalMs": 300,
      // super:test
      "zookeeper.DigestAuthenticationProvider.superDigest": "super:D/InIHSb7yEEbrWz8b9l71RjZJU=",
    },
  };
  let server = await startServer(options);
  await runTestProgram(suite, program, [`${server.host}:${server.port}`], {
    timeoutMs: 120_000,
    onRequest: async () => {
      await server.stop();
      server = await startServer({ ...options, cfg: { ...options.cfg, clientPort: server.port } });
    },
  });
  await server.stop();
});

function compile(): string {
  if (!existsSync("/usr/include/zookeeper/zookeeper.h") || !existsSync("/usr/bin/cc")) install("libzookeeper-mt-dev");
  const program = join(cacheFolder("c"), "client");
  const source = join(REPOSITORY, "compat-tests", "c", "client.c");
  const options = ["-DTHREADED", "-O1", "-Wall", "-o", program, source, "-lzookeeper_mt", "-lpthread"];
  execFileSync("cc", options, { stdio: ["ignore", "inherit", "inherit"] });
  return program;
}

/** Debian's package manager wants root; without it, whoever runs this has to install the package. */
function install(name: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    if (process.getuid?.() !== 0) throw new Error("not root");
    execFileSync("apt-get", ["update", "-qq"], { env, stdio: ["ignore", "ignore", "inherit"] });
    execFileSync("apt-get", ["install", "-y", "-qq", "gcc", "libc6-dev", name], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  } catch (error) {
    throw new PeerUnavailableError(`the package ${name} is missing and apt-get did not install it: ${error}`);
  }
}
