import type { Disk, FileHandle } from "../disk.js";
import { parentOf } from "../path.js";
import { DiskError } from "../storage-error.js";
import { SECTOR_SIZE } from "../txn-log-format.js";

/** Decides what a crash leaves of something that was not synced. */
export type Survives = () => boolean;

/** Thrown instead of carrying out a call: the process, or the machine, ends here. */
export class Crash extends Error {}

/** What a call is replaced by. */
export type Fault = "crash-before" | "crash-after" | "EIO" | "ENOSPC" | "short-write";

/** The durable image and the cached one of a file's contents. Directory entries refer to it. */
class Inode {
  /** As the processes see it. */
  bytes = new Uint8Array(0);
  size = 0;
  /** As the medium has it. */
  syncedBytes = new Uint8Array(0);
  syncedSize = 0;
  /** Sectors that were written since the last sync. */
  readonly dirty = new Set<number>();

  resize(size: number): void {
    if (size > this.bytes.length) {
      const bytes = new Uint8Array(Math.max(size, 2 * this.bytes.length));
      bytes.set(this.bytes.subarray(0, this.size));
      this.bytes = bytes;
    }
    if (size < this.size) {
      this.bytes.fill(0, size, this.size);
      for (let sector = Math.floor(size / SECTOR_SIZE); sector * SECTOR_SIZE < this.size; sector++)
        this.dirty.add(sector);
    }
    this.size = size;
  }

  sync(): void {
    this.syncedBytes = this.bytes.slice(0, this.size);
    this.syncedSize = this.size;
    this.dirty.clear();
  }

  /** What the medium holds after a crash: any subset of the unsynced sectors, with the old size or the new one. */
  crash(survives: Survives): void {
    if (this.dirty.size === 0 && this.size === this.syncedSize) return;
    const size = this.size === this.syncedSize || survives() ? this.size : this.syncedSize;
    const bytes = new Uint8Array(Math.max(size, this.syncedSize));
    bytes.set(this.syncedBytes.subarray(0, Math.min(this.syncedSize, bytes.length)));
    for (const sector of this.dirty) {
      if (!survives()) continue;
      const start = sector * SECTOR_SIZE;
      const end = Math.min(start + SECTOR_SIZE, bytes.length);
      if (start < end) bytes.set(this.bytes.subarray(start, Math.min(end, this.bytes.length)), start);
    }
    this.bytes = bytes;
    this.size = size;
    bytes.fill(0, size);
    this.sync();
  }
}

/**
 * A disk in memory that forgets what was not synced. File contents survive by sectors of 512 bytes, in any subset;
 * creations, renames and removals survive by `syncDirectory`, or as any prefix of those made since. Any call can be made
 * to fail. Deterministic: what survives is decided by the function given to {@link cut}.
 */
export class FakeDisk implements Disk {
  private directories = new Map<string, Map<string, Inode>>();
  private syncedDirectories = new Map<string, Map<string, Inode>>();
  /** States of a directory since its last sync, oldest first. */
  private readonly history = new Map<string, Map<string, Inode>[]>();
  /** Calls made so far. */
  calls = 0;
  /** What was called, in order, for messages of failing tests. */
  readonly trace: string[] = [];
  private faultAt = -1;
  private faultPrefix: string | null = null;
  private fault: Fault = "EIO";
  private generation = 0;

  /** Makes the call with this number (counted from 0, as {@link calls} counts) fail. */
  failAt(call: number, fault: Fault): void {
    this.faultAt = call;
    this.fault = fault;
  }

  /** Makes the next call fail whose name in the {@link trace} starts so. */
  failAtNext(what: string, fault: Fault): void {
    this.faultAt = -1;
    this.faultPrefix = what;
    this.fault = fault;
  }

  /** The machine loses power: only what is durable, and what `survives` says of the rest, is there afterwards. */
  cut(survives: Survives): void {
    const directories = new Map<string, Map<string, Inode>>();
    for (const [path, synced] of this.syncedDirectories) {
      let entries = synced;
      for (const state of this.history.get(path) ?? []) {
        if (!survives()) break;
        entries = state;
      }
      directories.set(path, new Map(entries));
    }
    const inodes = new Set<Inode>();
    for (const entries of directories.values()) for (const inode of entries.values()) inodes.add(inode);
    for (const inode of inodes) inode.crash(survives);
    this.directories = directories;
    this.syncedDirectories = new Map([...directories].map(([path, entries]) => [path, new Map(entries)]));
    this.kill();
    this.history.clear();
  }

  /** The process ends: its handles are closed, all it wrote is still there. */
  kill(): void {
    this.faultAt = -1;
    this.faultPrefix = null;
    this.generation++;
  }

  /** A disk with the same contents, on which something else can be tried. */
  clone(): FakeDisk {
    const copies = new Map<Inode, Inode>();
    const copy = (inode: Inode): Inode => {
      let twin = copies.get(inode);
      if (twin === undefined) {
        twin = new Inode();
        twin.bytes = inode.bytes.slice();
        twin.size = inode.size;
        twin.syncedBytes = inode.syncedBytes.slice();
        twin.syncedSize = inode.syncedSize;
        for (const sector of inode.dirty) twin.dirty.add(sector);
        copies.set(inode, twin);
      }
      return twin;
    };
    const copyEntries = (entries: Map<string, Inode>) =>
      new Map([...entries].map(([name, inode]) => [name, copy(inode)]));
    const disk = new FakeDisk();
    for (const [path, entries] of this.directories) disk.directories.set(path, copyEntries(entries));
    for (const [path, entries] of this.syncedDirectories) disk.syncedDirectories.set(path, copyEntries(entries));
    for (const [path, states] of this.history) disk.history.set(path, states.map(copyEntries));
    return disk;
  }

  list(directory: string): string[] {
    return this.call(`list ${directory}`, () => [...this.entries(directory).keys()]);
  }

  makeDirectory(directory: string): void {
    this.call(`makeDirectory ${directory}`, () => {
      if (this.directories.has(directory)) return;
      this.directories.set(directory, new Map());
      this.syncedDirectories.set(directory, new Map());
    });
  }

  exists(path: string): boolean {
    return this.directories.has(path) || this.directories.get(parentOf(path))?.has(nameOf(path)) === true;
  }

  size(path: string): number {
    return this.call(`size ${path}`, () => this.inode(path).size);
  }

  open(path: string, mode: "read" | "create" | "write"): FileHandle {
    return this.call(`open ${path} ${mode}`, () => {
      const entries = this.entries(parentOf(path));
      const name = nameOf(path);
      if (mode === "create") {
        if (entries.has(name)) throw new DiskError("open", path, "EEXIST");
        this.change(parentOf(path), () => entries.set(name, new Inode()));
      }
      return new FakeFile(this, path, this.inode(path), this.generation);
    });
  }

  rename(from: string, to: string): void {
    this.call(`rename ${from} ${to}`, () => {
      const inode = this.inode(from);
      this.change(parentOf(to), () => {
        this.entries(parentOf(from)).delete(nameOf(from));
        this.entries(parentOf(to)).set(nameOf(to), inode);
      });
    });
  }

  remove(path: string): void {
    this.call(`remove ${path}`, () => {
      this.inode(path);
      this.change(parentOf(path), () => this.entries(parentOf(path)).delete(nameOf(path)));
    });
  }

  syncDirectory(directory: string): void {
    this.call(`syncDirectory ${directory}`, () => {
      this.syncedDirectories.set(directory, new Map(this.entries(directory)));
      this.history.delete(directory);
    });
  }

  /** The contents of a file, for checks and for damage; changing them changes both images, as a bad medium does. */
  contents(path: string): Uint8Array {
    const inode = this.inode(path);
    return inode.bytes.subarray(0, inode.size);
  }

  /** Replaces a file's contents durably, as a tool or a bad medium would. */
  put(path: string, bytes: Uint8Array): void {
    const directory = parentOf(path);
    if (!this.directories.has(directory)) this.makeDirectory(directory);
    const inode = new Inode();
    inode.resize(bytes.length);
    inode.bytes.set(bytes);
    inode.sync();
    this.entries(directory).set(nameOf(path), inode);
    this.syncedDirectories.get(directory)!.set(nameOf(path), inode);
  }

  /** @internal */
  call<T>(what: string, body: () => T, partly: (() => void) | null = null, generation = this.generation): T {
    if (generation !== this.generation) throw new Crash(`${what}: the process that opened this file is gone`);
    const number = this.calls++;
    this.trace.push(what);
    const isFault = number === this.faultAt || (this.faultPrefix !== null && what.startsWith(this.faultPrefix));
    if (!isFault) return body();
    this.faultPrefix = null;
    switch (this.fault) {
      case "crash-before":
        throw new Crash(what);
      case "crash-after":
        body();
        throw new Crash(what);
      case "short-write":
        partly?.();
        throw new DiskError(what, "", "ENOSPC");
      default:
        throw new DiskError(what, "", this.fault);
    }
  }

  private change(directory: string, body: () => void): void {
    body();
    const states = this.history.get(directory) ?? [];
    states.push(new Map(this.entries(directory)));
    this.history.set(directory, states);
  }

  private entries(directory: string): Map<string, Inode> {
    const entries = this.directories.get(directory);
    if (entries === undefined) throw new DiskError("open", directory, "ENOENT");
    return entries;
  }

  private inode(path: string): Inode {
    const inode = this.entries(parentOf(path)).get(nameOf(path));
    if (inode === undefined) throw new DiskError("open", path, "ENOENT");
    return inode;
  }
}

class FakeFile implements FileHandle {
  constructor(
    private readonly disk: FakeDisk,
    private readonly path: string,
    private readonly inode: Inode,
    private readonly generation: number,
  ) {}

  read(position: number, into: Uint8Array, start: number, end: number): number {
    const { inode } = this;
    const count = Math.max(0, Math.min(end - start, inode.size - position));
    into.set(inode.bytes.subarray(position, position + count), start);
    return count;
  }

  write(position: number, bytes: Uint8Array, start: number, end: number): void {
    const what = `write ${this.path} ${position}+${end - start}`;
    const part = (to: number) => this.store(position, bytes, start, to);
    this.call(
      what,
      () => part(end),
      () => part(start + ((end - start) >> 1)),
    );
  }

  truncate(size: number): void {
    this.call(`truncate ${this.path} ${size}`, () => this.inode.resize(size));
  }

  sync(): void {
    this.call(`sync ${this.path}`, () => this.inode.sync());
  }

  size(): number {
    return this.inode.size;
  }

  close(): void {
    this.call(`close ${this.path}`, () => undefined);
  }

  private store(position: number, bytes: Uint8Array, start: number, end: number): void {
    const { inode } = this;
    const stop = position + (end - start);
    if (stop > inode.size) inode.resize(stop);
    inode.bytes.set(bytes.subarray(start, end), position);
    for (let sector = Math.floor(position / SECTOR_SIZE); sector * SECTOR_SIZE < stop; sector++)
      inode.dirty.add(sector);
  }

  private call(what: string, body: () => void, partly: (() => void) | null = null): void {
    this.disk.call(what, body, partly, this.generation);
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
