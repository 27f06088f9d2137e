/**
 * The disk as the storage code sees it: a dozen blocking calls on absolute paths and handles. In production they are
 * system calls made in a worker of their own; the simulator and the crash tests put a disk of their own in their place,
 * which forgets what was not synced.
 *
 * Every call may throw {@link DiskError}. Rule D33: after a failed write or sync nothing is retried, the process ends.
 */
export interface Disk {
  /** File names in a directory, in no particular order. */
  list(directory: string): string[];
  /** Creates a directory and its missing parents; the parents' entries are durable on return. */
  makeDirectory(directory: string): void;
  exists(path: string): boolean;
  size(path: string): number;
  /** @param mode - `read`; `create` fails when the file exists; `write` opens an existing file for reading and writing */
  open(path: string, mode: "read" | "create" | "write"): FileHandle;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Makes the directory's entries (creations, renames, removals) durable. */
  syncDirectory(directory: string): void;
}

export interface FileHandle {
  /** @returns how many bytes were read; fewer than asked for only at the end of the file */
  read(position: number, into: Uint8Array, start: number, end: number): number;
  /** Writes all of the bytes or throws. */
  write(position: number, bytes: Uint8Array, start: number, end: number): void;
  truncate(size: number): void;
  /** fdatasync: data and size are durable on return. */
  sync(): void;
  size(): number;
  close(): void;
}
