// Kafka 3.9 in ZooKeeper mode: a broker lives on the server; compat-tests/java/kafka says what happens to it.
import { join } from "node:path";
import { compileJava } from "../peers/java-zookeeper.js";
import { mavenClasspath } from "../peers/maven.js";
import { freePort, startServer } from "../peers/server.js";
import { runSuite, runTestProgram } from "../suite.js";
import { Broker } from "./broker.js";

const ARTIFACTS = ["org.apache.kafka:kafka_2.13:3.9.2", "org.slf4j:slf4j-reload4j:1.7.36"];

await runSuite("kafka", async (suite) => {
  const kafka = mavenClasspath("kafka-3.9", ARTIFACTS);
  const program = compileJava("kafka", compileJava("harness", "") + kafka);
  const serverOptions = { kind: suite.kind, dir: suite.dir };
  let server = await startServer(serverOptions);
  const restart = async () => {
    server = await startServer({ ...serverOptions, cfg: { clientPort: server.port } });
  };

  const brokerPort = await freePort();
  const broker = new Broker(kafka, join(suite.dir, "broker"), brokerPort, `${server.host}:${server.port}/kafka`);
  broker.start();
  const args = [
    "-Xmx256m",
    "-cp",
    program,
    "quoll.KafkaTest",
    `127.0.0.1:${brokerPort}`,
    `${server.host}:${server.port}`,
  ];
  await runTestProgram(suite, "java", args, {
    timeoutMs: 240_000,
    onRequest: async (word) => {
      if (word === "restart-server") {
        await server.stop();
        await restart();
      } else if (word === "kill-server") {
        await server.kill();
        await restart();
      } else if (word === "restart-broker") {
        await broker.stop();
        broker.start();
      } else throw new Error(`the program asks for ${word}`);
    },
  });
  await broker.stop();
  await server.stop();
});
