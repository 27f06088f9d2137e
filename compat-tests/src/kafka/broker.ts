import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A Kafka broker as a process of its own; what it logs is in `DIR/broker.log`. */
export class Broker {
  private child: ChildProcess | null = null;
  private exited: Promise<void> = Promise.resolve();
  private readonly properties: string;

  constructor(
    private readonly classpath: string,
    private readonly dir: string,
    port: number,
    zooKeeper: string,
  ) {
    this.properties = join(dir, "server.properties");
    mkdirSync(dir, { recursive: true });
    const settings = {
      "broker.id": 0,
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      "log.dirs": join(dir, "data"),
      "zookeeper.connect": zooKeeper,
      "zookeeper.session.timeout.ms": 18_000,
      "offsets.topic.replication.factor": 1,
      "offsets.topic.num.partitions": 3,
      "group.initial.rebalance.delay.ms": 0,
      "file.delete.delay.ms": 1000,
      "num.network.threads": 1,
      "num.io.threads": 2,
    };
    writeFileSync(
      this.properties,
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(""),
    );
    writeFileSync(
      join(dir, "log4j.properties"),
      [
        "log4j.rootLogger=INFO, stdout",
        "log4j.appender.stdout=org.apache.log4j.ConsoleAppender",
        "log4j.appender.stdout.layout=org.apache.log4j.PatternLayout",
        "log4j.appender.stdout.layout.ConversionPattern=%d{HH:mm:ss.SSS} %-5p %c{1} - %m%n",
        "",
      ].join("\n"),
    );
    process.on("exit", () => this.child?.kill("SIGKILL"));
  }

  start(): void {
    const log = openSync(join(this.dir, "broker.log"), "a");
    const log4j = `-Dlog4j.configuration=file:${join(this.dir, "log4j.properties")}`;
    const args = ["-Xmx512m", "-XX:+UseSerialGC", log4j, "-cp", this.classpath, "kafka.Kafka", this.properties];
    const child = spawn("java", args, { cwd: this.dir, stdio: ["ignore", log, log] });
    closeSync(log);
    this.child = child;
    this.exited = new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("exit", () => resolve());
    });
  }

  /** A controlled shutdown, cut short after 30 s. */
  async stop(): Promise<void> {
    this.child?.kill("SIGTERM");
    const timer = setTimeout(() => this.child?.kill("SIGKILL"), 30_000);
    await this.exited;
    clearTimeout(timer);
    this.child = null;
  }
}
