import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "./directories.js";

/**
 * The process that uses a database just now, or null: by our lock, or by zkServer.sh's pid file. Both may be old, so the
 * process must exist; a Java server that was started otherwise can't be seen.
 */
export function holderOf({ snapDirectory, logDirectory, dataDir }: Database): number | null {
  const files = [
    join(snapDirectory, "quoll.lock"),
    join(logDirectory, "quoll.lock"),
    join(dataDir, "zookeeper_server.pid"),
  ];
  for (const file of files) {
    const pid = Number.parseInt(read(file), 10);
    if (pid > 0 && pid !== process.pid && isAlive(pid)) return pid;
  }
  return null;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
