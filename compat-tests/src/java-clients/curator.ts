// Curator 5.9, with ZooKeeper's Java client 3.9.5 below it: compat-tests/java/curator says what it does.
import { compileJava } from "../peers/java-zookeeper.js";
import { mavenClasspath } from "../peers/maven.js";
import { startServer } from "../peers/server.js";
import { runSuite, runTestProgram } from "../suite.js";

const ARTIFACTS = [
  "org.apache.curator:curator-recipes:5.9.0",
  "org.apache.zookeeper:zookeeper:3.9.5",
  "io.dropwizard.metrics:metrics-core:4.1.12.1",
  "org.xerial.snappy:snappy-java:1.1.10.5",
  "org.slf4j:slf4j-nop:2.0.13",
];

await runSuite("curator", async (suite) => {
  const program = compileJava("curator", compileJava("harness", "") + mavenClasspath("curator-5.9", ARTIFACTS));
  const options = {
    kind: suite.kind,
    dir: suite.dir,
    cfg: { tickTime: 500, maxClientCnxns: 0, extendedTypesEnabled: "true" },
    properties: { "znode.container.checkIntervalMs": 300 },
  };
  let server = await startServer(options);
  await runTestProgram(
    suite,
    "java",
    ["-Xmx256m", "-cp", program, "quoll.CuratorTest", `${server.host}:${server.port}`],
    {
      timeoutMs: 240_000,
      onRequest: async () => {
        await server.stop();
        server = await startServer({ ...options, cfg: { ...options.cfg, clientPort: server.port } });
      },
    },
  );
  await server.stop();
});
