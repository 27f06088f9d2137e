import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Disk, FileHandle } from "../../core/storage/disk.js";
import { DiskError } from "../../core/storage/storage-error.js";

/** The machine's disk, by blocking system calls. For workers, and for the start of the process. */
export class NodeDisk implements Disk {
  list(directory: string): string[] {
    return call("list", directory, () => readdirSync(directory));
  }

  makeDirectory(directory: string): void {
    if (existsSync(directory)) return;
    const parent = dirname(directory);
    this.makeDirectory(parent);
    call("mkdir", directory, () => mkdirSync(directory, { recursive: true }));
    this.syncDirectory(parent);
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  size(path: string): number {
    return call("stat", path, () => statSync(path).size);
  }

  open(path: string, mode: "read" | "create" | "write"): FileHandle {
    const flags = mode === "read" ? "r" : mode === "create" ? "wx+" : "r+";
    return new NodeFile(
      path,
      call("open", path, () => openSync(path, flags)),
    );
  }

  rename(from: string, to: string): void {
    call("rename", from, () => renameSync(from, to));
  }

  remove(path: string): void {
    call("remove", path, () => rmSync(path));
  }

  syncDirectory(directory: string): void {
    // Windows cannot open a directory, and its file systems need no such call.
    if (process.platform === "win32") return;
    call("sync", directory, () => {
      const fd = openSync(directory, "r");
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  }
}

class NodeFile implements FileHandle {
  constructor(
    private readonly path: string,
    private readonly fd: number,
  ) {}

  read(position: number, into: Uint8Array, start: number, end: number): number {
    let at = start;
    try {
      while (at < end) {
        const count = readSync(this.fd, into, at, end - at, position + (at - start));
        if (count === 0) break;
        at += count;
      }
    } catch (error) {
      throw diskError("read", this.path, error);
    }
    return at - start;
  }

  write(position: number, bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    try {
      // A short write is not an error by itself: the call for the rest tells the reason.
      while (at < end) at += writeSync(this.fd, bytes, at, end - at, position + (at - start));
    } catch (error) {
      throw diskError("write", this.path, error);
    }
  }

  truncate(size: number): void {
    call("truncate", this.path, () => ftruncateSync(this.fd, size));
  }

  sync(): void {
    try {
      fdatasyncSync(this.fd);
    } catch (error) {
      throw diskError("sync", this.path, error);
    }
  }

  size(): number {
    return call("stat", this.path, () => fstatSync(this.fd).size);
  }

  close(): void {
    call("close", this.path, () => closeSync(this.fd));
  }
}

function call<T>(operation: string, path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw diskError(operation, path, error);
  }
}

function diskError(operation: string, path: string, error: unknown): DiskError {
  const code = (error as NodeJS.ErrnoException).code;
  return new DiskError(operation, path, code ?? String(error), error);
}
