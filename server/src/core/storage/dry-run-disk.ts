import type { Disk, FileHandle } from "./disk.js";

/** A change that was asked for and not made. */
export type PlannedChange =
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "truncate"; readonly path: string; readonly size: number }
  | { readonly kind: "makeDirectory" | "create"; readonly path: string }
  | { readonly kind: "rename"; readonly path: string; readonly to: string };

/**
 * A disk that is only read. Changes are noted instead of made, so that recovery can be run to see what it would do.
 * What is looked at afterwards is seen without removed files, and otherwise unchanged: enough for recovery, which reads
 * before it changes.
 */
export class DryRunDisk implements Disk {
  readonly changes: PlannedChange[] = [];
  private readonly removed = new Set<string>();

  constructor(private readonly disk: Disk) {}

  list(directory: string): string[] {
    return this.disk.list(directory).filter((name) => !this.removed.has(`${directory}/${name}`));
  }

  makeDirectory(directory: string): void {
    this.changes.push({ kind: "makeDirectory", path: directory });
  }

  exists(path: string): boolean {
    return !this.removed.has(path) && this.disk.exists(path);
  }

  size(path: string): number {
    return this.disk.size(path);
  }

  open(path: string, mode: "read" | "create" | "write"): FileHandle {
    if (mode === "create") this.changes.push({ kind: "create", path });
    return new DryRunFile(mode === "create" ? null : this.disk.open(path, "read"), path, this.changes);
  }

  rename(from: string, to: string): void {
    this.changes.push({ kind: "rename", path: from, to });
  }

  remove(path: string): void {
    this.changes.push({ kind: "remove", path });
    this.removed.add(path);
  }

  syncDirectory(): void {}
}

class DryRunFile implements FileHandle {
  constructor(
    private readonly file: FileHandle | null,
    private readonly path: string,
    private readonly changes: PlannedChange[],
  ) {}

  read(position: number, into: Uint8Array, start: number, end: number): number {
    return this.file?.read(position, into, start, end) ?? 0;
  }

  write(): void {}

  truncate(size: number): void {
    this.changes.push({ kind: "truncate", path: this.path, size });
  }

  sync(): void {}

  size(): number {
    return this.file?.size() ?? 0;
  }

  close(): void {
    this.file?.close();
  }
}
