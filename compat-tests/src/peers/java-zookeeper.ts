import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, PeerUnavailableError, REPOSITORY } from "./cache.js";
import { mavenClasspath } from "./maven.js";

/** ZooKeeper's own artifact does not name what its server needs at run time, so that stands beside it. */
const RUNTIME_ARTIFACTS = [
  "ch.qos.logback:logback-classic:1.3.15",
  "org.xerial.snappy:snappy-java:1.1.10.5",
  "io.dropwizard.metrics:metrics-core:4.1.12.1",
  "org.eclipse.jetty:jetty-server:9.4.58.v20250814",
  "org.eclipse.jetty:jetty-servlet:9.4.58.v20250814",
  "com.fasterxml.jackson.core:jackson-databind:2.15.2",
  "commons-cli:commons-cli:1.5.0",
  "commons-io:commons-io:2.17.0",
  "org.jline:jline:3.25.1",
];

/** The class path on which ZooKeeper's server, shell and tools run. */
export function zookeeperClasspath(version = "3.9.5"): string {
  return mavenClasspath(`zookeeper-${version}`, [`org.apache.zookeeper:zookeeper:${version}`, ...RUNTIME_ARTIFACTS]);
}

/**
 * Compiles the Java programs of `compat-tests/java/FOLDER` against a class path, once per change of their sources.
 * @returns the class path, with the compiled programs in front
 */
export function compileJava(folder: string, classpath: string): string {
  const sourceFolder = join(REPOSITORY, "compat-tests", "java", folder);
  const sources = readdirSync(sourceFolder)
    .filter((file) => file.endsWith(".java"))
    .map((file) => join(sourceFolder, file));
  const hash = createHash("sha256").update(classpath);
  for (const source of sources) hash.update(readFileSync(source));
  const wanted = hash.digest("hex");
  const target = cacheFolder("java", folder);
  const stamp = join(target, "stamp");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    rmSync(target, { recursive: true });
    mkdirSync(target);
    try {
      execFileSync("javac", ["-nowarn", "-cp", classpath, "-d", target, ...sources], {
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      throw new PeerUnavailableError(`javac failed: ${(error as { stderr?: Buffer }).stderr?.toString() ?? error}`);
    }
    writeFileSync(stamp, wanted);
  }
  return `${target}:${classpath}`;
}

/**
 * A logback file for Java's servers: one line per event on standard output.
 * @param level - the lowest level shown
 */
export function logbackFile(level: "DEBUG" | "INFO" | "WARN"): string {
  const file = join(cacheFolder("logback"), `${level}.xml`);
  const text = [
    "<configuration>",
    '<appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">',
    "<encoder><pattern>%d{HH:mm:ss.SSS} %-5p %c{0} - %m%n</pattern></encoder></appender>",
    `<root level="${level}"><appender-ref ref="OUT"/></root></configuration>`,
  ].join("\n");
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
  return file;
}
