// ZooKeeper's Java client of each minor version since 3.4, with one program (compat-tests/java/old) on one server.
import { compileJava, logbackFile } from "../peers/java-zookeeper.js";
import { mavenClasspath } from "../peers/maven.js";
import { startServer } from "../peers/server.js";
import { runSuite, runTestProgram } from "../suite.js";

// 3.4.13 and 3.4.14 cannot parse an address of Java 14 and newer.
const VERSIONS = ["3.4.12", "3.5.10", "3.6.4", "3.7.2", "3.8.4", "3.9.5"];

await runSuite("old-java-clients", async (suite) => {
  const harness = compileJava("harness", "");
  let server = await startServer({ kind: suite.kind, dir: suite.dir });
  for (const version of VERSIONS) {
    const classpath = mavenClasspath(`client-${version}`, artifactsOf(version));
    // Its source uses only what all versions have; compiled against each, since some return types differ.
    const program = compileJava("old", harness + classpath);
    await runTestProgram(
      suite,
      "java",
      [
        "-Xmx128m",
        `-Dlogback.configurationFile=${logbackFile("WARN")}`,
        "-cp",
        program,
        "quoll.OldClientTest",
        `${server.host}:${server.port}`,
        version,
      ],
      {
        timeoutMs: 60_000,
        onRequest: async () => {
          await server.stop();
          server = await startServer({ kind: suite.kind, dir: suite.dir, cfg: { clientPort: server.port } });
        },
      },
    );
  }
  await server.stop();
});

function artifactsOf(version: string): string[] {
  const client = `org.apache.zookeeper:zookeeper:${version}`;
  return version < "3.6"
    ? [client]
    : [client, "io.dropwizard.metrics:metrics-core:4.1.12.1", "org.xerial.snappy:snappy-java:1.1.10.5"];
}
