import { arch, freemem, homedir, hostname, type as osType, release, tmpdir, totalmem, userInfo } from "node:os";
import { FULL_VERSION } from "./version.js";

/** Node's names of architectures that Java calls otherwise. */
const JAVA_ARCH: Readonly<Record<string, string>> = { x64: "amd64", arm64: "aarch64", ia32: "i386" };

/**
 * What `envi` shows: ZooKeeper's keys in its order. Those about the Java machine tell about Node instead, so that tools
 * that print or compare them find every key.
 */
export function environment(): ReadonlyArray<readonly [key: string, value: string]> {
  const memory = process.memoryUsage();
  return [
    ["zookeeper.version", FULL_VERSION],
    ["host.name", hostname()],
    ["java.version", `Node.js ${process.versions.node}`],
    ["java.vendor", "<NA>"],
    ["java.home", "<NA>"],
    ["java.class.path", "<NA>"],
    ["java.library.path", "<NA>"],
    ["java.io.tmpdir", tmpdir()],
    ["java.compiler", "<NA>"],
    ["os.name", osType()],
    ["os.arch", JAVA_ARCH[arch()] ?? arch()],
    ["os.version", release()],
    ["user.name", userName()],
    ["user.home", homedir()],
    ["user.dir", process.cwd()],
    ["os.memory.free", megabytes(freemem())],
    ["os.memory.max", megabytes(totalmem())],
    ["os.memory.total", megabytes(memory.rss)],
  ];
}

/** A container may run under a uid that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "<NA>";
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / (1024 * 1024))}MB`;
}
